#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Process 1 of a guest after initramfs_init.sh: the mounts that a host has, its sysctls, the modules of its
# NICs, and then a loop that runs what guest.sh sends: each line of the second serial port names a job.
# With "systemd" the loop stays behind, and process 1 becomes systemd.
#   guest_init.sh [systemd] DIR
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
become=""
[ "$1" != systemd ] || { become=systemd; shift; }
# shellcheck disable=SC1091
. "$1/settings"

mounts_make() {
	chmod 1777 /tmp
	mkdir -p /run/netns /run/sluice /dev/shm /dev/pts /dev/hugepages /usr/lib/modules
	mount --bind "$guest_modules" /usr/lib/modules
	mount -t tmpfs -o mode=1777 shm /dev/shm
	mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mount -t bpf bpf /sys/fs/bpf
	mount -t hugetlbfs hugetlbfs /dev/hugepages
	mount -t tracefs tracefs /sys/kernel/tracing
	ln -sfn /proc/self/fd /dev/fd
	ln -sfn /proc/self/fd/0 /dev/stdin
	ln -sfn /proc/self/fd/1 /dev/stdout
	ln -sfn /proc/self/fd/2 /dev/stderr
	hostname "$guest_name"
}

# Before there are interfaces, which copy the defaults.
sysctls_set() {
	local setting file
	ip link set lo up
	for setting in $guest_sysctl; do
		file=${setting%%=*} file=/proc/sys/${file//.//}
		[ ! -e "$file" ] || echo "${setting#*=}" | tr : ' ' >"$file"
	done
}

nics_find() {
	local device
	modprobe -a tun af_packet
	for device in /sys/bus/pci/devices/*; do
		case $(cat "$device/class") in
		0x02*) modprobe -qb "$(cat "$device/modalias")" ;;
		esac
	done
	# shellcheck disable=SC2046 # a list of words
	[ ! -e /sys/bus/virtio/devices ] || modprobe -qab $(cat /sys/bus/virtio/devices/*/modalias)
}

# What this host has enabled is not the guest's to start. Once: a disk keeps what is enabled since.
services_forget() {
	[ ! -e /etc/sluice-guest ] || return 0
	rm -rf /etc/systemd/system /etc/rc?.d && mkdir -p /etc/systemd/system/multi-user.target.wants
	ln -s /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
	: >/etc/fstab
	# It walks /var and /tmp of the host by 9p, which takes minutes.
	ln -s /dev/null /etc/systemd/system/systemd-tmpfiles-setup.service
	# Databases of hardware and messages are the host's; making them takes minutes here.
	touch /etc/.updated /var/.updated
	# A machine of its own, and not this host.
	rm -f /etc/machine-id && systemd-machine-id-setup
	: >/etc/sluice-guest
}

# job_run FOLDER. What it starts becomes the command itself, so that a signal reaches that.
job_run() {
	(cd / && exec bash -c "exec $(cat "$1/script")") <"$1/in" >"$1/out" 2>"$1/err" &
	echo $! >"$1/pid"
	wait $!
	echo $? >"$1/rc.new"
	mv "$1/rc.new" "$1/rc"
}

jobs_run() {
	local job
	while read -r job <&3; do
		job_run "$guest_dir/jobs/$job" 3<&- &
	done
}

mounts_make
sysctls_set
nics_find
exec 3<>/dev/ttyS1
stty raw -echo <&3
: >"$guest_dir/ready"
if [ "$become" = systemd ]; then
	jobs_run &
	services_forget
	exec 3<&- env -i PATH="$PATH" /lib/systemd/systemd
fi
jobs_run
