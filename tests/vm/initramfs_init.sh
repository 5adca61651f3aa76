#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
#
# Process 1 of a guest until it has its root: the host's own, read-only by 9p, under an overlay that takes
# what the guest writes: memory, or the disk /dev/vda if there is one, which outlives a reboot. The kernel
# command line tells the lab's folder, which is shared, and what to become:
#   sluice.lab=DIR sluice.init=PROGRAM,ARGUMENT     or sluice.probe, which ends at once
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys

# leave STATUS: ends QEMU (isa-debug-exit) with 2 * STATUS + 1.
leave() {
	$b printf "\\x$($b printf %02x "$1")" | $b dd of=/dev/port bs=1 seek=244 2>/dev/null
	$b poweroff -f
}

fail() {
	echo "initramfs: $*"
	leave 1
}

lab="" init="" probe=""
for word in $($b cat /proc/cmdline); do
	case $word in
	sluice.lab=*) lab=${word#*=} ;;
	sluice.init=*) init=${word#*=} ;;
	sluice.probe) probe=yes ;;
	esac
done
[ -z "$probe" ] || leave 2

while read -r module; do
	$b insmod "/modules/$module" || echo "initramfs: $module is not taken"
done </modules/order
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose host /lower ||
	fail "the host's root can't be mounted"
if [ -b /dev/vda ]; then
	$b mount -t ext4 /dev/vda /disk || fail "/dev/vda can't be mounted"
else
	$b mount -t tmpfs -o mode=755 disk /disk
fi
$b mkdir -p /disk/upper /disk/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/disk/upper,workdir=/disk/work root /root ||
	fail "no overlay"
# The lab's folder is below /run on the host, and at the same place here.
$b mount -t tmpfs -o mode=755 run /root/run
$b mkdir -p "/root$lab"
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none lab "/root$lab" ||
	fail "$lab can't be mounted"
for dir in dev proc sys; do
	$b mount --move /$dir /root/$dir
done
# shellcheck disable=SC2046 # a list of words
exec $b switch_root /root $(echo "$init" | $b tr , ' ')
