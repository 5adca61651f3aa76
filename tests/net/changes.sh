#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# 1,000 single changes a second, under load: they become fewer generations, none is lost, no request
# fails, and no worker stalls. The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=changes-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/load.sh"

SERVICE=v4-ipip
RATE=1000
SECONDS_N=5

field() {
	jq -r "$1" "$LAB_DIR/rate.json"
}

generation() {
	lab_ctl --json show generation | jq .generation
}

# How long sluiced's own thread has run, in user and kernel mode.
cpu_ms() {
	local pid
	pid=$(cat "$LAB_DIR/sluiced-lb.pid")
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hz) }' \
		"/proc/$pid/task/$pid/stat"
}

# The largest time between two bursts of a worker in the last second or two, in µs.
gap_us() {
	lab_ctl --json show dataplane | jq '[.workers[].burst_gap_recent_ns] | max / 1000 | floor'
}

# gaps FILE: one figure each half second, until the file "gaps.stop" is there.
gaps() {
	rm -f "$LAB_DIR/gaps.stop"
	while [ ! -e "$LAB_DIR/gaps.stop" ]; do
		gap_us
		sleep 0.5
	done >"$1"
}

# The weights that the last changes asked for: in force, and in the state file.
last() {
	field '.last | to_entries | sort_by(.key) | from_entries | tojson'
}

in_force_is_last() {
	[ "$(lab_ctl --json show backends "$SERVICE" |
		jq -c '[.backends[] | {key: .name, value: .weight}] | from_entries')" = "$(last)" ]
}

state_is_last() {
	[ "$(jq -c '[.services[].backends[] | {key: .name, value: .keys[0].now}] | from_entries' \
		"$LAB_DIR/lb.state" 2>/dev/null)" = "$(last)" ]
}

largest() {
	sort -n "$1" | tail -1
}

# median FILE: of its lines.
median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

trap 'touch "$LAB_DIR/load.stop" "$LAB_DIR/gaps.stop" 2>/dev/null; [ "$LAB_PATH" != xdp ] || lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
load_start "$(lab_url "$SERVICE")" "$LAB_DIR/steady"
load_phase "$LAB_DIR/steady" 0 100 "$LAB_DIR/during"
[ "$LAB_PATH" = xdp ] || {
	gaps "$LAB_DIR/gaps.before" &
	sleep 3
	touch "$LAB_DIR/gaps.stop"
	wait $!
	gaps "$LAB_DIR/gaps.during" &
	gaps_pid=$!
}
before=$(generation) cpu_before=$(cpu_ms)
at=$EPOCHREALTIME
"$here/rate.py" "$LAB_DIR/lb.sock" "$SERVICE" 3 "$RATE" "$SECONDS_N" 3 >"$LAB_DIR/rate.json"
after=$(generation) cpu=$(($(cpu_ms) - cpu_before))
touch "$LAB_DIR/gaps.stop"
[ "$LAB_PATH" = xdp ] || wait "$gaps_pid"
load_phase "$LAB_DIR/steady" "$at" 200 "$LAB_DIR/during"
load_stop
note "$(cat "$LAB_DIR/rate.json")"
[ "$(field .sent)" = $((RATE * SECONDS_N)) ] && [ "$(field .answered)" = "$(field .sent)" ] &&
	[ "$(field .errors)" = 0 ] && [ "$(field .out_of_order)" = 0 ]
report $? "$(field .answered) changes of $(field .sent) answered, in order, $(field .errors) errors"
# How many it makes a second depends on who else wants the cores; how much of one it needs doesn't.
[ "$cpu" -gt 0 ] && [ "$cpu" -lt $((SECONDS_N * 1000)) ]
report $? "... at $(field .rate) a second, $(field '.latency_ms[0]') ms each, $(field '.latency_ms[1]') at p99; sluiced's thread ran for $cpu ms"
[ $((after - before)) -lt $((RATE * SECONDS_N * 7 / 10)) ] && [ "$(field .generations)" -le $((after - before)) ]
report $? "... in $((after - before)) generations"
in_force_is_last
report $? "... and the last ones are in force"
lab_within 10 state_is_last
lab_kill sluiced-lb KILL
lab_start lb
in_force_is_last
report $? "... and after kill -9, too"
load_since "$LAB_DIR/steady" "$at" >"$LAB_DIR/during"
read -r failed _ < <(load_failed <"$LAB_DIR/steady")
[ "$failed" = 0 ] && [ "$(wc -l <"$LAB_DIR/during")" -gt 200 ]
report $? "$(wc -l <"$LAB_DIR/during") requests meanwhile, $failed failed"
if [ "$LAB_PATH" = dpdk ]; then
	was=$(median "$LAB_DIR/gaps.before") is=$(median "$LAB_DIR/gaps.during")
	note "largest gaps between two bursts: $(largest "$LAB_DIR/gaps.before") us before (median of windows $was)," \
		"$(largest "$LAB_DIR/gaps.during") us during the changes (median $is)"
	# Workers share their core with others here, so some window or other has a long one at any time.
	# If a worker waited for generations, every window would, for each has hundreds of them.
	[ "$is" -gt 0 ] && [ "$is" -lt $((was * 3 > 20000 ? was * 3 : 20000)) ]
	report $? "no worker stalls: the largest gap of a second is $is us (median)"
fi
tap_done
