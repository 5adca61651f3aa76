#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# alone: its figures are of an otherwise idle machine
# paths: dpdk
#
# sluiced against the packet generator: 200,000 packets of 10,000 flows, TCP and UDP over IPv4 and
# IPv6, by IPIP and both variants of GUE, in a closed loop. Not one may be lost, overtake another of
# its flow, or go to another backend than the ones before. No interface of the host is used: the
# two talk over a UNIX socket, and only the balancer's TAP needs a namespace.
#
#   sluice-pktgen                        namespace: sluiced
#     net_virtio_user0 ------------------- net_vhost0
#                          vhost           sl0 (TAP)
#
# The rest of the picture is in pktgen_balancer.sh. Other links: pktgen_nics.sh.
#
# BUILD: as for tests/lab/lab.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/tap.sh"
. "$here/pktgen_report.sh"
. "$here/pktgen_balancer.sh"
PACKETS=200000 FLOWS=10000

# run ARG...: over vhost.
run() {
	pktgen --device "net_virtio_user0,path=$dir/vhost,queue_size=1024,packed_vq=1" "$@"
}

closed_loop() {
	run --flows $FLOWS --count $PACKETS --closed 256
	status=$?
	note "$(jq -c '{seconds, sent, latency_ns}' "$dir/report.json" 2>&1)"
	checked "closed loop" $PACKETS
	everywhere "closed loop" $FLOWS
}

# Flows of 10 packets, so that each place sees SYN to FIN twice, and frames of many sizes.
churn() {
	run --flows $FLOWS --flow-packets 10 --count $PACKETS --closed 256 --shuffle --seed 7 \
		--size 64,65,128,301,594,1200
	status=$?
	checked "flow churn, sizes" $PACKETS
	is ".flows.seen > 19000" "flow churn, sizes: new flows come"
}

# A capture's packets: of 500 flows, written to a file first.
replay() {
	timeout 20 "$PKTGEN" --device "net_pcap0,tx_pcap=$dir/mix.pcap" --hugepages off --quiet --wait 0 \
		--timeout 1 --peer 02:00:00:00:00:01 --to 198.51.100.10:80/tcp --to 198.51.100.12:53/udp \
		--to '[2001:db8:100::11]:443/udp' --to '[2001:db8:100::12]:443/tcp' --flows 500 \
		--flow-packets 20 --count 10000 --size 64:7,594:4,1300:1 >/dev/null 2>&1
	run --pcap "$dir/mix.pcap" --once --rewrite-macs --closed 128
	status=$?
	checked "a capture" 10000
	is '.flows.seen == 500' "a capture: its 500 flows"
	is '[.outer_headers | keys[]] == ["gue0_over_v4", "gue1_over_v6", "ipip_over_v4"]' \
		"a capture: by the encapsulation of each service"
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
	run --flows 1000 --rate 50k --seconds 4 &
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

# ... and packets that don't come back, in a closed loop, which must end all the same.
lost_packets() {
	local generator before
	before=$(forwarded)
	run --flows 1000 --rate 50k --count 1M --closed 64 &
	generator=$!
	passed $((before + 20000))
	sluicectl service remove tcp6-ipip >/dev/null
	report $? "a service is removed under way, in a closed loop"
	wait "$generator"
	status=$?
	[ "$status" = 1 ]
	report $? "... and the generator ends, with the exit status that says so"
	is '.lost == 64 and .ok == false and .sent < 1000000 and .received == .sent - 64' \
		"... its report tells of 64 lost packets: as many as were under way"
	is '[.services[] | select(.lost > 0) | .vip] == ["2001:db8:100::10"]' "... and of whose they were"
}

pktgen_needs
balancer_prepare && balancer_start dpdk \
	"device = \"net_vhost0,iface=$dir/vhost,queues=1\"; tap = \"sl0\";" sl0 || {
	report 1 "sluiced starts"
	cat "$dir/sluiced.log"
	tap_done
	exit 1
}
report 0 "sluiced starts"
closed_loop
churn
replay
moved_flows
lost_packets
balancer_runs
report $? "sluiced is still there"
tap_done
