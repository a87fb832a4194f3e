# Sourced by ./dev: what Debian 12 has to offer, installed when it isn't there.

packages_build=(gcc make autoconf automake autoconf-archive pkg-config libc6-dev libfcgi-dev libpq-dev libjson-c-dev
	libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libgrpc-dev librdkafka-dev libinih-dev libutf8proc-dev
	libssl-dev libcjose-dev libjansson-dev libcurl4-openssl-dev libsodium-dev libcrypt-dev libpango1.0-dev check)
packages_run=(fonts-dejavu-core fonts-lohit-deva fonts-droid-fallback postgresql-15 apache2-bin lighttpd lighttpd-mod-openssl lighttpd-modules-lua spawn-fcgi multiwatch curl openssl tzdata)
packages_kafka=(openjdk-17-jre-headless maven kcat)
packages_test=(procps iproute2 xz-utils python3 python3-venv python3-pytest python3-pytest-xdist python3-jsonschema python3-yaml python3-grpcio python3-grpc-tools python3-psycopg2
	systemd strace apache2 python3-jwt python3-pygal python3-cryptography python3-h2 poppler-utils libfcgi-bin mandoc wrk nghttp2-client
	debhelper debootstrap lintian clang libclang-rt-14-dev valgrind prometheus)

# Of the long forms: the Dockerfile's image is built on a bare Debian.
packages_long=(buildah debootstrap)

# grpcurl is built from its source; any Go will do.
command -v go >/dev/null || packages_test+=(golang-go)

# packages_need NAME…: installs those that are missing; says so, since it takes a while.
packages_need() {
	local missing=() name
	for name in "$@"; do
		[[ $(dpkg-query -Wf '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
	done
	((${#missing[@]})) || return 0
	root || die "these packages are missing; as root: apt-get install ${missing[*]}"
	say "installing ${missing[*]}"
	mkdir -p "$build"
	# No service may start by itself: ours run below run/, on ports of their own.
	DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 bash -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"' - "${missing[@]}" \
		>>"$build/packages.log" 2>&1 || { tail -20 "$build/packages.log" >&2; die "apt-get failed; see $build/packages.log"; }
}

# grpcurl, in the build tree: Debian has no package of it.
grpcurl_build() {
	[[ -x $build/tools/grpcurl ]] && return
	say "building grpcurl"
	GOBIN=$build/tools GOFLAGS=-modcacherw go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.8.7 >>"$build/packages.log" 2>&1 ||
		die "grpcurl could not be built; see $build/packages.log"
}

# schemathesis, in the build tree likewise.
schemathesis_build() {
	local venv=$build/tools/schemathesis
	[[ -e $venv/installed ]] && return
	say "installing schemathesis"
	/usr/bin/python3 -m venv "$venv" >>"$build/packages.log" 2>&1 && "$venv/bin/python" -m pip install -q schemathesis==4.32.5 >>"$build/packages.log" 2>&1 ||
		die "schemathesis could not be installed; see $build/packages.log"
	touch "$venv/installed"
}
