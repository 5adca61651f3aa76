#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make run`: brings up the lab, starts sluiced in it, sends real HTTP through it and shows what
# happens while backends change. Exit status 0 only if nothing failed that shouldn't.
#
#   DATAPLANE=dpdk|xdp   the fast path             KEEP=1   leave the lab up
set -u
here=$(dirname "$(readlink -f "$0")")
export LAB_PATH=${DATAPLANE:-dpdk} LAB=${LAB:-sluice-run$$}
BUILD=$(readlink -f "${BUILD:-$here/../../build}")
# shellcheck source=lab.sh
. "$here/lab.sh"
# shellcheck source=sluice.sh
. "$here/sluice.sh"
# shellcheck source=load.sh
. "$here/load.sh"

wrong=0
requests=0 failed=0 underway=0
start=$EPOCHREALTIME

say() {
	printf '\n\033[1m%s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi
}

problem() {
	printf '  !! %s\n' "$*"
	wrong=$((wrong + 1))
}

# tally FILE: adds a file of requests to the sums.
tally() {
	local f u
	read -r f u < <(load_failed "$LAB_DIR/changes" <"$1")
	requests=$((requests + $(wc -l <"$1")))
	failed=$((failed + f - u))
	underway=$((underway + u))
}

# Requests to a service, and how they spread: every backend has to get its share.
show_spread() {
	local service=$1 count=$2 file=$LAB_DIR/spread.$1 n share
	say "$count requests to $service: $(lab_url "$service")"
	load_requests "$(lab_url "$service")" "$count" >"$file"
	load_spread <"$file"
	tally "$file"
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		share=$(load_count "b$n" <"$file")
		# A third each; 1 in 10^6 runs is off by more than 5 standard deviations.
		[ "$share" -gt $((count / LAB_BACKENDS * 7 / 10)) ] ||
			problem "b$n answered only $share of $count"
	done
}

# change "SLUICECTL WORDS" BACKEND none|some: under load, then what the backend got from then on.
change() {
	local words=$1 backend=$2 expect=$3 at count
	say "sluicectl $words"
	echo "$EPOCHREALTIME" >>"$LAB_DIR/changes"
	# shellcheck disable=SC2086 # words
	lab_ctl $words || problem "sluicectl $words: exit status $?"
	at=$EPOCHREALTIME
	echo "$at" >>"$LAB_DIR/changes"
	sleep 3
	load_phase "$LAB_DIR/steady" "$at" 400 "$LAB_DIR/phase" || problem "only $(wc -l <"$LAB_DIR/phase") requests in 30 s"
	load_spread <"$LAB_DIR/phase"
	count=$(load_count "$backend" <"$LAB_DIR/phase")
	case $expect in
	none) [ "$count" = 0 ] || problem "$backend answered $count requests that began after" ;;
	some) [ "$count" -gt 0 ] || problem "$backend answered none" ;;
	esac
}

look_around() {
	cat <<-TEXT

		The lab is up. To look around:
		  $BUILD/ctl/cli/sluicectl --socket $LAB_DIR/lb.sock show backends
		  LAB=$LAB tests/lab/lab.sh names
		  LAB=$LAB tests/lab/lab.sh exec client curl $(lab_url v4-ipip)
		  LAB=$LAB tests/lab/lab.sh exec lb bash
		  less $LAB_DIR/sluiced-lb.log
		and to remove it:
		  LAB=$LAB tests/lab/lab.sh down
	TEXT
}

finish() {
	local status=$?
	trap - EXIT INT TERM
	[ ! -e "$LAB_DIR" ] || touch "$LAB_DIR/load.stop" 2>/dev/null
	if [ -n "${KEEP:-}" ] && [ "$status" != 130 ]; then
		look_around
	else
		lab_down
	fi
	exit "$status"
}

demo() {
	say "The lab: client - fabric - lb - three backends, each in a namespace of its own"
	trap finish EXIT
	trap 'exit 130' INT TERM
	lab_up && lab_start lb || exit 1
	lab_ctl show dataplane
	: >"$LAB_DIR/changes"
	show_spread v4-ipip 300
	show_spread v6-gue 300
	load_start "$(lab_url v4-ipip)" "$LAB_DIR/steady"
	sleep 1
	change "backend set v4-ipip b1 weight 0" b1 none
	change "backend set v4-ipip b1 weight 100" b1 some
	change "backend disable v4-ipip b2" b2 none
	change "backend enable v4-ipip b2" b2 some
	load_stop
	tally "$LAB_DIR/steady"
	say "Packets by verdict"
	lab_ctl show counters
	say "$requests requests, $failed failed; $underway more were under way to a backend when it was changed"
	printf 'in %.0f s\n' "$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')"
	[ "$requests" -gt 1000 ] || problem "only $requests requests were made"
	[ "$failed" = 0 ] || problem "$failed requests failed"
	[ "$wrong" = 0 ]
}

demo
