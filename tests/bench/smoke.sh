#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The benchmarks run and say what they should, in the form that is promised: named lines, figures in
# order, JSON beside them. Argument: the directory of the programs.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/../net/tap.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export BENCH_JSON=$dir/json

# formed FILE NAME ...: these lines and no others, each well-formed, min <= median <= max.
formed() {
	local file=$1
	shift
	printf '%s\n' "$@" | sort >"$dir/expected"
	awk '/^bench name=[a-z0-9._]+ unit=[a-z_]+ min=-?[0-9.]+ median=-?[0-9.]+ max=-?[0-9.]+$/ {
		split($4, a, "="); split($5, b, "="); split($6, c, "=")
		if (a[2] + 0 <= b[2] + 0 && b[2] + 0 <= c[2] + 0)
			print substr($2, 6)
	}' "$file" | sort | cmp -s - "$dir/expected" && [ "$(wc -l <"$file")" = $# ]
}

# json NAME ...: an object for each, with median and rounds.
json() {
	/usr/bin/python3 - "$BENCH_JSON" "$@" <<-'PYTHON'
		import json, sys
		rows = [json.loads(line) for line in open(sys.argv[1])]
		assert [row["name"] for row in rows] == sys.argv[2:], rows
		assert all(row["min"] <= row["median"] <= row["max"] and row["rounds"] > 0 for row in rows)
	PYTHON
}

cases=(dpdk.tcp4.ipip.1k.s10 dpdk.udp6.gue.64k.s2.b5 dpdk.icmp4.gue.1m.s3 dpdk.pass.ipip.1.s1)
"$1/bench_dpdk" --no-hugepages --rounds 3 "${cases[@]}" >"$dir/out" 2>"$dir/errors"
report $? "bench_dpdk runs, and each packet has the verdict that its case names"
formed "$dir/out" "${cases[@]}" dpdk.macswap
report $? "bench_dpdk prints a line for each case, and for swapping MACs"
json "${cases[@]}" dpdk.macswap
report $? "bench_dpdk writes the same as JSON"
! "$1/bench_dpdk" --no-hugepages --rounds 1 dpdk.tcp5.ipip.1k.s10 >/dev/null 2>&1
report $? "bench_dpdk refuses a case that there is not"
rm -f "$BENCH_JSON"
if [ -x "$1/bench_xdp" ] && [ "$(id -u)" = 0 ]; then
	cases=(xdp.{tcp4,tcp6,udp4,udp6,syn4,icmp4,icmp6,pass}.{ipip,gue}.64k)
	"$1/bench_xdp" -r 1 64k >"$dir/out" 2>>"$dir/errors"
	report $? "bench_xdp runs, and each packet has the verdict that its case names"
	formed "$dir/out" "${cases[@]}"
	report $? "bench_xdp prints a line for each case"
fi
rm -f "$BENCH_JSON"
"$1/bench_maglev" 1 >"$dir/out" 2>>"$dir/errors"
formed "$dir/out" maglev.build.b{10,100,1000}.m{65537,655373}
report $? "bench_maglev prints a line for each size"
. "$here/lines.sh"
bench_line some.name ms 3 1 10 2 >"$dir/out"
[ "$(cat "$dir/out")" = "bench name=some.name unit=ms min=1.00 median=2.50 max=10.00" ]
report $? "scripts print lines of the same form"
tap_done
