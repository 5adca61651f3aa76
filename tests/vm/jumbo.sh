#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.12-virtio-1
#
# Jumbo frames on the xdp path. virtio_net takes a program at an MTU of 9000 from 6.3 on, where that can
# handle a packet in several buffers; before, it refuses: sluiced then says so in the driver's own words,
# names an MTU that fits, and takes generic mode unless that is forbidden.
#
#     client --- fabric === lb    a guest; every link has an MTU of 9000
#                   |
#                   +--- b1, b2, b3   (nginx, sluice-decap)
set -u
LAB=vmjumbo-$$ LAB_PATH=xdp LAB_MTU=9000
. "$(dirname "$(readlink -f "$0")")/scene.sh"
scene_guest 6.12-virtio-1

mode() {
	lab_ctl show dataplane | grep -o 'eth0 [a-z]*$'
}

# attach_as WORD: the configuration says xdp_attach = WORD.
attach_as() {
	sed -i -e '/xdp_attach/d' -e "s/idle = .*/&\n  xdp_attach = \"$1\";/" "$LAB_DIR/lb.conf"
}

fits_native() {
	[ "$GUEST_KERNEL" != 6.1 ]
}

scene_begin
lab_exec client ip link set eth0 mtu 9000 && lab_exec fabric ip link set client mtu 9000
report $? "the client's link takes 9000"
if fits_native; then
	[ "$(mode)" = "eth0 native" ]
	report $? "the program is in the driver ($(mode))"
else
	[ "$(mode)" = "eth0 generic" ] && grep 'no native XDP' "$LAB_DIR/sluiced-lb.log" | sed 's/^/# /' >"$LAB_DIR/said" &&
		grep -q 'MTU too large' "$LAB_DIR/said" && grep -q 'ip link set dev eth0 mtu 3000' "$LAB_DIR/said"
	report $? "the log has the driver's words and the fix: $(cat "$LAB_DIR/said")"
	lab_exec lb "$BUILD/ctl/cli/sluicectl" --socket "$(lab_control lb)" doctor >"$LAB_DIR/said" 2>&1
	grep -E '^slow +xdp +eth0: .*generic' "$LAB_DIR/said" && grep -q 'ip link set dev eth0 mtu 3000' "$LAB_DIR/said"
	report $? "so has the doctor"
fi
all_answer 10
report $? "twelve services answer"
upload_whole v4-ipip && upload_whole v6-gue
report $? "uploads of 4 MiB go through, in packets up to 9000 bytes"
read -r packets bytes < <(lab_exec fabric ip -s -j link show dev client | jq -r '.[0].stats64.rx | "\(.packets) \(.bytes)"')
note "the client's packets had $((bytes / packets)) bytes on average"

if ! fits_native; then
	lab_stop lb && lab_sluiced lb --detach >/dev/null 2>&1
	attach_as native
	! lab_start lb 2>"$LAB_DIR/said" && grep -q 'MTU too large.*ip link set dev eth0 mtu 3000' "$LAB_DIR/sluiced-lb.log"
	report $? "xdp_attach = \"native\" is refused, with the fix: $(tail -n 1 "$LAB_DIR/sluiced-lb.log")"
	lab_exec lb ip link set dev eth0 mtu 3000 && lab_start lb && [ "$(mode)" = "eth0 native" ]
	report $? "... which helps"
	all_answer 5
	report $? "... and the services answer"
fi
tap_done
