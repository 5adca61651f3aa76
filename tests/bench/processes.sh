#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A generator and a forwarder, a process and a core each, over a virtual link: sluiced beside what
# testpmd does in the modes io and macswap. They take turns within one run, since two cores settle at
# different speeds from one minute to the next; what holds is the ratio.
#
#	processes.sh [vhost|memif [ROUNDS [SECONDS]]]	[vhost 9 1]
#
#   sluice-pktgen (core 0)    net_virtio_user0 ---- net_vhost0     sluiced, or dpdk-testpmd (core 1)
#                             net_memif0       ---- net_memif0
#
# Prints, in millions of packets a second that came back to the generator,
#	bench name=vhost.sluice.tcp4.ipip.64k unit=mpps min=… median=… max=…
#	bench name=vhost.testpmd.io …, vhost.testpmd.macswap …, and
#	bench name=vhost.sluice_over_macswap unit=times …	of the medians
# GENERATOR: another program that takes sluice-pktgen's options. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=$(readlink -f "${BUILD:-build}")
LINK=${1:-vhost} ROUNDS=${2:-9} SECONDS_EACH=${3:-1}
GENERATOR=${GENERATOR:-$BUILD/tests/pktgen/sluice-pktgen}
. tests/bench/lines.sh

vip=198.51.100.10 mac=02:00:00:00:00:01
ns=sluice-bench-$$
dir=$(mktemp -d)
forwarder="" holder=""
huge=auto

finish() {
	forwarder_stop
	ip netns del "$ns" 2>/dev/null || true
	rm -rf "$dir" "/dev/shm/$ns"
}

case $LINK in
vhost)
	server="net_vhost0,iface=$dir/link,queues=1"
	client="net_virtio_user0,path=$dir/link,queue_size=1024,packed_vq=1"
	;;
memif)
	server="net_memif0,role=server,socket=$dir/link,socket-abstract=no,rsize=11"
	client="net_memif0,role=client,socket=$dir/link,socket-abstract=no,rsize=11"
	;;
*)
	echo "usage: processes.sh [vhost|memif [ROUNDS [SECONDS]]]" >&2
	exit 2
	;;
esac

forwarder_stop() {
	[ -z "$forwarder" ] || kill "$forwarder" 2>/dev/null || true
	[ -z "$forwarder" ] || wait "$forwarder" 2>/dev/null || true
	[ -z "$holder" ] || kill "$holder" 2>/dev/null || true
	forwarder="" holder=""
	rm -f "$dir/link"
}
trap finish EXIT

wait_for() {
	local try
	for ((try = 0; try < 200; try++)); do
		"$@" >/dev/null 2>&1 && return 0
		kill -0 "$forwarder" 2>/dev/null || break
		sleep 0.05
	done
	echo "bench: the forwarder didn't start:" >&2
	cat "$dir/log" >&2
	return 1
}

sluice_start() {
	local n separator=""
	{
		cat <<-CONF
			seed = "5f1c0de5a17e50f7b0a7ba5e0ddba11a";
			dataplane = {
			  mode = "dpdk"; cores = [ 1 ]; idle = "busy"; memory_mb = 256; hugepages = "$huge";
			  memory_dir = "/dev/shm/$ns";
			  ports = ( { device = "$server"; tap = "slb0"; } );
			};
			outer = { ipip_source_v4 = "100.64.0.0/16"; };
			control = { socket = "$dir/control.sock"; state = ""; };
			services = ( { name = "web"; vip = "$vip"; port = 80; protocol = "tcp"; encap = "ipip"; backends = (
		CONF
		for ((n = 1; n <= 10; n++)); do
			echo "$separator { name = \"b$n\"; address = \"10.10.$((10 + n)).2\"; }"
			separator=,
		done
		echo '); } );'
	} >"$dir/sluice.conf"
	ip netns exec "$ns" "$BUILD/ctl/daemon/sluiced" --config "$dir/sluice.conf" \
		--module-dir "$BUILD/dataplane" >"$dir/log" 2>&1 </dev/null &
	forwarder=$!
	wait_for "$BUILD/ctl/cli/sluicectl" --socket "$dir/control.sock" show generation
	ip -n "$ns" addr add 10.10.2.2/24 dev slb0
	ip -n "$ns" route add default via 10.10.2.1 dev slb0
	to=(--own 10.10.2.1 --peer 10.10.2.2)
}

# testpmd_start MODE
testpmd_start() {
	local memory=(--no-huge --no-shconf -m 256)
	[ "$huge" = off ] || memory=(--in-memory --single-file-segments)
	# testpmd ends when its standard input does.
	mkfifo "$dir/stdin"
	sleep 3600 >"$dir/stdin" &
	holder=$!
	dpdk-testpmd -l 0,1 --no-pci --no-telemetry --file-prefix="$ns" "${memory[@]}" --vdev "$server" \
		-- --forward-mode="$1" --auto-start --disable-link-check --total-num-mbufs=16384 \
		>"$dir/log" 2>&1 <"$dir/stdin" &
	forwarder=$!
	wait_for test -S "$dir/link"
	sleep 0.3 # until it forwards
	rm -f "$dir/stdin"
	to=(--plain --peer "$mac")
}

# measure: packets a second, in millions.
measure() {
	timeout 60 "$GENERATOR" --device "$client" --core 0 --hugepages "$huge" --quiet "${to[@]}" \
		--to "$vip:80/tcp" --flows 64k --seconds "$SECONDS_EACH" --json >"$dir/report" 2>"$dir/errors" || {
		echo "bench: $GENERATOR failed:" >&2
		tail -n 5 "$dir/errors" "$dir/report" >&2
		return 1
	}
	jq -r '.received / .seconds / 1e6' "$dir/report"
}

# Both need pages of their own.
free_kb=$(awk '/^HugePages_Free/ { n = $2 } /^Hugepagesize/ { print n * $2 }' /proc/meminfo)
[ "$free_kb" -ge $((768 * 1024)) ] || huge=off
bench_packages dpdk-dev jq
ip netns add "$ns"
ip -n "$ns" link set lo up
sluice=() io=() macswap=()
for ((round = 0; round < ROUNDS; round++)); do
	sluice_start
	sluice+=("$(measure)")
	forwarder_stop
	for mode in io macswap; do
		testpmd_start "$mode"
		declare -n figures=$mode
		figures+=("$(measure)")
		forwarder_stop
	done
done
bench_line "$LINK.sluice.tcp4.ipip.64k" mpps "${sluice[@]}"
bench_line "$LINK.testpmd.io" mpps "${io[@]}"
bench_line "$LINK.testpmd.macswap" mpps "${macswap[@]}"
bench_line "$LINK.sluice_over_macswap" times \
	"$(awk -v a="$(bench_median "${sluice[@]}")" -v b="$(bench_median "${macswap[@]}")" 'BEGIN { print a / b }')"
