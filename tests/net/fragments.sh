#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# UDP datagrams of 4,000 bytes go in three fragments, of which only the first has ports: all reach
# one backend, which puts them together and echoes the whole. In every encapsulation and pair of
# families. The lab as in traffic.sh, with a service of UDP port 9000 beside each of its services.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=fragments-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

FLOWS=60
BYTES=4000

conf() {
	local service
	lab_conf lb | sed '$s| );$||'
	for service in $(lab_services); do
		echo ,
		lab_service_entry "$service" |
			sed 's|name = "v|name = "udp-v|; s|port = 80; protocol = "tcp"|port = 9000; protocol = "udp"|'
	done
	echo ' );'
}

counted() {
	lab_ctl --json show counters | jq "[.. | objects | .$1? // empty | numbers] | add // 0"
}

counted_is() {
	[ "$(counted "$1")" = "$2" ]
}

# Echo servers. What they send to the client fits its link, which is narrower than their own.
servers() {
	local b vips=() service
	for service in $(lab_services); do
		vips+=("$(lab_vip "$service")")
	done
	for b in b1 b2 b3; do
		lab_exec "$b" ip -4 route change default via "$(lab_address4 "$b" | sed 's/2$/1/')" dev eth0 mtu 1500 &&
			lab_exec "$b" ip -6 route change default via "$(lab_address6 "$b" | sed 's/2$/1/')" dev eth0 mtu 1500 &&
			lab_spawn "$b" "datagrams-$b" /usr/bin/python3 "$here/datagrams.py" server "$b" "${vips[@]}" ||
			return 1
		lab_within 10 grep -q ready "$LAB_DIR/datagrams-$b.log" || return 1
	done
}

# echoed SERVICE: of 60 flows each of three equal backends gets some, but in one run of 10^10.
echoed() {
	local service=$1 status
	lab_exec client /usr/bin/python3 "$here/datagrams.py" client "$(lab_vip "$service")" \
		"$FLOWS" "$BYTES" >"$LAB_DIR/echoed" 2>&1
	status=$?
	report $status "$service: $FLOWS flows with datagrams of $BYTES bytes: each whole, by one backend"
	[ $status = 0 ] || note "$(cat "$LAB_DIR/echoed")"
	[ "$(grep -c '^b[123] ' "$LAB_DIR/echoed")" = 3 ]
	report $? "$service: all backends answer ($(tr '\n' ' ' <"$LAB_DIR/echoed"))"
}

# A fragment whose first never came: to nobody, and counted.
orphan() {
	local vip=$1 source=$2 before
	before=$(counted fragment)
	lab_exec client /usr/bin/python3 "$here/datagrams.py" orphan "$vip" "$source"
	lab_within 5 counted_is fragment $((before + 1))
	report $? "$vip: a fragment without its first is dropped and counted ($before, then $(counted fragment))"
}

# overtaken SERVICE VIP SOURCE: what docs/architecture.md says that reordering costs. In 1 % of the datagrams
# the second fragment overtakes the first: it is dropped, and those datagrams alone are lost.
overtaken() {
	local before said sent n lost others
	before=$(counted fragment)
	said=$(lab_exec client /usr/bin/python3 "$here/datagrams.py" overtake "$2" "$3" 1000 1)
	read -r _ sent _ n _ lost _ others <<<"$said"
	[ "${sent:-0}" = 1000 ] && [ "$n" -gt 3 ] && lab_within 5 counted_is fragment $((before + n))
	report $? "$1: a fragment that overtakes its first is dropped, and no other ($said; $(($(counted fragment) - before)) dropped)"
	[ "${others:-1}" = 0 ] && [ "$lost" = "$n" ]
	report $? "$1: at 1 % reordering, $lost of 1,000 datagrams are lost: those"
}

# captured SERVICE FIELD: a capture holds every fragment of a datagram, not its first alone, as it came and
# as it left. FIELD: tshark's name of the offset.
captured() {
	local service=$1 field=$2 pid try
	"$BUILD/ctl/cli/sluicectl" --socket "$LAB_DIR/lb.sock" capture "udp-$service" --seconds 20 \
		-w "$LAB_DIR/$service.pcapng" 2>"$LAB_DIR/said" &
	pid=$!
	for ((try = 0; try < 50; try++)); do
		[ "$(lab_ctl --json show capture | jq -r '.latest.state')" = on ] && break
		sleep 0.1
	done
	lab_exec client /usr/bin/python3 "$here/datagrams.py" client "$(lab_vip "$service")" 1 "$BYTES" >/dev/null
	sleep 0.3
	kill -INT $pid
	wait $pid
	tshark -n -r "$LAB_DIR/$service.pcapng" -T json -x 2>/dev/null | jq -r '.[]._source.layers |
		"\(.frame["frame.packet_id"]) \(.frame["frame.interface_id_tree"]["frame.interface_name"])"' >"$LAB_DIR/pairs"
	tshark -n -r "$LAB_DIR/$service.pcapng" \
		-Y 'frame.interface_name == "in" && (ipv6.fraghdr || ip.flags.mf == 1 || ip.frag_offset > 0)' -T fields -e "$field" 2>/dev/null |
		sort -n | uniq -c | sed 's/^ *//' >"$LAB_DIR/offsets"
	[ "$(wc -l <"$LAB_DIR/offsets")" -ge 3 ]
	report $? "$service: a capture has the later fragments, too ($(paste -sd, "$LAB_DIR/offsets"), times and offset)"
	[ "$(awk '{ print $1 }' "$LAB_DIR/offsets" | sort -u | wc -l)" = 1 ] &&
		[ "$(grep -c ' in$' "$LAB_DIR/pairs")" = "$(grep -c ' out$' "$LAB_DIR/pairs")" ] &&
		[ "$(sort -u "$LAB_DIR/pairs" | wc -l)" = "$(wc -l <"$LAB_DIR/pairs")" ]
	report $? "... each as often as the others, and each as it came and as it left ($(cat "$LAB_DIR/said"))"
}

trap 'lab_down' EXIT
lab_up && conf >"$LAB_DIR/lb.conf" && lab_start lb && servers ||
	{ report 1 "the lab, sluiced and the servers start"; tap_done; exit 1; }
for service in $(lab_services); do
	echoed "$service"
done
captured v4-ipip ip.frag_offset
captured v6-ipip ipv6.fraghdr.offset
[ "$(counted fragment)" = 0 ]
report $? "no fragment was dropped"
overtaken v4-ipip "$(lab_vip v4-ipip)" "$(lab_address4 client)"
overtaken v6-gue "$(lab_vip v6-gue)" "$(lab_address6 client)"
orphan "$(lab_vip v4-gue)" "$(lab_address4 client)"
orphan "$(lab_vip v6-ipip)" "$(lab_address6 client)"
tap_done
