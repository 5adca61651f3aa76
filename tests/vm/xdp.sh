#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# guests: 6.12-virtio-1
# more: 6.12-virtio-4
#
# The xdp path where it will run: Debian's kernels, and NICs that have a driver, queues and interrupts.
# Real HTTP over every encapsulation in every pair of families.
#
#     client --- fabric === lb    a guest; sluiced with its program on eth0, a PCI NIC
#                   |
#                   +--- b1, b2, b3   (nginx, sluice-decap)
set -u
LAB=vmxdp-$$ LAB_PATH=xdp
. "$(dirname "$(readlink -f "$0")")/scene.sh"
scene_guest 6.12-virtio-1

scene_begin
[[ $(lab_exec lb uname -r) == "$GUEST_KERNEL".* ]]
report $? "the guest's kernel is $(lab_exec lb uname -r)"
lab_ctl show dataplane >"$LAB_DIR/said"
grep -q "eth0 native" "$LAB_DIR/said"
report $? "the program is in the driver: $(sed -n 2p "$LAB_DIR/said")"
all_answer
report $? "twelve services answer"
upload_whole v4-ipip && upload_whole v6-gue
report $? "uploads of 20 MiB go through"
lab_stop lb
report $? "sluiced ends when told to"
guest_stop lb && ! guest_lives lb 2>/dev/null
report $? "the guest ends when told to"
tap_done
