#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the control plane takes, measured on a sluiced of its own in a network namespace of its own:
#	control.start.s10000 (s)	from the start of sluiced with 10,000 services of 10 backends
#					until it is ready: the control socket answers
#	control.memory.s10000 (MiB)	what it holds then, tables, counters and hugepages included
#	control.sluicectl_to_packet (ms)	bench_change.c
# Packets come by a veth into the DPDK path (net_af_packet). Arguments: rounds [5 21]. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=$(readlink -f "${BUILD:-build}")
ROUNDS=${1:-5} CHANGES=${2:-21}
. tests/bench/lines.sh
. tests/lab/services.sh

ns=sluice-bench-$$
dir=$(mktemp -d)
pid=

finish() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	[ -z "$pid" ] || wait "$pid" 2>/dev/null || true
	ip netns del "$ns" 2>/dev/null || true
	rm -rf "$dir" "/dev/shm/$ns"
}
trap finish EXIT

# conf DEVICE SERVICES BACKENDS: of each service; vips 198.18.0.1 and on, port 80.
conf() {
	cat <<-CONF
		seed = "5f1c0de5a17e50f7b0a7ba5e0ddba11a";
		dataplane = {
		  mode = "dpdk"; cores = [ 1 ]; memory_mb = 128; tables_mb = 64;
		  memory_dir = "/dev/shm/$ns";
		  services_max = 20001; backends_max = 100001;
		  ports = ( { device = "$1"; tap = "slb0"; } );
		};
		outer = { source_v4 = "10.0.0.1"; };
		control = { socket = "$dir/control.sock"; state = ""; };
	CONF
	services_conf "$2" "$3"
}

ctl() {
	"$BUILD/ctl/cli/sluicectl" --socket "$dir/control.sock" "$@"
}

# Starts sluiced and waits until it is ready; sets pid, and took, in seconds.
start() {
	local began try
	rm -rf "/dev/shm/$ns" # no restart: the first start of a host
	began=$EPOCHREALTIME
	ip netns exec "$ns" "$BUILD/ctl/daemon/sluiced" --config "$dir/sluice.conf" \
		--module-dir "$BUILD/dataplane" >"$dir/log" 2>&1 &
	pid=$!
	for ((try = 0; try < 2000; try++)); do
		! ctl show generation >"$dir/generation" 2>/dev/null || break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.005
	done
	took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
	grep -q '^generation' "$dir/generation" || {
		cat "$dir/log" >&2
		echo "bench: sluiced didn't start" >&2
		return 1
	}
}

stop() {
	kill "$pid"
	wait "$pid" || true
	pid=
}

starts=() memory=()
ip netns add "$ns"
ip -n "$ns" link set lo up
conf net_null0,no-rx=1 10000 10 >"$dir/sluice.conf"
for ((round = 0; round < ROUNDS; round++)); do
	start
	starts+=("$took")
	memory+=("$(awk '/^VmRSS|^HugetlbPages/ { kib += $2 } END { print kib / 1024 }' "/proc/$pid/status")")
	stop
done
bench_line control.start.s10000 s "${starts[@]}"
bench_line control.memory.s10000 MiB "${memory[@]}"

ip -n "$ns" link add c0 type veth peer name l0
ip -n "$ns" link set c0 up
ip -n "$ns" link set l0 up
conf net_af_packet0,iface=l0 1 0 >"$dir/sluice.conf"
start
ip -n "$ns" addr add 10.0.0.1/8 dev slb0
ip -n "$ns" link set slb0 up
ip -n "$ns" neigh replace 10.1.0.1 lladdr 02:00:00:00:00:11 dev slb0 nud permanent
ip netns exec "$ns" "$BUILD/tests/bench/bench_change" c0 198.18.0.1 "$CHANGES" \
	"$BUILD/ctl/cli/sluicectl" --socket "$dir/control.sock" backend add s0 b1 10.1.0.1 -- \
	"$BUILD/ctl/cli/sluicectl" --socket "$dir/control.sock" backend remove s0 b1 >"$dir/change" || {
	cat "$dir/log" "$dir/change" >&2
	exit 1
}
grep '^bench ' "$dir/change"
stop
