# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the packet generator's report must say: sourced by the tests that run it, after tap.sh. A run
# leaves its report in $dir/report.json, what it said in $dir/pktgen.err, and its exit status in
# $status. BUILD: as for tests/lab/lab.sh.

BUILD=$(readlink -f "${BUILD:-$here/../../build}")
PATH=$PATH:/usr/sbin:/sbin
PKTGEN=$BUILD/tests/pktgen/sluice-pktgen

# What every such test needs.
pktgen_needs() {
	[ "$(id -u)" = 0 ] || skip_all "not root"
	type jq >/dev/null 2>&1 || skip_all "no jq"
	[ -x "$PKTGEN" ] || skip_all "no $PKTGEN: built without dpdk"
}

# is FILTER TEXT: whether that is true of the report. (jq -e calls an empty file a success.)
is() {
	[ "$(jq -c "$1" "$dir/report.json" 2>&1)" = true ]
	report $? "$2"
}

# checked NAME PACKETS: what has to hold for every run in a closed loop.
checked() {
	[ "$status" = 0 ] || note "exit status $status" "$(tail -n 3 "$dir/pktgen.err")"
	[ "$status" = 0 ]
	report $? "$1: the generator finds all well"
	is ".sent == $2 and .received == $2 and .lost == 0" "$1: $2 packets, 0 lost"
	is '.reordered == 0 and .duplicates == 0' "$1: 0 reordered, 0 twice"
	is '.flows.on_more_than_one_backend == 0' "$1: 0 flows on more than one backend"
	is '[.faults[]] | add == 0' "$1: no outer or inner header is wrong"
}
