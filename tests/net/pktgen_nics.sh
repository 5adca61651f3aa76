#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# alone: its figures are of an otherwise idle machine
# paths: dpdk xdp
#
# The packet generator on each kind of virtual NIC (vhost: pktgen.sh, net_ring: pktgen_alone.sh):
# 50,000 packets of 5,000 flows, TCP and UDP over IPv4 and IPv6, in a closed loop in which not one
# may be lost, moved, reordered or wrong.
#
#   sluice-pktgen                                sluiced, in its namespace
#     net_memif0       a UNIX socket             net_memif0                          dpdk
#     net_af_packet0   a veth, g0 --- l0         net_af_xdp0, net_af_packet0         dpdk
#                      g0 in a namespace         l0 itself, native XDP               xdp
#     net_tap0         a TAP, l0                 net_af_packet0                      dpdk
#                      in sluiced's namespace    l0 itself, generic XDP              xdp
#
# The rest of the picture is in pktgen_balancer.sh. BUILD: as for tests/lab/lab.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/tap.sh"
. "$here/pktgen_report.sh"
. "$here/pktgen_balancer.sh"
PACKETS=50000 FLOWS=5000
# A veth on which XDP runs holds 256 frames.
WINDOW=128

# over NAME PORT INTERFACE ARG...: a row, with a sluiced of its own. It ends by itself, also when
# packets are missing.
over() {
	local name=$1 port=$2 interface=$3
	shift 3
	if ! balancer_start "$LAB_PATH" "$port" "$interface"; then
		report 1 "$name: sluiced starts"
		sed 's/^/# /' "$dir/sluiced.log"
		return
	fi
	pktgen --flows $FLOWS --count $PACKETS --closed $WINDOW --size 64,65,128,594,1200 \
		--timeout 5000 "$@"
	status=$?
	note "$name: $(jq -c '{seconds, latency_ns}' "$dir/report.json" 2>&1)"
	checked "$name" $PACKETS
	everywhere "$name" $FLOWS
	balancer_runs
	report $? "$name: sluiced is still there"
	balancer_stop
}

# quiet SPACE INTERFACE: on the dpdk path the kernel must say nothing on a link of DPDK's.
quiet() {
	nsenter --net="/run/netns/$1" -- sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1" &&
		ip -n "$1" link set "$2" arp off
}

# A veth between two namespaces, which have no other use. XDP sends nothing into a veth whose other
# end has neither XDP nor GRO.
veth_make() {
	ip netns add "$SPACE-gen" &&
		ip -n "$SPACE" link add l0 mtu 1600 type veth peer name g0 netns "$SPACE-gen" mtu 1600 &&
		in_space ethtool -K l0 tx off >/dev/null &&
		nsenter --net="/run/netns/$SPACE-gen" -- ethtool -K g0 tx off gro on >/dev/null &&
		quiet "$SPACE-gen" g0 &&
		{ [ "$LAB_PATH" = xdp ] || quiet "$SPACE" l0; } &&
		ip -n "$SPACE" link set l0 up && ip -n "$SPACE-gen" link set g0 up
	report $? "a veth between two namespaces"
}

# The balancer starts first, so the TAP has to be there before the generator: one that stays.
tap_make() {
	ip -n "$SPACE" tuntap add l0 mode tap multi_queue &&
		{ [ "$LAB_PATH" = xdp ] || quiet "$SPACE" l0; } && ip -n "$SPACE" link set l0 up
	report $? "a TAP in sluiced's namespace"
}

rows_dpdk() {
	local memif
	memif="socket=$dir/memif,socket-abstract=no"
	over "memif" "device = \"net_memif0,role=server,$memif\"; tap = \"sl0\";" sl0 \
		--device "net_memif0,role=client,$memif"
	veth_make
	PKTGEN_SPACE=$SPACE-gen
	over "af_packet to af_xdp" 'device = "net_af_xdp0,iface=l0,busy_budget=0"; tap = "sl0";' sl0 \
		--device net_af_packet0,iface=g0
	over "af_packet to af_packet" 'device = "net_af_packet0,iface=l0"; tap = "sl0";' sl0 \
		--device net_af_packet0,iface=g0
	ip -n "$SPACE" link del l0
	tap_make
	PKTGEN_SPACE=$SPACE
	over "tap to af_packet" 'device = "net_af_packet0,iface=l0"; tap = "sl0";' sl0 \
		--device net_tap0,iface=l0 --mac 02:00:00:00:02:01
}

rows_xdp() {
	veth_make
	PKTGEN_SPACE=$SPACE-gen
	over "af_packet to xdp" 'interface = "l0";' l0 --device net_af_packet0,iface=g0
	ip -n "$SPACE" link del l0
	tap_make
	PKTGEN_SPACE=$SPACE
	# Of what native XDP sends into a TAP, the kernel leaves out a header that net_tap expects.
	XDP_ATTACH=generic
	over "tap to xdp" 'interface = "l0";' l0 --device net_tap0,iface=l0 --mac 02:00:00:00:02:01
}

end() {
	balancer_end
	ip netns del "$SPACE-gen" 2>/dev/null
}

LAB_PATH=${LAB_PATH:-dpdk}
pktgen_needs
balancer_prepare
trap end EXIT
"rows_$LAB_PATH"
tap_done
