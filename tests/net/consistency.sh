#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
# takes: 140
#
# No connection is lost when backends come and go. 400 long TCP connections (echo.py), half of
# them IPv6, go on through every change; then a backend is disabled, and only its own break. The
# lab as in its header, with four backends, and two services that have three of them:
#
#   long4  198.51.100.30:9000     gue    b1 b2 b3 by IPv4
#   long6  [2001:db8:100::30]:9000 ipip  b1 b2 b3 by IPv6
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=consistency-$$
export LAB_PATH=${LAB_PATH:-dpdk} LAB_BACKENDS=4
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/long_connections.sh"

# drains_start BACKEND...: `drain --wait` for them and both services, each in the background.
drains_start() {
	local b s
	drains=()
	for b; do
		for s in long4 long6; do
			lab_ctl backend drain "$s" "$b" --wait >"$LAB_DIR/drain.$s.$b" 2>&1 &
			drains+=($!)
		done
	done
}

drains_run() {
	local pid
	for pid in "${drains[@]}"; do
		kill -0 "$pid" 2>/dev/null || return 1
	done
}

# drains_end TEXT: all end by themselves, with exit status 0, within 60 s.
drains_end() {
	local pid try bad=0
	for ((try = 0; try < 120; try++)); do
		drains_any || break
		sleep 0.5
	done
	for pid in "${drains[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" || bad=1
	done
	report "$bad" "$1 (after $((try / 2)) s)"
	[ "$bad" = 0 ] || tail -n 2 "$LAB_DIR"/drain.* | sed 's/^/# /'
}

drains_any() {
	local pid
	for pid in "${drains[@]}"; do
		! kill -0 "$pid" 2>/dev/null || return 0
	done
	return 1
}

steady() {
	local before
	client open $CONNECTIONS "$VIP4" "$VIP6"
	[ "$(under_way any)" = $CONNECTIONS ] && [ "$(broken any)" = 0 ] &&
		[ "$(under_way b1)" -gt 80 ] && [ "$(under_way b2)" -gt 80 ] &&
		[ "$(under_way b3)" -gt 80 ]
	report $? "$CONNECTIONS connections to three backends"
	before=$(memory lookups)
	unbroken "steady state"
	[ "$(memory lookups)" = "$before" ] && [ "$(memory entries)" = 0 ]
	report $? "... without a look at the flow table"
	lab_ctl show transitions | grep -q '^no transition is under way' &&
		lab_ctl show flows | grep -q '^no remembered flows'
	report $? "... show transitions and show flows say so"
}

# A fourth backend takes about a quarter of the slots.
dry_run() {
	local before moved slots
	before=$(generation)
	lab_ctl --json backend add long4 b4 "$(lab_address4 b4)" --dry-run >"$LAB_DIR/dry.json"
	report $? "backend add --dry-run"
	moved=$(jq '.preview[0].slots_moved' "$LAB_DIR/dry.json")
	slots=$(jq '.preview[0].slots' "$LAB_DIR/dry.json")
	[ $((moved * 100)) -gt $((slots * 20)) ] && [ $((moved * 100)) -lt $((slots * 45)) ]
	report $? "... $moved of $slots slots would move"
	[ "$(generation)" = "$before" ] && ! lab_ctl show backends long4 | grep -qw b4
	report $? "... and nothing has changed"
}

add() {
	local moved
	lab_ctl backend add long4 b4 "$(lab_address4 b4)" >/dev/null &&
		lab_ctl backend add long6 b4 "$(lab_address6 b4)" >/dev/null
	report $? "backend add"
	unbroken "a backend was added"
	[ "$(under_way b4)" = 0 ]
	report $? "... the connections stay where they are"
	more 100
	# 25 are its share; fewer than 4 come to it once in 10^9 runs.
	[ "$(under_way b4)" -ge 4 ]
	report $? "... new ones come to it ($(under_way b4) of 100)"
	moved=$(lab_ctl --json show transitions |
		jq '[.transitions[] | select(.service == "long4" and .state == "active")][0].changed_slots')
	[ "$moved" = "$(jq '.preview[0].slots_moved' "$LAB_DIR/dry.json")" ]
	report $? "... as many slots changed as --dry-run said ($moved)"
}

entries_are_flows() {
	flows=$(lab_ctl --json show flows --limit 10000 | jq .matching)
	entries=$(memory entries)
	[ "$flows" = "$entries" ]
}

shows() {
	local flows entries
	lab_ctl show transitions >"$LAB_DIR/shown" && grep -qE '^long6 +active' "$LAB_DIR/shown"
	report $? "show transitions"
	lab_ctl show flows --service long4 --limit 3 >"$LAB_DIR/shown" &&
		[ "$(grep -cE '^[0-9a-f]{16} +long4 +b[1-4] +(tcp|tcp_once|syn) ' "$LAB_DIR/shown")" = 3 ] &&
		grep -qE '^3 of [0-9]+' "$LAB_DIR/shown"
	report $? "show flows --limit 3"
	lab_within 10 entries_are_flows
	entries_are_flows
	# One in four slots moved, so of 500 flows about that share is remembered, not all.
	[ "$flows" = "$entries" ] && [ "$entries" -gt 50 ] && [ "$entries" -lt 350 ]
	report $? "show memory: $entries entries for 500 flows, show flows: $flows"
	# In one answer: between two, packets go on to be looked up, and found.
	lab_ctl --json show memory >"$LAB_DIR/memory.json" &&
		jq -e '.lookups >= .hits and .evicted_established == 0 and .untracked == 0' "$LAB_DIR/memory.json" >/dev/null
	report $? "... none evicted, none untracked"
}

remove() {
	drains_start b4
	sleep 2
	drains_run
	report $? "drain --wait of a backend with connections waits"
	unbroken "a backend drains"
	client close b4
	drains_end "... and ends when they are closed"
	both backend remove @ b4 >/dev/null
	report $? "backend remove"
	unbroken "it was removed"
}

weights() {
	local round b
	for round in "30 100 170" "200 20 90"; do
		# shellcheck disable=SC2086
		set -- $round
		for b in b1 b2 b3; do
			both backend set @ "$b" weight "$1" >/dev/null || report 1 "backend set"
			shift
		done
		more 20
		unbroken "every weight was changed, to $round"
	done
	for b in b1 b2 b3; do
		both backend set @ "$b" weight 100 >/dev/null
	done
}

drain_two() {
	local before
	drains_start b1 b2
	unbroken "two of three drain"
	before=$(under_way b3)
	more 40
	[ $(($(under_way b3) - before)) = 40 ]
	report $? "... new connections go to the third ($(($(under_way b3) - before)) of 40)"
	drains_run
	report $? "... and drain --wait waits"
	lab_within 10 grep -qE '^long4 b1: [1-9][0-9]* remembered flows? left, ' "$LAB_DIR/drain.long4.b1"
	report $? "... and says: $(tail -n 1 "$LAB_DIR/drain.long4.b1")"
	client close b1 b2
	drains_end "... and ends when they are closed"
	unbroken "two of three are drained"
	both backend undrain @ b1 >/dev/null && both backend undrain @ b2 >/dev/null
	report $? "backend undrain"
	more 300
	unbroken "they are back"
	# A third each; fewer than 50 come to one of them once in 10^9 runs.
	[ "$(under_way b1)" -gt 50 ] && [ "$(under_way b2)" -gt 50 ]
	report $? "... with new connections ($(under_way b1) and $(under_way b2) of 300)"
}

cut_is_flows() {
	said=$(lab_ctl --json backend disable long4 "$1" --dry-run | jq '.preview[0].flows_cut')
	flows=$(lab_ctl --json show flows --service long4 --backend "$1" | jq .matching)
	[ "$said" = "$flows" ]
}

# cut_said BACKEND: --dry-run says how many remembered flows would break: all that it has.
cut_said() {
	local flows said
	lab_ctl backend disable long4 "$1" --dry-run | grep -qE '[0-9]+ of 509 slots .* would move'
	report $? "backend disable $1 --dry-run"
	lab_within 10 cut_is_flows "$1"
	report $? "... says that $said remembered flows would break, show flows has $flows"
}

disable() {
	local had
	cut_said b1
	cut_said b3
	client report
	had=$(under_way b1)
	both backend disable @ b1 >/dev/null
	report $? "backend disable"
	only b1 "$had" "disabled"
}

drain_cut() {
	local had rc4 rc6
	client report
	had=$(under_way b2)
	lab_ctl backend drain long4 b2 --timeout 4s --wait >"$LAB_DIR/cut4" 2>&1 &
	lab_ctl backend drain long6 b2 --timeout 4s --wait >"$LAB_DIR/cut6" 2>&1
	rc6=$?
	wait $!
	rc4=$?
	[ "$rc4" = 1 ] && [ "$rc6" = 1 ] && grep -qE 'timed out: .* cut [1-9][0-9]* ' "$LAB_DIR/cut4"
	report $? "drain --timeout 4s --wait says: $(tail -n 1 "$LAB_DIR/cut4")"
	only b2 "$had" "timed out"
}

trap 'lab_down' EXIT
start || { report 1 "the lab, sluiced and the echo servers start"; tap_done; exit 1; }
steady
dry_run
add
shows
remove
weights
drain_two
disable
drain_cut
end
[ "$tap_failed" = 0 ] || head -n 20 "$LAB_DIR/echo-client.log" | sed 's/^/# client: /'
tap_done
