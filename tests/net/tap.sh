# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# TAP lines for the network tests: sourced by them.

tap_count=0
tap_failed=0

# report STATUS TEXT: one test case; STATUS is 0 for ok.
report() {
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count - $2"
	else
		echo "not ok $tap_count - $2"
		tap_failed=$((tap_failed + 1))
	fi
}

# note TEXT...: a line for people.
note() {
	printf '# %s\n' "$@"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 77
}

# tap_done: the last line; fails if a case failed, and then shows what the lab's daemon said.
tap_done() {
	if [ "$tap_failed" != 0 ] && [ -f "${LAB_DIR:-}/sluiced-lb.log" ]; then
		tail -n 200 "$LAB_DIR/sluiced-lb.log" | sed 's/^/# sluiced: /'
		lab_ctl show counters --all 2>&1 | sed 's/^/# /'
	fi
	echo "1..$tap_count"
	[ "$tap_failed" = 0 ]
}
