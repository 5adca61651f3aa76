#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# Path MTU discovery through the balancer. All links have an MTU of 1500, so that a full-sized packet
# doesn't fit with its outer headers: the sender has to be told, and to listen. It is told also while a flood
# of such packets, whose senders don't listen, has used up what may be told: the rate is shared out by the
# sender's address. The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=mtu-$$
export LAB_PATH=${LAB_PATH:-dpdk} LAB_MTU=1500
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

counted() {
	lab_ctl --json show counters "$1" | jq "[.. | objects | .$2? // empty | numbers] | add // 0"
}

counted_is() {
	[ "$(counted "$1" "$2")" = "$3" ]
}

# upload SERVICE OVERHEAD: 5 MiB from the client; OVERHEAD is what its outer headers take.
upload() {
	local service=$1 want=$((1500 - $2)) vip got
	vip=$(lab_vip "$service")
	lab_exec client curl -s -g --max-time 60 -o /dev/null -w '%{http_code} %{size_upload}' \
		-T "$LAB_DIR/part" "$(lab_url "$service" upload)" >"$LAB_DIR/upload"
	grep -q "^200 $((5 << 20))$" "$LAB_DIR/upload"
	report $? "$service: an upload goes through ($(cat "$LAB_DIR/upload"))"
	[ "$(counted "$service" too_big)" -gt 0 ]
	report $? "$service: packets that were too big are answered"
	got=$(lab_exec client ip route get "$vip" | grep -o 'mtu [0-9]*' | cut -d' ' -f2)
	[ "$got" = "$want" ]
	report $? "$service: the client was told $want (knows ${got:-nothing})"
}

# A packet without DF: no answer would be heard, so it is dropped, and counted. Comes first: later the
# client's kernel would make fragments of it, since it knows the path's MTU.
without_df() {
	local before
	before=$(counted v4-ipip too_big_dropped)
	lab_exec client /usr/bin/python3 -c '
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
tcp = bytes([0x30, 0x39, 0, 80]) + bytes(8) + bytes([0x50, 0x10]) + bytes(6)
payload = tcp + bytes(1480 - len(tcp))
header = bytes([0x45, 0]) + (20 + len(payload)).to_bytes(2, "big") + bytes(4) + bytes([64, 6, 0, 0])
header += socket.inet_aton("10.10.1.2") + socket.inet_aton("'"$(lab_vip v4-ipip)"'")
sender.sendto(header + payload, ("'"$(lab_vip v4-ipip)"'", 0))'
	lab_within 5 counted_is v4-ipip too_big_dropped $((before + 1))
	report $? "a packet that is too big, without DF, is dropped and counted"
}

# Four senders of each family that don't listen, each with a share of its own: by the lab's seed none is the
# client's. A share is one answer a second, so a client that had to take its turn among them would wait for minutes.
flood() {
	lab_spawn client flood /usr/bin/python3 "$here/flood.py" too_big "$(lab_vip v4-ipip)" "$(lab_vip v6-gue)" "$(lab_mac client 01)"
	limited() { [ "$(counted "$1" error_limited)" -gt 200 ]; }
	lab_within 20 limited v4-ipip && lab_within 20 limited v6-gue
	report $? "a flood of packets that are too big is answered in part (not: $(counted v4-ipip error_limited), $(counted v6-gue error_limited))"
	lab_exec client ip route flush cache
	lab_exec client ip -6 route flush cache
	upload v4-ipip 20
	upload v6-gue 48
	lab_runs flood
	report $? "... while the flood goes on"
	lab_kill flood
}

trap 'lab_down' EXIT
lab_up || { report 1 "the lab starts"; tap_done; exit 1; }
(lab_conf lb; echo 'icmp = { rate_per_s = 64; };') >"$LAB_DIR/lb.conf"
lab_start lb || { report 1 "sluiced starts"; tap_done; exit 1; }
head -c 5M "$LAB_DIR/blob" >"$LAB_DIR/part"
without_df
upload v4-ipip 20
upload v4-gue 28
upload v4-gue0-mixed 52
upload v6-ipip 40
upload v6-gue 48
upload v6-gue0-mixed 32
flood
tap_done
