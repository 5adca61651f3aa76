#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# Backends and services change at run time, under load, and the traffic follows. The lab as in
# traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=steer-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/load.sh"

SERVICE=v4-ipip

# change BACKEND none|some SLUICECTL WORD...: under load; then what BACKEND got from then on.
change() {
	local backend=$1 expect=$2 at count enough
	shift 2
	echo "$EPOCHREALTIME" >>"$LAB_DIR/changes"
	lab_ctl "$@" >"$LAB_DIR/ctl.out" 2>&1
	report $? "sluicectl $*"
	at=$EPOCHREALTIME
	echo "$at" >>"$LAB_DIR/changes"
	# Of 400 a backend with a third misses all in one run of 10^70.
	load_phase "$LAB_DIR/steady" "$at" 400 "$LAB_DIR/phase"
	enough=$?
	count=$(load_count "$backend" <"$LAB_DIR/phase")
	if [ "$expect" = none ]; then
		[ "$enough" = 0 ] && [ "$count" = 0 ]
	else
		[ "$count" -gt 0 ]
	fi
	report $? "... and $backend answers $expect ($count of $(wc -l <"$LAB_DIR/phase"))"
}

# refused STATUS PATTERN SLUICECTL WORD...: is refused with that exit status and text.
refused() {
	local want=$1 pattern=$2 said got
	shift 2
	said=$(lab_ctl "$@" 2>&1)
	got=$?
	[ "$got" = "$want" ] && [[ $said =~ $pattern ]]
	report $? "refused: sluicectl $*"
	[ "$got" = "$want" ] && [[ $said =~ $pattern ]] || note "status $got: $said"
}

weights() {
	local n count
	lab_ctl backend set "$SERVICE" b3 weight 300 >/dev/null
	load_requests "$(lab_url "$SERVICE")" 1000 >"$LAB_DIR/weighted"
	count=$(load_count b3 <"$LAB_DIR/weighted")
	# 3 of 5 parts: 600, 5 standard deviations are 77.
	[ "$count" -gt 510 ] && [ "$count" -lt 690 ]
	report $? "weight 300 beside two of 100 gets 60 % ($count of 1000)"
	lab_ctl backend set "$SERVICE" b3 weight 100 >/dev/null
}

services() {
	lab_ctl service add late 198.51.100.99:8080/tcp encap gue >/dev/null
	report $? "service add"
	lab_exec client curl -s --max-time 1 http://198.51.100.99:8080/ >/dev/null
	[ $? = 28 ]
	report $? "... without backends doesn't answer"
	lab_ctl backend add late only "$(lab_address4 b2)" >/dev/null
	report $? "backend add"
	[ "$(lab_exec client curl -s --max-time 5 http://198.51.100.99:8080/)" = b2 ]
	report $? "... and it does"
	lab_ctl backend remove late only >/dev/null && lab_ctl service remove late >/dev/null
	report $? "backend remove, service remove"
	lab_ctl show services | grep -q 198.51.100.99
	[ $? = 1 ]
	report $? "... and it is gone"
}

bad_requests() {
	refused 1 'no_such' backend set no_such b1 weight 1
	refused 1 'b9' backend disable "$SERVICE" b9
	refused 1 '65536|65535' backend set "$SERVICE" b1 weight 65536
	refused 1 'b1' backend add "$SERVICE" b1 10.0.0.1
	refused 2 'backend' backend sett "$SERVICE" b1 weight 1
	refused 2 '' backend set "$SERVICE" b1
	# A client that says nonsense harms nobody.
	printf 'nonsense\n' | socat -t 1 - "UNIX-CONNECT:$LAB_DIR/lb.sock" | grep -q -- -32700
	report $? "broken JSON gets an error"
	head -c 1M /dev/zero | tr '\0' x | socat -t 1 - "UNIX-CONNECT:$LAB_DIR/lb.sock" >/dev/null 2>&1
	lab_ctl version >/dev/null
	report $? "a line of 1 MiB harms nobody"
}

trap 'touch "$LAB_DIR/load.stop" 2>/dev/null; lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
: >"$LAB_DIR/changes"
load_start "$(lab_url "$SERVICE")" "$LAB_DIR/steady"
load_phase "$LAB_DIR/steady" 0 100 "$LAB_DIR/phase"
change b1 none backend set "$SERVICE" b1 weight 0
change b1 some backend set "$SERVICE" b1 weight 100
change b2 none backend disable "$SERVICE" b2
change b2 some backend enable "$SERVICE" b2
change b3 none backend remove "$SERVICE" b3
change b3 some backend add "$SERVICE" b3 "$(lab_address4 b3)"
load_stop
read -r failed underway < <(load_failed "$LAB_DIR/changes" <"$LAB_DIR/steady")
note "$(wc -l <"$LAB_DIR/steady") requests, $failed failed, $underway of them under way at a change"
[ "$failed" = "$underway" ]
report $? "only what was under way to a backend at its change failed ($((failed - underway)) others)"
[ "$failed" = "$underway" ] || awk '$3 != 0 || $4 != 200' "$LAB_DIR/steady" | cat "$LAB_DIR/changes" - | sort -n | sed 's/^/# /'
weights
services
bad_requests
kill -0 "$(cat "$LAB_DIR/sluiced-lb.pid")"
report $? "sluiced is still there"
tap_done
