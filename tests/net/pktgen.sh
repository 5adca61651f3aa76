#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk
#
# sluiced against the packet generator: 200,000 packets of 10,000 flows, TCP and UDP over IPv4 and
# IPv6, by IPIP and both variants of GUE, in a closed loop. Not one may be lost, overtake another of
# its flow, or go to another backend than the ones before. No interface of the host is used: the
# two talk over a UNIX socket, and only the balancer's TAP needs a namespace.
#
#   sluice-pktgen                        namespace: sluiced
#     client, and router        vhost      net_vhost0
#     net_virtio_user0 ------------------- sl0 (TAP)
#     10.10.2.1, 2001:db8:2::1             10.10.2.2, 2001:db8:2::2
#     (answers ARP and ND)                 default routes to the generator, which stands for the
#                                          backends 10.10.11.2 ..., 2001:db8:11::2 ...
#
# BUILD: as for tests/lab/lab.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/tap.sh"
BUILD=$(readlink -f "${BUILD:-$here/../../build}")
PATH=$PATH:/usr/sbin:/sbin
PKTGEN=$BUILD/tests/pktgen/sluice-pktgen
SPACE=pktgen-$$
PACKETS=200000 FLOWS=10000 BACKENDS=5

# backends FAMILY: of one service.
backends() {
	local n separator=""
	for ((n = 1; n <= BACKENDS; n++)); do
		case $1 in
		v4) printf '%s{ name = "b%d"; address = "10.10.%d.2"; }' "$separator" $n $((10 + n)) ;;
		v6) printf '%s{ name = "b%d"; address = "2001:db8:%d::2"; }' "$separator" $n $((10 + n)) ;;
		esac
		separator=", "
	done
}

# service NAME VIP PORT PROTOCOL ENCAP FAMILY
service() {
	printf '{ name = "%s"; vip = "%s"; port = %d; protocol = "%s"; encap = "%s"; backends = ( %s ); }' \
		"$1" "$2" "$3" "$4" "$5" "$(backends "$6")"
}

conf() {
	cat <<-CONF
		seed = "5f1c0de5a17e50f7b0a7ba5e0ddba11a";
		dataplane = {
		  mode = "dpdk";
		  cores = [ 1 ];
		  ports = ( { device = "net_vhost0,iface=$dir/vhost,queues=1"; tap = "sl0"; } );
		  hugepages = "off";
		  memory_mb = 256;
		  tables_mb = 16;
		};
		outer = { ipip_source_v4 = "100.64.0.0/16"; ipip_source_v6 = "2001:db8:ff::/64"; };
		control = { socket = "$dir/control.sock"; state = ""; };
		services = (
		  $(service tcp4-ipip 198.51.100.10 80 tcp ipip v4),
		  $(service tcp4-gue 198.51.100.11 80 tcp gue v4),
		  $(service udp4-gue0 198.51.100.12 53 udp gue0 v4),
		  $(service udp4-mixed 198.51.100.13 53 udp gue v6),
		  $(service tcp6-ipip 2001:db8:100::10 443 tcp ipip v6),
		  $(service udp6-gue 2001:db8:100::11 443 udp gue v6),
		  $(service tcp6-mixed 2001:db8:100::12 443 tcp ipip v4)
		);
	CONF
}

in_space() {
	nsenter --net="/run/netns/$SPACE" -- "$@"
}

# sluiced_start: until it forwards what a TAP with addresses lets it resolve.
sluiced_start() {
	local try
	conf >"$dir/sluice.conf"
	nsenter --net="/run/netns/$SPACE" -- "$BUILD/ctl/daemon/sluiced" --config "$dir/sluice.conf" \
		--module-dir "$BUILD/dataplane" >"$dir/sluiced.log" 2>&1 </dev/null &
	sluiced=$!
	for ((try = 0; try < 100; try++)); do
		"$BUILD/ctl/cli/sluicectl" --socket "$dir/control.sock" show generation >/dev/null 2>&1 && break
		kill -0 "$sluiced" 2>/dev/null || return 1
		sleep 0.1
	done
	ip -n "$SPACE" -batch - <<-LINES
		address add 10.10.2.2/24 dev sl0
		address add 2001:db8:2::2/64 dev sl0 nodad
		route add default via 10.10.2.1 dev sl0
		route add default via 2001:db8:2::1 dev sl0
	LINES
}

pktgen() {
	timeout 60 "$PKTGEN" --device "net_virtio_user0,path=$dir/vhost,queue_size=1024,packed_vq=1" \
		--core 0 --hugepages off --own 10.10.2.1 --own 2001:db8:2::1 \
		--peer 10.10.2.2 --peer 2001:db8:2::2 --quiet \
		--to 198.51.100.10:80/tcp --to 198.51.100.11:80/tcp --to 198.51.100.12:53/udp \
		--to 198.51.100.13:53/udp --to '[2001:db8:100::10]:443/tcp' \
		--to '[2001:db8:100::11]:443/udp' --to '[2001:db8:100::12]:443/tcp' "$@"
}

# is FILTER TEXT: whether that is true of the report. (jq -e calls an empty file a success.)
is() {
	[ "$(jq -c "$1" "$dir/report.json" 2>&1)" = true ]
	report $? "$2"
}

# checked NAME: what has to hold for every run in a closed loop.
checked() {
	[ "$status" = 0 ] || note "exit status $status" "$(tail -n 3 "$dir/pktgen.err")"
	[ "$status" = 0 ]
	report $? "$1: the generator finds all well"
	is ".sent == $PACKETS and .received == $PACKETS and .lost == 0" "$1: $PACKETS packets, 0 lost"
	is ".reordered == 0 and .duplicates == 0" "$1: 0 reordered, 0 twice"
	is '.flows.on_more_than_one_backend == 0' "$1: 0 flows on more than one backend"
	is '[.faults[]] | add == 0' "$1: no outer or inner header is wrong"
}

closed_loop() {
	pktgen --flows $FLOWS --count $PACKETS --closed 256 --json >"$dir/report.json" 2>"$dir/pktgen.err"
	status=$?
	note "$(jq -c '{seconds, sent, latency_ns}' "$dir/report.json" 2>&1)"
	checked "closed loop"
	is ".flows.seen == $FLOWS" "closed loop: all $FLOWS flows"
	is "(.backends | length) == 2 * $BACKENDS and all(.backends[]; .flows > $FLOWS / 20)" \
		"closed loop: all $((2 * BACKENDS)) backends, each with its share of flows"
	is '(.services | length) == 7 and all(.services[]; .sent > 0 and .lost == 0)' \
		"closed loop: every service"
	is '[.outer_headers | keys[]] == ["gue0_over_v4", "gue1_over_v4", "gue1_over_v6", "ipip_over_v4", "ipip_over_v6"]' \
		"closed loop: IPIP and GUE, outer IPv4 and IPv6"
}

# Flows of 10 packets, so that each place sees SYN to FIN twice, and frames of many sizes.
churn() {
	pktgen --flows $FLOWS --flow-packets 10 --count $PACKETS --closed 256 --shuffle --seed 7 \
		--size 64,65,128,301,594,1200 --json >"$dir/report.json" 2>"$dir/pktgen.err"
	status=$?
	checked "flow churn, sizes"
	is ".flows.seen > 19000" "flow churn, sizes: new flows come"
}

sluicectl() {
	"$BUILD/ctl/cli/sluicectl" --socket "$dir/control.sock" "$@"
}

forwarded() {
	sluicectl --json show counters | jq '[.services[].packets.forward] | add'
}

# passed N: waits until so many packets were forwarded, at most 20 s.
passed() {
	local end=$((SECONDS + 20))
	while [ "$(forwarded)" -lt "$1" ] && [ "$SECONDS" -lt "$end" ]; do
		sleep 0.1
	done
}

# The check that finds faults has to find one: the flows of a backend that is disabled go elsewhere.
moved_flows() {
	local generator before
	before=$(forwarded)
	pktgen --flows 1000 --rate 50k --seconds 4 --json >"$dir/report.json" 2>"$dir/pktgen.err" &
	generator=$!
	# Each flow has sent some packets by then, and will send more.
	passed $((before + 20000))
	sluicectl backend disable tcp4-ipip b1 >/dev/null
	report $? "a backend is disabled under way"
	wait "$generator"
	status=$?
	[ "$status" = 1 ]
	report $? "... and the generator's exit status says that flows moved"
	is '.flows.on_more_than_one_backend > 0 and .ok == false' "... and its report (so the check works)"
}

end() {
	kill "$sluiced" 2>/dev/null && wait "$sluiced"
	ip netns del "$SPACE" 2>/dev/null
	rm -rf "$dir"
}

[ "$(id -u)" = 0 ] || skip_all "not root"
type jq >/dev/null 2>&1 || skip_all "no jq"
[ -x "$PKTGEN" ] || skip_all "no $PKTGEN: built without dpdk"
dir=$(mktemp -d) sluiced=0
trap end EXIT
ip netns add "$SPACE" && ip -n "$SPACE" link set lo up && sluiced_start || {
	report 1 "sluiced starts"
	cat "$dir/sluiced.log"
	tap_done
	exit 1
}
report 0 "sluiced starts"
closed_loop
churn
moved_flows
kill -0 "$sluiced"
report $? "sluiced is still there"
tap_done
