#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make test`: the analyzers, unit and parity tests, the same with sanitizers, a short run of the fuzz targets, the
# network tests, then scenes in virtual machines. Ends with one line that counts test cases.
# ONLY=lint|unit|sanitize|fuzz|net|vm runs one part, ONLY=package the one that make test leaves out, since it
# takes packages from the network; VM=all runs the scenes that take long, too;
# TEST=NAME runs one program or script of a part, JOBS=N programs at a time [2 for each
# core], LANES=N network tests at a time at most [2 for each core].
#
# Needs root (namespaces, BPF) and a built $BUILD.
set -u
cd "$(dirname "$0")/.." || exit
export BUILD=${BUILD:-build} ONLY=${ONLY:-} TEST=${TEST:-}
JOBS=${JOBS:-$(($(nproc) * 2))}
LANES=${LANES:-$(($(nproc) * 2))}
BUILD=$(readlink -f "$BUILD")
PATH=/usr/bin:/usr/sbin:/bin:/sbin
passed=0 failed=0 skipped=0
slow=$(mktemp) # "SECONDS NAME" of each test

# count FILE STATUS NAME: adds the TAP lines of a file. A program that failed without a failed
# case (a crash, a leak, no case at all) counts as one.
count() {
	local ok bad skip
	skip=$(grep -cE '^(ok|not ok) .*# *SKIP' "$1")
	ok=$(($(grep -cE '^ok ' "$1") - skip))
	bad=$(grep -E '^not ok ' "$1" | grep -vcE '# *(SKIP|TODO)')
	if [ "$2" != 0 ] && [ "$bad" = 0 ]; then
		echo "!! $3: exit status $2"
		bad=1
	fi
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

# took START: seconds since then.
took() {
	awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'
}

# part NAME WORDS: whether it is wanted. Notes when it began: the table at the end tells how long each took.
parts=()
part() {
	[ -z "$ONLY" ] || [ "$ONLY" = "$1" ] || return 1
	parts+=("$1 $EPOCHREALTIME")
	printf '\n=== %s\n' "$2"
}

# programs DIR: runs the test programs that meson knows, JOBS at a time: most of them wait most of
# the time (for the kernel's RCU, for timers). The longest come first.
programs() {
	local name status took log
	mkdir -p "$1/meson-logs"
	while IFS=$'\t' read -r name status took; do
		log=$1/meson-logs/$name.tap
		printf '%7.1f %s\n' "$took" "$name${1#"$BUILD"}" >>"$slow"
		if [ "$status" = 0 ]; then
			printf 'ok    %-24s %5s s\n' "$name" "$took"
		else
			printf 'FAIL  %-24s %5s s\n' "$name" "$took"
			tail -n 40 "$log"
		fi
		count "$log" "$status" "$name"
	done < <(meson introspect --tests "$1" | /usr/bin/python3 tests/programs.py "$1" "$JOBS" ${TEST:+"$TEST"})
}

# wanted SCRIPT: whether TEST names it, or nothing.
wanted() {
	[ -z "$TEST" ] || [ "$TEST" = "$(basename "$1" .sh)" ]
}

# header SCRIPT NAME: the words of a line "# NAME: ..." there; - if there is none.
header() {
	local words
	words=$(sed -n "/^# $2:/{s/^# $2: *//p;q}" "$1")
	echo "${words:--}"
}

# log_of SCRIPT WORD: where its output goes. WORD tells its runs apart.
log_of() {
	echo "$BUILD/meson-logs/$(basename "$1" .sh).$2.tap"
}

# script SECONDS SCRIPT WORD: runs one, for so long at most, and prints its output when it ends.
script() {
	local log start=$EPOCHREALTIME status
	log=$(log_of "$2" "$3")
	timeout "$1" "$2" >"$log" 2>&1 </dev/null
	status=$?
	[ "$status" != 77 ] || status=0
	echo "$status" >"$log.status"
	(
		flock 9
		printf -- '--- %s %s\n' "$2" "${3#-}"
		cat "$log"
		printf -- '--- %s s\n' "$(took "$start")"
		printf '%7.1f %s %s\n' "$(took "$start")" "$2" "${3#-}" >>"$slow"
	) 9>"$BUILD/meson-logs/lock"
}

# counted SCRIPT WORD: counts what script() has run.
counted() {
	local log
	log=$(log_of "$1" "$2")
	count "$log" "$(cat "$log.status")" "$1"
}

# cpu_ticks: of all cores since boot: idle, and in all.
cpu_ticks() {
	awk '/^cpu / { print $5 + $6, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9; exit }' /proc/stat
}

# idle_percent SECONDS: of all cores, in that time.
idle_percent() {
	local idle all idle_then all_then
	read -r idle_then all_then < <(cpu_ticks)
	sleep "$1"
	read -r idle all < <(cpu_ticks)
	echo $((100 * (idle - idle_then) / (all - all_then + 1)))
}

# lane LANES: returns when there is room for one more test. Beyond one for each core, only while half of the
# CPU time is left over: where checks come late, tests of them fail.
lane() {
	while [ "$(jobs -rp | wc -l)" -ge "$1" ]; do wait -n; done
	while [ "$1" -gt 1 ] && [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ] && [ "$(idle_percent 4)" -lt 50 ]; do :; done
}

# longest_first SCRIPT ...: by the seconds that their headers give as "takes", if it is long.
longest_first() {
	local file takes
	for file; do
		takes=$(header "$file" takes)
		echo "${takes/#-/0} $file"
	done | sort -k1,1nr -k2 | cut -d' ' -f2
}

# The network tests, each on the paths that its header names. First those whose header says "alone",
# since they measure; then the others, LANES at a time: most of them wait most of the time.
scripts() {
	local file path lanes
	for lanes in 1 "$LANES"; do
		for file in $(longest_first tests/net/*.sh); do
			[ -x "$file" ] || continue # sourced by the others
			wanted "$file" || continue
			[ "$([ "$(header "$file" alone)" = - ] && echo "$LANES" || echo 1)" = "$lanes" ] || continue
			for path in $(header "$file" paths); do
				lane "$lanes"
				LAB_PATH=$path script 480 "$file" "$path" &
			done
		done
		wait
		[ "$LANES" != 1 ] || break
	done
	for file in tests/net/*.sh; do
		[ -x "$file" ] && wanted "$file" || continue
		for path in $(header "$file" paths); do
			counted "$file" "$path"
		done
	done
}

# The scenes in virtual machines: what the header's "guests" names, and with VM=all what "more" names.
scenes() {
	local file guest
	for file in tests/vm/*.sh; do
		[ -x "$file" ] || continue
		wanted "$file" || continue
		for guest in $(header "$file" guests) $([ "${VM:-}" != all ] || header "$file" more); do
			[ "$guest" != - ] || continue
			GUEST=$guest script 1200 "$file" "$guest"
			counted "$file" "$guest"
		done
	done
}

[ "$(id -u)" = 0 ] || { echo "tests: not root: the tests make network namespaces and load BPF programs" >&2; exit 1; }

if part lint "analyzers and the own rules"; then
	mkdir -p "$BUILD/meson-logs"
	tests/lint/run.sh | tee "$BUILD/meson-logs/lint.tap"
	count "$BUILD/meson-logs/lint.tap" "${PIPESTATUS[0]}" lint
fi
if part unit "unit and parity tests"; then
	programs "$BUILD"
fi
if part sanitize "the same with AddressSanitizer and UndefinedBehaviorSanitizer"; then
	tests/setup.sh build "$BUILD-sanitize" -Db_sanitize=address,undefined -Db_lundef=false || exit 1
	export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	PARITY_COUNT=${PARITY_COUNT:-20000} programs "$BUILD-sanitize"
fi
if part fuzz "fuzz targets, for a few seconds each"; then
	CC=clang tests/setup.sh build "$BUILD-fuzz" -Dfuzz=true -Db_sanitize=address,undefined \
		-Db_lundef=false -Ddpdk=disabled -Dxdp=disabled || exit 1
	mkdir -p "$BUILD/meson-logs"
	tests/fuzz/run.sh short "$BUILD-fuzz" | tee "$BUILD/meson-logs/fuzz.tap"
	count "$BUILD/meson-logs/fuzz.tap" "${PIPESTATUS[0]}" fuzz
fi
if part net "network tests"; then
	unset ASAN_OPTIONS UBSAN_OPTIONS
	scripts
fi
if part vm "scenes in virtual machines"; then
	unset ASAN_OPTIONS UBSAN_OPTIONS
	scenes
fi
if [ "$ONLY" = package ] && part package "Debian packages"; then
	unset ASAN_OPTIONS UBSAN_OPTIONS
	tests/setup.sh deps package || exit 1
	script 1200 tests/package/run.sh debs
	counted tests/package/run.sh debs
	for path in $(header tests/package/package.sh paths); do
		LAB_PATH=$path script 480 tests/package/package.sh "$path"
		counted tests/package/package.sh "$path"
	done
fi

# times: how long each part took, and the tests that took the longest.
times() {
	local i name began ended
	parts+=("end $EPOCHREALTIME")
	printf '\n=== seconds by part\n'
	for ((i = 0; i + 1 < ${#parts[@]}; i++)); do
		read -r name began <<<"${parts[i]}"
		read -r _ ended <<<"${parts[i + 1]}"
		awk -v n="$name" -v a="$began" -v b="$ended" 'BEGIN { printf "%-10s %7.1f\n", n, b - a }'
	done
	printf '\n=== the ten slowest tests\n'
	sort -k1,1nr "$slow" | head -n 10
	rm -f "$slow"
}
times

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
