#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make bench-callgrind`: instructions a packet of a worker's burst, which no noise touches. Valgrind
# knows no AVX-512, so that the hash runs in its AVX2 variant. Prints a line a case,
#	bench name=callgrind.tcp4.ipip.1m.s100 unit=instructions_per_packet min=… median=… max=…
#
# Arguments: other cases (scene.h). Environment: BUILD, BENCH_JSON (result.h).
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
PASSES=4
. tests/bench/lines.sh

cases=("$@")
[ $# -gt 0 ] || cases=(dpdk.tcp4.ipip.1m.s100 dpdk.tcp4.gue.1m.s100 dpdk.tcp6.ipip.1m.s100
	dpdk.tcp6.gue.1m.s100 dpdk.udp4.ipip.1m.s100 dpdk.tcp4.ipip.1m.s10000
	dpdk.icmp4.ipip.1m.s100 dpdk.pass.ipip.1m.s100)
bench_packages valgrind
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for case in "${cases[@]}"; do
	valgrind --tool=callgrind --toggle-collect=burst_run --toggle-collect=burst_count \
		--callgrind-out-file=/dev/null \
		"$BUILD/tests/bench/bench_dpdk" --no-hugepages --passes "$PASSES" "$case" >"$log" 2>&1 || {
		cat "$log" >&2
		exit 1
	}
	packets=$(awk '$2 == "packets" { print $1 }' "$log")
	instructions=$(awk '$2 == "Collected" { print $4 }' "$log")
	bench_line "callgrind.${case#dpdk.}" instructions_per_packet \
		"$(awk -v n="$instructions" -v packets="$packets" 'BEGIN { printf "%.2f", n / packets }')"
done
