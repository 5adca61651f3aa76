#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.1-virtio-2
#
# A NIC's RSS knows no ports in a fragment, nor the flow that an ICMP error is about: these come to another worker than
# their flow. By the scheduler rr a flow is known to the worker that remembers it alone, and whoever does not find
# it there draws another backend: so here each is seen to be found. 90 s.
#
#     client --- fabric === lb    a guest; its NIC is sluiced's, with two workers
#                   |
#                   +--- b1, b2, b3   (nginx, echo servers on UDP port 9000, sluice-decap)
set -u
LAB=vmothers-$$
here=$(dirname "$(readlink -f "$0")")
. "$here/scene.sh"
. "$here/scene_dpdk.sh"
scene_dpdk_guest 6.1-virtio-2
FLOWS=40

# The two services of each family, by rr, of TCP and of UDP.
rr_conf() {
	local name
	sed -i '$s| );$||' "$LAB_DIR/lb.conf"
	for name in v4-ipip v6-ipip; do
		echo ,
		lab_service_entry $name | sed 's|name = "v|name = "udp-v|; s|port = 80; protocol = "tcp"|port = 9000; protocol = "udp"|'
	done >>"$LAB_DIR/lb.conf"
	echo ' );' >>"$LAB_DIR/lb.conf"
	sed -i -E 's/(name = "(udp-)?v[46]-ipip";)/\1 scheduler = "rr";/' "$LAB_DIR/lb.conf"
}

# The client's link and what they send to it leave room for outer headers on the guest's link of 1,500.
servers() {
	local b
	for b in b1 b2 b3; do
		lab_exec "$b" ip -4 route change default via "$(lab_address4 "$b" | sed 's/2$/1/')" dev eth0 mtu 1400 &&
			lab_exec "$b" ip -6 route change default via "$(lab_address6 "$b" | sed 's/2$/1/')" dev eth0 mtu 1400 &&
			lab_spawn "$b" "datagrams-$b" /usr/bin/python3 "$here/../net/datagrams.py" server "$b" \
				"$(lab_vip v4-ipip)" "$(lab_vip v6-ipip)" &&
			lab_within 10 grep -q ready "$LAB_DIR/datagrams-$b.log" || return 1
	done
}

# worker_of SERVICE PROTOCOL PORTS: which worker the NIC gives a packet of the client's to.
worker_of() {
	local client=10.10.1.2 vip
	vip=$(lab_vip "$1")
	[[ $vip != *:* ]] || client="[$(lab_address6 client)]" vip="[$vip]"
	lab_ctl --json explain "$2 $client:$3 -> $vip:$4" | jq .worker.index
}

# fragments SERVICE: each flow's three datagrams, of which one is in one piece, at one backend.
fragments() {
	lab_exec client /usr/bin/python3 "$here/../net/datagrams.py" client "$(lab_vip "$1")" $FLOWS 4000 >"$LAB_DIR/echoed" 2>&1
	report $? "$1: $FLOWS flows, whole datagrams and fragments of each at one backend: $(paste -sd, "$LAB_DIR/echoed")"
	[ "$(grep -c '^b[123] ' "$LAB_DIR/echoed")" = 3 ]
	report $? "... and all backends in turn"
}

# errors SERVICE FAMILY: downloads over a path of 1,300, which the routers alone know: nothing of them
# arrives unless an error finds the backend that it is for.
errors() {
	local b i whole=0
	for ((i = 0; i < 8; i++)); do
		for b in b1 b2 b3; do
			lab_exec "$b" ip "$2" route flush cache
		done
		[ "$(lab_exec client curl -s -g -r 0-199999 --max-time 40 -o /dev/null -w '%{size_download}' "$(lab_url "$1" blob)")" = 200000 ] &&
			whole=$((whole + 1))
	done
	[ $whole = 8 ]
	report $? "$1: ICMP errors find their flows' backends: $whole of 8 downloads whole over a narrow path"
}

scene_dpdk_begin_with() {
	trap 'touch "$LAB_DIR/load.stop" 2>/dev/null; lab_down' EXIT
	lab_up
	scene_must $? "the lab and its guest start: $scene"
	pci=$(scene_pci)
	scene_bind vfio-pci "$pci"
	scene_must $? "$pci is bound to vfio-pci"
	scene_dpdk_conf "{ device = \"$pci\"; tap = \"sl0\"; }"
	rr_conf
	lab_exec client ip link set eth0 mtu 1400
	servers && lab_start lb
	scene_must $? "sluiced starts on it, with $workers workers, and servers behind it"
}

scene_dpdk_begin_with
workers_seen=$(for ((port = 40000; port < 40020; port++)); do worker_of v4-ipip tcp $port 80; done | sort -u | wc -l)
[ "$workers_seen" = 2 ]
report $? "flows of one client come to both workers, what has no ports to one"
fragments v4-ipip
fragments v6-ipip
# The client offers segments for its own link.
lab_exec fabric ip link set client mtu 1300
errors v4-ipip -4
errors v6-ipip -6
lab_ctl --json show counters >"$LAB_DIR/counters"
note "errors and fragments that were about no known flow: $(jq -c '[.. | objects | .fragment? // empty | numbers] | add // 0' "$LAB_DIR/counters")"
lab_stop lb
report $? "sluiced ends when told to"
tap_done
