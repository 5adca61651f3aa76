#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.1-virtio-2
#
# The packet generator in one guest against sluiced in another, each on a PCI NIC of two queues behind an IOMMU, with a
# bridge between the two: in a closed loop no packet is lost, no flow has two backends, each worker has
# its share. 90 s.
#
#     lb2: sluice-pktgen, vfio-pci ==== bridge in fabric ==== lb: sluiced, vfio-pci
#
# What the generator stands for is in tests/net/pktgen_balancer.sh.
set -u
LAB=vmpktgen-$$
LAB_GUESTS="lb lb2" LAB_LBS=2 LAB_BACKENDS=1
here=$(dirname "$(readlink -f "$0")")
. "$here/scene.sh"
. "$here/scene_dpdk.sh"
. "$here/../net/pktgen_report.sh"
. "$here/../net/pktgen_balancer.sh"
PACKETS=20000 FLOWS=2000
scene_dpdk_guest 6.1-virtio-2

# The wire: fabric's ends of the two guests' links, which route no more.
bridge() {
	lab_exec fabric ip link add wire type bridge mcast_snooping 0 &&
		lab_exec fabric sysctl -qw net.ipv6.conf.wire.disable_ipv6=1 &&
		for node in lb lb2; do
			lab_exec fabric ip address flush dev "$node" &&
				lab_exec fabric ip link set "$node" master wire || return 1
		done && lab_exec fabric ip link set wire mtu "$LAB_MTU" up
}

# sluiced's configuration in the guest: that of the generator's other tests, with a worker a queue.
conf() {
	balancer_conf dpdk "device = \"$1\"; tap = \"sl0\";" | sed \
		-e "s|cores = .*|cores = [ $(seq -s, 1 "$workers") ];|" -e '/hugepages = /d' \
		-e "s|control = .*|control = { socket = \"$(lab_control lb)\"; state = \"\"; };|" >"$LAB_DIR/lb.conf"
}

answers() {
	lab_ctl show generation >/dev/null 2>&1
}

addresses() {
	lab_exec lb ip address replace 10.10.2.2/24 dev sl0 &&
		lab_exec lb ip address replace 2001:db8:2::2/64 dev sl0 nodad &&
		lab_exec lb ip route replace default via 10.10.2.1 dev sl0 &&
		lab_exec lb ip -6 route replace default via 2001:db8:2::1 dev sl0
}

generate() {
	lab_exec lb2 timeout 200 "$PKTGEN" --core 0 --device "$1" --queues "$workers" --quiet --json \
		--own 10.10.2.1 --own 2001:db8:2::1 --peer 10.10.2.2 --peer 2001:db8:2::2 \
		--to 198.51.100.10:80/tcp --to 198.51.100.11:80/tcp --to 198.51.100.12:53/udp \
		--to 198.51.100.13:53/udp --to '[2001:db8:100::10]:443/tcp' \
		--to '[2001:db8:100::11]:443/udp' --to '[2001:db8:100::12]:443/tcp' \
		--flows $FLOWS --count $PACKETS --closed 32 --size 64,65,128,594,1200 --timeout 20000 --wait 60 \
		>"$LAB_DIR/report.json" 2>"$LAB_DIR/pktgen.err"
}

trap 'lab_down' EXIT
lab_up && bridge
scene_must $? "two guests on a wire: $scene"
dir=$LAB_DIR
declare -A pci
for node in lb lb2; do
	pci[$node]=$(lab_exec "$node" bash -c 'f=$(readlink -f /sys/class/net/eth0/device); basename "${f%/*}"')
	lab_exec "$node" bash -c "modprobe vfio-pci && cd /sys/bus/pci/devices/${pci[$node]} &&
		echo vfio-pci >driver_override && echo ${pci[$node]} >driver/unbind && echo ${pci[$node]} >/sys/bus/pci/drivers_probe"
	scene_must $? "$node: ${pci[$node]} is bound to vfio-pci"
done
conf "${pci[lb]}"
lab_spawn lb sluiced-lb "$BUILD/ctl/daemon/sluiced" --config "$LAB_DIR/lb.conf" --module-dir "$BUILD/dataplane"
lab_within 40 answers && addresses
scene_must $? "sluiced starts"
before=$(worker_packets)
generate "${pci[lb2]}"
status=$?
checked "two guests" $PACKETS
everywhere "two guests" $FLOWS
shares=$(shares_since "$before")
# Of 2,000 flows a fair hash gives a worker less than 45 % once in 10^5 runs.
[ "$(awk -v n="$workers" -v sent=$PACKETS '$1 > 0.9 * sent / n' <<<"$shares" | wc -l)" = "$workers" ]
report $? "each worker has its share of packets: $(xargs <<<"$shares")"
lab_runs sluiced-lb
report $? "sluiced is still there"
tap_done
