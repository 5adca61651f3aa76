#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
# takes: 250
#
# A restart of sluiced breaks no connection and begins nothing again: in a steady state, in a
# transition, settling, in a drain and in a slow start, told to end and killed; with a service that
# has grown, with schedulers that remember every flow, and to a build with another layout of tables.
# On dpdk packets stop meanwhile, so connections may be late, but not go elsewhere; where the kernel
# can (Linux 6.15), they try again every second, so that none is late for two stops. The lab as in its
# header, with eight backends of which three serve at first; 400 long TCP connections (echo.py),
# half of them IPv6, to the first two of these services, and 100 to the others:
#
#   long4  198.51.100.30:9000      gue    maglev      long6  [2001:db8:100::30]:9000 ipip  maglev
#   turn4  198.51.100.31:9000      gue    rr          least6 [2001:db8:100::31]:9000 ipip  least-conn
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=restart-$$
export LAB_PATH=${LAB_PATH:-dpdk} LAB_BACKENDS=8 ECHO_S=60
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

VIP4=198.51.100.30 VIP6=2001:db8:100::30
TURN4=198.51.100.31 LEAST6=2001:db8:100::31
CONNECTIONS=400
TRANSITION_S=50
SLOW_START_S=50
LONG="b1 b2 b3"

# The lab's settings with these four services in the place of its own; $LONG serve the first two.
conf() {
	lab_conf lb | sed '/^services = /,$d'
	cat <<-CONF
		services = (
		$(service long4 "$VIP4" gue maglev lab_address4 "$LONG"),
		$(service long6 "$VIP6" ipip maglev lab_address6 "$LONG"),
		$(service turn4 "$TURN4" gue rr lab_address4 "b1 b2 b3"),
		$(service least6 "$LEAST6" ipip least-conn lab_address6 "b1 b2 b3") );
	CONF
}

service() {
	local b separator=""
	printf '{ name = "%s"; vip = "%s"; port = 9000; protocol = "tcp"; encap = "%s";\n' "$1" "$2" "$3"
	printf '  scheduler = "%s"; transition_s = %d; slow_start_s = %d; backends = (' "$4" \
		"$TRANSITION_S" "$SLOW_START_S"
	for b in $6; do
		printf '%s { name = "%s"; address = "%s"; }' "$separator" "$b" "$("$5" "$b")"
		separator=,
	done
	printf ' ); }'
}

# client WORD...: what echo.py then reports, in $LAB_DIR/report.
client() {
	echo "$*" | socat -t 120 - "UNIX-CONNECT:$LAB_DIR/echo.sock" >"$LAB_DIR/report"
}

sum() {
	awk -v column="$1" 'NF == 6 { sum += $column } END { print sum + 0 }' "$LAB_DIR/report"
}
under_way() { sum 3; }
broken() { sum 4; }
blocks() { sum 6; }

# As many blocks more as there are connections, three times over: each sends about one a second.
all_echo() {
	client report
	[ "$(broken)" -gt "$lost" ] || [ $(($(blocks) - before)) -ge $((3 * $(under_way))) ]
}

# unbroken TEXT: every connection sends, and no more are broken than $lost.
lost=0
unbroken() {
	local before
	client report
	before=$(blocks)
	lab_within 60 all_echo
	[ "$(broken)" = "$lost" ] && [ "$(under_way)" = "$open" ] &&
		[ $(($(blocks) - before)) -ge $((3 * open)) ]
	report $? "$1: $(($(broken) - lost)) broken ($(under_way) under way)"
	[ "$(broken)" = "$lost" ] && return
	sed 's/^/# /' "$LAB_DIR/report"
	open=$((open - $(broken) + lost))
	lost=$(broken)
}

# both WORD... @ WORD...: the command for each of the two first services, whose name stands for @.
both() {
	lab_ctl "${@//@/long4}" >/dev/null && lab_ctl "${@//@/long6}" >/dev/null
}

# of SERVICE BACKEND FILTER
of() {
	lab_ctl --json show backends "$1" | jq -r ".backends[] | select(.name == \"$2\") | $3"
}

transition() {
	lab_ctl --json show transitions |
		jq -r ".transitions[] | select(.service == \"$1\") | .$2"
}

slots() {
	lab_ctl --json show services | jq -r ".services[] | select(.name == \"$1\") | \"\(.slots) \(.slots_from)\""
}

# restart TERM|KILL: another sluiced goes on.
restart() {
	lab_kill sluiced-lb "$1"
	lab_start lb && grep -q 'adopted generation' "$LAB_DIR/sluiced-lb.log"
}

# restarts TEXT CHECK...: told to end, and killed. After each the command CHECK says whether what was
# under way goes on, and no connection is broken.
restarts() {
	local text=$1 signal
	shift
	for signal in TERM KILL; do
		restart "$signal"
		report $? "$text, SIG$signal: sluiced adopts what was there"
		"$@"
		report $? "... and goes on with it$said"
		unbroken "..."
	done
}

no_transition() {
	said=""
	[ -z "$(transition long4 state)$(transition long6 state)" ]
}

# The same last change: $since, and what is left of its time.
in_transition() {
	local now=$EPOCHSECONDS left
	left=$(transition long4 ends_in_s)
	said=": $left s left of $TRANSITION_S, $((now - began)) s after the change"
	[ "$(transition long4 state)" = active ] && [ "$(transition long6 state)" = active ] &&
		[ $((left + now - began)) -ge $((TRANSITION_S - 2)) ] &&
		[ $((left + now - began)) -le $((TRANSITION_S + 2)) ]
}

# Some of the flows are remembered, and there is no time left to tell.
is_settling() {
	said=": $(lab_ctl --json show memory | jq .entries) flows are remembered"
	[ "$(transition long4 state)" = settling ] && [ "$(transition long6 state)" = settling ]
}

drains() {
	local ends
	ends=$(($(of long4 b1 .drain.deadline_us) / 1000000))
	said=": its timeout comes in $((ends - EPOCHSECONDS)) s"
	[ "$(of long6 b1 .state)" = draining ] &&
		[ $((ends - deadline)) -ge -1 ] && [ $((ends - deadline)) -le 1 ]
}

# So much of its weight (100) as the time since $began has brought.
starts_slowly() {
	local weight at want
	at=$EPOCHSECONDS
	weight=$(of long4 b4 .weight_now)
	want=$(((at - began) * 100 / SLOW_START_S))
	said=": weight $weight $((at - began)) s after it came"
	[ $((weight - want)) -ge -6 ] && [ $((weight - want)) -le 12 ] && [ "$weight" -lt 100 ]
}

has_slots() {
	said=": long4 has $(slots long4), long6 $(slots long6)"
	[ "$(slots long4)" = "509 kept" ] && [ "$(slots long6)" = "509 kept" ]
}

settles() {
	[ "$(transition long4 state)$(transition long6 state)" = settlingsettling ]
}

is_steady() {
	[ -z "$(transition long4 state)$(transition long6 state)" ]
}

steady() {
	client open $CONNECTIONS "$VIP4" "$VIP6"
	client open 100 "$TURN4" "$LEAST6"
	open=$((CONNECTIONS + 100))
	[ "$(under_way)" = $open ] && [ "$(broken)" = 0 ]
	report $? "$open connections"
	[ "$(slots long4)" = "509 chosen" ] && [ "$(slots turn4)" != "509 chosen" ]
	report $? "long4 has $(slots long4) slots, turn4 $(slots turn4)"
	restarts "steady state" no_transition
}

in_a_slow_start() {
	lab_ctl backend add long4 b4 "$(lab_address4 b4)" >/dev/null &&
		lab_ctl backend add long6 b4 "$(lab_address6 b4)" >/dev/null
	report $? "a fourth backend"
	began=$EPOCHSECONDS
	restarts "slow start" starts_slowly
	lab_within $((SLOW_START_S + 20)) has_full_weight
	has_full_weight
	report $? "... and comes to an end"
}

has_full_weight() {
	[ "$(of long4 b4 .weight_now)" = 100 ] && [ "$(of long6 b4 .weight_now)" = 100 ]
}

in_a_transition() {
	both backend set @ b2 weight 10
	report $? "backend set weight"
	began=$EPOCHSECONDS
	client open 60 "$VIP4" "$VIP6"
	open=$((open + 60))
	restarts "transition" in_transition
}

settling() {
	lab_within $((TRANSITION_S + 30)) settles
	is_settling
	report $? "the transition ends$said"
	restarts "settling" is_settling
}

in_a_drain() {
	both backend drain @ b1 --timeout 900s
	report $? "backend drain"
	deadline=$(($(of long4 b1 .drain.deadline_us) / 1000000))
	restarts "drain" drains
}

grown() {
	LONG="b1 b2 b3 b4 b5 b6 b7 b8"
	conf >"$LAB_DIR/lb.conf"
	lab_ctl reload >/dev/null
	report $? "the file has eight backends"
	has_slots
	report $? "... and the services keep their tables$said"
	restarts "grown" has_slots
}

# What a build with another layout finds: so do we, of the layout that was before ours.
other_layout() {
	client close b1 b2 b3 b4 b5 b6 b7 b8
	[ "$(under_way)" = 0 ] && [ "$(broken)" = "$lost" ]
	report $? "all connections end with their checksums right ($(sum 5))"
	lab_within $((TRANSITION_S + SLOW_START_S + 60)) is_steady
	client open $CONNECTIONS "$VIP4" "$VIP6"
	open=$CONNECTIONS
	[ "$(under_way)" = $open ]
	report $? "$open new ones, in a steady state"
	lab_kill sluiced-lb TERM
	/usr/bin/python3 "$here/arena_layout.py" "$(arena)" 1
	report $? "... are under way when sluiced ends, and its tables are another build's"
	lab_start lb
	grep -qE "$LAB-lb: .*(layout|all is made anew)" "$LAB_DIR/sluiced-lb.log"
	report $? "sluiced says so: $(grep -oE "$LAB-lb: .*" "$LAB_DIR/sluiced-lb.log" | head -n 1)"
	has_slots
	report $? "the services have the tables that they had$said"
	drains
	report $? "the drain goes on$said"
	unbroken "..."
}

arena() {
	case $LAB_PATH in
	xdp) echo "/sys/fs/bpf/$LAB-lb/arena" ;;
	*) echo "/dev/shm/$LAB-lb/arena" ;;
	esac
}

end() {
	client end
	[ "$(under_way)" = 0 ] && [ "$(broken)" = "$lost" ]
	report $? "all end with their checksums right"
	kill -0 "$(cat "$LAB_DIR/sluiced-lb.pid")"
	report $? "sluiced is still there"
}

start() {
	local n node
	lab_up || return 1
	for node in client $(seq -f 'b%g' "$LAB_BACKENDS"); do
		lab_exec "$node" sysctl -qw net.ipv4.tcp_rto_max_ms=1000 2>/dev/null
	done
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		lab_spawn "b$n" "echo-b$n" /usr/bin/python3 "$here/echo.py" server "b$n" || return 1
	done
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		lab_within 30 lab_listens "b$n" 9000 || return 1
	done
	conf >"$LAB_DIR/lb.conf"
	lab_start lb || return 1
	lab_spawn client echo-client /usr/bin/python3 "$here/echo.py" client "$LAB_DIR/echo.sock"
	lab_within 20 [ -S "$LAB_DIR/echo.sock" ]
}

trap 'lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
start || { report 1 "the lab, sluiced and the echo servers start"; tap_done; exit 1; }
steady
in_a_slow_start
in_a_transition
settling
in_a_drain
grown
other_layout
end
[ "$tap_failed" = 0 ] || head -n 20 "$LAB_DIR/echo-client.log" | sed 's/^/# client: /'
tap_done
