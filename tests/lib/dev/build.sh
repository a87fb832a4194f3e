# Sourced by ./dev: the build tree.

# build_make [CONFIGURE-OPTION…]: configures where that has to be, then makes.
build_make() {
	local log=$build/build.log
	mkdir -p "$build"
	if [[ ! -x $top/configure || $top/configure.ac -nt $top/configure || $top/Makefile.am -nt $top/Makefile.in ]]; then
		(cd "$top" && autoreconf -fi) >"$log" 2>&1 || { tail -20 "$log" >&2; die "autoreconf failed; see $log"; }
	fi
	if [[ ! -e $build/Makefile || $(cat "$build/configured" 2>/dev/null) != "$*" ]]; then
		say "configuring"
		(cd "$build" && "$top/configure" -q --prefix="$build/install" "$@") >"$log" 2>&1 || { tail -20 "$log" >&2; die "configure failed; see $log"; }
		echo "$*" >"$build/configured"
	fi
	[[ -e $build/medicore ]] || say "building (a minute or two)"
	make -C "$build" -s -j"$(nproc)" >>"$log" 2>&1 || { grep -E 'error|warning|\*\*\*' "$log" | head -20 >&2; die "make failed; see $log"; }
}
