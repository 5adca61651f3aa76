# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the scenes of the dpdk path share: a guest whose NIC sits behind an IOMMU, on a port of its own that it
# can be taken out of, bound to vfio-pci. Sourced after scene.sh.
#
# scene_dpdk_guest DEFAULT: as scene_guest; one worker for each queue of GUEST's third word. NICs:
#   virtio        modern, with RSS          virtionorss   the host spreads flows
#   e1000e, vmxnet3 ...                     their names
scene_dpdk_guest() {
	LAB_PATH=dpdk
	scene_guest "$1"
	workers=$GUEST_QUEUES
	case $GUEST_NIC in
	virtio-net-pci) GUEST_NIC=virtio-net-pci,rss=on,hash=on,iommu_platform=on,disable-legacy=on ;;
	virtionorss) GUEST_NIC=virtio-net-pci,iommu_platform=on,disable-legacy=on ;;
	*) GUEST_QUEUES=1 ;; # of the tap
	esac
	GUEST_NIC=$GUEST_NIC,bus=rp0
	GUEST_CPUS=$((workers + 1))
	GUEST_ARGS="${GUEST_ARGS:--device intel-iommu,intremap=on,caching-mode=on} -device pcie-root-port,id=rp0,chassis=1,slot=1"
	# The timer of an emulated IO-APIC is late where the host is busy, and the kernel would give up.
	GUEST_APPEND="hugepages=${hugepages:-160} ${iommu_words-intel_iommu=on iommu=pt} no_timer_check"
}

# scene_bind DRIVER PCI...: gives the devices to it; what the guest says on standard error.
scene_bind() {
	lab_exec lb bash -c '
		driver=$1; shift
		modprobe "$driver" || exit 1
		for device; do
			cd "/sys/bus/pci/devices/$device" || exit 1
			echo "$driver" >driver_override
			[ ! -e driver ] || echo "$device" >driver/unbind
			echo "$device" >/sys/bus/pci/drivers_probe
			[ "$(basename "$(readlink driver)")" = "$driver" ] || exit 1
		done' - "$@"
}

# scene_pci [INTERFACE]: the PCI address of a NIC that the kernel still has.
# shellcheck disable=SC2120 # scenes that source this pass arguments
scene_pci() {
	lab_exec lb bash -c 'f=$(readlink -f /sys/class/net/$1/device); case $f in */virtio*) f=${f%/*} ;; esac
		basename "$f"' - "${1:-eth0}"
}

# scene_dpdk_conf PORTS: lb's configuration, with a worker on each core from the 1. on.
scene_dpdk_conf() {
	lab_conf lb | sed -e "s|ports = .*|ports = ( $1 );|" -e "s|cores = .*|cores = [ $(seq -s, 1 "$workers") ];|" \
		>"$LAB_DIR/lb.conf"
}

# scene_dpdk_begin [DRIVER]: the lab; eth0 is bound; sluiced runs. Sets pci.
scene_dpdk_begin() {
	trap 'touch "$LAB_DIR/load.stop" 2>/dev/null; lab_down' EXIT
	lab_up
	scene_must $? "the lab and its guest start: $scene"
	pci=$(scene_pci)
	scene_bind "${1:-vfio-pci}" "$pci"
	scene_must $? "$pci is bound to ${1:-vfio-pci}"
	scene_dpdk_conf "{ device = \"$pci\"; tap = \"sl0\"; }"
	lab_start lb
	scene_must $? "sluiced starts on it"
}

# worker_packets: how many packets each worker has had, a line each.
worker_packets() {
	lab_ctl --json show dataplane | jq '.workers[] | [.packets[]] | add'
}

# flows_send COUNT FIRST: so many UDP flows of one packet from the client to a vip's unserved port, with
# source ports from FIRST on; in turns from two source addresses of either family.
flows_send() {
	lab_exec client /usr/bin/python3 - "$1" "$2" <<-'PY'
		import socket, sys, time
		count, first = int(sys.argv[1]), int(sys.argv[2])
		for i in range(count):
		    family, vip = ((socket.AF_INET, "198.51.100.10"), (socket.AF_INET6, "2001:db8:100::10"))[i % 2]
		    s = socket.socket(family, socket.SOCK_DGRAM)
		    s.bind(("", first + i))
		    s.sendto(b"x" * 32, (vip, 9))
		    s.close()
		    time.sleep(0.002)
	PY
}

# flow_send COUNT PORT: so many packets of one flow, from that source port.
flow_send() {
	lab_exec client /usr/bin/python3 - "$1" "$2" <<-'PY'
		import socket, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("", int(sys.argv[2])))
		for i in range(int(sys.argv[1])):
		    s.sendto(b"x" * 32, ("198.51.100.10", 9))
		    time.sleep(0.02)
	PY
}

# shares_since BEFORE: what each worker has had since worker_packets said BEFORE, once no more comes.
shares_since() {
	local now last="" try
	for ((try = 0; try < 20; try++)); do
		now=$(worker_packets)
		[ "$now" != "$last" ] || break
		last=$now
		sleep 1
	done
	paste <(echo "$1") <(echo "$now") | awk '{ print $2 - $1 }'
}

# flows_shares COUNT FIRST: how many of these flows came to each worker, a line each. What else comes
# meanwhile (ARP, ND) is a few packets.
flows_shares() {
	local before
	before=$(worker_packets)
	flows_send "$@"
	shares_since "$before"
}

# is_even: reads shares; whether they are those of a fair hash: chi-squared below its value at p = 0.001 for
# up to three degrees of freedom.
is_even() {
	awk '{ n[NR] = $1; sum += $1 }
		END {
			split("10.83 13.82 16.27", bound)
			for (i = 1; i <= NR; i++) chi += (n[i] - sum / NR) ^ 2 / (sum / NR)
			exit !(NR > 1 && chi < bound[NR - 1])
		}'
}

# doctor_says TEXT: whether a line of the doctor's has it; its findings stand in $LAB_DIR/doctor.
doctor_says() {
	lab_ctl doctor --config "$LAB_DIR/lb.conf" >"$LAB_DIR/doctor" 2>&1
	grep -q -- "$1" "$LAB_DIR/doctor"
}
