#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# guests: 6.1-virtio-2
# more: 6.1-virtio-1 6.1-virtio-4 6.1-virtionorss-2 6.1-e1000e-2 6.1-vmxnet3-2
#
# The dpdk path on PCI NICs, bound to vfio-pci behind an IOMMU, with a worker for each queue that is asked for:
# real HTTP, every worker has its share, flows stay at theirs, and where a device has fewer queues or no RSS
# that is said. 60 s each, 100 s with four workers.
#
#     client --- fabric === lb    a guest; its NIC is sluiced's, its kernel has the TAP sl0
#                   |
#                   +--- b1, b2, b3   (nginx, sluice-decap)
set -u
LAB=vmdpdk-$$
here=$(dirname "$(readlink -f "$0")")
. "$here/scene.sh"
. "$here/scene_dpdk.sh"
scene_dpdk_guest 6.1-virtio-2

scene_dpdk_begin
all_answer 10
report $? "twelve services answer"
lab_ctl --json show dataplane >"$LAB_DIR/said"
[ "$(jq '.ports[0].rx_packets > 200 and .ports[0].tx_packets > 200' "$LAB_DIR/said")" = true ]
report $? "the NIC carried it: $(jq -c '.ports[0] | [.driver, .rx_packets, .tx_packets]' "$LAB_DIR/said")"
used=$(jq '.workers | length' "$LAB_DIR/said")

case $scene-$workers in
*virtio\ with*-1 | *virtio-1)
	[ "$used" = 1 ] && [ "$(jq -r '.ports[0].spread' "$LAB_DIR/said")" = one ]
	report $? "one worker, one queue"
	;;
*e1000e*)
	[ "$used" = 1 ] && grep -q "has queues for 1 of 2 workers" "$LAB_DIR/sluiced-lb.log"
	report $? "the driver has one queue: one worker is used, and said"
	;;
*vmxnet3*)
	grep -q "2 queues, RSS was asked for: tcp4" "$LAB_DIR/sluiced-lb.log"
	report $? "RSS is asked for, and what of it can't be known is said: $(jq -r '.ports[0].spread_how' "$LAB_DIR/said")"
	# QEMU's device gives everything to its first queue, whatever it was asked for.
	flows_send 1000 20000
	doctor_says "worker 1 has had none of"
	report $? "the doctor sees what came of it"
	;;
*virtionorss*)
	[ "$(jq -r '.ports[0].spread' "$LAB_DIR/said")" = other ] &&
		grep -q "no RSS: the host spreads flows" "$LAB_DIR/sluiced-lb.log"
	report $? "without RSS it says who spreads: $(jq -r '.ports[0].spread_how' "$LAB_DIR/said")"
	shares=$(flows_shares 1200 20000)
	[ "$(awk '$1 > 0' <<<"$shares" | wc -l)" = "$workers" ]
	report $? "each worker has a share of 1200 flows: $(xargs <<<"$shares")"
	;;
*)
	[ "$used" = "$workers" ] && grep -q "RSS: tcp4, udp4, tcp6, udp6 by ports; our key, table of 128" "$LAB_DIR/sluiced-lb.log"
	report $? "$workers workers, and RSS by our key"
	shares=$(flows_shares 1200 20000)
	is_even <<<"$shares"
	report $? "each worker has its share of 1200 flows: $(xargs <<<"$shares")"
	stay=0
	for port in 30001 30002 30003 30004; do
		explained=$(lab_ctl --json explain "udp 10.10.1.2:$port -> 198.51.100.10:9" | jq .worker.index)
		before=$(worker_packets)
		flow_send 20 "$port"
		got=$(shares_since "$before")
		note "explain: worker $explained; of 20 packets: $(xargs <<<"$got")"
		# ARP and ND go to the workers, too; a guest that stood still has lost some.
		[ "$(awk -v w="$explained" '{ n[NR - 1] = $1 } END { for (i in n) if (i != w && n[i] > 9) bad = 1
			print((n[w] >= 10 && !bad) ? "yes" : "no") }' <<<"$got")" = yes ] && stay=$((stay + 1))
	done
	[ "$stay" = 4 ]
	report $? "flows stay at the worker that explain names"
	;;
esac
lab_stop lb
report $? "sluiced ends when told to"
tap_done
