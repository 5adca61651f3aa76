#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Does Sluice work on this node's network card? Run as root on a node that carries no traffic yet, from a
# built tree; it writes a report to attach to an issue. Two ports of the node are connected by a cable,
#
#     sluice-pktgen  GENERATOR ======== PORT  sluiced
#
# or the generator is a second machine, on which the script runs, too (--role generator), once the first
# one says that it waits (--role balancer).
#
# The packet generator stands for the clients, the router and the backends. All addresses are those set
# aside for documentation and benchmarks: 192.0.2.0/24 and 2001:db8:2::/64 on the cable, 198.51.100.0/24
# and 2001:db8:100::/64 for vips, 203.0.113.0/24 and 2001:db8:113::/64 for backends. PORT gets an address
# and routes of these, which are taken away again; nothing else on the node is changed. Bind ports for
# DPDK yourself, before (docs/hardware.md).
#
# Exit status: 0 all checks passed, 1 one failed, 2 usage, 3 it could not be tried.
set -u
here=$(dirname "$(readlink -f "$0")")
BUILD=$(readlink -f "${BUILD:-$here/../../build}")
PATH=$PATH:/usr/sbin:/sbin

usage() {
	cat <<'TEXT'
usage: accept.sh --path xdp|dpdk --port PORT --generator DEVICE [option ...]
       accept.sh --path xdp|dpdk --port PORT --role balancer [option ...]
       accept.sh --role generator --generator DEVICE [option ...]

  --path xdp|dpdk          the path to try
  --port PORT              sluiced's port: an interface for xdp (eth1); a PCI address or a virtual
                           device for dpdk (0000:03:00.0)
  --generator DEVICE       the generator's DPDK device: a PCI address, or net_af_packet0,iface=eth2
  --generator-netns NAME   the network namespace that the generator's interface is in
  --role ROLE              both [default], balancer, or generator
  --cores LIST             the cores of sluiced's workers (dpdk) [1]
  --generator-core N       the generator's core [0]
  --queues N               queues that the generator sends by [1]
  --window N               packets under way in the closed loop [256]
  --count N                packets of the closed loop [1000000]
  --flows N                flows at a time [10000]
  --seconds N              how long each open loop lasts [10]
  --rates LIST             packets a second of the open loops, or "max" [100k,1M,max]
  --hugepages auto|off     for sluiced and the generator [auto]
  --memory-mb N            of sluiced without hugepages [256]
  --report FILE            where the report goes [accept-PATH-DATE.md]
TEXT
}

die() {
	echo "accept.sh: $2" >&2
	exit "$1"
}

path="" port="" generator="" generator_netns="" role=both cores=1 generator_core=0 queues=1 window=256
count=1000000 flows=10000 seconds=10 rates=100k,1M,max hugepages=auto memory_mb=256 report=""

options() {
	local name
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h)
			usage
			exit 0
			;;
		--path | --port | --generator | --generator-netns | --role | --cores | --generator-core | --queues | \
			--window | --count | --flows | --seconds | --rates | --hugepages | --memory-mb | --report)
			[ $# -gt 1 ] || die 2 "$1 needs a value"
			name=${1#--}
			printf -v "${name//-/_}" %s "$2"
			shift 2
			;;
		*) die 2 "$1 is no option; --help lists them" ;;
		esac
	done
	case $role in
	both | balancer | generator) ;;
	*) die 2 "--role $role is not both, balancer or generator" ;;
	esac
	if [ "$role" != generator ]; then
		case $path in
		xdp | dpdk) ;;
		*) die 2 "--path \"$path\" is not xdp or dpdk" ;;
		esac
		[ -n "$port" ] || die 2 "--port is missing"
	fi
	[ "$role" = balancer ] || [ -n "$generator" ] || die 2 "--generator is missing"
	[[ "$count $flows $seconds $window $queues" =~ ^([0-9]+ ){4}[0-9]+$ ]] ||
		die 2 "--count, --flows, --seconds, --window and --queues are numbers"
	report=${report:-accept-${path:-generator}-$(date +%Y%m%d-%H%M%S).md}
}

needs() {
	local tool
	[ "$(id -u)" = 0 ] || die 3 "not root"
	for tool in jq ip ethtool; do
		type $tool >/dev/null 2>&1 || die 3 "$tool is not installed"
	done
	[ "$role" = balancer ] || [ -x "$BUILD/tests/pktgen/sluice-pktgen" ] ||
		die 3 "no $BUILD/tests/pktgen/sluice-pktgen: build with DPDK, and set BUILD"
	[ "$role" = generator ] || [ -x "$BUILD/ctl/daemon/sluiced" ] ||
		die 3 "no $BUILD/ctl/daemon/sluiced: build it, and set BUILD"
	: >"$report" || die 3 "$report can't be written"
}

# ---- the report ----

failed=0 passed=0

# check NAME STATUS TEXT: a row of the table of results.
check() {
	local result=passed
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1)) result="**FAILED**"
	fi
	printf '| %s | %s | %s |\n' "$1" "$result" "$3" >>"$dir/results"
	printf '%-8s %s: %s\n' "${result//\*/}" "$1" "$3"
}

# figure NAME TEXT: a row that is neither right nor wrong.
figure() {
	printf '| %s | | %s |\n' "$1" "$2" >>"$dir/results"
	printf '%-8s %s: %s\n' "" "$1" "$2"
}

# section NAME COMMAND ...: what a command or function says.
section() {
	local name=$1
	shift
	{
		printf '\n### %s\n\n```\n' "$name"
		"$@" 2>&1 | head -n 200
		printf '```\n'
	} >>"$dir/facts"
}

cpus() {
	lscpu 2>/dev/null | grep -E '^(Architecture|CPU\(s\)|Model name|NUMA|Thread|Socket|Hypervisor)'
	echo "isolated: $(cat /sys/devices/system/cpu/isolated 2>/dev/null)"
	grep -E '^(HugePages_Total|HugePages_Free|Hugepagesize|MemTotal)' /proc/meminfo
}

# card INTERFACE: all that its driver tells.
card() {
	local command
	for command in -i -l -g -k -x --show-priv-flags "-n $1 rx-flow-hash tcp4" "-n $1 rx-flow-hash udp4" \
		"-n $1 rx-flow-hash udp6" ""; do
		echo "\$ ethtool ${command:+${command%% *}} $1"
		case $command in
		-n*) ethtool $command 2>&1 ;;
		*) ethtool $command "$1" 2>&1 ;;
		esac
	done | grep -v 'fixed\]$'
	ip -d link show dev "$1" | grep -v link/
}

pci() {
	lspci -nnk -s "$1" 2>&1
	readlink "/sys/bus/pci/devices/$1/driver" "/sys/bus/pci/devices/$1/iommu_group"
	cat "/sys/bus/pci/devices/$1/numa_node"
}

is_pci() {
	[[ "$1" =~ ^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]$ ]]
}

facts() {
	section "system" uname -srvm
	section "CPUs and memory" cpus
	section "Sluice" "$BUILD/ctl/daemon/sluiced" --version
	case $role:$path in
	generator:*) ;;
	*:xdp) section "the port's card, $port" card "$port" ;;
	*:dpdk) ! is_pci "$port" || section "the port's card, $port" pci "$port" ;;
	esac
	[ "$role" = balancer ] || ! is_pci "$generator" || section "the generator's card, $generator" pci "$generator"
}

write_report() {
	{
		echo "# Sluice acceptance: ${path:-the generator}, $(date -u +%Y-%m-%d)"
		printf '\n%s: %d checks passed, %d failed.\n' \
			"$([ "$failed" = 0 ] && [ "$passed" != 0 ] && echo "All is well" || echo "NOT ACCEPTED")" "$passed" "$failed"
		printf '\n`accept.sh'
		printf ' %s' "$@"
		printf '`\n\n## Results\n\n| what | result | |\n|---|---|---|\n'
		cat "$dir/results" 2>/dev/null
		printf '\n## The node\n'
		cat "$dir/facts" 2>/dev/null
		if [ -s "$dir/sluiced.log" ]; then
			printf '\n## What sluiced said\n\n```\n'
			grep -v ': backend b[1-5]: ' "$dir/sluiced.log" | tail -n 200
			printf '```\n'
		fi
	} >"$report"
	echo "report: $report"
}

# ---- sluiced ----

sluiced=0 interface=""

backends() {
	local n separator=""
	for n in 1 2 3 4 5; do
		printf '%s{ name = "b%d"; address = "%s%d"; }' "$separator" "$n" "$1" "$n"
		separator=", "
	done
}

# service NAME VIP PORT PROTOCOL ENCAP BACKENDS-PREFIX
service() {
	printf '{ name = "%s"; vip = "%s"; port = %d; protocol = "%s"; encap = "%s"; backends = ( %s ); }' \
		"$1" "$2" "$3" "$4" "$5" "$(backends "$6")"
}

TARGETS=(--to 198.51.100.10:80/tcp --to 198.51.100.11:80/tcp --to 198.51.100.12:53/udp
	--to 198.51.100.13:53/udp --to '[2001:db8:100::10]:443/tcp' --to '[2001:db8:100::11]:443/udp'
	--to '[2001:db8:100::12]:443/tcp')

configuration() {
	local device
	case $path in
	xdp) device="interface = \"$port\";" ;;
	dpdk) device="device = \"$port\"; tap = \"slacc0\";" ;;
	esac
	cat <<-CONF
		seed = "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')";
		dataplane = {
		  mode = "$path"; cores = [ $cores ]; ports = ( { $device } );
		  hugepages = "$hugepages"; memory_mb = $memory_mb; pin_dir = "/sys/fs/bpf/sluice-accept";
		  memory_dir = "/dev/shm/sluice-accept";
		};
		outer = { ipip_source_v4 = "100.64.0.0/16"; ipip_source_v6 = "2001:db8:ff::/64"; };
		control = { socket = "$dir/control.sock"; state = ""; };
		http = { listen = [ ]; };
		services = (
		  $(service tcp4-ipip 198.51.100.10 80 tcp ipip 203.0.113.1),
		  $(service tcp4-gue 198.51.100.11 80 tcp gue 203.0.113.1),
		  $(service udp4-gue0 198.51.100.12 53 udp gue0 203.0.113.1),
		  $(service udp4-mixed 198.51.100.13 53 udp gue 2001:db8:113::1),
		  $(service tcp6-ipip 2001:db8:100::10 443 tcp ipip 2001:db8:113::1),
		  $(service udp6-gue 2001:db8:100::11 443 udp gue 2001:db8:113::1),
		  $(service tcp6-mixed 2001:db8:100::12 443 tcp ipip 203.0.113.1)
		);
	CONF
}

ctl() {
	"$BUILD/ctl/cli/sluicectl" --socket "$dir/control.sock" "$@"
}

daemon_start() {
	local try
	"$BUILD/ctl/daemon/sluiced" --config "$dir/sluice.conf" --module-dir "$BUILD/dataplane:$BUILD/ebpf" \
		>>"$dir/sluiced.log" 2>&1 </dev/null &
	sluiced=$!
	for ((try = 0; try < 300; try++)); do
		ctl show generation >/dev/null 2>&1 && return 0
		kill -0 "$sluiced" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

daemon_stop() {
	[ "$sluiced" != 0 ] || return 0
	kill "$sluiced" 2>/dev/null && wait "$sluiced" 2>/dev/null
	sluiced=0
}

# The way to the generator; "replace": it may be there from an interrupted run.
addresses() {
	ip link set dev "$interface" up
	ip address replace 192.0.2.2/24 dev "$interface" &&
		ip address replace 2001:db8:2::2/64 dev "$interface" nodad &&
		ip route replace 203.0.113.0/24 via 192.0.2.1 dev "$interface" &&
		ip route replace 2001:db8:113::/64 via 2001:db8:2::1 dev "$interface"
}

balancer_start() {
	configuration >"$dir/sluice.conf"
	daemon_start
	if [ $? != 0 ]; then
		check "sluiced starts" 1 "$(tail -n 1 "$dir/sluiced.log" | tr '|`' '  ')"
		return 1
	fi
	# It starts without its port, too, and waits for it.
	ctl --json show dataplane >"$dir/start.json"
	if ! jq -e '.ports[0].state | . == "up" or . == "down"' "$dir/start.json" >/dev/null; then
		check "sluiced starts" 1 "$(jq -r '.ports[0] | "\(.interface) is \(.state): \(.reason // "")"' "$dir/start.json" | tr '|' ' ')"
		return 1
	fi
	check "sluiced starts" 0 "$(jq -r '.description' "$dir/start.json" | tr '|' ' ')"
	interface=$(ctl --json show dataplane | jq -r '.ports[0].interface')
	addresses
	check "the port has addresses and routes" $? "$interface"
}

# Everything that was made is taken away again.
end() {
	if [ -n "$interface" ] && [ "$path" = xdp ]; then
		ip address del 192.0.2.2/24 dev "$interface" 2>/dev/null # and its routes
		ip address del 2001:db8:2::2/64 dev "$interface" 2>/dev/null
		ip route flush dev "$interface" to 203.0.113.0/24 2>/dev/null
		ip -6 route flush dev "$interface" to 2001:db8:113::/64 2>/dev/null
	fi
	daemon_stop
	[ "$path" != xdp ] || [ ! -f "$dir/sluice.conf" ] ||
		"$BUILD/ctl/daemon/sluiced" --config "$dir/sluice.conf" --module-dir "$BUILD/dataplane:$BUILD/ebpf" \
			--detach >/dev/null 2>&1
	# A TAP and its addresses outlive sluiced, and so do its tables.
	if [ "$path" = dpdk ] && [ -n "$interface" ]; then
		ip link del "$interface" 2>/dev/null
		rm -rf /dev/shm/sluice-accept
	fi
	rm -rf "$dir"
}

# ---- the checks ----

# pktgen ARG...: what it found is in $dir/pktgen.json.
pktgen() {
	local where=() huge=()
	[ -z "$generator_netns" ] || where=(nsenter "--net=/run/netns/$generator_netns" --)
	[ "$hugepages" = auto ] || huge=(--hugepages "$hugepages")
	"${where[@]}" timeout 300 "$BUILD/tests/pktgen/sluice-pktgen" --device "$generator" \
		--core "$generator_core" --queues "$queues" "${huge[@]}" --quiet --json --own 192.0.2.1 \
		--own 2001:db8:2::1 --peer 192.0.2.2 --peer 2001:db8:2::2 "${TARGETS[@]}" --flows "$flows" "$@" \
		>"$dir/pktgen.json" 2>"$dir/pktgen.err"
}

# says FILTER: a line made of the generator's report.
says() {
	jq -r "$1" "$dir/pktgen.json" 2>/dev/null || tail -n 1 "$dir/pktgen.err"
}

is() {
	[ "$(jq -c "$1" "$dir/pktgen.json" 2>/dev/null)" = true ]
}

closed_loop() {
	local sum='"\(.sent) sent, \(.lost) lost, \(.reordered) reordered, \(.duplicates) twice, \(.flows.on_more_than_one_backend) flows moved"'
	pktgen --count "$count" --closed "$window" --size 64,65,128,594,1200,1518
	status=$?
	[ $status = 0 ]
	check "closed loop" $? "$(says "$sum + (if .failures == [] then \"\" else \": \" + (.failures | join(\"; \")) end)")"
	is ".sent == $count and .received == .sent"
	check "every packet came back" $? "$(says '"\(.received) of \(.sent)"')"
	is '[.faults[]] | add == 0'
	check "headers and checksums" $? "$(says '[.faults | to_entries[] | select(.value > 0) | "\(.value) \(.key)"] | if . == [] then "all right" else join(", ") end')"
	is '(.backends | length) == 10 and ([.backends[].flows] | min > 0)'
	check "every backend has flows" $? "$(says '[.backends[].flows] | "\(length) backends, \(min // 0) to \(max // 0) flows"')"
	is '[.outer_headers | keys[]] == ["gue0_over_v4", "gue1_over_v4", "gue1_over_v6", "ipip_over_v4", "ipip_over_v6"]'
	check "every encapsulation" $? "$(says '.outer_headers | keys | join(", ")')"
	figure "latency in the closed loop" "$(says '.latency_ns | "median \(.median / 1000) us, p99 \(.p99 / 1000) us, max \(.max / 1000) us"')"
}

# How the node spread the packets: a share for each worker is what several queues are for.
spread() {
	ctl --json show dataplane >"$dir/dataplane.json" 2>/dev/null || return
	figure "packets by worker" "$(jq -r '[.workers[] | "core \(.core): \([.packets[]] | add)"] | join(", ")' "$dir/dataplane.json")"
	if [ "$path" = dpdk ] && [ "$(jq '.workers | length' "$dir/dataplane.json")" -gt 1 ]; then
		jq -e '[.workers[] | [.packets[]] | add] | min > 0' "$dir/dataplane.json" >/dev/null
		check "every worker has packets" $? "$(jq '.workers | length' "$dir/dataplane.json") workers"
	fi
	figure "the port's counters" "$(jq -c '.ports[0] | {driver, rx_packets, tx_packets, rx_missed}' "$dir/dataplane.json")"
}

open_loops() {
	local rate how
	for rate in ${rates//,/ }; do
		how=(--rate "$rate")
		[ "$rate" != max ] || how=()
		pktgen --seconds "$seconds" --size 64 "${how[@]}"
		is '.flows.on_more_than_one_backend == 0 and ([.faults[]] | add == 0) and .received > 0'
		check "open loop, $rate" $? "$(says '"\(.sent / .seconds / 1000 | floor) kpps sent, \(.received / .seconds / 1000 | floor) kpps back, lost \(.lost * 10000 / .sent | floor / 100) %, median \(.latency_ns.median / 1000) us, p99 \(.latency_ns.p99 / 1000) us"')"
	done
}

# Tables are a function of the configuration: a restart moves no flow, and on xdp packets flow on.
restart() {
	local run
	pktgen --seconds "$((seconds + 5))" --rate 20k &
	run=$!
	sleep 2
	daemon_stop
	daemon_start && addresses
	check "sluiced starts again, under traffic" $? ""
	wait "$run"
	is '.flows.on_more_than_one_backend == 0 and .received > 0'
	check "no flow moved by the restart" $? "$(says '"\(.flows.seen) flows, \(.lost) of \(.sent) packets lost"')"
}

wait_for_generator() {
	echo "Ready. Run accept.sh --role generator on the other machine, and press Enter when it is done."
	read -r _
	is_forwarded=$(ctl --json show counters | jq '[.services[].packets.forward] | add')
	[ "$is_forwarded" -gt 0 ]
	check "packets were forwarded" $? "$is_forwarded"
}

main() {
	options "$@"
	needs
	dir=$(mktemp -d)
	trap end EXIT
	trap 'exit 3' INT TERM
	facts
	if [ "$role" = generator ]; then
		closed_loop
		open_loops
	elif balancer_start; then
		if [ "$role" = both ]; then
			closed_loop
			spread
			open_loops
			restart
		else
			wait_for_generator
			spread
		fi
		kill -0 "$sluiced" 2>/dev/null
		check "sluiced is still there" $? ""
		section "sluicectl doctor" ctl doctor --config "$dir/sluice.conf"
		section "sluicectl show counters" ctl show counters
	fi
	write_report "$@"
	[ "$passed" != 0 ] || exit 3
	[ "$failed" = 0 ] || exit 1
}

main "$@"
