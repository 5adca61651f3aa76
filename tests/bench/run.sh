#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make bench`: all benchmarks, one line each (result.h), and all figures in $BUILD/bench.json.
# QUICK=1: the main cases, in under 50 seconds. Reserves hugepages while it runs, if there are none.
# Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
export BUILD=${BUILD:-build} QUICK=${QUICK:-}
BUILD=$(readlink -f "$BUILD")
export BENCH_JSON=$BUILD/bench.jsonl
. tests/bench/lines.sh

HUGEPAGES_MB=1536
pages_file=/proc/sys/vm/nr_hugepages
pages_before=$(cat "$pages_file")

finish() {
	[ "$(cat "$pages_file")" = "$pages_before" ] || echo "$pages_before" >"$pages_file"
}
trap finish EXIT

[ "$(id -u)" = 0 ] || { echo "bench: not root: hugepages, network namespaces and BPF need it" >&2; exit 1; }
bench_packages jq
pages_want=$((HUGEPAGES_MB * 1024 / $(awk '/^Hugepagesize/ { print $2 }' /proc/meminfo)))
[ "$pages_before" -ge "$pages_want" ] || echo "$pages_want" >"$pages_file"
rm -f "$BENCH_JSON"

# Others who use the CPUs are measured, too.
awk '$1 > 0.5 { print "bench: the machine is busy (load " $1 "): compare minima, or wait" }' /proc/loadavg >&2

if [ -n "$QUICK" ]; then
	"$BUILD/tests/bench/bench_dpdk" --quick
	"$BUILD/tests/bench/bench_workers" --quick
	"$BUILD/tests/bench/bench_maglev" 5
	tests/bench/control.sh 2 7
	tests/bench/processes.sh vhost 1 1
	tests/bench/callgrind.sh dpdk.tcp4.ipip.1m.s100
else
	"$BUILD/tests/bench/bench_dpdk"
	"$BUILD/tests/bench/bench_workers"
	"$BUILD/tests/bench/bench_maglev"
	tests/bench/control.sh
	tests/bench/processes.sh vhost
	tests/bench/processes.sh memif
	tests/bench/callgrind.sh
	[ ! -x "$BUILD/tests/bench/bench_xdp" ] || "$BUILD/tests/bench/bench_xdp"
fi

jq -s --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" --arg kernel "$(uname -r)" \
	--arg revision "$(git rev-parse --short HEAD 2>/dev/null || true)" --argjson cpus "$(nproc)" \
	'{cpu: $cpu, cpus: $cpus, kernel: $kernel, revision: $revision, results: .}' "$BENCH_JSON" >"$BUILD/bench.json"
rm -f "$BENCH_JSON"
echo "bench: all figures: $BUILD/bench.json" >&2
