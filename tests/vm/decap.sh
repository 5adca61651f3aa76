#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# guests: 6.1
# more: 6.12
#
# A backend without sluice-decap: the kernel takes the outer headers off, by the tunnels of its modules, as
# docs/operations.md ("Decapsulation by the kernel") has it. Its lines are run here as they stand there, one
# block after the other, and each has to do what the text says, and for nothing but its encapsulation.
#
#     client --- fabric --- lb    sluiced, in a namespace on this host
#                   |
#                   +=== b1       a guest: nginx, and no XDP
set -u
LAB=vmdecap-$$ LAB_PATH=${LAB_PATH:-xdp} LAB_BACKENDS=1 LAB_GUESTS=b1 LAB_DECAP=no
. "$(dirname "$(readlink -f "$0")")/scene.sh"
scene_guest 6.1

# documented NAME: the lines of the page's block that begins with "# NAME".
documented() {
	sed -n "/^## Decapsulation by the kernel/,/^## [^D]/p" "$lab_tree/docs/operations.md" |
		awk -v name="# $1" '$0 == name { on = 1; next } /^```/ { on = 0 } on'
}

# apply NAME: runs them in b1, each of which must succeed.
apply() {
	documented "$1" >"$LAB_DIR/lines"
	[ -s "$LAB_DIR/lines" ] && lab_feed b1 env "ADDRESS6=$(lab_address6 b1)" bash -ex <"$LAB_DIR/lines" >"$LAB_DIR/said" 2>&1 || {
		sed 's/^/# /' "$LAB_DIR/said"
		return 1
	}
}

answers() {
	lab_exec client curl -s -m "${2:-5}" "$(lab_url "$1")" | grep -qx b1
}

# opens NAME SERVICE...: these services have no answer; the block NAME is applied; they have one.
opens() {
	local name=$1 service
	shift
	for service; do
		! answers "$service" 1
		report $? "$service: not answered without \"$name\""
	done
	apply "$name"
	report $? "docs/operations.md, \"$name\": every line succeeds"
	for service; do
		answers "$service"
		report $? "$service: answered"
		upload_whole "$service"
		report $? "$service: an upload of 4 MiB arrives"
	done
}

scene_begin
lab_exec b1 sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1
report $? "b1 checks the reverse path, as many hosts do"
apply "every backend"
report $? "docs/operations.md, \"every backend\": every line succeeds"
opens "ipip: IPv4 in IPv4" v4-ipip
opens "ipip: IPv6 in IPv4" v6-ipip-mixed
opens "ipip: any in IPv6" v6-ipip v4-ipip-mixed
opens "gue, gue0: in IPv4" v4-gue v4-gue0 v6-gue-mixed v6-gue0-mixed
opens "gue, gue0: in IPv6" v6-gue v6-gue0 v4-gue-mixed v4-gue0-mixed
tap_done
