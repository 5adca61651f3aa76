#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A soak of one path: makes the lab as in its header, with five backends and a second balancer that is used
# at the end alone, and in it what model.py lists; then soak.py hurts it. `make soak` calls this (run.sh).
#
#   LAB_PATH=xdp soak.sh MINUTES SEED
#
# sluiced has tests/shim/fail.c in it, and its state file lies in a small file system of its own. The lab is
# left as it is with KEEP=1; what a soak that failed has left is kept in $SOAK_KEPT in any case.
set -u
here=$(dirname "$(readlink -f "$0")")
export LAB_PATH=${LAB_PATH:-xdp}
LAB=soak-$LAB_PATH-$$
BACKENDS="b1 b2 b3 b4 b5"
export LAB LAB_BACKENDS=5 LAB_LBS=2 BACKENDS
. "$here/../net/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

cleanup() {
	[ -z "${KEEP:-}" ] || { echo "# the lab $LAB is left up" && return; }
	if [ "${status:-1}" != 0 ] && [ -n "${SOAK_KEPT:-}" ]; then
		mkdir -p "$SOAK_KEPT" && cp "$LAB_DIR"/*.log "$LAB_DIR"/*.conf "$LAB_DIR"/soak.* "$SOAK_KEPT" 2>/dev/null
		echo "# logs of this soak: $SOAK_KEPT"
	fi
	umount "$LAB_DIR/small" 2>/dev/null
	lab_down
}
trap cleanup EXIT

# TCP that had no answer while a node of the dpdk path starts tries again every second and not after the twice
# of its last pause, where the kernel can (Linux 6.15): so connections are not silent for longer than that. It gives
# up by a number of tries, which is to be as long as before.
try_each_second() {
	local node
	for node in client $BACKENDS; do
		lab_tune "$node" net.ipv4.tcp_rto_max_ms=1000 net.ipv4.tcp_syn_retries=120 \
			net.ipv4.tcp_synack_retries=120 net.ipv4.tcp_retries2=240
	done
}

# The daemon with the library in it.
make_daemon() {
	cat >"$LAB_DIR/sluiced-soak" <<-SCRIPT
		#!/bin/sh
		exec env LD_PRELOAD="$BUILD/tests/shim/sluice-fail.so" SLUICE_FAIL="$LAB_DIR/fail" \\
			SLUICE_FAIL_COUNT="$LAB_DIR/fail.count" "$BUILD/ctl/daemon/sluiced" "\$@"
	SCRIPT
	chmod +x "$LAB_DIR/sluiced-soak"
	head -c 8 /dev/zero >"$LAB_DIR/fail.count"
	: >"$LAB_DIR/fail"
	LAB_SLUICED=$LAB_DIR/sluiced-soak
}

servers() {
	local b
	for b in $BACKENDS; do
		lab_spawn "$b" "server-$b" /usr/bin/python3 "$here/server.py" "$b" "$LAB_DIR/sick.$b" 198.51.100.34 || return 1
	done
	for b in $BACKENDS; do
		lab_within 60 lab_listens "$b" 9001 || return 1
	done
}

# The lab's settings, then the services of model.py.
configuration() {
	lab_conf lb | sed "/^services = /,\$d
		s|^control = .*|control = { socket = \"$LAB_DIR/lb.sock\"; state = \"$LAB_DIR/small/state.json\"; };|" >"$LAB_DIR/head.conf"
	PYTHONPATH=$here /usr/bin/python3 -c '
import os, sys
from model import Model
sys.stdout.write(Model(os.environ["BACKENDS"].split()).file(open(sys.argv[1]).read()))' "$LAB_DIR/head.conf" >"$LAB_DIR/lb.conf"
}

status=1
lab_up || { report 1 "the lab starts"; exit 1; }
mkdir "$LAB_DIR/small" && mount -t tmpfs -o size=512k none "$LAB_DIR/small" || exit 1
make_daemon
try_each_second
servers && configuration && lab_start lb || { report 1 "sluiced starts"; exit 1; }
export LAB_DIR BUILD PYTHONDONTWRITEBYTECODE=1
cd "$here/../.." && /usr/bin/python3 "$here/soak.py" "$1" "$2"
status=$?
exit $status
