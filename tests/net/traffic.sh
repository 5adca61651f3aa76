#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# Real traffic through sluiced: every encapsulation in every pair of families (lab/sluice.sh lists
# the services), and what is not Sluice's.
#
#   client --- fabric --- lb (sluiced)        requests go client, fabric, lb, fabric, backend;
#                |                            answers come straight from the backend
#                +--- b1, b2, b3 (nginx, sluice-decap)
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=traffic-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/load.sh"

REQUESTS=1000

# 1,000 requests, all answered, and each of three equal backends within 5 standard deviations of
# a third (binomial: 15) plus what Maglev's table may be off (1 %).
spread() {
	local service=$1 file=$LAB_DIR/spread n count low=$((REQUESTS / 3 - 85)) wrong=0
	load_requests "$(lab_url "$service")" $REQUESTS >"$file"
	[ "$(awk '$3 == 0 && $4 == 200' "$file" | wc -l)" = $REQUESTS ]
	report $? "$service: $REQUESTS requests are answered"
	for n in 1 2 3; do
		count=$(load_count "b$n" <"$file")
		[ "$count" -ge "$low" ] || { note "b$n answered $count"; wrong=1; }
	done
	report $wrong "$service: spread over three backends"
}

download() {
	lab_exec client curl -s -g --max-time 30 "$(lab_url "$1" blob)" | sha256sum |
		cut -d' ' -f1 | grep -qx "$(cut -d' ' -f1 "$LAB_DIR/blob.sha256")"
	report $? "$1: a download of 20 MiB arrives whole"
	# Upwards it is the balancer that carries the bytes.
	lab_exec client curl -s -g --max-time 30 -o /dev/null -w '%{http_code} %{size_upload}' \
		-T "$LAB_DIR/blob" "$(lab_url "$1" upload)" >"$LAB_DIR/upload"
	grep -q "^200 $(stat -c %s "$LAB_DIR/blob")$" "$LAB_DIR/upload"
	report $? "$1: an upload of 20 MiB goes through ($(cat "$LAB_DIR/upload"))"
}

# The outer headers as they leave the balancer, read by an independent program.
outer_headers() {
	local service
	lab_tcpdump fabric outer -i lb -U -s 0 -w "$LAB_DIR/outer.pcap" -Q in \
		'ip proto 4 or ip proto 41 or ip6 proto 4 or ip6 proto 41 or udp dst port 6080'
	for service in $(lab_services); do
		lab_exec client curl -s -g -m 5 -o /dev/null "$(lab_url "$service")"
	done
	# Packets are written in their order: when the last connection's are there, all are.
	lab_within 5 /usr/bin/python3 "$here/outer_headers.py" "$LAB_DIR/outer.pcap" "$service" \
		"$(lab_vip "$service")" >/dev/null 2>&1
	lab_kill outer INT
	for service in $(lab_services); do
		/usr/bin/python3 "$here/outer_headers.py" "$LAB_DIR/outer.pcap" "$service" \
			"$(lab_vip "$service")"
		report $? "$service: outer headers"
	done
}

# What is not for a service belongs to the kernel, while sluiced holds the port.
not_ours() {
	local address
	lab_exec fabric ip neigh flush dev lb
	lab_exec fabric ping -c 3 -i 0.2 -W 2 -q "$(lab_address4 lb)" >/dev/null
	report $? "ARP and ping to the balancer"
	lab_exec fabric ip -6 neigh flush dev lb
	lab_exec fabric ping -c 3 -i 0.2 -W 2 -q "$(lab_address6 lb)" >/dev/null
	report $? "ND and ping to the balancer, IPv6"
	lab_exec lb ping -c 3 -i 0.2 -W 2 -q "$(lab_address4 client)" >/dev/null
	report $? "ping from the balancer"
	for address in "$(lab_address4 lb)" "$(lab_address6 lb)"; do
		rm -f "$LAB_DIR/heard"
		lab_spawn lb listener socat -u "TCP6-LISTEN:2222,reuseaddr,ipv6only=0" "CREATE:$LAB_DIR/heard"
		lab_within 5 lab_listens lb 2222
		head -c 300000 "$LAB_DIR/blob" >"$LAB_DIR/said"
		lab_exec client timeout 10 nc -N "$address" 2222 <"$LAB_DIR/said"
		lab_within 5 cmp -s "$LAB_DIR/said" "$LAB_DIR/heard"
		report $? "a TCP connection to the balancer's own $address"
		lab_kill listener
	done
	lab_exec client ping -c 3 -i 0.2 -W 2 -q "$(lab_vip v4-ipip)" >/dev/null
	report $? "ping to a vip is answered"
	lab_exec client ping -c 3 -i 0.2 -W 2 -q "$(lab_vip v6-gue)" >/dev/null
	report $? "ping to a vip is answered, IPv6"
	lab_ctl --json show counters >"$LAB_DIR/counters.json"
	[ "$(jq '[.. | objects | .echo_reply? // empty | numbers] | add' "$LAB_DIR/counters.json")" -ge 6 ]
	report $? "and counted"
}

trap 'lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
report 0 "the lab and sluiced start"
for service in $(lab_services); do
	spread "$service"
done
download v4-ipip
download v6-gue
outer_headers
not_ours
lab_stop lb
grep -q 'ending' "$LAB_DIR/sluiced-lb.log"
report $? "sluiced ends when told to"
tap_done
