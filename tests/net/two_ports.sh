#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: xdp
#
# Packets come by one port and leave by another, whose driver takes no native XDP: both run it in generic mode, and
# nothing is lost. Then what a driver drops behind the verdict, for each cause: show counters, metrics and the
# doctor say so. The lab as in traffic.sh, and a second wire:
#
#     client --- fabric ======== lb     l0: packets come here
#                  |  lb1 ==== l1  |    l1: they leave here; lb1 has more queues than l1
#                  +--- b1, b2, b3
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=two-ports-$$
export LAB_PATH=xdp
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

answers() {
	lab_exec client curl -s -m 5 -o /dev/null "$(lab_url v4-ipip)" &&
		lab_exec client curl -s -m 5 -o /dev/null "$(lab_url v4-gue)"
}

# wire_make QUEUES: of lb1, which l1's driver compares with its own one.
wire_make() {
	local n
	ip link add l1 netns "$LAB-lb" mtu 1600 numtxqueues 1 numrxqueues 1 type veth \
		peer name lb1 netns "$LAB-fabric" mtu 1600 numtxqueues "$1" numrxqueues "$1" || return 1
	lab_offloads_off fabric lb1
	ip -n "$LAB-fabric" -batch - <<-LINES || return 1
		link set lb1 up
		address add 10.30.0.1/24 dev lb1
	LINES
	ip -n "$LAB-lb" -batch - <<-LINES || return 1
		link set l1 up
		address add 10.30.0.2/24 dev l1
	LINES
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		ip -n "$LAB-lb" route replace "10.10.$((10 + n)).0/24" via 10.30.0.1 dev l1 || return 1
	done
}

# leaves_by_l1: what next hops of v4-ipip are.
leaves_by_l1() {
	lab_ctl --json show backends v4-ipip |
		jq -e '[.. | objects | select(has("next_hop")) | .next_hop | .state == "resolved" and .interface == "l1"] | all' >/dev/null
}

modes() {
	lab_ctl --json show dataplane | jq -r '[.ports[].mode] | join(" ")'
}

# counted REASON: of packets lost at l1, by all three.
counted() {
	local n
	n=$(lab_ctl --json show counters | jq ".ports[1].dropped.$1")
	[ "$n" -gt 0 ] && lab_ctl show counters | grep -q "^l1 *$1 *$n " &&
		[ "$(lab_exec lb curl -s http://127.0.0.1:9107/metrics |
			sed -n "s/^sluice_port_dropped_packets_total{port=\"1\",interface=\"l1\",reason=\"$1\"} //p")" = "$n" ]
}

# diagnosed REASON MEND
diagnosed() {
	lab_ctl doctor >"$LAB_DIR/doctor" || true
	grep -A 2 "l1: [0-9]* packets were lost ($1)" "$LAB_DIR/doctor" | grep -q "$2"
}

# loses: a request that gets no answer.
loses() {
	! lab_exec client curl -s -m 1 -o /dev/null "$(lab_url v4-ipip)"
}

trap 'lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && wire_make 2 && lab_conf lb | sed 's/ports = ( \(.*\) );/ports = ( \1, { interface = "l1"; } );/' >"$LAB_DIR/lb.conf" &&
	lab_start lb
report $? "the lab and sluiced with two ports start"
[ "$(modes)" = "generic generic" ]
report $? "l1 takes no native XDP: both run in generic mode"
grep -q 'l1: no native XDP .*number of rx queues' "$LAB_DIR/sluiced-lb.log" &&
	grep -q 'l0: from native to generic mode' "$LAB_DIR/sluiced-lb.log"
report $? "... and the log has the reason"
leaves_by_l1 && answers
report $? "packets go from l0 to l1, and vips answer"
lab_ctl --json show counters | jq -e '[.ports[].dropped[]] | all(. == 0)' >/dev/null
report $? "... and nothing is counted as lost"

lab_stop lb && lab_sluiced lb --detach >/dev/null 2>&1
ip -n "$LAB-lb" link del l1
wire_make 1 && lab_start lb
report $? "another l1, and sluiced starts anew"
[ "$(modes)" = "native native" ] && lab_within 10 leaves_by_l1
report $? "... in native mode"
loses && lab_within 5 counted no_xdp
report $? "l1's peer has no XDP: what it takes for nothing is counted, shown and a metric"
diagnosed no_xdp 'gro on'
report $? "... and the doctor knows the fix"
lab_exec fabric ethtool -K lb1 gro on
lab_within 5 answers
report $? "... which helps"
ip -n "$LAB-fabric" link set lb1 mtu 1400
lab_exec client curl -s -m 1 -o /dev/null -T "$LAB_DIR/blob" "$(lab_url v4-ipip upload)"
lab_within 5 counted full && diagnosed full "peer must have its MTU"
report $? "l1's peer has a smaller MTU: what it doesn't take is counted, and the doctor knows the fix"
tap_done
