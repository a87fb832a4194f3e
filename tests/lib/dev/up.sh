# Sourced by ./dev: the whole system, started and stopped.

# Domains that have an audit trail, each with a relay.
audited=(patient scheduling billing auth)

# ports FRONT: the addresses of this system.
ports() {
	http=$1 https=8443 patient=9000 billing=9001 kafka=19092
	if [[ -n $base ]]; then
		http=$base https=$((base + 1)) patient=$((base + 2)) billing=$((base + 3)) kafka=$((base + 4)) # and base + 5
	elif [[ $http != 8080 ]]; then
		https=$((http + 363))
	fi
}

# keep_if_same FILE: puts FILE.new in FILE's place, unless they are the same: its time tells when the content changed.
keep_if_same() {
	if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

write_conf() {
	cat >"$run/medicore.conf.new" <<-EOF
	; Written by ./dev up.
	[database]
	host = $sock
	port = 5432
	admin = postgres

	[web]
	state = $real/state

	[patientd]
	listen = 127.0.0.1:$patient

	[billingd]
	listen = 127.0.0.1:$billing

	[patient_service]
	target = 127.0.0.1:$patient

	[auth]
	url = http://127.0.0.1:$http
	programs_secret_file = $real/secret/programs
	keys = $real/keys

	[audit]
	spool = $real/spool
	key_file = $real/audit/key
	seal = $real/audit/seal

	[metrics]
	directory = $real/metrics

	[events]
	transport = $transport
	brokers = 127.0.0.1:$kafka
	socket = $sock/worker/events
	EOF
	keep_if_same "$run/medicore.conf"
}

write_env() {
	local brokers=
	[[ $transport == kafka ]] && brokers=127.0.0.1:$kafka
	(umask 077 && cat >"$run/env.new") <<-EOF
	MEDICORE_URL=http://127.0.0.1:$http
	MEDICORE_HTTPS_URL=https://127.0.0.1:$https
	MEDICORE_PATIENT_GRPC=127.0.0.1:$patient
	MEDICORE_BILLING_GRPC=127.0.0.1:$billing
	MEDICORE_ADMIN_EMAIL=$admin_email
	MEDICORE_ADMIN_PASSWORD=$(<"$real/secret/admin")
	MEDICORE_KAFKA=$brokers
	MEDICORE_PGHOST=$sock
	MEDICORE_PGPORT=5432
	EOF
	mv "$run/env.new" "$run/env"
}

start_postgres() {
	local bin=/usr/lib/postgresql/15/bin data=$real/postgres
	if [[ ! -e $data/PG_VERSION ]]; then
		say "making the database cluster"
		mkdir -p "$data"
		! root || chown postgres: "$data"
		as postgres "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >>"$run/log/postgres.log" 2>&1 ||
			die "initdb failed; see $run/log/postgres.log"
	fi
	mkdir -p "$sock/worker"
	! root || { chown postgres: "$sock" && chown $program_user: "$sock/worker"; }
	# A server that was killed and not reaped yet still seems to own the data, so it may take more than one start.
	until_true 30 postgres_runs "$bin" "$data" || die "PostgreSQL didn't start; see $run/log/postgres.log"
}

postgres_runs() {
	# Not in a session of its own with the rest: PostgreSQL's children end with it, or recover by themselves.
	service postgres "" $(rights_of postgres) "$1/postgres" -D "$2" -k "$sock" -p 5432 -c listen_addresses= \
		-c max_connections=200
	as postgres "$1/pg_isready" -q -h "$sock" -p 5432
}

start_kafka() {
	if [[ $transport != kafka ]]; then
		service_stop kafka
		return
	fi
	alive kafka && return
	say "starting Kafka (the first time its jars are fetched)"
	"$top/tests/lib/kafka/kafka-up" "$real/kafka" "$kafka" >>"$run/log/kafka.log" 2>&1 || die "Kafka didn't start; see $run/log/kafka.log"
	remember kafka "$(cat "$real/kafka/kafka.pid")" kafka
}

# The program's file where its user can reach it: a checkout in a private directory has a copy below run/.
reachable() {
	local exe=$build/$1
	if ! as $program_user test -x "$exe"; then
		mkdir -p "$real/bin"
		cmp -s "$exe" "$real/bin/$1" || { cp -p "$exe" "$real/bin/$1.new" && mv "$real/bin/$1.new" "$real/bin/$1"; }
		exe=$real/bin/$1
	fi
	echo "$exe"
}

# fcgi NAME [USER]: two processes, for the sake of crashes.  spawn-fcgi makes the socket, multiwatch holds it and starts again what ends,
# so that a restart of the program loses no request.
fcgi() {
	local exe owner=()
	exe=$(reachable "medicore-$1.fcgi")
	! root || owner=(-u "${2:-$program_user}" -g "$(id -gn $program_user)" -U $httpd_user -G $httpd_user)
	alive "$1" || rm -f "$sock/$1"
	service "$1" "$(stat -Lc '%Y %s' "$exe" "$run/medicore.conf")" spawn-fcgi -n -s "$sock/$1" -M 0660 "${owner[@]}" -- \
		"$(command -v multiwatch)" -f 2 -- "$exe" --config "$real/medicore.conf"
}

program() {
	local name=$1 exe
	exe=$(reachable "$2")
	shift 2
	service "$name" "$(stat -Lc '%Y %s' "$run/medicore.conf")" $(rights_of $program_user) "$exe" "$@" --config "$real/medicore.conf"
}

# The program that signs tokens runs as a user of its own, which alone can read the keys, with the programs' group.
auth_user=daemon
admin_email=admin@example.org

# What auth needs before it starts: keys that sign, and what the programs know it by.
make_secrets() {
	mkdir -p "$real/keys" "$real/secret"
	! root || chown $auth_user: "$real/keys"
	chmod 700 "$real/keys"
	[[ -e $real/secret/programs ]] || (umask 077 && openssl rand -hex 32 >"$real/secret/programs")
	! root || chown "root:$(id -gn $program_user)" "$real/secret/programs"
	chmod 440 "$real/secret/programs"
	compgen -G "$real/keys/*.jwk" >/dev/null || "$build/medicore" --config "$run/medicore.conf" keys rotate >>"$run/log/migrate.log" 2>&1 ||
		die "no key to sign with could be made; see $run/log/migrate.log"
}

# The first ADMIN, with a password that only run/env tells.
make_admin() {
	local medicore=("$build/medicore" --config "$run/medicore.conf" user) password=$real/secret/admin
	[[ ! -e $password ]] || return 0
	(umask 077 && openssl rand -base64 18 >"$password.new")
	"${medicore[@]}" add $admin_email --name "The administrator" --role ADMIN --password-file "$password.new" >/dev/null 2>>"$run/log/migrate.log" ||
		"${medicore[@]}" passwd $admin_email --password-file "$password.new" >/dev/null 2>>"$run/log/migrate.log" ||
		die "the first account could not be made; see $run/log/migrate.log"
	mv "$password.new" "$password"
}

# Relays run as a user of their own, which alone can read the audit key, with the programs' group.
relay_user=bin

# Where programs note what is read or changed, and what the relays keep of it outside the databases.
make_audit() {
	local domain
	mkdir -p "$real/spool" "$real/audit/seal"
	[[ -e $real/audit/key ]] || (umask 077 && openssl rand -hex 32 >"$real/audit/key")
	for domain in "${audited[@]}"; do
		mkdir -p "$real/spool/$domain"
		! root || chown "$relay_user:$(id -g $program_user)" "$real/spool/$domain"
		chmod 3770 "$real/spool/$domain"
	done
	! root || chown -R $relay_user: "$real/audit"
	chmod 700 "$real/audit"
}

# Where programs count: each makes a file that the others can read.
make_metrics() {
	mkdir -p "$real/metrics"
	! root || chown "root:$(id -g $program_user)" "$real/metrics"
	chmod 3770 "$real/metrics"
}

# relay DOMAIN
relay() {
	local exe rights=
	exe=$(reachable medicore-relay)
	! root || rights="setpriv --reuid=$relay_user --regid=$(id -g $program_user) --clear-groups --no-new-privs --"
	service "relay-$1" "$(stat -Lc '%Y %s' "$run/medicore.conf")" $rights "$exe" "$1" --config "$real/medicore.conf"
}

start_httpd() {
	local other=apache
	[[ $httpd == apache ]] && other=lighttpd
	service_stop $other
	mkdir -p "$real/httpd" "$real/tls"
	if [[ ! -e $real/tls/key.pem ]]; then
		(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
			-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$real/tls/key.pem" -out "$real/tls/cert.pem" 2>/dev/null)
		cat "$real/tls/key.pem" "$real/tls/cert.pem" >"$real/tls/both.pem" && chmod 640 "$real/tls/both.pem"
		! root || chgrp $httpd_user "$real/tls/both.pem" # a reload of lighttpd reads it without root's rights
	fi
	cp -p "$top"/httpd/lighttpd/*.lua "$real/httpd/"
	"$top/httpd/configure" "$httpd" http=$http https=$https engine="${MEDICORE__WEB__ENGINE:-loop}" sockets="$sock" tls="$real/tls" state="$real/httpd" here="$real/httpd" \
		static="$real/static" user="$(root && echo $httpd_user || id -un)" log="$real/log/access.log" >"$real/httpd/$httpd.conf.new"
	touch "$real/log/access.log" # which lighttpd opens without root's rights
	! root || chown $httpd_user: "$real/log/access.log"
	keep_if_same "$real/httpd/$httpd.conf"
	mkdir -p "$real/static/errors"
	cp "$top"/httpd/apache/errors/* "$real/static/errors/"
	cp "$build/openapi.json" "$real/static/"
	if [[ $httpd == apache ]]; then
		service apache "" "$top/tests/lib/outweigh" /usr/sbin/apache2 -f "$real/httpd/apache.conf" -D FOREGROUND
	else
		service lighttpd "" /usr/sbin/lighttpd -D -f "$real/httpd/lighttpd.conf"
	fi
}

ready() {
	local name
	for name in auth patient scheduling billing documents; do
		until_true 20 curl -fsS "http://127.0.0.1:$http/health/$name/ready" ||
			die "$name isn't ready: $(curl -sS "http://127.0.0.1:$http/health/$name/ready" 2>&1); see $run/log/$name.log and $run/log/$httpd.log"
	done
	until_true 20 eval ": </dev/tcp/127.0.0.1/$patient && : </dev/tcp/127.0.0.1/$billing" || : # what ended is named below
	for name in patientd billingd billing-worker "${audited[@]/#/relay-}"; do
		alive $name || die "$name ended: $(tail -n 3 "$run/log/$name.log")"
	done
}

load_demo() {
	[[ ! -e $run/.demo ]] || return 0
	say "loading the demonstration population"
	local medicore=("$build/medicore" --config "$run/medicore.conf" import)
	"${medicore[@]}" services "$top/demo/services.csv" >&2 &&
		"${medicore[@]}" patients "$top/demo/patients.csv" --visits "$top/demo/encounters.csv" >&2 &&
		"${medicore[@]}" appointments "$top/demo/encounters.csv" --without PROVIDER >&2 || die "the demonstration population could not be loaded"
	touch "$run/.demo"
}

dev_up() {
	local transport=direct httpd=apache demo=yes front=8080 domain
	while (($#)); do
		case $1 in
		--kafka) transport=kafka ;;
		--lighttpd) httpd=lighttpd ;;
		--no-demo) demo=no ;;
		--port)
			front=${2:-}
			[[ $front =~ ^[0-9]{1,5}$ ]] && ((front > 0 && front < 65173)) || die "--port takes a number up to 65172"
			shift
			;;
		*) usage >&2 && exit 2 ;;
		esac
		shift
	done
	ports "$front"
	packages_need "${packages_build[@]}" "${packages_run[@]}"
	[[ $transport != kafka ]] || packages_need "${packages_kafka[@]}"
	[[ -n ${MEDICORE_DEV_BUILD:-} && -e $build/Makefile ]] || build_make
	run_make
	mkdir -p "$real/state" && chmod 1777 "$real/state" # each program makes a file there, by its own user
	write_conf
	start_postgres
	start_kafka
	make_audit
	make_metrics
	make_secrets
	"$build/medicore" --config "$run/medicore.conf" migrate --migrations "$top/db" >>"$run/log/migrate.log" 2>&1 ||
		{ tail -3 "$run/log/migrate.log" >&2; die "the databases could not be brought up to date"; }
	make_admin
	fcgi auth $auth_user
	program patientd medicore-patientd
	program billingd medicore-billingd
	fcgi patient
	fcgi scheduling
	fcgi billing
	fcgi documents
	program billing-worker medicore-billing-worker
	for domain in "${audited[@]}"; do relay "$domain"; done
	start_httpd
	ready
	write_env
	[[ $demo == no ]] || load_demo
	cat <<-EOF
	MediCore is up.
	  REST        http://127.0.0.1:$http  (https on $https)     curl http://127.0.0.1:$http/patients?limit=3
	  OpenAPI     http://127.0.0.1:$http/openapi.json
	  gRPC        127.0.0.1:$patient patient.PatientService, 127.0.0.1:$billing billing.BillingService
	  events      $([[ $transport == kafka ]] && echo "Kafka at 127.0.0.1:$kafka" || echo "direct, without a broker")
	  addresses   $run/env, for scripts
	  operator    ./dev medicore check
	  account     $admin_email, an ADMIN, with the password in $run/env
	EOF
}

dev_down() {
	local name
	[[ ${1:-} == "" || ${1:-} == --wipe ]] || { usage >&2 && exit 2; }
	[[ -e $run ]] || return 0
	run_make
	for name in apache lighttpd "${audited[@]/#/relay-}" billing-worker patient scheduling billing documents auth billingd patientd kafka; do
		service_stop $name
	done
	service_stop postgres INT
	if [[ ${1:-} == --wipe ]]; then
		rm -rf -- "$real" "$sock"
		rm -rf -- "$run"
	fi
}
