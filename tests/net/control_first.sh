#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
# alone: what is lost is measured, and a core that others use leaves packets behind
#
# A flood comes to a vip's port that nobody serves, as fast as the balancer takes it from its port: more than
# its kernel takes. What is for the node itself goes on beside it: ping, ARP and a TCP session lose nothing.
# On dpdk the flood has a queue of its own to the kernel, and what that loses is counted; on xdp the program
# gives all of it to the kernel, at once. The lab as in traffic.sh; the vip is an address of lb's, too, so
# that its kernel throws the flood away.
#
# What is measured is loss in Sluice, on a machine that may be busy. So nothing else may lose a packet:
#  - the port's queue ahead of the worker: the flood is a closed loop. A burst fits that queue (1,024 frames), and
#    the next one begins once the worker, or the program, has answered an echo request that came behind it.
#  - the veth before that (256 frames): all that the client sends is sent on one core, where each call leaves
#    no packet behind.
#  - the router's queue for a neighbour that it doesn't know: it asks for one that it does know.
# And what is late isn't lost: TCP repeats after 30 s, ping waits for 20 s.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=control-first-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
# Twice what a worker's queue for packets to vips takes.
BURST=480 FLOOD_S=5 SESSION_S=4 PINGS=150
CLIENT_CORE=$((LAB_WORKER_CORE == 0 && $(nproc) > 1))

lost() {
	lab_ctl --json show counters | jq ".ports[0].dropped.$1"
}

ended() {
	! lab_runs flood && ! lab_runs session && ! lab_runs ping
}

# from_client NAME CMD...
from_client() {
	lab_spawn client "$1" taskset -c "$CLIENT_CORE" "${@:2}"
}

# What TCP has sent again: the client's session, and the server's side of it.
repeated() {
	local node
	for node in client lb; do
		lab_exec "$node" awk '$1 == "Tcp:" { n = $13 } END { print n }' /proc/net/snmp
	done | paste -sd+ | bc
}

is_reachable() {
	ip -n "$LAB-fabric" neigh show dev lb nud reachable | grep -q "^$1 "
}

# ask_for_lb: by ARP and ND, while the router goes on sending to what it knows.
ask_for_lb() {
	local address
	for address in "$(lab_address4 lb)" "$(lab_address6 lb)"; do
		ip -n "$LAB-fabric" neigh replace "$address" lladdr "$(lab_mac lb)" dev lb nud probe || return 1
	done
	lab_within 10 is_reachable "$(lab_address4 lb)" && lab_within 10 is_reachable "$(lab_address6 lb)"
}

trap 'lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
ip -n "$LAB-lb" address add "$(lab_vip v4-ipip)/32" dev lo
lab_tune lb net.ipv4.icmp_ratelimit=1000 net.ipv4.icmp_msgs_per_sec=10
lab_tune fabric net.ipv4.neigh.lb.ucast_solicit=20 net.ipv6.neigh.lb.ucast_solicit=20
ip -n "$LAB-client" route replace "$(lab_address4 lb)" via 10.10.1.1 rto_min 30s &&
	lab_exec lb ip route replace "$(lab_address4 client)" via 10.10.2.1 rto_min 30s
report $? "TCP waits for late packets"
lab_spawn lb server /usr/bin/python3 "$here/flood.py" server
# The balancer follows the address: until then it refuses the flood itself.
own() {
	[ "$(lab_ctl --json explain "udp $(lab_address4 client):4000 -> $(lab_vip v4-ipip):9" | jq -r .verdict)" = unserved ]
}
lab_within 10 lab_listens lb 9002 && lab_within 10 own
report $? "the lab, sluiced and a server start"

before=$(repeated)
from_client flood /usr/bin/python3 "$here/flood.py" flood "$(lab_vip v4-ipip)" 9 "$BURST" "$FLOOD_S"
sleep 0.3
from_client session /usr/bin/python3 "$here/flood.py" session "$(lab_address4 lb)" "$SESSION_S"
from_client ping ping -i 0.02 -c "$PINGS" -W 20 "$(lab_address4 lb)"
asked=0
for ((i = 0; i < 6; i++)); do
	ask_for_lb || asked=1
	sleep 0.5
done
report $asked "the router asks six times by ARP and ND, and is answered"
lab_within 60 ended
read -r sent bursts unanswered <"$LAB_DIR/flood.log"
read -r blocks longest <"$LAB_DIR/session.log"
note "$sent packets in $bursts bursts; $(lost kernel_vip) of them lost on the way to the kernel; $(lab_ctl --json show dataplane | jq -c '.ports[0] | {rx_packets, rx_missed, to_kernel, dropped}')"
note "ping: $(tail -n 1 "$LAB_DIR/ping.log"); TCP: $blocks blocks, the longest took $longest ms"
[ "$sent" -gt 20000 ] && [ "$unanswered" = 0 ]
report $? "the flood runs, and the balancer answers behind each burst ($unanswered of $bursts unanswered)"
if [ "$LAB_PATH" = dpdk ]; then
	[ "$(lost kernel_vip)" -gt 1000 ]
	report $? "it is more than the kernel takes ($(lost kernel_vip) lost)"
	[ "$(lost kernel_control)" = 0 ] && [ "$(lost kernel_node)" = 0 ]
	report $? "nothing of the other classes is counted as lost"
fi
grep -q " $PINGS received, 0% packet loss" "$LAB_DIR/ping.log"
report $? "no ping is lost ($(grep -o '[0-9]* received.*' "$LAB_DIR/ping.log"))"
[ "$blocks" -gt 10 ] && [ "$(repeated)" = "$before" ]
report $? "a TCP session loses nothing ($blocks blocks, $(($(repeated) - before)) packets repeated)"
tap_done
