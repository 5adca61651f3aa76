#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The lab: a virtual network in namespaces of its own, for `make run` and the network tests.
# A command for people, and a library for scripts that source it.
#
#                                +--------+
#                 10.10.1.0/24   |        |  10.10.2.0/24
#     client .2 ---------------- | fabric | ---------------- .2 lb   (l0; sl0 on the dpdk path)
#            eth0   2001:db8:1:: |        |  2001:db8:2::
#                                | router |  10.10.3.0/24
#                                |        | ---------------- .2 lb2  (LAB_LBS=2 only)
#                                | .1 on  |  2001:db8:3::
#                                | every  |
#                                | link   |  10.10.11.0/24
#     vips (routed to lb):       |        | ---------------- .2 b1   eth0, nginx, sluice-decap
#       198.51.100.0/24          |        |  10.10.12.0/24
#       2001:db8:100::/48        |        | ---------------- .2 b2
#                                |        |  10.10.13.0/24
#                                |        | ---------------- .2 b3   (LAB_BACKENDS of them)
#                                +--------+
#
# Node number n (client 1, lb 2, lb2 3, bN 10+N) has 10.10.n.2 and 2001:db8:n::2 (the digits of n,
# /24 and /64); fabric has .1 and ::1 there, on an interface that is called like the node.
# MACs: 02:00:00:00:nn:02 at the node, 02:00:00:00:nn:01 at fabric (nn: n in hexadecimal).
#
#   lab.sh up                   make it; prints LAB=<id>, the other commands take that from the
#                               environment, or the only lab that is up if it isn't set
#   lab.sh down                 end every process in its namespaces, by id, and remove everything,
#                               also what balancers keep below /sys/fs/bpf and /dev/shm
#   lab.sh exec NODE CMD...     run CMD in a node
#   lab.sh names                the nodes, one a line
#   lab.sh labs                 the ids of the labs that are up, one a line
#
# Environment of `up` (kept for the commands that follow):
#   LAB           id and prefix of the namespaces                [sluice-<pid>]
#   LAB_PATH      dpdk | xdp: where lb's addresses sit           [dpdk]
#   LAB_BACKENDS  how many backends, 1-80                        [3]
#   LAB_LBS       1 | 2                                          [1]
#   LAB_MTU       of the links of the balancers and backends     [1600]
#   LAB_DECAP     yes | no: load sluice-decap on the backends    [yes]
#   LAB_GUESTS    nodes that are machines in QEMU, "lb b1": vm/guest.sh has what they are made of; they
#                 end with the script that makes the lab         []
#   LAB_ROOT      where the runtime directories are              [/run/sluice-lab]
#   BUILD         meson's build directory                        [build/ of the tree]
#
# On the dpdk path l0 belongs to the daemon: the kernel has no address there, answers no ARP and
# no IPv6 on it. Its interface is the TAP sl0 that the daemon makes; then call
# `lab_lb_address sl0`. On the xdp path the addresses are on l0 from the start.
#
# Backends serve ports 80 and 8080 on every address, all vips included: GET / gives the backend's
# name (and headers X-Backend, X-Time), GET /blob 20 MiB at random, the same on all; its checksum is in
# $LAB_DIR/blob.sha256 (as sha256sum -c reads it, from within that directory).
#
# A script that sources this file sets LAB (or takes the default), then calls lab_up, lab_exec,
# lab_spawn, lab_runs, lab_kill, lab_within, lab_tcpdump, lab_listens, lab_address4, lab_address6,
# lab_lb_address, lab_vips_via and lab_down.
# Each returns nonzero on an error and has said why on stderr.

lab_home=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
lab_tree=$(readlink -f "$lab_home/../..")
LAB_ROOT=${LAB_ROOT:-/run/sluice-lab}
PATH=$PATH:/usr/sbin:/sbin
# shellcheck disable=SC2034 # used in nodes.sh and by those who source this
LAB_VIPS4=198.51.100.0/24
# shellcheck disable=SC2034
LAB_VIPS6=2001:db8:100::/48
# Where IPIP's outer headers come from.
# shellcheck disable=SC2034
LAB_OUTER4=100.64.0.0/16
# shellcheck disable=SC2034
LAB_OUTER6=2001:db8:ff::/64
# shellcheck source=nodes.sh
. "$lab_home/nodes.sh"
# shellcheck source=../vm/guest.sh
. "$lab_home/../vm/guest.sh"

lab_say() {
	echo "lab: $*" >&2
}

# The ids of the labs that are up.
lab_labs() {
	local dir
	for dir in "$LAB_ROOT"/*/; do
		[ -d "$dir" ] && basename "$dir"
	done
	return 0
}

# Settles which lab is meant and what it is made of: what `up` wrote down, else the defaults.
lab_settle() {
	local up
	if [ -z "${LAB:-}" ]; then
		mapfile -t up < <(lab_labs)
		if [ "${1:-}" = new ] || [ ${#up[@]} -eq 0 ]; then
			LAB=sluice-$$
		elif [ ${#up[@]} -eq 1 ]; then
			LAB=${up[0]}
		else
			lab_say "several labs are up (${up[*]}): say which with LAB=<id>"
			return 1
		fi
	fi
	LAB_DIR=$LAB_ROOT/$LAB
	# shellcheck disable=SC1091
	[ ! -f "$LAB_DIR/settings" ] || . "$LAB_DIR/settings"
	LAB_PATH=${LAB_PATH:-dpdk}
	LAB_BACKENDS=${LAB_BACKENDS:-3}
	LAB_LBS=${LAB_LBS:-1}
	LAB_MTU=${LAB_MTU:-1600}
	LAB_DECAP=${LAB_DECAP:-yes}
	LAB_GUESTS=${LAB_GUESTS:-}
	BUILD=${BUILD:-$lab_tree/build}
}

# Says everything that `up` would miss, not only the first thing.
lab_check() {
	local missing=0 tool
	miss() {
		lab_say "$1"
		missing=1
	}
	[[ $LAB =~ ^[A-Za-z0-9._-]{1,40}$ ]] || miss "LAB=$LAB: only letters, digits, . _ and -"
	[[ $LAB_PATH =~ ^(dpdk|xdp)$ ]] || miss "LAB_PATH=$LAB_PATH is neither dpdk nor xdp"
	[[ $LAB_BACKENDS =~ ^([1-9]|[1-7][0-9]|80)$ ]] ||
		miss "LAB_BACKENDS=$LAB_BACKENDS is not in 1-80"
	[[ $LAB_LBS =~ ^[12]$ ]] || miss "LAB_LBS=$LAB_LBS is neither 1 nor 2"
	[[ $LAB_MTU =~ ^(1[3-9]|[2-9][0-9])[0-9]{2}$ ]] ||
		miss "LAB_MTU=$LAB_MTU is not in 1300-9999"
	[ "$(id -u)" = 0 ] || miss "not root: run it as root (sudo), it makes network namespaces"
	for tool in ip:iproute2 nsenter:util-linux ethtool:ethtool nginx:nginx-light; do
		type "${tool%:*}" >/dev/null 2>&1 ||
			miss "no ${tool%:*}: install the package ${tool#*:}"
	done
	[ -e /proc/self/ns/net ] || miss "this kernel has no network namespaces (CONFIG_NET_NS)"
	[ "$LAB_DECAP" = no ] || [ -x "$BUILD/ebpf/sluice-decap" ] ||
		miss "no $BUILD/ebpf/sluice-decap: build the tree (make build), or set BUILD=DIR"
	[ ! -e "$LAB_DIR" ] || miss "the lab $LAB is up already; LAB=$LAB lab.sh down removes it"
	unset -f miss
	return $missing
}

# The nodes, one a line.
lab_names() {
	local n
	printf '%s\n' fabric client lb
	[ "$LAB_LBS" = 1 ] || echo lb2
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		echo "b$n"
	done
}

# Makes the lab. What a failure leaves half done, lab_down removes.
lab_up() {
	lab_settle new && lab_check || return 1
	mkdir -p "$LAB_DIR" || return 1
	printf '%s=%q\n' LAB_PATH "$LAB_PATH" LAB_BACKENDS "$LAB_BACKENDS" LAB_LBS "$LAB_LBS" \
		LAB_MTU "$LAB_MTU" LAB_DECAP "$LAB_DECAP" LAB_GUESTS "$LAB_GUESTS" >"$LAB_DIR/settings"
	if ! lab_make_all; then
		lab_say "$LAB is half up; remove it with: LAB=$LAB $lab_home/lab.sh down"
		return 1
	fi
}

# Removes the lab, also a half-made one, also a second time.
lab_down() {
	local spaces=() space pid try live pins
	lab_settle || return 1
	[ "$(id -u)" = 0 ] || { lab_say "not root: run it as root (sudo)"; return 1; }
	for space in /run/netns/"$LAB"-*; do
		[ -e "$space" ] && spaces+=("$(basename "$space")")
	done
	# Whatever runs in a namespace of this lab was started for it, QEMU too.
	for try in TERM 10 20 40 80 160 320 640 640 KILL 100; do
		live=$(for space in "${spaces[@]}"; do ip netns pids "$space"; done 2>/dev/null)
		[ -n "$live" ] || break
		case $try in
		TERM | KILL)
			for pid in $live; do
				[ "$pid" = $$ ] || kill -"$try" "$pid" 2>/dev/null
			done ;;
		*) sleep "$(printf '0.%03d' "$try")" ;;
		esac
	done 2>/dev/null # where bash says which of its own jobs were killed
	for space in "${spaces[@]}"; do
		ip netns del "$space"
	done
	# A balancer on the xdp path leaves its program attached and pinned, and on the dpdk path its
	# memory, which is its way; a namespace that is gone took the interfaces along.
	for pins in /sys/fs/bpf/"$LAB"-* /dev/shm/"$LAB"-*; do
		[ ! -d "$pins" ] || rm -r -- "$pins"
	done
	# Only below LAB_ROOT, and only what lab_up made.
	[ ! -f "$LAB_DIR/settings" ] || rm -rf -- "$LAB_DIR"
	rmdir --ignore-fail-on-non-empty "$LAB_ROOT" 2>/dev/null || true
}

lab_has() {
	[ -e "/run/netns/$LAB-$1" ] || guest_has "$1" && return
	lab_say "no node $1 in $LAB; lab.sh names lists them"
	return 1
}

# Runs a command in a node. Not with `ip netns exec`, which mounts /sys anew and hides bpffs.
lab_exec() {
	local node=$1
	shift
	lab_has "$node" || return 1
	if guest_has "$node"; then
		guest_exec "$node" "$@"
	else
		nsenter --net="/run/netns/$LAB-$node" -- "$@"
	fi
}

# lab_feed NODE CMD...: the same, where CMD reads our standard input: a guest gets no other.
lab_feed() {
	if guest_has "$1"; then guest_feed "$@"; else lab_exec "$@"; fi
}

# lab_spawn NODE NAME CMD...: starts a command in the background of a node, output to
# $LAB_DIR/NAME.log, its process id to $LAB_DIR/NAME.pid.
lab_spawn() {
	local node=$1 name=$2
	shift 2
	lab_has "$node" || return 1
	if guest_has "$node"; then
		guest_spawn "$node" "$name" "$@"
		return
	fi
	# Not only by the child, which may come to it after a reader of the last one's output.
	: >"$LAB_DIR/$name.log"
	# nsenter without a pid namespace execs the command: $! is the command's own id.
	nsenter --net="/run/netns/$LAB-$node" -- "$@" >"$LAB_DIR/$name.log" 2>&1 </dev/null &
	echo $! >"$LAB_DIR/$name.pid"
}

# lab_lives PID. A child that has ended stays visible until it is waited for.
lab_lives() {
	case $(ps -o stat= -p "$1") in '' | Z*) return 1 ;; esac
}

lab_ended() {
	! lab_lives "$1"
}

# lab_runs NAME: whether what lab_spawn started still does.
lab_runs() {
	! guest_runs "$1" || return 0
	[ -f "$LAB_DIR/$1.pid" ] && lab_lives "$(cat "$LAB_DIR/$1.pid")"
}

# lab_kill NAME [SIGNAL]: ends what lab_spawn started and waits for it, at most 10 s.
lab_kill() {
	local pid
	[ ! -f "$LAB_DIR/$1.guest" ] || { guest_kill "$@"; return; }
	[ -f "$LAB_DIR/$1.pid" ] || return 0
	read -r pid <"$LAB_DIR/$1.pid"
	rm -f "$LAB_DIR/$1.pid"
	kill -"${2:-TERM}" "$pid" 2>/dev/null || return 0
	lab_within 10 lab_ended "$pid" || { lab_say "$1 (process $pid) did not end in 10 s"; return 1; }
	wait "$pid" 2>/dev/null || true
}

# lab_within SECONDS COMMAND...: runs it again and again until it succeeds, for so long at most; 0 if
# it did. What is waited for by this is an event; a sleep of a fixed time is right on no machine. With
# guests, which are twenty times as slow as this host, six times as long. What takes longer is asked for more
# seldom: each time costs processes, which what is waited for has to do without.
lab_within() {
	local end=$((SECONDS + $1 * (${#LAB_GUESTS} ? 6 : 1) + 1)) tries=0 pause=0.05
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep "$pause"
		case $((++tries)) in
		20) pause=0.25 ;;
		40) pause=1 ;;
		esac
	done
}

# lab_tcpdump NODE NAME ARG...: as lab_spawn, and returns once it sees packets. lab_kill NAME INT ends it.
lab_tcpdump() {
	local node=$1 name=$2
	shift 2
	lab_spawn "$node" "$name" tcpdump -Z root --immediate-mode -nn "$@" || return 1
	lab_within 10 grep -q 'listening on' "$LAB_DIR/$name.log" && return
	lab_say "tcpdump does not begin: $(cat "$LAB_DIR/$name.log")"
	return 1
}

# lab_listens NODE PORT: whether a socket there takes TCP connections or UDP datagrams at that port.
lab_listens() {
	lab_exec "$1" ss -Hlntu "sport = :$2" | grep -q .
}

lab_main() {
	case ${1:-help} in
	up) lab_up && echo "LAB=$LAB" ;;
	down) lab_down ;;
	exec)
		shift
		[ $# -ge 2 ] || { lab_say "usage: lab.sh exec NODE CMD..."; return 2; }
		lab_settle && lab_exec "$@" ;;
	names) lab_settle && lab_names ;;
	labs) lab_labs ;;
	help | --help | -h) sed -n '/^# The lab/,/^$/s/^# \{0,1\}//p' "$lab_home/lab.sh" ;;
	*) lab_say "no command $1; there are up, down, exec, names, labs and help"; return 2 ;;
	esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -u
	lab_main "$@"
fi
