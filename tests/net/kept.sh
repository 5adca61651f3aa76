#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# What a connection survives that is no fault of its backend: a rename in the file, a check that fails
# (on_down = "keep"), a host that drains; what a restart knows of health; and backends that packets can't
# be sent to. 400 long TCP connections (echo.py), half of them IPv6. The lab as in its header, with four
# backends, and two services that have three of them:
#
#   long4  198.51.100.30:9000      gue    b1 b2 b3 by IPv4
#   long6  [2001:db8:100::30]:9000 ipip   b1 b2 b3 by IPv6
#
# They are checked at port 9001, where each backend has a listener of its own, which can be ended while
# the server of the connections goes on.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=kept-$$
export LAB_PATH=${LAB_PATH:-dpdk} LAB_BACKENDS=4
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

VIP4=198.51.100.30
VIP6=2001:db8:100::30
CONNECTIONS=400

conf() {
	lab_conf lb | sed '$s| );$||'
	cat <<-CONF
		,
		  { name = "long4"; vip = "$VIP4"; port = 9000; protocol = "tcp"; encap = "gue"; $(policy)
		    backends = ( $(conf_backends lab_address4) ); },
		  { name = "long6"; vip = "$VIP6"; port = 9000; protocol = "tcp"; encap = "ipip"; $(policy)
		    backends = ( $(conf_backends lab_address6) ); } );
	CONF
}

policy() {
	echo 'health = { type = "tcp"; port = 9001; interval_ms = 300; timeout_ms = 200; fall = 2; };' \
		'on_down = "keep"; start = "down";'
}

conf_backends() {
	local b separator=""
	for b in b1 b2 b3; do
		printf '%s{ name = "%s"; address = "%s"; }' "$separator" "$b" "$("$1" "$b")"
		separator=", "
	done
}

client() {
	echo "$*" | socat -t 60 - "UNIX-CONNECT:$LAB_DIR/echo.sock" >"$LAB_DIR/report"
}

# count COLUMN NAME|any: sum over both families of a column of the report.
count() {
	awk -v column="$1" -v name="$2" 'NF == 6 && (name == "any" || $1 == name) { sum += $column }
		END { print sum + 0 }' "$LAB_DIR/report"
}
under_way() { count 3 "$1"; }
broken() { count 4 "$1"; }
blocks() { count 6 "$1"; }

# unbroken TEXT: after some time in which every connection sends, none is broken.
unbroken() {
	local before
	client report
	before=$(blocks any)
	sleep 2.5
	client report
	[ "$(broken any)" = 0 ] && [ $(($(blocks any) - before)) -ge "$(under_way any)" ]
	report $? "$1: $(broken any) broken ($(under_way any) under way)"
	[ "$(broken any)" = 0 ] || sed 's/^/# /' "$LAB_DIR/report"
}

generation() {
	lab_ctl --json show generation | jq .generation
}

# of SERVICE BACKEND FILTER: a value of its row in show backends.
of() {
	lab_ctl --json show backends "$1" | jq -r ".backends[] | select(.name == \"$2\") | $3"
}

is() {
	[ "$(of "$1" "$2" "$3")" = "$4" ]
}

all_up() {
	[ "$(lab_ctl --json show backends | jq '[.backends[] | select(.health != null and .health.state != "up")] | length')" = 0 ]
}

checks_start() {
	lab_spawn "$1" "check-$1" socat TCP6-LISTEN:9001,ipv6only=0,reuseaddr,fork /dev/null
}

# ---- what the connections go through ----

begins() {
	lab_within 20 all_up
	report $? "backends that start down are up once a check passes"
	client open $CONNECTIONS "$VIP4" "$VIP6"
	[ "$(under_way any)" = $CONNECTIONS ] && [ "$(under_way b1)" -gt 80 ] &&
		[ "$(under_way b2)" -gt 80 ] && [ "$(under_way b3)" -gt 80 ]
	report $? "$CONNECTIONS connections to three backends"
}

renamed() {
	local transitions packets
	lab_ctl backend set long4 b3 weight 50 >/dev/null
	packets=$(of long4 b2 .packets)
	transitions=$(lab_ctl --json show transitions | jq -c '[.transitions[] | {changed_slots, previous_slots}]')
	sed -i '/"long4"/,/);/ s/"b2"/"other"/; s/"long4"/"web4"/; s/"long6"/"web6"/' "$LAB_DIR/lb.conf"
	lab_ctl reload --diff >"$LAB_DIR/reload.out"
	grep -q 'service web4: .*name long4 -> web4.* other name b2 -> other' "$LAB_DIR/reload.out" &&
		! grep -qE 'added|removed|lost' "$LAB_DIR/reload.out"
	report $? "two services and a backend are called something else, and a reload tells so"
	[ "$(lab_ctl --json show transitions | jq -c '[.transitions[] | {changed_slots, previous_slots}]')" = "$transitions" ]
	report $? "... no slot moved"
	is web4 b3 .weight 50 && is web4 b1 .health.state up && is web6 b1 .health.state up
	report $? "... run-time changes and health are what they were"
	[ "$(lab_ctl --json show backends web4 | jq ".backends[] | select(.address == \"$(lab_address4 b2)\").packets")" -ge "$packets" ]
	report $? "... and so are the counters"
	unbroken "renamed"
	lab_ctl backend set web4 b3 weight 100 >/dev/null
	unbroken "a weight was changed back"
}

check_fails() {
	local before
	lab_kill check-b1
	lab_within 20 is web4 b1 .health.state down && lab_within 20 is web6 b1 .health.state down
	report $? "a check fails, and the server goes on"
	is web4 b1 .slots 0 && is web4 b1 .down check
	report $? "... the backend takes no new flows"
	unbroken "... on_down = \"keep\": those it has stay"
	before=$(under_way b1)
	client open 40 "$VIP4" "$VIP6"
	[ "$(under_way b1)" = "$before" ] && [ "$(under_way any)" = $((CONNECTIONS + 40)) ]
	report $? "... and new ones go to the others"
}

# The daemon restarts with b1 down, before any check can tell.
restarts() {
	lab_stop lb
	# No check comes to a result.
	sed -i 's/interval_ms = 300; timeout_ms = 200;/interval_ms = 300000; timeout_ms = 200000; fast_interval_ms = 300000;/' \
		"$LAB_DIR/lb.conf"
	for b in b1 b2 b3; do
		lab_exec "$b" iptables -A INPUT -p tcp --dport 9001 -j DROP 2>/dev/null ||
			lab_kill "check-$b" 2>/dev/null
	done
	lab_start lb
	report $? "sluiced starts again"
	[ "$(of web4 b1 .slots)" = 0 ] && [ "$(of web6 b1 .slots)" = 0 ] && is web4 b1 .down check
	report $? "... a backend that was down still is"
	[ "$(of web4 b3 .slots)" -gt 0 ] && [ "$(of web6 b3 .slots)" -gt 0 ] && is web4 b3 .down null
	report $? "... and one that was up is, though it starts down ($(of web4 b3 .health.state))"
	[ "$LAB_PATH" != xdp ] || unbroken "a restart"
}

host() {
	local before address
	address=$(lab_address4 b2)
	before=$(generation)
	lab_ctl host drain "$address" --dry-run | grep -q web4
	report $? "host drain --dry-run"
	lab_ctl host drain "$address" >/dev/null
	[ "$(lab_ctl --json show hosts "$address" | jq '.hosts[0] | .draining == .backends and .enabled == 0 and .backends > 1')" = true ]
	report $? "host drain: every backend of it, in all services"
	[ "$(generation)" = $((before + 1)) ]
	report $? "... as one generation"
	unbroken "a host drains"
	lab_ctl host undrain "$address" >/dev/null &&
		[ "$(lab_ctl --json show hosts "$address" | jq '.hosts[0] | .enabled == .backends')" = true ]
	report $? "host undrain"
	unbroken "it is back"
}

# ---- no way ----

requests() {
	local n failed=0
	for ((n = 0; n < 40; n++)); do
		lab_exec client curl -s -m 2 -o /dev/null "$(lab_url v4-ipip)" || failed=$((failed + 1))
	done
	echo "$failed"
}

unreachable() {
	local b n
	for b in b3 b4; do
		n=$((10 + ${b#b}))
		# Nobody has that address.
		lab_exec lb ip route replace "10.10.$n.0/24" via 10.10.2.77
	done
	lab_within 20 is v4-ipip b3 .down next_hop && lab_within 20 is v4-ipip b4 .down next_hop
	report $? "two of four backends are behind a dead next hop: they count as down"
	[ "$(of v4-ipip b3 .slots)" = 0 ] && lab_ctl show backends v4-ipip | grep -qE '^v4-ipip +b3 .* no next hop '
	report $? "... take nothing, and show backends says so"
	failed=$(requests)
	[ "$failed" = 0 ]
	report $? "... $failed of 40 requests fail"
	lab_ctl events --service v4-ipip | grep -q "b3.*counts as down: packets can't be sent to it for 5 s"
	report $? "... an event says why"
	lab_ctl doctor | grep -q 'b3 of v4-ipip .*it counts as down'
	report $? "... doctor, too"
	lab_exec lb curl -s http://127.0.0.1:9107/metrics | grep -q '^sluice_service_unreachable{service="v4-ipip"} 2'
	report $? "... and metrics"
	lab_ctl service set v4-gue unresolved 0 >/dev/null
	lab_within 5 is v4-gue b3 .down null && [ "$(of v4-gue b3 .slots)" -gt 0 ]
	report $? "unresolved 0 leaves them their share"
	for b in b3 b4; do
		lab_exec lb ip route del "10.10.$((10 + ${b#b})).0/24" via 10.10.2.77
	done
	lab_within 20 is v4-ipip b3 .down null && lab_within 5 is v4-ipip b4 .next_hop.state resolved &&
		[ "$(of v4-ipip b3 .slots)" -gt 0 ]
	report $? "there is a way again: they take flows"
}

start() {
	local b
	lab_up || return 1
	for b in b1 b2 b3; do
		lab_spawn "$b" "echo-$b" /usr/bin/python3 "$here/echo.py" server "$b" || return 1
		checks_start "$b" || return 1
	done
	for b in b1 b2 b3; do
		lab_within 20 lab_listens "$b" 9000 || return 1
	done
	conf >"$LAB_DIR/lb.conf"
	lab_start lb || return 1
	lab_spawn client echo-client /usr/bin/python3 "$here/echo.py" client "$LAB_DIR/echo.sock"
	lab_within 20 [ -S "$LAB_DIR/echo.sock" ]
}

trap '[ "$LAB_PATH" != xdp ] || lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
start || { report 1 "the lab, sluiced and the echo servers start"; tap_done; exit 1; }
begins
renamed
host
check_fails
[ "$LAB_PATH" = xdp ] || { client end; report $(($(broken any) > 0)) "all end with their checksums right"; }
restarts
[ "$LAB_PATH" != xdp ] || { client end; report $(($(broken any) > 0)) "all end with their checksums right"; }
unreachable
tap_done
