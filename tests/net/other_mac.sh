#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# Frames that are for others by their MAC: broadcast, multicast, another host's. None is forwarded or
# answered; a virtual MAC of the configuration is, and the interface's own after it has changed. The lab as
# in traffic.sh; fabric sends the frames on the balancer's link, as a switch that floods.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=mac-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

VIRTUAL=00:00:5e:00:01:0a
OWN=$(lab_mac lb)

# frames MAC: to that MAC a SYN, an echo request and a later fragment, for an IPv4 and an IPv6 vip.
frames() {
	lab_exec fabric /usr/bin/python3 - "$1" "$(lab_vip v4-ipip)" "$(lab_vip v6-ipip)" <<-'PYTHON'
		import sys
		from scapy.all import (Ether, ICMP, ICMPv6EchoRequest, IP, IPv6, IPv6ExtHdrFragment, Raw, TCP, sendp)
		mac, vip4, vip6 = sys.argv[1:]
		ether = Ether(dst=mac, src="02:00:00:00:02:01")
		four, six = IP(src="10.10.1.2", dst=vip4), IPv6(src="2001:db8:1::2", dst=vip6)
		sendp([
		    ether / four / TCP(sport=7001, dport=80, flags="S"),
		    ether / six / TCP(sport=7001, dport=80, flags="S"),
		    ether / four / ICMP() / Raw(b"x" * 32),
		    ether / six / ICMPv6EchoRequest(data=b"x" * 32),
		    ether / IP(src="10.10.1.2", dst=vip4, frag=10, proto=6) / Raw(b"x" * 32),
		], iface="lb", verbose=False)
	PYTHON
}

counted() {
	lab_ctl --json show counters --all | jq "[.. | objects | .$1? // empty | numbers] | add // 0"
}

counted_is() {
	[ "$(counted "$1")" = "$2" ]
}

# What became of packets to vips otherwise.
done_with() {
	echo "$(counted forward) $(counted echo_reply) $(counted fragment)"
}

answers() {
	lab_exec client curl -s -g -m 3 "$(lab_url "$1")" | grep -q '^b[1-3]$'
}

both_answer() {
	answers v4-ipip && answers v6-gue
}

# mac_set MAC: of the interface by which neighbours know the balancer; they are told, as by gratuitous ARP.
mac_set() {
	local interface=sl0
	[ "$LAB_PATH" = dpdk ] || interface=$(lab_interface lb)
	lab_exec lb ip link set "$interface" address "$1" &&
		ip -n "$LAB-fabric" neigh replace 10.10.2.2 lladdr "$1" dev lb &&
		ip -n "$LAB-fabric" neigh replace 2001:db8:2::2 lladdr "$1" dev lb
}

trap lab_down EXIT
lab_up
lab_conf lb | sed "s|tap = \"sl0\";|& macs = [ \"$VIRTUAL\" ];|" >"$LAB_DIR/lb.conf"
[ "$LAB_PATH" = dpdk ] || lab_exec lb ip link set "$(lab_interface lb)" promisc on
lab_start lb
report $? "sluiced starts, with a virtual MAC"
both_answer
report $? "services answer"

before=$(done_with) n=0
for mac in ff:ff:ff:ff:ff:ff 01:00:5e:00:00:05 33:33:00:00:00:05 02:00:00:00:77:77; do
	frames "$mac"
	n=$((n + 5))
	lab_within 5 counted_is other_mac $n
	report $? "frames to $mac are the kernel's"
done
[ "$(done_with)" = "$before" ]
report $? "... none was forwarded, answered or dropped"
frames "$VIRTUAL"
# The client resets the connection that it did not ask for: those packets are forwarded, too.
served() {
	awk '{ exit !($4 >= $1 + 2 && $5 == $2 + 2 && $6 == $3 + 1) }' <<<"$before $(done_with)"
}
lab_within 5 served && counted_is other_mac $n
report $? "frames to the virtual MAC are served"

mac_set 02:00:00:00:02:77
report $? "the interface gets another MAC"
lab_within 5 both_answer
report $? "... and services answer at it"
# What was on its way to the old one comes to the kernel, too.
n=$(counted other_mac)
frames "$OWN"
grown() {
	[ "$(counted other_mac)" -ge $((n + 5)) ]
}
lab_within 5 grown
report $? "... while frames to the one of before are the kernel's"
mac_set "$OWN"
lab_within 5 both_answer
report $? "it gets the first one back, and services answer"
[ "$tap_failed" = 0 ] || lab_ctl show counters | sed 's/^/# /'
tap_done
