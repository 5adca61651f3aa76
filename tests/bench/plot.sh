#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make bench-plot`: how nanoseconds a packet grow with flows, services and backends, from
# $BUILD/bench.json (`make bench`), as docs/performance-{flows,services,backends}.{svg,png}.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
. tests/bench/lines.sh
[ -f "$BUILD/bench.json" ] || { echo "bench: no $BUILD/bench.json: run make bench first" >&2; exit 1; }
bench_packages gnuplot-nox jq
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# curve FILE REGEX: "x median min" for each case whose name matches; (?<x>…) is x, k and m in it
# are powers of two.
curve() {
	jq -r --arg regex "^$2\$" '
		def number: if endswith("k") then (rtrimstr("k") | tonumber) * 1024
			elif endswith("m") then (rtrimstr("m") | tonumber) * 1048576
			else tonumber end;
		.results[] | select(.name | test($regex))
		| [(.name | capture($regex).x | number), .median, .min] | @tsv' "$BUILD/bench.json" |
		sort -g >"$dir/$1"
	[ -s "$dir/$1" ] || { echo "bench: no case $2 in $BUILD/bench.json: make bench, without QUICK" >&2; exit 1; }
}

# plot NAME XLABEL TITLE FILE LABEL ...: minima as lines, since they are the ones to compare where the
# machine's speed changes; medians as dots.
plot() {
	local name=$1 xlabel=$2 title=$3 terminal curves="" color=0
	shift 3
	while [ $# -gt 0 ]; do
		color=$((color + 1))
		curves+="${curves:+, }'$dir/$1' using 1:3 with linespoints lw 2 pt 7 ps 0.6 lc $color title '$2', "
		curves+="'$dir/$1' using 1:2 with points pt 6 ps 0.8 lc $color notitle"
		shift 2
	done
	for terminal in "svg size 720,420 font 'sans,13'" "pngcairo size 720,420 font 'sans,11'"; do
		gnuplot <<-PLOT
			set terminal $terminal background rgb 'white'
			set output 'docs/performance-$name.$([ "${terminal%% *}" = svg ] && echo svg || echo png)'
			set title '$title'
			set xlabel '$xlabel'
			set ylabel 'ns a packet: minima (lines), medians (circles)'
			set logscale x 10
			set format x '10^{%T}'
			set yrange [0:*]
			set grid
			set key bottom right
			plot $curves
		PLOT
	done
	echo "docs/performance-$name.svg docs/performance-$name.png"
}

curve flows.4 'dpdk\.tcp4\.ipip\.(?<x>[0-9]+[km]?)\.s100'
curve flows.gue 'dpdk\.tcp4\.gue\.(?<x>[0-9]+[km]?)\.s100'
curve flows.6 'dpdk\.tcp6\.ipip\.(?<x>[0-9]+[km]?)\.s100'
curve services.4 'dpdk\.tcp4\.ipip\.1m\.s(?<x>[0-9]+)'
curve services.6 'dpdk\.tcp6\.ipip\.1m\.s(?<x>[0-9]+)'
{
	jq -r '.results[] | select(.name == "dpdk.tcp4.ipip.1m.s100") | [3, .median, .min] | @tsv' "$BUILD/bench.json"
	curve backends.rest 'dpdk\.tcp4\.ipip\.1m\.s100\.b(?<x>[0-9]+)'
	cat "$dir/backends.rest"
} >"$dir/backends.4"

plot flows flows 'DPDK burst, 100 services of 3 backends' \
	flows.4 'TCP, IPv4, IPIP' flows.gue 'TCP, IPv4, GUE' flows.6 'TCP, IPv6, IPIP'
plot services services 'DPDK burst, 1 M flows, 3 backends a service' \
	services.4 'TCP, IPv4, IPIP' services.6 'TCP, IPv6, IPIP'
plot backends 'backends of each of 100 services' 'DPDK burst, 1 M flows' backends.4 'TCP, IPv4, IPIP'
