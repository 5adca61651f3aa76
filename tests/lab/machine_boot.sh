#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Process 1 of a machine (machine.sh), which starts it in namespaces of its own: makes the root that
# it is to have, over the files of BASE, and becomes systemd. machine_boot.sh NAME DIR BASE
set -eu
name=$1 dir=$2 base=$3
mount --make-rprivate /
mount -t overlay -o "lowerdir=$base,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/root"
cd "$dir/root"
mount -t proc proc proc
# What the kernel has only once is not the machine's to set; the network is.
mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
mount --bind /proc/sys/net proc/sys/net
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount -t tmpfs -o mode=755 tmpfs run
# Where /dev is no devtmpfs, systemd listens to udev only if udev runs before it. Its socket takes the
# place of this file.
mkdir run/udev && : >run/udev/control
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty net/tun; do
	[ -e "/dev/$device" ] || continue
	mkdir -p "dev/$(dirname "$device")" && touch "dev/$device"
	mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
hostname "$name"

# What it starts: the journal, users and folders that packages ask for, udev. What this host has enabled
# is not the machine's to start, nor what sets what the kernel has only once.
rm -rf etc/systemd/system
units=run/systemd/system
mkdir -p etc/systemd/system etc/systemd/journald.conf.d "$units/systemd-udev-trigger.service.d"
for unit in systemd-sysctl.service systemd-modules-load.service systemd-remount-fs.service \
	systemd-binfmt.service systemd-hwdb-update.service systemd-random-seed.service \
	kmod-static-nodes.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
	sys-kernel-tracing.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount \
	systemd-update-utmp.service; do
	ln -s /dev/null "$units/$unit"
done
printf '[Service]\nExecStart=\nExecStart=udevadm trigger --subsystem-match=net --action=add\n' \
	>"$units/systemd-udev-trigger.service.d/net.conf"
printf '[Unit]\nRequires=sysinit.target\nAfter=sysinit.target\n' >"$units/machine.target"
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nRateLimitBurst=0\n' \
	>etc/systemd/journald.conf.d/machine.conf
: >etc/fstab

mkdir -p mnt/host
pivot_root . mnt/host
umount -l /mnt/host
exec env -i container=sluice-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --unit=machine.target --log-target=journal
