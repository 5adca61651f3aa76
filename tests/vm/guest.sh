# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Nodes of the lab that are machines of their own in QEMU: a kernel of Debian's, PCI NICs, and this host's
# files, read-only below what the guest writes. lab.sh sources this file; lab_up starts the guests that
# LAB_GUESTS names, and lab_exec, lab_spawn, lab_kill and lab_runs reach them as they reach a namespace.
#
#     fabric ==== tap NODE ==== QEMU (a process in fabric's namespace) ==== eth0 of the guest
#
# What a guest is made of. Each can be set for one node alone, as GUEST_NIC_lb or GUEST_KERNEL_b1:
#   GUEST_KERNEL     6.1 | 6.12                                       [6.1]
#   GUEST_NIC        QEMU's device, with properties, or none          [virtio-net-pci]
#   GUEST_QUEUES     of the NIC, where it is virtio's                 [1]
#   GUEST_CPUS       [2]        GUEST_MEMORY_MB  [1500]
#   GUEST_APPEND     words for the kernel's command line              []
#   GUEST_ARGS       words for QEMU's, before those of the NIC: an IOMMU, a bus for it ...  []
#   GUEST_INIT       run | systemd: process 1 after the initramfs     [run]
#   GUEST_DISK       a file that keeps what the guest writes          []
#   GUEST_LIMIT_S    a guest is ended after so long, whatever happens [900]
#
# Files, in $LAB_DIR/guest-NODE/ : console (the kernel's log), qemu.log, monitor (QEMU's, a socket),
# jobs/N/ (a command: script, out, err, pid, rc). $LAB_DIR is at the same place in the guest.
#
# A guest ends with the script that started it, also when that is killed (PR_SET_PDEATHSIG): so start it
# in no subshell. Commands go in through a serial line (guest_init.sh reads it); nothing polls in the guest.
#
#   guest_start NODE       returns at once;       guest_ready NODE     waits until it takes commands
#   guest_exec NODE CMD... runs one, in / ;       guest_feed NODE CMD...   the same, with our stdin
#   guest_stop NODE        at once                guest_monitor NODE COMMAND   for QEMU: device_del ...
#   guest_refusal          why there can't be one here; empty: there can
vm_home=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=kernel.sh
. "$vm_home/kernel.sh"

# guest_has NODE: whether the node is a guest.
guest_has() {
	[[ " ${LAB_GUESTS:-} " == *" $1 "* ]]
}

# guest_option NODE NAME DEFAULT: GUEST_<NAME>_<NODE>, or GUEST_<NAME>.
guest_option() {
	local own=GUEST_$2_$1 all=GUEST_$2
	echo "${!own-${!all-$3}}"
}

guest_refusal() {
	local tool node reason
	for tool in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio modprobe:kmod xz:xz-utils; do
		type "${tool%:*}" >/dev/null 2>&1 || { echo "no ${tool%:*}: install the package ${tool#*:}"; return; }
	done
	for node in ${LAB_GUESTS:-lb}; do
		reason=$(kernel_get "$(guest_option "$node" KERNEL 6.1)") || { echo "$reason"; return; }
	done
}

# guest_boot_files RELEASE: sets guest_kernel and guest_initramfs, of a kernel that the cache has.
guest_boot_files() {
	guest_kernel=$(kernel_dir "$1")/vmlinuz
	guest_initramfs=$BUILD/vm/initramfs-$1
	mkdir -p "$BUILD/vm" || return 1
	[ "$guest_initramfs" -nt "$vm_home/initramfs_init.sh" ] && [ "$guest_initramfs" -nt "$(kernel_dir "$1")/version" ] ||
		kernel_initramfs "$1" "$guest_initramfs"
}

# guest_accel: kvm if a guest of guest_kernel boots by it within 20 s, else tcg. /dev/kvm can open where
# guests then hang, so this is tried, once while the host is up.
guest_accel() {
	local file=/run/sluice-vm-accel
	[ -z "${VM_ACCEL:-}" ] || { echo "$VM_ACCEL"; return; }
	[ -s "$file" ] || (
		flock 9
		[ ! -s "$file" ] || exit 0
		accel=tcg
		if [ -w /dev/kvm ]; then
			# The probe's initramfs ends QEMU with 2 * 2 + 1.
			timeout -k 1 20 qemu-system-x86_64 -machine q35 -accel kvm -cpu host -m 512 -nodefaults \
				-no-user-config -display none -no-reboot -kernel "$guest_kernel" -initrd "$guest_initramfs" \
				-append "sluice.probe panic=-1 no_timer_check" -device isa-debug-exit,iobase=0xf4,iosize=4 </dev/null
			[ $? != 5 ] || accel=kvm
		fi
		echo $accel >"$file"
	) 9>"$file.lock" >"$file.log" 2>&1
	cat "$file"
}

# guest_net NODE: QEMU's arguments for its NIC, on the tap that is called like the node.
guest_net() {
	local nic queues more=""
	[ "$(guest_option "$1" NIC "")" != none ] || return 0
	nic=$(guest_option "$1" NIC virtio-net-pci) queues=$(guest_option "$1" QUEUES 1)
	case $nic in
	virtio-net*) [ "$queues" = 1 ] || more=,mq=on,vectors=$((2 * queues + 2)) ;;
	esac
	echo "-netdev tap,id=n0,ifname=$1,script=no,downscript=no,vhost=off$([ "$queues" = 1 ] || echo ",queues=$queues")" \
		"-device $nic,id=nic0,netdev=n0,mac=$(lab_mac "$1")$more"
}

guest_start() {
	local node=$1 dir=$LAB_DIR/guest-$1 release init disk limit accel cpu=max
	release=$(guest_option "$node" KERNEL 6.1) disk=$(guest_option "$node" DISK "")
	limit=$(guest_option "$node" LIMIT_S 900)
	case $(guest_option "$node" INIT run) in
	run) init=/bin/bash,$vm_home/guest_init.sh ;;
	systemd) init=/bin/bash,$vm_home/guest_init.sh,systemd ;;
	esac
	guest_boot_files "$release" && mkdir -p "$dir/jobs" || return 1
	rm -rf "$dir/ready" "$dir"/jobs/*
	printf '%s=%q\n' guest_dir "$dir" guest_modules "$(kernel_dir "$release")/lib/modules" \
		guest_name "$node" guest_sysctl "${lab_sysctl_common//$'\n'/}" >"$dir/settings"
	[ -p "$dir/line.in" ] || mkfifo "$dir/line.in" "$dir/line.out" || return 1
	accel=$(guest_accel)
	case $accel in
	kvm) cpu=host ;;
	tcg) accel=tcg,thread=multi ;;
	esac
	# Whoever is killed takes the next one along: this shell, timeout, QEMU. Without no_timer_check a kernel
	# that is given no CPU for the hundredth of a second in which it looks at its timer panics.
	# shellcheck disable=SC2046 # words
	setpriv --pdeathsig TERM timeout -k 5 "$limit" \
		nsenter --net="/run/netns/$LAB-fabric" -- setpriv --pdeathsig KILL \
		qemu-system-x86_64 -name "$LAB-$node" -machine q35 -accel "$accel" -cpu "$cpu" \
		-smp "$(guest_option "$node" CPUS 2)" -m "$(guest_option "$node" MEMORY_MB 1500)" \
		-nodefaults -no-user-config -no-reboot -display none \
		-chardev "socket,id=console,path=$dir/console.sock,server=on,wait=off,logfile=$dir/console,logappend=on" \
		-serial chardev:console -chardev "pipe,id=line,path=$dir/line" -serial chardev:line \
		-monitor "unix:$dir/monitor,server=on,wait=off" -device isa-debug-exit,iobase=0xf4,iosize=4 \
		-kernel "$guest_kernel" -initrd "$guest_initramfs" \
		-append "console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off no_timer_check sluice.lab=$LAB_DIR sluice.init=$init,$dir $(guest_option "$node" APPEND "")" \
		-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=host,mount_tag=host \
		-fsdev "local,id=lab,path=$LAB_DIR,security_model=none" -device virtio-9p-pci,fsdev=lab,mount_tag=lab \
		${disk:+-drive "file=$disk,format=raw,if=virtio"} \
		$(guest_option "$node" ARGS "") $(guest_net "$node") >"$dir/qemu.log" 2>&1 </dev/null &
	echo $! >"$dir/pid"
}

guest_lives() {
	lab_lives "$(cat "$LAB_DIR/guest-$1/pid")"
}

guest_is_ready() {
	[ -e "$LAB_DIR/guest-$1/ready" ] || ! guest_lives "$1"
}

# guest_ready NODE: takes 3 to 10 s where nothing else runs.
guest_ready() {
	local dir=$LAB_DIR/guest-$1
	lab_within 60 guest_is_ready "$1" && [ -e "$dir/ready" ] && return
	lab_say "the guest $1 does not come up: $(tail -n 3 "$dir/qemu.log")"
	tail -n 20 "$dir/console" >&2
	return 1
}

# guest_begin NODE CMD...: starts it; sets guest_job, its folder. What it is to read stands in $guest_input.
guest_begin() {
	local node=$1 dir=$LAB_DIR/guest-$1
	shift
	guest_lives "$node" || { lab_say "the guest $node has ended: $(tail -n 3 "$dir/console")"; return 1; }
	guest_job=$(mktemp -d "$dir/jobs/XXXXXXXX") || return 1
	printf '%q ' "$@" >"$guest_job/script"
	cp "${guest_input:-/dev/null}" "$guest_job/in"
	: >"$guest_job/out"
	echo "${guest_job##*/}" >"$dir/line.in"
}

guest_job_ended() {
	[ -e "$1/rc" ]
}

# guest_exec NODE CMD...: its output comes when it has ended.
guest_exec() {
	local node=$1 guest_job
	guest_begin "$@" || return 125
	until guest_job_ended "$guest_job"; do
		guest_lives "$node" || { lab_say "the guest $node ended while it ran: ${*:2}"; return 125; }
		sleep 0.02
	done
	cat "$guest_job/out"
	cat "$guest_job/err" >&2
	return "$(cat "$guest_job/rc")"
}

guest_feed() {
	local guest_input status
	guest_input=$(mktemp) && cat >"$guest_input"
	guest_exec "$@"
	status=$?
	rm -f "$guest_input"
	return $status
}

# guest_spawn NODE NAME CMD...: for lab_spawn, whose log and pid file it makes. The process is the guest's.
guest_spawn() {
	local node=$1 name=$2 guest_job
	shift 2
	guest_begin "$node" bash -c 'exec "$@" 2>&1' - "$@" || return 1
	ln -sfn "$guest_job/out" "$LAB_DIR/$name.log"
	echo "$node $guest_job" >"$LAB_DIR/$name.guest"
}

# guest_spawned NAME: whether it is what guest_spawn started; sets node and guest_job.
guest_spawned() {
	[ -f "$LAB_DIR/$1.guest" ] && read -r node guest_job <"$LAB_DIR/$1.guest"
}

guest_runs() {
	local node guest_job
	guest_spawned "$1" && guest_lives "$node" && ! guest_job_ended "$guest_job"
}

guest_kill() {
	local node guest_job
	guest_spawned "$1" || return 0
	rm -f "$LAB_DIR/$1.guest"
	! guest_job_ended "$guest_job" && guest_lives "$node" || return 0
	lab_within 20 test -s "$guest_job/pid" && guest_exec "$node" kill "-${2:-TERM}" "$(cat "$guest_job/pid")"
	lab_within 60 guest_job_ended "$guest_job" || { lab_say "$1 in the guest $node did not end in 60 s"; return 1; }
}

guest_ended() {
	! guest_lives "$1"
}

guest_stop() {
	local dir=$LAB_DIR/guest-$1
	[ -f "$dir/pid" ] || return 0
	kill "$(cat "$dir/pid")" 2>/dev/null
	lab_within 10 guest_ended "$1" || lab_say "the guest $1 did not end in 10 s"
	wait "$(cat "$dir/pid")" 2>/dev/null
	rm -f "$dir/pid"
}

# guest_plug NODE TAP MAC SLOT: a NIC on that tap of fabric's comes while the guest runs, into a PCIe slot that
# GUEST_ARGS made: -device pcie-root-port,id=SLOT,chassis=1,slot=1
guest_plug() {
	guest_monitor "$1" "netdev_add tap,id=$2,ifname=$2,script=no,downscript=no,vhost=off"
	guest_monitor "$1" "device_add virtio-net-pci,id=nic-$2,netdev=$2,mac=$3,bus=$4"
}

guest_monitor() {
	echo "$2" | socat -t 1 - "unix-connect:$LAB_DIR/guest-$1/monitor" | tail -n +2 |
		sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | grep -v '^(qemu) *$' || true
}
