#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.1
#
# Ports of the xdp path that are no plain NIC: a bond with LACP, and VLANs on it. What works, and what is refused with
# the fix. 100 s.
#
#     client --- fabric === eth0 -+- br0 -+- bond9 === bond0     sluiced
#                   |             (namespace edge)  two links     (the guest lb)
#                   |             of the guest lb
#                   +--- b1, b2, b3   (nginx, sluice-decap)
#
# The guest has five NICs: one to the fabric, and two pairs that QEMU joins. Edge is the switch; its end of the
# bond is the kernel's.
set -u
LAB=vmlinks-$$ LAB_PATH=xdp
. "$(dirname "$(readlink -f "$0")")/scene.sh"
scene_guest 6.1

# joined NAME HUB SLOT: a NIC of the guest on a cable, with the MAC 02:00:00:00:02:SLOT.
joined() {
	echo "-netdev hubport,id=$1,hubid=$2" \
		"-device virtio-net-pci,id=nic-$1,netdev=$1,mac=02:00:00:00:02:$3,addr=0x$3,speed=1000,duplex=full"
}
GUEST_ARGS="${GUEST_ARGS:-} $(joined a1 1 11) $(joined a2 2 12) $(joined z1 1 13) $(joined z2 2 14)"

# in_guest: runs a script in the guest, from standard input.
in_guest() {
	lab_feed lb bash -s
}

# The switch.
links_make() {
	in_guest <<-'SCRIPT'
		set -e
		modprobe -a bonding 8021q bridge
		named() { basename "$(dirname "$(grep -l "^02:00:00:00:02:$1$" /sys/class/net/*/address | head -n 1)")"; }
		ip netns add edge
		ip link set eth0 down
		ip link set eth0 netns edge
		bond() { # NAME MEMBER... : with LACP
			local name=$1 member
			shift
			ip link add "$name" mtu 1600 type bond mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer3+4
			for member; do
				ip link set "$member" down
				ip link set "$member" mtu 1600
				ip link set "$member" master "$name"
			done
			ip link set "$name" up
		}
		ip link set "$(named 13)" name z1
		ip link set "$(named 14)" name z2
		ip link set "$(named 11)" name a1
		ip link set "$(named 12)" name a2
		ip link set z1 netns edge
		ip link set z2 netns edge
		export -f bond
		ip netns exec edge bash -e <<-'EDGE'
			echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
			bond bond9 z1 z2
			ip link add br0 mtu 1600 type bridge mcast_snooping 0
			ip link set eth0 mtu 1600 master br0
			ip link set eth0 up
			ip link set bond9 master br0
			ip link set br0 up
		EDGE
	SCRIPT
}

bond_make() {
	in_guest <<-'SCRIPT'
		set -e
		ip link add bond0 mtu 1600 type bond mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer3+4
		for member in a1 a2; do
			ip link set $member down
			ip link set $member mtu 1600
			ip link set $member master bond0
		done
		ip link set bond0 up
	SCRIPT
}

# lacp [LINKS]: so many of the bond's carry, and the other end has told its MAC.
lacp() {
	lab_exec lb cat /proc/net/bonding/bond0 >"$LAB_DIR/lacp"
	[ "$(sed -n 's/.*Number of ports: //p' "$LAB_DIR/lacp")" = "${1:-2}" ] &&
		grep -q 'Partner Mac Address: 02:00' "$LAB_DIR/lacp"
}

port_is() {
	lab_ctl show dataplane >"$LAB_DIR/said"
	grep -q "$1" "$LAB_DIR/said"
}

# port INTERFACE MODE TEXT: sluiced starts on it, and forwards.
port() {
	lab_stop lb
	lab_sluiced lb --detach >/dev/null 2>&1
	lab_conf lb | sed "s/interface = \"eth0\"/interface = \"$1\"/" >"$LAB_DIR/lb.conf"
	lab_start lb
	scene_must $? "sluiced starts on $1, $3"
	port_is "$1 $2"
	report $? "... in $2 mode"
	all_answer 3
	report $? "... and twelve services answer"
	echo_answered
	report $? "... and so do echo requests to vips"
}

echo_answered() {
	lab_exec client ping -c 2 -W 10 -q "$(lab_vip v4-ipip)" >"$LAB_DIR/ping" &&
		lab_exec client ping -c 2 -W 10 -q "$(lab_vip v6-gue)" >"$LAB_DIR/ping"
}

uploads() {
	upload_whole v4-ipip && upload_whole v6-gue
}

# set_links on|off: the first cable.
set_links() {
	guest_monitor lb "set_link nic-a1 $1" >/dev/null
	guest_monitor lb "set_link nic-z1 $1" >/dev/null
}

# move FROM TO [LINE...]: lines for `ip -batch` in the guest; then the balancer's addresses are on TO, and the
# router asks for it anew.
move() {
	local from=$1 to=$2
	shift 2
	printf '%s\n' "address flush dev $from" "$@" | lab_feed lb ip -batch - &&
		lab_lb_address "$to" lb && ip -n "$LAB-fabric" neigh flush dev lb
}

# switch LINE...: lines for `ip -batch` in the switch.
switch() {
	printf '%s\n' "$@" | lab_feed lb ip -n edge -batch -
}

tagged() {
	[ "$(lab_ctl --json show backends | jq -c '[.. | objects | .next_hop? // empty | [.state, .vlan]] | unique')" = '[["resolved",10]]' ]
}

trap scene_leave EXIT
lab_up && links_make
scene_must $? "the lab, its guest and the switch in it start: $scene"

bond_make && lab_lb_address bond0 lb && lab_within 15 lacp
scene_must $? "two NICs are a bond, and its other end talks LACP: $(grep -m 1 'Partner Mac' "$LAB_DIR/lacp")"
port bond0 native "a bond"
uploads
report $? "... and uploads go through"
set_links off
lab_within 15 lacp 1 && all_answer 2
report $? "with one link of the bond down, they answer"
set_links on
lab_within 15 lacp 2 && all_answer 2
report $? "... and with both again"

switch "link add bond9.10 link bond9 type vlan id 10" "link set bond9 nomaster" \
	"link set bond9.10 mtu 1600 master br0 up" &&
	move bond0 bond0.10 "link add bond0.10 mtu 1600 link bond0 type vlan id 10" && lab_within 10 tagged
report $? "the addresses go to VLAN 10 of the bond while sluiced runs, and so do the ways to the backends"
all_answer 3 && echo_answered
report $? "... twelve services answer, and echo requests to vips, by tagged frames"
uploads
report $? "... and uploads go through"
lab_stop lb
lab_conf lb | sed 's/interface = "eth0"/interface = "bond0.10"/' >"$LAB_DIR/lb.conf"
! lab_sluiced lb >"$LAB_DIR/refused" 2>&1 && grep -q 'bond0.10: is a VLAN.*interface = "bond0"' "$LAB_DIR/refused"
report $? "a VLAN as a port is refused, with the fix"
tap_done
