# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A node of the lab as a machine of its own, on which systemd is process 1: in namespaces of its own
# (pid, mount, cgroup, uts, ipc), on the node's network. Its files are this host's, seen through an
# overlay that takes every change; this build is installed into it as an operator would, by
# `meson install`. With MACHINE_BASE=DIR its files are those of the Debian in DIR, and nothing is installed.
# It starts no service but the journal and udev, for the node's interfaces alone. Sourced after lab.sh,
# by the network tests of the units and of the packages.

# machine_root NODE: a folder for the files that it is to have, as from /; before machine_start.
machine_root() {
	mkdir -p "$LAB_DIR/machine-$1/upper" && echo "$LAB_DIR/machine-$1/upper"
}

# The reason why there can't be one; empty: there can.
machine_refusal() {
	local tool
	for tool in systemd:systemd systemd-udevd:udev; do
		[ -x "/lib/systemd/${tool%:*}" ] || { echo "no ${tool%:*}: install the package ${tool#*:}"; return; }
	done
	for tool in overlay cgroup2; do
		grep -qw "$tool" /proc/filesystems || { echo "this kernel has no $tool"; return; }
	done
}

# machine_start NODE: returns when systemd says that it is up, or after 30 s.
machine_start() {
	local node=$1 dir=$LAB_DIR/machine-$1 try
	mkdir -p "$dir/upper" "$dir/work" "$dir/root" || return 1
	[ -n "${MACHINE_BASE:-}" ] ||
		DESTDIR="$dir/upper" meson install -C "$BUILD" --no-rebuild --quiet >"$dir/install.log" 2>&1 || {
		cat "$dir/install.log" >&2
		return 1
	}
	lab_spawn "$node" "machine-$node" unshare --mount --pid --fork --kill-child --uts --ipc --cgroup \
		"$lab_home/machine_boot.sh" "$node" "$dir" "${MACHINE_BASE:-/}"
	for ((try = 0; try < 150; try++)); do
		case $(machine_exec "$node" systemctl is-system-running 2>/dev/null) in
		running | degraded) return 0 ;;
		esac
		sleep 0.2
	done
	lab_say "the machine $node is not up after 30 s:"
	tail -n 30 "$LAB_DIR/machine-$node.log" >&2
	return 1
}

# machine_exec NODE COMMAND ...: in the machine.
machine_exec() {
	local pid
	pid=$(ps -o pid= --ppid "$(cat "$LAB_DIR/machine-$1.pid")") || return 1
	shift
	nsenter --all --target "${pid// /}" -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		SYSTEMD_PAGER= SYSTEMD_COLORS=0 "$@"
}

# Ends it at once, with all that runs in it: what is process 1 takes the others along.
machine_stop() {
	lab_kill "machine-$1" KILL 2>/dev/null # where bash says so
}
