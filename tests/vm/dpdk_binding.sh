#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.1-uio-1 6.1-noiommu-2 6.1-afxdp-4
#
# Ways to a NIC for the dpdk path where there is no IOMMU: uio_pci_generic, vfio-pci without one, and
# net_af_xdp on a NIC with four queues that its kernel driver keeps. 60 s each.
#
#     client --- fabric === lb    a guest
#                   |
#                   +--- b1, b2, b3   (nginx, sluice-decap)
set -u
LAB=vmbinding-$$
here=$(dirname "$(readlink -f "$0")")
. "$here/scene.sh"
. "$here/scene_dpdk.sh"
IFS=- read -r kernel way queues <<<"${GUEST:-6.1-uio-1}"
export GUEST_ARGS=" " iommu_words=""
GUEST=$kernel-virtio-$queues
scene_dpdk_guest "$GUEST"
# Without an IOMMU there is nothing to translate for.
GUEST_NIC=virtio-net-pci,bus=rp0,disable-legacy=on
[ "$way" != noiommu ] || GUEST_NIC=$GUEST_NIC,rss=on,hash=on

case $way in
uio)
	scene_dpdk_begin uio_pci_generic
	;;
noiommu)
	trap lab_down EXIT
	lab_up
	scene_must $? "the lab and its guest start: $scene"
	pci=$(scene_pci)
	scene_dpdk_conf "{ device = \"$pci\"; tap = \"sl0\"; }"
	lab_exec lb modprobe vfio-pci
	! scene_bind vfio-pci "$pci" 2>"$LAB_DIR/bind"
	report $? "without an IOMMU vfio-pci doesn't take the device"
	! lab_sluiced lb >"$LAB_DIR/refused" 2>&1
	grep -q "bind it with" "$LAB_DIR/refused"
	report $? "... and sluiced refuses, with the mend: $(grep -m 1 -o 'ports\[0\].*' "$LAB_DIR/refused" | cut -c 1-160)"
	if ! lab_exec lb test -e /sys/module/vfio/parameters/enable_unsafe_noiommu_mode; then
		note "Debian's kernel is built without VFIO_NOIOMMU: there is no other way than uio"
		tap_done
		exit
	fi
	lab_exec lb bash -c 'echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode'
	scene_bind vfio-pci "$pci"
	scene_must $? "with enable_unsafe_noiommu_mode it does"
	lab_start lb
	scene_must $? "sluiced starts on it"
	;;
afxdp)
	trap lab_down EXIT
	lab_up
	scene_must $? "the lab and its guest start: $scene"
	lab_exec lb ip link set eth0 up
	# virtio_net has room for a program's own transmit queues only when it uses fewer than it has.
	lab_exec lb ethtool -L eth0 combined 1
	report $? "the NIC's kernel driver uses one of $queues queues: net_af_xdp takes the first"
	lab_exec lb ip link set eth0 arp off
	workers=1
	scene_dpdk_conf "{ device = \"net_af_xdp0,iface=eth0,busy_budget=0\"; tap = \"sl0\"; }"
	lab_start lb
	scene_must $? "sluiced starts on it"
	;;
esac
all_answer 10
report $? "twelve services answer by $way"
[ "$workers" = 1 ] || [ "$(worker_packets | awk '$1 > 0' | wc -l)" = "$workers" ]
report $? "every worker has packets: $(worker_packets | xargs)"
lab_stop lb
report $? "sluiced ends when told to"
tap_done
