#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
# takes: 250
#
# No connection is lost when a service finds its flows' backends in another way than before: by
# another scheduler, another hash, or a table of another length; one change at a time, several within
# one transition, with a backend that drains and is disabled in between, and when the transition is
# over. 400 long TCP connections over three backends: the lab and the services of
# long_connections.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=ways-$$
export LAB_PATH=${LAB_PATH:-dpdk} LAB_BACKENDS=4
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/long_connections.sh"

TRANSITION_S=40

# set_both KEY VALUE...
set_both() {
	both service set @ "$@" >/dev/null
	report $? "service set $*"
}

# file SETTING...: the configuration file says so of both services, and is read again.
file() {
	conf "transition_s = $TRANSITION_S; $*" >"$LAB_DIR/lb.conf" && lab_ctl reload >/dev/null
	report $? "reload with $*"
}

# all_in STATE: both services' transitions.
all_in() {
	[ "$(lab_ctl --json show transitions |
		jq "[.transitions[] | select(.state == \"$1\" and (.service | startswith(\"long\")))] | length")" = 2 ]
}

none_active() {
	! lab_ctl --json show transitions | jq -e '.transitions[] | select(.state == "active")' >/dev/null
}

transition_over() {
	lab_within $((TRANSITION_S + 20)) none_active
	report $? "the transition ends"
}

steady() {
	local before
	client open $CONNECTIONS "$VIP4" "$VIP6"
	[ "$(under_way any)" = $CONNECTIONS ] && [ "$(broken any)" = 0 ]
	report $? "$CONNECTIONS connections to three backends"
	before=$(memory lookups)
	unbroken "steady state"
	[ "$(memory lookups)" = "$before" ] && [ "$(memory entries)" = 0 ]
	report $? "... without a look at the flow table"
}

# As an operator would, from a steady state.
one_by_one() {
	set_both scheduler least-conn
	all_in active
	report $? "... is a transition"
	unbroken "maglev to least-conn"
	more 20
	unbroken "... with new connections"
	set_both scheduler maglev
	unbroken "least-conn to maglev"
	set_both hash source
	unbroken "hash source"
	more 20
	set_both hash flow
	unbroken "hash flow"
	file "slots = 1021;"
	unbroken "509 slots to 1021"
	more 20
	transition_over
	unbroken "after the transition"
	file "slots = 251;"
	unbroken "1021 slots to 251"
}

# Within one transition, of which the first way alone is asked for older flows.
all_together() {
	local had
	set_both scheduler wrr
	set_both scheduler random
	unbroken "wrr, then random"
	both backend drain @ b1 >/dev/null
	report $? "backend drain b1"
	more 20
	set_both scheduler maglev hash source
	unbroken "maglev by source, while b1 drains"
	file "slots = 2039; hash = \"source\";"
	both backend drain @ b1 >/dev/null
	report $? "... and b1 drains again, which the file doesn't say"
	more 20
	unbroken "2039 slots"
	lab_ctl backend add long4 b4 "$(lab_address4 b4)" >/dev/null &&
		lab_ctl backend add long6 b4 "$(lab_address6 b4)" >/dev/null
	report $? "backend add b4"
	set_both hash flow
	set_both scheduler rr
	more 20
	unbroken "by flow, then in turn"
	both backend undrain @ b1 >/dev/null
	report $? "backend undrain b1"
	set_both scheduler maglev
	unbroken "maglev"
	client report
	had=$(under_way b2)
	both backend disable @ b2 >/dev/null
	report $? "backend disable b2"
	only b2 "$had" "disabled"
	set_both hash source
	unbroken "by source, without b2"
	both backend enable @ b2 >/dev/null
	report $? "backend enable b2"
	more 40
	unbroken "b2 is back"
	transition_over
	unbroken "after the transition"
	set_both scheduler least-conn hash flow
	unbroken "least-conn, while flows of before are remembered"
	transition_over
	unbroken "after that transition"
}

# Another process goes on with the way before.
restart() {
	set_both scheduler maglev
	set_both hash flow
	unbroken "maglev by flow"
	lab_stop lb
	conf "transition_s = $TRANSITION_S; slots = 509;" >"$LAB_DIR/lb.conf"
	lab_start lb
	report $? "sluiced starts again, with 509 slots in its file"
	unbroken "restarted in a transition, with another length"
	lab_kill sluiced-lb KILL
	lab_start lb
	report $? "sluiced starts after kill -9"
	unbroken "killed in a transition"
	transition_over
	unbroken "after the transition"
}

trap 'lab_down' EXIT
start "transition_s = $TRANSITION_S;" || {
	report 1 "the lab, sluiced and the echo servers start"
	tap_done
	exit 1
}
steady
one_by_one
all_together
restart
end
[ "$tap_failed" = 0 ] || head -n 20 "$LAB_DIR/echo-client.log" | sed 's/^/# client: /'
tap_done
