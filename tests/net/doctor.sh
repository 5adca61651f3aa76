#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# sluicectl doctor on a node that is made slow and wrong, one way after the other: it names what
# was done, the command that mends it, and is content again once that was run.
#
#     client --- fabric --- lb   (sluiced)
#                     |---- lb2  (sluiced, with another seed, and other services)
#                     |---- b1, b2, b3
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=doctor-$$
export LAB_PATH=${LAB_PATH:-dpdk} LAB_LBS=2
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

# doctor [ARG ...]: in the namespace of lb, as on the host. Its exit status.
doctor() {
	lab_exec lb "$BUILD/ctl/cli/sluicectl" --socket "$LAB_DIR/lb.sock" doctor "$@"
}

found() {
	doctor >"$LAB_DIR/doctor.txt" 2>&1
	grep -qE "^$1 +$2 +.*$3" "$LAB_DIR/doctor.txt"
}

# finds LEVEL CHECK PATTERN: the doctor's text has such a line, once the daemon has heard of it.
finds() {
	lab_within 5 found "$@" || {
		sed 's/^/# /' "$LAB_DIR/doctor.txt"
		return 1
	}
}

# mends PATTERN: such a command is named.
mends() {
	grep -qE "mend: .*$1" "$LAB_DIR/doctor.txt"
}

trap 'lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
interface=sl0
[ "$LAB_PATH" = dpdk ] || interface=l0

doctor >"$LAB_DIR/doctor.txt"
status=$?
report $((status > 1)) "it runs on a node that works (exit status $status)"
finds good daemon "sluiced answers, fast path $LAB_PATH"
report $? "it asks the daemon"
finds good 'next hop' "all 36 backends have one"
report $? "it finds every next hop"
finds good mtu "fit with their outer headers"
report $? "it finds room for the outer headers (MTU 1600)"

lab_exec lb ip link set dev $interface mtu 1510
finds slow mtu "$interface carries 1510 bytes" && mends "ip link set dev $interface mtu 15[0-9][0-9]"
report $? "an MTU without room is named, with the MTU it takes"
need=$(grep -oE "ip link set dev $interface mtu [0-9]+" "$LAB_DIR/doctor.txt")
lab_exec lb $need
finds good mtu "fit with"
report $? "... and what it says mends it"

lab_exec lb sysctl -qw net.ipv4.conf.$interface.rp_filter=1
finds wrong rp_filter "$interface: strict"
report $? "a strict reverse path is named"
lab_exec lb sysctl -qw net.ipv4.conf.$interface.rp_filter=2
finds good rp_filter "$interface: not strict"
report $? "... and mended"

lab_exec lb ip route add blackhole "$(lab_address4 b2)/32"
finds wrong 'next hop' "b2 of v4-ipip" && mends "ip route get $(lab_address4 b2)"
report $? "a backend without a way is named"
lab_exec lb ip route del blackhole "$(lab_address4 b2)/32"
finds good 'next hop' "all 36"
report $? "... and is found again"

lab_ctl backend disable v4-gue b1 >/dev/null
lab_ctl backend disable v4-gue b2 >/dev/null
lab_ctl backend disable v4-gue b3 >/dev/null
finds wrong service "v4-gue has no enabled backend"
report $? "a service without backends is named"
for n in 1 2 3; do lab_ctl backend enable v4-gue b$n >/dev/null; done

doctor --json >"$LAB_DIR/this.json"
jq -e '.node.seed_fingerprint | length == 16' "$LAB_DIR/this.json" >/dev/null
report $? "--json has the node's fingerprint, and no seed"
! grep -q "$LAB_SEED" "$LAB_DIR/this.json"
report $? "... and not the seed itself"
# What another node's doctor says of itself.
ask_lb2() {
	lab_exec lb2 "$BUILD/ctl/cli/sluicectl" --socket "$LAB_DIR/lb2.sock" --json doctor
}

# lb2's daemon, on a host of that name: starts with the configuration, edited.
start_lb2() {
	local try
	lab_stop lb2
	lab_conf lb2 | sed "$1" >"$LAB_DIR/lb2.conf"
	lab_spawn lb2 sluiced-lb2 unshare --uts sh -c 'hostname lb2 && exec "$@"' - \
		"$BUILD/ctl/daemon/sluiced" --config "$LAB_DIR/lb2.conf" --module-dir "$(lab_modules)"
	for ((try = 0; try < 200; try++)); do
		ask_lb2 2>/dev/null | jq -e '.node.node == "lb2"' >/dev/null && return 0
		sleep 0.1
	done
	sed 's/^/# lb2: /' "$LAB_DIR/sluiced-lb2.log"
	return 1
}

# compared STATUS PATTERN: what the doctor says with lb2 before it.
compared() {
	local status
	ask_lb2 | doctor --peer - >"$LAB_DIR/doctor.txt"
	status=${PIPESTATUS[1]}
	grep -qE "^$2" "$LAB_DIR/doctor.txt" && [ "$status" -ge "$1" ] || {
		sed 's/^/# /' "$LAB_DIR/doctor.txt"
		return 1
	}
}

start_lb2 ""
report $? "a second node starts, of the same configuration"
compared 0 "good *nodes *lb2 decides as .* does"
report $? "it decides alike, and the doctor says so"
start_lb2 's/^seed = .*/seed = "00112233445566778899aabbccddeeff";/' &&
	compared 1 "wrong *nodes *the seeds of .* and lb2 differ" && mends "give all nodes of the cluster one seed"
report $? "a node with another seed is named"
start_lb2 's/name = "v4-gue";/& slots = 1021;/' &&
	compared 1 "wrong *nodes *service v4-gue: slots, backends or weights differ between .* and lb2" &&
	[ "$(grep -c '^wrong *nodes' "$LAB_DIR/doctor.txt")" = 1 ]
report $? "so is a service with other slots, and it alone"
LAB_NODE=lb2 lab_ctl service remove v6-gue0 >/dev/null &&
	compared 1 "wrong *nodes *service v6-gue0 is on .*, not on lb2"
report $? "so is one that the other node lacks"
lab_stop lb2

lab_stop
sed -i 's/^seed = .*/seed = "xyz";/' "$LAB_DIR/lb.conf"
doctor --config "$LAB_DIR/lb.conf" >"$LAB_DIR/doctor.txt"
status=$?
[ $status = 1 ] && grep -q "^wrong *daemon" "$LAB_DIR/doctor.txt" &&
	grep -qE "^wrong *configuration *.*lb.conf:2: seed: " "$LAB_DIR/doctor.txt"
report $? "without a daemon it says what is wrong in the file"

tap_done
