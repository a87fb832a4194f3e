# Sourced by ./dev: processes by name, each a session of its own, with run/pid/NAME.pid and run/log/NAME.log.

# A process is known by its id and the moment it started, so that a reused id is not mistaken for ours.
started_at() { cut -d')' -f2- "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

alive() {
	local pid at
	read -r pid <"$run/pid/$1.pid" || return 1
	read -r at _ <"$run/pid/.$1" || return 1
	[[ -n $pid && $(started_at "$pid") == "$at" ]]
} 2>/dev/null

# remember NAME PID SIGNATURE: the signature is what service() compares to tell whether the same is wanted again.
remember() {
	echo "$2" >"$run/pid/$1.pid"
	echo "$(started_at "$2") $3" >"$run/pid/.$1"
}

signature() { printf '%s\n' "$@" | cksum | tr ' ' -; }

# wanted NAME SIGNATURE: true where it has to be started; one that runs otherwise than wanted is stopped first.
wanted() {
	local had
	if alive "$1"; then
		read -r _ had <"$run/pid/.$1"
		[[ $had != "$2" ]] || return 1
		say "restarting $1"
		service_stop "$1"
	fi
}

# service NAME EXTRA COMMAND…: starts it unless it runs with the same command, program file and EXTRA.  As a unit of systemd would, with
# SCHED_BATCH (systemd/hardened).
service() {
	local name=$1 sig
	sig=$(signature "${@:2}" "$(for f in "${@:3}"; do [[ ! -f $f ]] || stat -Lc '%Y %s' "$f"; done)")
	shift 2
	wanted "$name" "$sig" || return 0
	service_stop "$name" # what a killed supervisor may have left
	(cd "$real" && exec setsid chrt -b 0 "$@") >>"$run/log/$name.log" 2>&1 </dev/null &
	remember "$name" $! "$sig"
}

# service_stop NAME [SIGNAL]: the whole session, so that children of a supervisor that was killed go too.
service_stop() {
	local pid
	read -r pid 2>/dev/null <"$run/pid/$1.pid" || return 0
	if alive "$1"; then
		kill "-${2:-TERM}" "$pid" 2>/dev/null || :
		until_true 15 eval "! alive $1" || kill -KILL "$pid" 2>/dev/null || :
	fi
	[[ $1 == postgres ]] || kill -KILL -- "-$pid" 2>/dev/null || : # children that outlived their parent
	rm -f "$run/pid/$1.pid" "$run/pid/.$1"
}

services_status() {
	local f name
	for f in "$run"/pid/*.pid; do
		[[ -e $f ]] || { echo "nothing runs; ./dev up starts it"; return 0; }
		name=$(basename "$f" .pid)
		if alive "$name"; then printf '%-20s %s\n' "$name" "$(cat "$f")"; else printf '%-20s died\n' "$name"; fi
	done
}
