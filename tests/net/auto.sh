#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# mode = "auto": dpdk where it can start, else xdp, and why; and a host without any DPDK library.
# The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=auto-$$
export LAB_PATH=xdp
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

# start_auto CONFIG_EDIT [COMMAND ...]: starts sluiced, through COMMAND, with an edited configuration.
start_auto() {
	local edit=$1
	shift
	lab_conf lb | sed -e 's/mode = "xdp"/mode = "auto"/' -e "$edit" >"$LAB_DIR/lb.conf"
	lab_spawn lb sluiced-lb "$@" "$BUILD/ctl/daemon/sluiced" --config "$LAB_DIR/lb.conf" \
		--module-dir "$(lab_modules)"
	lab_within 40 lab_answers lb && lab_runs sluiced-lb && return
	cat "$LAB_DIR/sluiced-lb.log"
	return 1
}

# runs PATH PATTERN: what the log and sluicectl say.
runs() {
	grep -qE "fast path: $1 \(.*$2" "$LAB_DIR/sluiced-lb.log"
	report $? "... on $1, and the log says why"
	lab_ctl show dataplane | grep -qE "$1 .*$2"
	report $? "... and show dataplane"
	lab_ctl version | grep -q "$1"
	report $? "... and version"
}

end() {
	lab_stop lb
	lab_sluiced lb --detach >/dev/null 2>&1
}

# A mount namespace in which every library and driver of DPDK is an empty file.
# shellcheck disable=SC2016
hidden='for file in /usr/lib/*/librte_*.so* /usr/lib/*/dpdk/pmds-*/*.so*; do
	mount --bind /dev/null "$file" || exit 1
done
exec "$@"'

trap 'end; lab_down' EXIT
lab_up || { report 1 "the lab starts"; tap_done; exit 1; }
start_auto ''
report $? "auto: sluiced starts"
runs dpdk 'dpdk could start'
end
start_auto 's/device = "[^"]*"/device = "net_no_such_driver0"/'
report $? "auto, a device that dpdk can't have: sluiced starts"
runs xdp 'dpdk could not start: .*net_no_such_driver0'
end
start_auto '' unshare -m sh -c "$hidden" sh
report $? "auto, no DPDK on the host: sluiced starts"
runs xdp 'dpdk could not start'
lab_wait_resolved && [ -n "$(lab_exec client curl -s -m 5 "$(lab_url v4-ipip)")" ]
report $? "... and balances"
end
tap_done
