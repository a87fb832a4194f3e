# Sourced by ./dev: where things are, and how it speaks.
#
# MEDICORE_DEV_RUN (a directory) and MEDICORE_DEV_BASE (the first of six ports) give a second system beside the one in run/: the tests
# use that.  MEDICORE_DEV_BUILD is the build tree.

run=${MEDICORE_DEV_RUN:-$top/run}
build=${MEDICORE_DEV_BUILD:-$top/build}
base=${MEDICORE_DEV_BASE:-}

if [[ -t 2 ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold= plain=; fi
say() { printf '%s\n' "${bold}medicore:${plain} $*" >&2; }
die() {
	printf '%s\n' "medicore: $*" >&2
	exit 1
}

# until_true SECONDS COMMAND…: waits for a condition; false when it didn't come true in time.
until_true() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < deadline)) || return 1
		read -rt 0.05 <> <(:) || :
	done
}

root() { [[ $EUID == 0 ]]; }

# The words to put before a command that shall run with that user's rights and no more; none where we aren't root.
rights_of() { if root; then echo "setpriv --reuid=$1 --regid=$(id -g "$1") --init-groups --no-new-privs --"; fi; }

as() {
	local rights
	read -ra rights <<<"$(rights_of "$1")"
	shift
	"${rights[@]}" "$@"
}

# The programs' user, and the web server's: neither owns a file of the checkout.
program_user=nobody
httpd_user=www-data

# Makes $run.  PostgreSQL and the programs run without root's rights, so it must be reachable for them: where the checkout lies in a private
# directory (/root, say), run/ is a link to a place that isn't.  Unix sockets' paths hold 107 bytes, so they may have to lie elsewhere too.
run_make() {
	local id
	id=$(printf %s "$run" | cksum | cut -d' ' -f1)
	if [[ ! -e $run ]]; then
		mkdir -p "$(dirname "$run")"
		if root && ! as $program_user test -x "$(dirname "$run")"; then
			mkdir -p "/var/lib/medicore-dev-$id"
			ln -sfn "/var/lib/medicore-dev-$id" "$run"
		else
			mkdir -p "$run"
		fi
	fi
	real=$(cd "$run" && pwd -P)
	sock=$real/sock
	((${#sock} <= 70)) || sock=/tmp/medicore-dev-$id
	mkdir -p "$real/pid" "$real/log" "$real/tmp" "$sock"
	chmod 755 "$real" "$sock"
}
