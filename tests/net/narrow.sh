#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# A link behind the balancer's own that is narrower than it: what fits the first link doesn't fit the
# second, and only the router between them can tell. The lab as in traffic.sh; the balancer's link has
# an MTU of 1600, the client's 1500, and those to the backends get 1400:
#
#     client -- 1500 -- fabric -- 1600 -- lb
#                         |
#                         +------ 1400 -- b1 b2 b3
#
# Then each other link in turn is the narrow one: the client's (1400), the balancer's own (1500), before
# an upload and while one is under way.
#
# The router says so to the outer source address, the balancer learns it, and tells the sender of the
# next packet that doesn't fit: RFC 2003 §5.1, RFC 2473 §7.1.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=narrow-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

# narrow BYTES: the links to the backends, at both ends.
narrow() {
	local n
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		ip -n "$LAB-fabric" link set "b$n" mtu "$1" || return 1
		ip -n "$LAB-b$n" link set eth0 mtu "$1" || return 1
	done
}

# narrow_link LINK BYTES: another link, at both ends: client, lb. On the dpdk path the TAP is the end that
# the balancer's kernel sees.
narrow_link() {
	local node=$1 name
	ip -n "$LAB-fabric" link set "$node" mtu "$2" || return 1
	for name in $(lab_interface "$node") sl0; do
		if lab_exec "$node" ip link show "$name" >/dev/null 2>&1; then
			lab_exec "$node" ip link set "$name" mtu "$2" || return 1
		fi
	done
}

# What clients have learned, forgotten.
forget() {
	lab_exec client ip route flush cache
	lab_exec client ip -6 route flush cache
}

# upload SERVICE [CURL ARG...]: 5 MiB from the client, whole.
upload() {
	local service=$1
	shift
	lab_exec client curl -s -g --max-time 40 -o /dev/null -w '%{http_code} %{size_upload}' "$@" \
		-T "$LAB_DIR/part" "$(lab_url "$service" upload)" >"$LAB_DIR/upload.$service"
	grep -q "^200 $((5 << 20))$" "$LAB_DIR/upload.$service"
}

# path_mtus SERVICE: what sluicectl says of the ways to its backends, each once.
path_mtus() {
	lab_ctl --json show backends "$1" |
		jq -r '[.. | objects | select(has("first_mtu_bytes")) | "\(.mtu_bytes)/\(.first_mtu_bytes)"] | unique | join(" ")'
}

learned_anywhere() {
	[[ $(path_mtus "$1") == *1400/1600* ]]
}

forgotten_everywhere() {
	[ "$(path_mtus "$1")" = 1600/1600 ]
}

# The path is narrow from the start.
before() {
	local service
	narrow 1400
	# GUE and IPIP have sources of their own, and what one learns of a backend serves the other: so one
	# family begins with each.
	for service in v4-gue $(lab_services | sort -r); do
		forget
		upload "$service"
		report $? "$service: an upload over a link of 1400 goes through ($(cat "$LAB_DIR/upload.$service"))"
	done
	learned_anywhere v4-ipip
	report $? "v4-ipip: show backends has the path's MTU ($(path_mtus v4-ipip))"
	learned_anywhere v6-gue
	report $? "v6-gue: show backends has the path's MTU ($(path_mtus v6-gue))"
	lab_ctl show backends v4-ipip | grep -q 'path mtu 1400'
	report $? "and so has its table"
	lab_exec lb curl -s http://127.0.0.1:9107/metrics >"$LAB_DIR/metrics"
	grep -q '^sluice_path_mtus [1-6]$' "$LAB_DIR/metrics" &&
		grep -q '^sluice_path_mtu_messages_total{result="learned"} [1-6]$' "$LAB_DIR/metrics"
	report $? "so have the metrics ($(grep -c '^sluice_path_mtu' "$LAB_DIR/metrics") series)"
	lab_ctl events --since 1h | grep -q 'MTU 1400 (a router on the way said so; first link 1600)'
	report $? "an event tells it"
}

# It widens again, and becomes narrow while uploads are under way.
during() {
	local service pids=() failed=0
	narrow 1600
	lab_within 15 forgotten_everywhere v4-ipip && lab_within 15 forgotten_everywhere v6-gue
	report $? "after outer.pmtu_s the path is tried again (v4-ipip $(path_mtus v4-ipip), v6-gue $(path_mtus v6-gue))"
	forget
	for service in $(lab_services); do
		upload "$service" --limit-rate 1M &
		pids+=($!)
	done
	sleep 1.5 # of the 5 s that they take
	narrow 1400
	for service in $(lab_services); do
		wait "${pids[0]}" || { failed=1; note "$service: $(cat "$LAB_DIR/upload.$service")"; }
		pids=("${pids[@]:1}")
	done
	report $failed "uploads to all services that are under way when links become narrow go through"
}

# link_in_turn LINK BYTES WIDE: the others are wide. Both families, each encapsulation once.
link_in_turn() {
	local link=$1 service pids=() failed=0
	narrow 1600
	lab_within 15 forgotten_everywhere v4-ipip && lab_within 15 forgotten_everywhere v6-gue
	narrow_link "$link" "$2" || { report 1 "the link of $link becomes narrow"; return; }
	sleep 0.3 # until the balancer has it
	for service in v4-ipip v6-gue; do
		forget
		upload "$service"
		report $? "$service: an upload with a link of $2 at $link goes through ($(cat "$LAB_DIR/upload.$service"))"
	done
	narrow_link "$link" "$3"
	sleep 0.3
	forget
	for service in v4-gue v6-ipip; do
		upload "$service" --limit-rate 2M &
		pids+=($!)
	done
	sleep 0.8 # of the 2.5 s that they take
	narrow_link "$link" "$2"
	for service in v4-gue v6-ipip; do
		wait "${pids[0]}" || { failed=1; note "$service: $(cat "$LAB_DIR/upload.$service")"; }
		pids=("${pids[@]:1}")
	done
	report $failed "uploads that are under way when the link of $link becomes $2 go through"
	narrow_link "$link" "$3"
}

# A datagram without DF isn't complained about: a router fragments its outer packet, and the backend
# puts it together. Over IPv6 no router does.
without_df() {
	local before after
	forget # or the client makes fragments itself
	before=$(lab_exec b1 cat /proc/net/snmp | awk '/^Ip: [0-9]/ {print $16}')
	lab_exec client /usr/bin/python3 - "$(lab_vip v4-gue)" <<-'PYTHON'
		import socket, sys
		vip = sys.argv[1]
		sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		for port in range(20000, 20030):
		    tcp = port.to_bytes(2, "big") + bytes([0, 80]) + bytes(8) + bytes([0x50, 0x10]) + bytes(6)
		    payload = tcp + bytes(1480 - len(tcp))
		    header = bytes([0x45, 0]) + (20 + len(payload)).to_bytes(2, "big") + bytes(4) + bytes([64, 6, 0, 0])
		    header += socket.inet_aton("10.10.1.2") + socket.inet_aton(vip)
		    sender.sendto(header + payload, (vip, 0))
	PYTHON
	reassembled() {
		after=$(lab_exec b1 cat /proc/net/snmp | awk '/^Ip: [0-9]/ {print $16}')
		[ "$after" -gt "$before" ]
	}
	lab_within 5 reassembled
	report $? "packets without DF reach a backend in fragments of their outer packets (reassembled $before -> $after)"
}

trap 'lab_down' EXIT
lab_up || { report 1 "the lab starts"; tap_done; exit 1; }
lab_conf lb | sed 's/^outer = {/outer = { pmtu_s = 8;/' >"$LAB_DIR/lb.conf"
lab_start lb || { report 1 "sluiced starts"; tap_done; exit 1; }
head -c 5M "$LAB_DIR/blob" >"$LAB_DIR/part"
before
without_df
during
link_in_turn client 1400 1500
link_in_turn lb 1500 1600
tap_done
