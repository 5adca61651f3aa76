#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# guests: 6.1-virtio-1
# more: 6.12-virtio-1 6.12-virtio-4 6.1-virtio-4 6.1-e1000e-1 6.1-vmxnet3-1 6.12-vmxnet3-1
#
# The xdp path where it will run: Debian's kernels, and NICs that have a driver, queues and interrupts.
# Real HTTP over every encapsulation in every pair of families; then sluiced is restarted, killed and
# reloaded under load, and no request fails.
#
#     client --- fabric === lb    a guest; sluiced with its program on eth0, a PCI NIC
#                   |
#                   +--- b1, b2, b3   (nginx, sluice-decap)
set -u
LAB=vmxdp-$$ LAB_PATH=xdp
. "$(dirname "$(readlink -f "$0")")/scene.sh"
scene_guest 6.12-virtio-4

# Where the driver takes a program, and where the kernel runs it behind the driver.
mode_expected() {
	case $GUEST_NIC-$GUEST_KERNEL in
	e1000e-* | vmxnet3-6.1) echo generic ;; # vmxnet3 has it since 6.6
	*) echo native ;;
	esac
}

# some: thirty requests, all of which begin from now on.
some() {
	load_phase "$LAB_DIR/steady" "$EPOCHREALTIME" 30 "$LAB_DIR/phase"
	report $? "... while requests are answered"
}

adopted() {
	grep -q 'adopted generation' "$LAB_DIR/sluiced-lb.log"
}

weight_of_b1() {
	lab_ctl --json show backends v4-ipip | jq -e '[.. | objects | select(.name? == "b1") | .weight] == [70]' >/dev/null
}

scene_begin
[[ $(lab_exec lb uname -r) == "$GUEST_KERNEL".* ]]
report $? "the guest's kernel is $(lab_exec lb uname -r)"
lab_ctl show dataplane >"$LAB_DIR/said"
grep -q "eth0 $(mode_expected)" "$LAB_DIR/said"
report $? "the program is attached in $(mode_expected) mode: $(grep -o 'XDP on.*' "$LAB_DIR/said")"
all_answer
report $? "twelve services answer"
upload_whole v4-ipip && upload_whole v6-gue
report $? "uploads of 4 MiB go through"
load_requests "$(lab_url v4-gue)" 60 >"$LAB_DIR/spread"
# 60 requests pass by one of three backends in 1 of 10^10 runs.
[ "$(load_count b1 <"$LAB_DIR/spread")" -gt 0 ] && [ "$(load_count b2 <"$LAB_DIR/spread")" -gt 0 ] &&
	[ "$(load_count b3 <"$LAB_DIR/spread")" -gt 0 ]
report $? "each of three backends has some of 60 requests"

load_start "$(lab_url v4-ipip)" "$LAB_DIR/steady"
load_phase "$LAB_DIR/steady" 0 30 "$LAB_DIR/phase"
report $? "load begins"
lab_stop lb
report $? "sluiced ends when told to"
some
lab_start lb && adopted
report $? "sluiced starts again and adopts what runs"
lab_kill sluiced-lb KILL
some
lab_start lb && adopted
report $? "sluiced starts after kill -9 and adopts what runs"
sed -i '0,/name = "b1"; \(address = "[^"]*"\); weight = 100/s//name = "b1"; \1; weight = 70/' "$LAB_DIR/lb.conf"
lab_ctl reload >/dev/null && weight_of_b1
report $? "a reload puts an edited file in force"
some
load_stop
read -r failed _ < <(load_failed <"$LAB_DIR/steady")
[ "$failed" = 0 ]
report $? "$(wc -l <"$LAB_DIR/steady") requests meanwhile, $failed failed"
lab_exec lb dmesg >"$LAB_DIR/dmesg"
! grep -E 'BUG|WARNING|Oops|rcu.*stall' "$LAB_DIR/dmesg" | sed 's/^/# /' | grep .
report $? "the kernel has nothing to complain of"
tap_done
