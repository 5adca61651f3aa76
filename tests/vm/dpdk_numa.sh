#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.1-virtio-1
#
# The dpdk path on a machine of two NUMA nodes with a NIC at each, on hugepages of 1 GiB and then of 2 MiB:
# packet buffers are on the node of their port, tables on the node of their worker, by what sluiced says and by
# what the kernel says of its memory. 120 s.
#
#     client --- fabric === lb    a guest; node 0: CPUs 0 and 1, eth0; node 1: CPU 2, the worker's, and a second NIC
#                   |
#                   +--- b1, b2, b3   (nginx, sluice-decap)
set -u
LAB=vmnuma-$$
here=$(dirname "$(readlink -f "$0")")
. "$here/scene.sh"
. "$here/scene_dpdk.sh"
export GUEST_MEMORY_MB=6144 hugepages=0
export iommu_words="intel_iommu=on iommu=pt hugepagesz=1G hugepages=0:1,1:1"
# Of the first node half lies above 4 GiB: what is below has no GiB without holes.
nodes="-object memory-backend-ram,id=m0,size=4096M -object memory-backend-ram,id=m1,size=2048M"
nodes="$nodes -numa node,nodeid=0,memdev=m0,cpus=0-1 -numa node,nodeid=1,memdev=m1,cpus=2"
GUEST_ARGS="-device intel-iommu,intremap=on,caching-mode=on $nodes -device pxb-pcie,id=pxb0,bus=pcie.0,bus_nr=64,numa_node=0"
GUEST_ARGS="$GUEST_ARGS -device pxb-pcie,id=pxb1,bus=pcie.0,bus_nr=128,numa_node=1"
GUEST_ARGS="$GUEST_ARGS -device pcie-root-port,id=rp1,bus=pxb1,chassis=2,slot=2"
GUEST_ARGS="$GUEST_ARGS -netdev user,id=n1,restrict=on"
scene_dpdk_guest 6.1-virtio-1
GUEST_ARGS="${GUEST_ARGS/pcie-root-port,id=rp0,/pcie-root-port,id=rp0,bus=pxb0,}"
GUEST_ARGS="$GUEST_ARGS -device virtio-net-pci,netdev=n1,bus=rp1,iommu_platform=on,disable-legacy=on,mac=02:00:00:00:99:02"
GUEST_CPUS=3

pages_set() {
	lab_exec lb bash -c 'for node in 0 1; do
		echo $2 >/sys/devices/system/node/node$node/hugepages/hugepages-$1kB/nr_hugepages
		cat /sys/devices/system/node/node$node/hugepages/hugepages-$1kB/nr_hugepages; done' - "$1" "$2" | xargs
}

# pages_used KB NODE: hugepages that are not free.
pages_used() {
	lab_exec lb bash -c 'cd /sys/devices/system/node/node$2/hugepages/hugepages-$1kB
		echo $(($(cat nr_hugepages) - $(cat free_hugepages)))' - "$1" "$2"
}

trap lab_down EXIT
lab_up
scene_must $? "the lab and its guest start: $scene"
first=$(scene_pci eth0) second=$(scene_pci eth1)
[ "$(lab_exec lb cat "/sys/bus/pci/devices/$first/mac" 2>/dev/null)" != x ] &&
	[ "$(lab_exec lb cat /sys/class/net/eth0/address)" = "$(lab_mac lb)" ] || { set -- "$first"; first=$second; second=$1; }
note "NICs: $first at node $(lab_exec lb cat "/sys/bus/pci/devices/$first/numa_node"), $second at node $(lab_exec lb cat "/sys/bus/pci/devices/$second/numa_node")"
scene_bind vfio-pci "$first" "$second"
scene_must $? "both NICs are bound"
scene_dpdk_conf "{ device = \"$first\"; tap = \"sl0\"; }, { device = \"$second\"; tap = \"sl1\"; }"
sed -i 's/cores = .*/cores = [ 2 ];/' "$LAB_DIR/lb.conf"

# Those of 1 GiB are there since boot, and DPDK takes the largest first.
for size in 1048576:1 2048:200; do
	kb=${size%:*} want=${size#*:}
	[ "$kb" = 1048576 ] || pages_set 1048576 0 >/dev/null
	got=$(pages_set "$kb" "$want")
	if [ "$got" != "$want $want" ]; then
		report 1 "each node has $want hugepages of $kb kB (it has: $got)"
		continue
	fi
	lab_start lb
	scene_must $? "sluiced starts on hugepages of $kb kB"
	lab_ctl --json show dataplane >"$LAB_DIR/said"
	[ "$(jq -c '[.ports[].numa_node]' "$LAB_DIR/said")" = "[0,1]" ] && [ "$(jq -c '[.workers[].numa_node]' "$LAB_DIR/said")" = "[1]" ]
	report $? "ports are at nodes 0 and 1, the worker at 1: $(jq -c '[.ports[].numa_node], [.workers[].numa_node]' "$LAB_DIR/said" | xargs)"
	used0=$(pages_used "$kb" 0) used1=$(pages_used "$kb" 1)
	[ "$used0" -gt 0 ] && [ "$used1" -gt 0 ] && ! grep -q "they lie elsewhere" "$LAB_DIR/sluiced-lb.log"
	report $? "either node gave hugepages: $used0 and $used1 of $want"
	if [ "$kb" = 2048 ]; then
		# A flow table of a million flows: 16 MiB.
		lab_exec lb bash -c 'cat /proc/$(pgrep -o -x sluiced)/numa_maps' >"$LAB_DIR/numa_maps"
		grep -q "huge.*N1=8 kernelpagesize_kB=2048" "$LAB_DIR/numa_maps" &&
			! grep -q "huge.*N0=8 kernelpagesize_kB=2048" "$LAB_DIR/numa_maps"
		report $? "the flow table of the worker, 16 MiB, is on node 1 whole"
	fi
	all_answer 3
	report $? "twelve services answer"
	doctor_says "sl0 is at NUMA node 0, worker 0 at node 1" && ! grep -q "sl1 is at NUMA" "$LAB_DIR/doctor"
	report $? "the doctor knows which worker is on another node than a port"
	lab_stop lb
done
tap_done
