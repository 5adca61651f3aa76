#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.1-virtio-1 6.1-vmxnet3-1
#
# Frames of 9,000 bytes on the dpdk path (ports[].mtu): what the kernel behind the TAP and a neighbour send each
# other goes through whole, services answer, and an MTU that the device doesn't take is refused. 60 s.
#
#     client --- fabric === lb    a guest; the link between the two takes 9,000 bytes
#                   |
#                   +--- b1, b2, b3   (nginx, sluice-decap)
set -u
LAB=vmjumbo-$$ LAB_MTU=9000
here=$(dirname "$(readlink -f "$0")")
. "$here/scene.sh"
. "$here/scene_dpdk.sh"
scene_dpdk_guest 6.1-virtio-1
case $GUEST_NIC in
virtio*) GUEST_NIC=$GUEST_NIC,host_mtu=9000 ;;
esac

# pings BYTES: echo requests of so many bytes, in one frame, from fabric to lb's kernel, of both families.
pings() {
	lab_exec fabric ping -q -c 5 -i 0.3 -W 5 -M "do" -s $(($1 - 28)) "$(lab_address4 lb)" >"$LAB_DIR/ping" &&
		lab_exec fabric ping -q -c 5 -i 0.3 -W 5 -M "do" -s $(($1 - 48)) "$(lab_address6 lb)" >>"$LAB_DIR/ping"
}

trap lab_down EXIT
lab_up
scene_must $? "the lab and its guest start: $scene"
pci=$(scene_pci)
scene_bind vfio-pci "$pci"
scene_must $? "$pci is bound to vfio-pci"
scene_dpdk_conf "{ device = \"$pci\"; tap = \"sl0\"; mtu = 15000; }"
! lab_sluiced lb >"$LAB_DIR/refused" 2>&1 && grep -q "ports\[0\].mtu: 15000: .* at most" "$LAB_DIR/refused"
report $? "an MTU of 15000 is refused: $(grep -o 'ports\[0\].*' "$LAB_DIR/refused" | head -n 1)"
scene_dpdk_conf "{ device = \"$pci\"; tap = \"sl0\"; mtu = 9000; }"
lab_start lb
scene_must $? "sluiced starts with 9000"
lab_exec lb ip -o link show sl0 | grep -q "mtu 9000"
report $? "sl0 has it"
pings 9000
report $? "frames of 9,000 bytes come and go: $(grep -o '[0-9]* received' "$LAB_DIR/ping" | xargs)"
all_answer 5
report $? "twelve services answer"
lab_stop lb
report $? "sluiced ends when told to"
tap_done
