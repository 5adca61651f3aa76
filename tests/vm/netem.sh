#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.1
#
# A bad network: the client's and the backend's kernels lose 1 % of what they send, delay it by 20 ms and let
# some of it overtake the rest (netem). Downloads and uploads arrive whole. Then a link of 1,400 bytes on
# the way to the backend: its answers are made for that.
#
#     client ==== fabric --- lb    sluiced, in a namespace on this host
#     (netem)        |
#                    +==== b1      (netem)  nginx, sluice-decap; both are guests
set -u
LAB=vmnetem-$$ LAB_PATH=${LAB_PATH:-xdp} LAB_BACKENDS=1 LAB_GUESTS="client b1"
. "$(dirname "$(readlink -f "$0")")/scene.sh"
GUEST_MEMORY_MB=1000 GUEST_CPUS=1
scene_guest 6.1

# What is downloaded or uploaded is 2 MiB here: at 1 % loss and 40 ms a TCP carries some 300 kB/s.
piece() {
	head -c 2M "$LAB_DIR/blob" >"$LAB_DIR/piece" && (cd "$LAB_DIR" && sha256sum piece | cut -d' ' -f1 >piece.sha256)
}

downloads() {
	[ "$(lab_exec client sh -c "curl -s -g --max-time 120 -r 0-2097151 '$(lab_url "$1" blob)' | sha256sum | cut -d' ' -f1")" = \
		"$(cat "$LAB_DIR/piece.sha256")" ]
}

uploads() {
	[ "$(lab_exec client curl -s -g --max-time 120 -o /dev/null -w '%{http_code} %{size_upload}' \
		-T "$LAB_DIR/piece" "$(lab_url "$1" upload)")" = "200 2097152" ]
}

# dropped NODE: how many packets its netem has lost.
dropped() {
	lab_exec "$1" tc -s qdisc show dev eth0 | sed -n 's/.*(dropped \([0-9]*\),.*/\1/p' | head -n 1
}

scene_begin
piece
for node in client b1; do
	lab_exec "$node" tc qdisc add dev eth0 root netem loss 1% delay 20ms 2ms reorder 10% 50%
	report $? "$node loses, delays and reorders"
done
rtt=$(lab_exec client ping -c 5 -i 0.3 -q "$(lab_address4 b1)" | sed -n 's|.*= [0-9.]*/\([0-9]*\)\..*|\1|p')
[ "${rtt:-0}" -ge 30 ]
report $? "a round trip takes $rtt ms"
for service in v4-ipip v4-gue v6-ipip v6-gue0 v4-gue-mixed; do
	downloads $service
	report $? "$service: a download of 2 MiB arrives whole"
	uploads $service
	report $? "$service: an upload of 2 MiB arrives"
done
lost=$(($(dropped client) + $(dropped b1)))
[ "$lost" -gt 20 ]
report $? "$lost packets were lost on the way"

for node in client b1; do lab_exec "$node" tc qdisc del dev eth0 root; done
lab_exec b1 ip link set eth0 mtu 1400 && lab_exec fabric ip link set b1 mtu 1400
report $? "b1's link carries 1,400 bytes"
for service in v4-ipip v6-gue0; do
	downloads $service
	report $? "$service: a download of 2 MiB arrives whole over it"
done
tap_done
