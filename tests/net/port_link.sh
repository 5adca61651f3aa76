#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# What becomes of a port while sluiced runs: its link goes and comes back, its device is taken away and
# another one put in its place. The log, events, metrics and /readyz say so, and on the dpdk path the
# carrier of the TAP follows. There the TAP outlives a restart, too, with all that an operator gave it.
# The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=port-link-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

answers() {
	lab_exec client curl -s -m 5 -o /dev/null "$(lab_url v4-ipip)" &&
		lab_exec client curl -s -m 5 -o /dev/null "$(lab_url v6-gue)"
}

page() {
	lab_exec lb curl -s -m 5 -w ' %{http_code}' "http://127.0.0.1:9107$1"
}

# metric NAME: of port 0.
metric() {
	page /metrics | sed -n "s/^sluice_port_$1{port=\"0\",.*} //p"
}

# is STATE: what show dataplane says of the port.
is() {
	[ "$(lab_ctl --json show dataplane | jq -r '.ports[0].state')" = "$1" ]
}

told() {
	lab_ctl events --kind port | grep -q "$1"
}

carrier() {
	[ "$(ip -n "$LAB-lb" -o link show "$interface" | grep -c NO-CARRIER)" != "$1" ]
}

trap 'lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
interface=sl0
[ "$LAB_PATH" = dpdk ] || interface=l0

answers && is up && [ "$(metric up)" = 1 ]
report $? "the port is up, and vips answer"

ip -n "$LAB-fabric" link set lb down
lab_within 2 is down
report $? "the other end of its link is down: said within 2 s"
lab_within 2 told "port 0 ($interface.*: up -> down: no link"
report $? "... as an event"
[ "$(metric up)" = 0 ] && [[ $(page /readyz) = "no port is up: $interface is "*503 ]]
report $? "... by metrics and /readyz"
lab_within 2 carrier 0
report $? "... and $interface has no carrier"
! lab_ctl doctor >"$LAB_DIR/doctor" && grep -q "$interface is down: no packet" "$LAB_DIR/doctor"
report $? "... and the doctor calls it wrong"

ip -n "$LAB-fabric" link set lb up
ip -n "$LAB-fabric" address replace "2001:db8:$(lab_number lb)::1/64" dev lb nodad
lab_vips_via lb
lab_within 2 is up && lab_within 2 told "port 0 ($interface.*: down -> up" && lab_within 2 carrier 1
report $? "the link is back: said, and $interface has a carrier"
lab_within 20 answers && [[ $(page /readyz) = "ready"*200 ]]
report $? "... and vips answer"

if [ "$LAB_PATH" = dpdk ]; then
	# What an operator gives the TAP; the MTU is another one than that of the port.
	ip -n "$LAB-lb" link set sl0 mtu 1580
	ip -n "$LAB-lb" address add 192.0.2.77/32 dev sl0
	ip -n "$LAB-lb" route add 203.0.113.0/24 dev sl0
	index=$(ip -n "$LAB-lb" -o link show sl0 | cut -d: -f1)
	lab_stop lb
	lab_exec lb ip -o link show sl0 | grep -q NO-CARRIER
	report $? "sluiced has ended: sl0 is there, without a carrier"
	lab_start lb
	report $? "sluiced starts again, and takes sl0 up"
	ip -n "$LAB-lb" -o link show sl0 | grep -q "^$index: .* mtu 1580 " &&
		ip -n "$LAB-lb" -o address show sl0 | grep -q 192.0.2.77 &&
		ip -n "$LAB-lb" route show 203.0.113.0/24 | grep -q 'dev sl0'
	report $? "... the same interface, with its MTU, address and route"
	lab_within 20 answers
	report $? "... and vips answer"
	lab_stop lb
	ip -n "$LAB-lb" link del sl0
	ip -n "$LAB-lb" link add sl0 type veth peer name sl0x
	! lab_sluiced lb >"$LAB_DIR/refused" 2>&1 && grep -q "sl0: an interface of that name is there" "$LAB_DIR/refused"
	report $? "an interface of its name that is no TAP is refused, with the fix"
	ip -n "$LAB-lb" link del sl0
	lab_start lb && lab_within 20 answers
	report $? "without it sluiced starts"
fi

ip -n "$LAB-lb" link del l0
lab_within 2 is waiting && lab_within 2 told "port 0 ($interface.*: up -> waiting"
report $? "l0 is deleted: said within 2 s"
[ "$(metric up)" = 0 ] && [[ $(page /readyz) = "no port is up: $interface is "*503 ]]
report $? "... by metrics and /readyz"
lab_runs sluiced-lb && lab_ctl show services >/dev/null
report $? "... and sluiced goes on"
ip -n "$LAB-lb" link add l0 type veth peer name l0x
ip -n "$LAB-lb" link set l0x up
ip -n "$LAB-lb" link set l0 up
if [ "$LAB_PATH" = dpdk ]; then
	lab_within 2 is returned && lab_within 2 told "waiting -> returned: .*restart sluiced"
	report $? "another l0 is there: without a service manager that is said, and the daemon goes on"
	lab_runs sluiced-lb && lab_stop lb
	report $? "... and ends well"
else
	lab_within 5 is up && lab_within 2 told "waiting -> "
	report $? "another l0 is there: it is taken up"
fi
tap_done
