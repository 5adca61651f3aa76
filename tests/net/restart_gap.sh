#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# How long no packet is forwarded while sluiced ends and starts again: a datagram every 2 ms through
# the lab (as in its header, one backend) and back. On xdp no datagram is lost; on dpdk, where packets stop
# until the ports are DPDK's again and the TAP has its addresses, the time is told.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=gap-$$
export LAB_PATH=${LAB_PATH:-dpdk} LAB_BACKENDS=1
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

VIP4=198.51.100.30
SECONDS_EACH=15

conf() {
	lab_conf lb | sed '/^services = /,$d'
	cat <<-CONF
		services = ( { name = "probe"; vip = "$VIP4"; port = 9001; protocol = "udp"; encap = "gue";
		  backends = ( { name = "b1"; address = "$(lab_address4 b1)"; } ); } );
	CONF
}

# measure SIGNAL: $sent, $lost and $gap_ms while sluiced ends by it and starts again.
measure() {
	local probe
	lab_exec client /usr/bin/python3 "$here/gap.py" client "$VIP4" "$SECONDS_EACH" >"$LAB_DIR/gap" &
	probe=$!
	sleep 2
	lab_kill sluiced-lb "$1"
	lab_start lb
	report $? "SIG$1: sluiced starts again"
	wait "$probe"
	read -r sent lost gap_ms <"$LAB_DIR/gap"
	case $LAB_PATH in
	xdp) [ "$lost" = 0 ] ;;
	*) [ "$lost" -lt $((sent * 9 / 10)) ] ;;
	esac
	report $? "... $lost of $sent datagrams are lost, no answer for $gap_ms ms"
}

trap 'lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && conf >"$LAB_DIR/lb.conf" &&
	lab_spawn b1 gap-b1 /usr/bin/python3 "$here/gap.py" server && lab_start lb ||
	{ report 1 "the lab and sluiced start"; tap_done; exit 1; }
measure TERM
measure KILL
tap_done
