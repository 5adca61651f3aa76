#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: xdp
#
# The interface of a port goes down and up, is deleted and made anew while sluiced runs on the xdp
# path: it takes the interface up again, and a daemon after it goes on from there. The lab as in
# traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=ports-$$
export LAB_PATH=xdp
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

answers() {
	lab_exec client curl -s -m 5 -o /dev/null "$(lab_url v4-ipip)" &&
		lab_exec client curl -s -m 5 -o /dev/null "$(lab_url v6-gue)"
}

said() {
	grep -q "$1" "$LAB_DIR/sluiced-lb.log"
}

interface_index() {
	ip -n "$LAB-lb" -o link show l0 | cut -d: -f1
}

# The wire between lb and fabric as lab_up makes it.
wire_make() {
	local n
	n=$(lab_number lb)
	lab_lines_links | grep "netns $LAB-lb " | ip -batch - || return 1
	ip -n "$LAB-fabric" -batch - <<-LINES || return 1
		link set lb up
		address add 10.10.$n.1/24 dev lb
		address add 2001:db8:$n::1/64 dev lb nodad
	LINES
	lab_offloads_off fabric lb && lab_exec fabric ip link set dev lb xdpdrv \
		obj "$BUILD/tests/lab/pass.bpf.o" sec xdp && lab_vips_via lb && lab_make_lb lb
}

trap 'lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
answers
report $? "vips answer"

ip -n "$LAB-lb" link set l0 down
sleep 0.3
ip -n "$LAB-lb" link set l0 up
lab_lb_address l0
lab_within 10 answers
report $? "... and again after l0 was down and up"

before=$(interface_index)
ip -n "$LAB-lb" link del l0
lab_within 10 said 'l0: the interface is gone'
report $? "l0 is deleted: the log says so"
lab_ctl show dataplane >/dev/null
report $? "... and sluiced goes on"
! ls "/sys/fs/bpf/$LAB-lb/link_"* >/dev/null 2>&1
report $? "... without a link's pin"
wire_make && [ "$(interface_index)" != "$before" ]
report $? "l0 is made anew, as another interface"
lab_within 10 said 'l0: is interface .* now: XDP attached, in native mode'
report $? "... to which the program is attached: the log says so"
lab_within 10 answers
report $? "... and vips answer"

lab_stop lb
answers
report $? "... also when sluiced has ended"
lab_start lb
said 'adopted generation'
report $? "... and the next sluiced adopts what runs"
answers
report $? "... and vips answer"
tap_done
