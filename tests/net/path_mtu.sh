#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# Path MTU discovery through the balancer. All links have an MTU of 1500, so that a full-sized packet
# doesn't fit with its outer headers: the sender has to be told, and to listen. The lab as in
# traffic.sh.
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

trap 'lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
head -c 5M "$LAB_DIR/blob" >"$LAB_DIR/part"
without_df
upload v4-ipip 20
upload v4-gue 28
upload v4-gue0-mixed 52
upload v6-ipip 40
upload v6-gue 48
upload v6-gue0-mixed 32
tap_done
