#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# tests/hardware/accept.sh, which operators run on real cards, on a veth pair instead of a cable: what its
# report says of a node that works, of one that doesn't, and that it leaves nothing behind.
#
#   namespace accept-N-gen                 namespace accept-N
#     sluice-pktgen: net_af_packet, g0 --- l0: accept.sh, sluiced
#
# BUILD: as for tests/lab/lab.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/tap.sh"
BUILD=$(readlink -f "${BUILD:-$here/../../build}")
PATH=$PATH:/usr/sbin:/sbin
LAB_PATH=${LAB_PATH:-dpdk}
SPACE=accept-$$
export BUILD

end() {
	ip netns del "$SPACE" 2>/dev/null
	ip netns del "$SPACE-gen" 2>/dev/null
	rm -rf "$dir"
}

in_space() {
	nsenter --net="/run/netns/$SPACE" -- "$@"
}

# As pktgen_nics.sh has it: no other packets on the pair, no checksums left to a card.
cable() {
	local mtu=1600
	ip netns add "$SPACE" && ip netns add "$SPACE-gen" && ip -n "$SPACE" link set lo up &&
		ip -n "$SPACE" link add l0 mtu $mtu type veth peer name g0 netns "$SPACE-gen" mtu $mtu &&
		in_space ethtool -K l0 tx off >/dev/null &&
		nsenter --net="/run/netns/$SPACE-gen" -- ethtool -K g0 tx off gro on >/dev/null &&
		nsenter --net="/run/netns/$SPACE-gen" -- sysctl -qw net.ipv6.conf.g0.disable_ipv6=1 &&
		ip -n "$SPACE-gen" link set g0 arp off &&
		{ [ "$LAB_PATH" = xdp ] || { in_space sysctl -qw net.ipv6.conf.l0.disable_ipv6=1 &&
			ip -n "$SPACE" link set l0 arp off; }; } &&
		ip -n "$SPACE" link set l0 up && ip -n "$SPACE-gen" link set g0 up
}

port() {
	case $LAB_PATH in
	xdp) echo l0 ;;
	dpdk) echo net_af_xdp0,iface=l0,busy_budget=0 ;;
	esac
}

# accept ARG...: its report is in $dir/report.md, what it printed in $dir/out; its exit status.
accept() {
	rm -f "$dir/report.md"
	in_space timeout 200 "$here/../hardware/accept.sh" --path "$LAB_PATH" --hugepages off --window 128 \
		--generator-netns "$SPACE-gen" --report "$dir/report.md" "$@" >"$dir/out" 2>&1 </dev/null
}

# says PATTERN: the report has such a line.
says() {
	grep -qE "$1" "$dir/report.md"
}

works() {
	local row
	accept --port "$(port)" --generator net_af_packet0,iface=g0 --count 50000 --flows 5000 --seconds 3 \
		--rates 20k
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$dir/out"
	[ $status = 0 ]
	report $? "a node that works: exit status 0"
	says "^All is well: [0-9]+ checks passed, 0 failed\.$"
	report $? "... and its report says so"
	says '^\| closed loop \| passed \| 50000 sent, 0 lost, 0 reordered, 0 twice, 0 flows moved \|$'
	report $? "... with the closed loop's figures"
	says '^\| every packet came back \| passed \| 50000 of 50000 \|$'
	report $? "... every packet came back"
	says '^\| every backend has flows \| passed \| 10 backends, [1-9][0-9]* to [1-9][0-9]* flows \|$'
	report $? "... every backend had flows"
	says '^\| every encapsulation \| passed \| gue0_over_v4, gue1_over_v4, gue1_over_v6, ipip_over_v4, ipip_over_v6 \|$'
	report $? "... by every encapsulation"
	says '^\| open loop, 20k \| passed \| [1-9][0-9]* kpps sent, [1-9][0-9]* kpps back, lost '
	report $? "... and the open loop's rate"
	says '^\| no flow moved by the restart \| passed \| 5000 flows, [0-9]+ of [1-9][0-9]+ packets lost \|$'
	report $? "... and no flow moved when sluiced was started again"
	for row in '### system' '### CPUs and memory' '### sluicectl doctor' '## What sluiced said'; do
		says "^$row\$" || note "missing: $row"
		says "^$row\$"
		report $? "the report has \"$row\""
	done
	says "^good +daemon +sluiced answers, fast path $LAB_PATH"
	report $? "... and what the doctor found"
	[ "$LAB_PATH" != xdp ] || { says '^driver: veth$' && says '^good +nic +l0: veth '; }
	report $? "... and the card's driver (xdp)"
}

# What it made is gone again.
clean() {
	local here
	here=$(ip -n "$SPACE" -o address show dev l0 | grep -cE '192\.0\.2\.|2001:db8:2:')
	[ "$here" = 0 ] && [ -z "$(ip -n "$SPACE" route show 203.0.113.0/24)" ] &&
		[ -z "$(ip -n "$SPACE" -6 route show 2001:db8:113::/64)" ]
	report $? "$1: no address and no route is left"
	! ip -n "$SPACE" -d link show dev l0 | grep -q 'xdp'
	report $? "$1: no XDP program is left"
	[ -z "$(ip netns pids "$SPACE")$(ip netns pids "$SPACE-gen")" ]
	report $? "$1: no process is left"
}

# Frames of 1,518 bytes don't fit any more, let alone their outer headers.
fails() {
	ip -n "$SPACE" link set l0 mtu 1300
	ip -n "$SPACE-gen" link set g0 mtu 1300
	accept --port "$(port)" --generator net_af_packet0,iface=g0 --count 20000 --flows 1000 --seconds 2 \
		--rates 20k
	status=$?
	[ $status = 1 ] || sed 's/^/# /' "$dir/out"
	[ $status = 1 ]
	report $? "a link that is too narrow: exit status 1"
	says '^NOT ACCEPTED: [0-9]+ checks passed, [1-9][0-9]* failed\.$' &&
		says '^\| closed loop \| \*\*FAILED\*\* \| '
	report $? "... and the report names the check that failed"
	ip -n "$SPACE" link set l0 mtu 1600
	ip -n "$SPACE-gen" link set g0 mtu 1600
}

# The generator on a machine of its own: a report from each end.
second_machine() {
	local run try generator
	mkfifo "$dir/key"
	in_space timeout 200 "$here/../hardware/accept.sh" --path "$LAB_PATH" --hugepages off --role balancer \
		--port "$(port)" --report "$dir/balancer.md" >"$dir/balancer.out" 2>&1 <"$dir/key" &
	run=$!
	exec 9>"$dir/key"
	for ((try = 0; try < 300; try++)); do
		grep -q '^Ready\.' "$dir/balancer.out" && break
		sleep 0.1
	done
	nsenter --net="/run/netns/$SPACE-gen" -- timeout 200 "$here/../hardware/accept.sh" --role generator \
		--generator net_af_packet0,iface=g0 --hugepages off --window 128 --count 20000 --flows 1000 --seconds 1 \
		--rates 20k --report "$dir/report.md" >"$dir/out" 2>&1 </dev/null
	generator=$?
	echo >&9
	exec 9>&-
	wait $run
	status=$?
	[ $generator = 0 ] && says '^\| every packet came back \| passed \| 20000 of 20000 \|$'
	report $? "a second machine: the generator's report"
	cp "$dir/balancer.md" "$dir/report.md"
	[ $status = 0 ] && says '^\| packets were forwarded \| passed \| [2-9][0-9]{4,} \|$'
	report $? "... and the balancer's"
	sed 's/^/# /' "$dir/balancer.out" | grep -v passed
}

refuses() {
	accept --port nosuch0 --generator net_af_packet0,iface=g0
	status=$?
	[ $status = 3 ] || sed 's/^/# /' "$dir/out"
	[ $status = 3 ] && says '^\| sluiced starts \| \*\*FAILED\*\* \| .*nosuch0' &&
		says '^NOT ACCEPTED: 0 checks passed, 1 failed\.$'
	report $? "a port that isn't there: the report says why sluiced did not start"
	accept --port l0
	[ $? = 2 ] && grep -q -- "--generator is missing" "$dir/out"
	report $? "no generator: exit status 2, and the option's name"
	accept --port l0 --generator x --count many
	[ $? = 2 ] && grep -q -- "--count" "$dir/out"
	report $? "a number that is none: exit status 2, and the option's name"
	accept --port l0 --generator x --sped 3
	[ $? = 2 ] && grep -q -- "--sped is no option" "$dir/out"
	report $? "a word that is none: exit status 2"
}

[ "$(id -u)" = 0 ] || skip_all "not root"
type jq >/dev/null 2>&1 || skip_all "no jq"
[ -x "$BUILD/tests/pktgen/sluice-pktgen" ] || skip_all "no sluice-pktgen: built without dpdk"
dir=$(mktemp -d)
trap end EXIT
cable || { report 1 "a veth between two namespaces"; tap_done; exit 1; }
works
clean "a node that works"
second_machine
clean "a second machine"
fails
clean "a link that is too narrow"
refuses
tap_done
