#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.1
#
# The balancer as an appliance: this build installed by `meson install` on a disk, systemd as process 1,
# systemd-networkd, sluiced.service enabled. It boots without its NIC, which comes 20 s later, and then
# serves by itself; after a reboot it serves again, with what was changed at run time; and after a loss
# of power.
#
#     client --- fabric === lb    a guest with a disk; its NIC hangs on a port that it is put into
#                   |
#                   +--- b1, b2, b3   (nginx, sluice-decap)
set -u
LAB=vmappliance-$$ LAB_PATH=xdp
. "$(dirname "$(readlink -f "$0")")/scene.sh"
scene_guest 6.1
GUEST_NIC=virtio-net-pci,bus=rp0
GUEST_ARGS="-device pcie-root-port,id=rp0,chassis=1,slot=1"

# boot: with systemd, and without the NIC; returns when systemd is up.
boot() {
	GUEST_INIT=systemd GUEST_NIC=none
	guest_start lb && guest_ready lb && lab_within 30 up
}

# plug: the NIC comes.
plug() {
	guest_plug lb lb "$(lab_mac lb)" rp0 >/dev/null
}

# What an operator does once: the build, its configuration, an address by systemd-networkd.
install_here() {
	DESTDIR=$LAB_DIR/destdir meson install -C "$BUILD" --no-rebuild --quiet >"$LAB_DIR/install.log" 2>&1 || return 1
	lab_conf lb | sed -e '/^control = /d' -e '/pin_dir = /d' -e 's/interface = "[^"]*"/interface = "enp1s0"/' >"$LAB_DIR/sluice.conf"
	lab_exec lb bash -c '
		cp -a "$1/destdir/." / && mkdir -p /etc/sluice && cp "$1/sluice.conf" /etc/sluice/ &&
			systemd-sysusers && systemd-tmpfiles --create sluice.conf && mkdir -p /etc/systemd/network &&
			printf "%s\n" "[Match]" "Name=enp1s0" "[Link]" "MTUBytes=$2" "[Network]" "Address=$3/24" "Address=$4/64" \
				"Gateway=$5" "Gateway=$6" "IPv6AcceptRA=no" "IPv6DuplicateAddressDetection=0" \
				>/etc/systemd/network/nic.network' - "$LAB_DIR" "$LAB_MTU" "$(lab_address4 lb)" \
		"$(lab_address6 lb)" 10.10.2.1 2001:db8:2::1
}

# In the machine: sluicectl with nothing but its own defaults.
asked() {
	lab_exec lb sluicectl "$@" 2>/dev/null
}

active() {
	[ "$(lab_exec lb systemctl is-active sluiced)" = active ]
}

up() {
	lab_exec lb systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'
}

ready_says() {
	lab_exec lb curl -s -m 20 http://127.0.0.1:9107/readyz | grep -q "$1"
}

resolved() {
	asked --json show backends | jq -e '[.. | objects | select(has("next_hop")) | .next_hop.state] |
		length > 0 and all(. == "resolved")' >/dev/null
}

weight_is_kept() {
	asked --json show backends v4-ipip | jq -e '[.. | objects | select(.name? == "b2") | .weight] == [55]' >/dev/null
}

said() {
	lab_exec lb journalctl --unit=sluiced --boot --output=cat --no-pager >"$LAB_DIR/journal" 2>/dev/null
	grep -qE "$1" "$LAB_DIR/journal"
}

# serves TEXT: by itself, with no command of ours.
serves() {
	lab_within 30 resolved && lab_within 10 all_answer 2
	report $? "$1"
}

GUEST_DISK=/var/tmp/$LAB.disk
trap 'scene_leave; rm -f "$GUEST_DISK"' EXIT
truncate -s 1G "$GUEST_DISK" && mkfs.ext4 -q "$GUEST_DISK" && lab_up
scene_must $? "the lab and a machine with an empty disk start: $scene"
install_here
scene_must $? "this build is installed on it"
lab_exec lb sync
guest_stop lb

boot
scene_must $? "it boots, with $(lab_exec lb cat /proc/1/comm) as process 1"
lab_exec lb systemctl enable systemd-networkd sluiced
report $? "an operator enables systemd-networkd and sluiced"
lab_exec lb sync
guest_stop lb

boot
scene_must $? "it boots again, without its NIC"
lab_within 10 said 'enp1s0'
report $? "sluiced waits for enp1s0, and says so: $(grep -m 1 -E 'enp1s0' "$LAB_DIR/journal")"
sleep 20
ready_says "enp1s0 is waiting"
report $? "... 20 s later still, by /readyz, too: $(lab_exec lb curl -s -m 20 http://127.0.0.1:9107/readyz | head -n 1)"
plug
serves "the NIC comes, and twelve services answer"
active
report $? "... and systemd has sluiced as active"
asked backend set v4-ipip b2 weight 55 >/dev/null && lab_within 5 lab_exec lb test -s /var/lib/sluice/state.json
report $? "a weight is changed at run time"

lab_exec lb systemctl reboot >/dev/null 2>&1
lab_within 30 guest_ended lb
report $? "it shuts down in an orderly way for a reboot"
boot && plug
report $? "it boots"
serves "... and twelve services answer"
weight_is_kept
report $? "... with the weight of before"
asked backend set v4-ipip b2 weight 56 >/dev/null && asked backend set v4-ipip b2 weight 55 >/dev/null && sleep 2
guest_stop lb
boot && plug
report $? "power is lost, and it boots"
serves "... and twelve services answer"
weight_is_kept
report $? "... with what was changed two seconds before"
tap_done
