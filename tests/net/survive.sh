#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: xdp
#
# On the xdp path forwarding outlives the daemon: it is stopped, killed and started again under load,
# and no request fails. The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=survive-$$
export LAB_PATH=xdp
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/load.sh"

answers() {
	[ "$(lab_exec client curl -s -m "${2:-5}" "$(lab_url v4-ipip)")" = "$1" ]
}

# some: a hundred requests, all of which begin from now on.
some() {
	load_phase "$LAB_DIR/steady" "$EPOCHREALTIME" 100 "$LAB_DIR/phase"
	report $? "... while requests are answered"
}

program_id() {
	lab_exec lb ip -o link show l0 | grep -o 'prog/xdp id [0-9]*' | grep -o '[0-9]*$'
}

trap 'touch "$LAB_DIR/load.stop" 2>/dev/null; lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
program=$(program_id)
load_start "$(lab_url v4-ipip)" "$LAB_DIR/steady"
load_phase "$LAB_DIR/steady" 0 100 "$LAB_DIR/phase"
lab_stop lb
[ -n "$program" ] && [ "$(program_id)" = "$program" ]
report $? "the program stays when sluiced ends"
some
lab_start lb
report $? "sluiced starts again"
grep -q 'adopted generation' "$LAB_DIR/sluiced-lb.log"
report $? "... and adopts what runs"
some
lab_kill sluiced-lb KILL
some
lab_start lb
report $? "sluiced starts after kill -9"
grep -q 'adopted generation' "$LAB_DIR/sluiced-lb.log"
report $? "... and adopts what runs"
some
load_stop
read -r failed _ < <(load_failed <"$LAB_DIR/steady")
[ "$failed" = 0 ]
report $? "$(wc -l <"$LAB_DIR/steady") requests meanwhile, $failed failed"
lab_ctl backend disable v4-ipip b1 >/dev/null && lab_ctl backend disable v4-ipip b2 >/dev/null
answers b3
report $? "what was adopted is steered"
lab_stop lb
lab_sluiced lb --detach >"$LAB_DIR/detach.log" 2>&1
report $? "sluiced --detach"
[ -z "$(program_id)" ] && [ ! -e "/sys/fs/bpf/$LAB-lb" ]
report $? "... leaves no program and no pin"
answers b3 2
[ $? = 1 ]
report $? "... and nothing is forwarded"
tap_done
