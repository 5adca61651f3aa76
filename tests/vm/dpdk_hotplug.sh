#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# more: 6.1-virtio-1 6.1-e1000e-1
#
# The dpdk path loses the link of its NIC, then the NIC itself, while requests come without end: it says so at
# once, its TAP has no carrier, the kernel gets the device back without waiting, and nothing crashes. With the
# link packets flow again; with the NIC there again sluiced says that it wants to be started again, and does
# so by itself where a service manager started it. Two to eight minutes: so not in every run.
#
#     client --- fabric === lb    a guest; its NIC hangs on a port that it can be taken out of
#                   |
#                   +--- b1, b2, b3   (nginx, sluice-decap)
set -u
LAB=vmhotplug-$$
here=$(dirname "$(readlink -f "$0")")
. "$here/scene.sh"
. "$here/scene_dpdk.sh"
scene_dpdk_guest 6.1-virtio-1

port_is() {
	[ "$(lab_ctl --json show dataplane | jq -r '.ports[0].state')" = "$1" ]
}

told() {
	lab_ctl events --kind port | grep -q "$1"
}

carrier_is() {
	[ "$(lab_exec lb cat /sys/class/net/sl0/carrier)" = "$1" ]
}

ready_says() {
	lab_exec lb curl -s -m 20 http://127.0.0.1:9107/readyz | grep -q "$1"
}

nic_is_there() {
	lab_exec lb test -e "/sys/bus/pci/devices/$pci"
}

nic_is_gone() {
	! nic_is_there
}

scene_dpdk_begin
lab_ctl show dataplane >/dev/null && carrier_is 1
report $? "sl0 has a carrier"
all_answer 3
report $? "twelve services answer"
load_start "$(lab_url v4-gue)" "$LAB_DIR/load"

guest_monitor lb "set_link nic0 off" >/dev/null
lab_within 5 port_is down
report $? "the link goes: the port is down"
lab_within 5 told "up -> down" && lab_within 5 carrier_is 0 && lab_within 5 ready_says "no port is up: sl0 is down"
report $? "... as an event, by sl0's carrier and by /readyz"
guest_monitor lb "set_link nic0 on" >/dev/null
lab_within 5 port_is up && lab_within 5 told "down -> up" && lab_within 5 carrier_is 1
report $? "the link comes: said, and sl0 has a carrier"
lab_within 20 all_answer 3
report $? "... and twelve services answer"

guest_monitor lb "device_del nic0" >/dev/null
lab_within 10 port_is waiting
report $? "the NIC is taken out: the port waits"
lab_within 10 nic_is_gone
report $? "... and the kernel has it back"
lab_within 5 told "up -> waiting" && carrier_is 0 && ready_says "sl0 is waiting"
report $? "... said as an event, by sl0's carrier and by /readyz"
lab_runs sluiced-lb && lab_ctl show services >/dev/null
report $? "... and sluiced goes on"
load_stop

guest_monitor lb "device_add ${GUEST_NIC},id=nic0,netdev=n0,mac=$(lab_mac lb)" >/dev/null
lab_within 10 nic_is_there && scene_bind vfio-pci "$pci"
report $? "another NIC is put in its place, and bound"
lab_within 10 port_is returned && lab_within 5 told "waiting -> returned: .*restart sluiced"
report $? "sluiced says that it is to be started again"
lab_stop lb
report $? "... and ends well when told to"

# What systemd does: a socket to notify, and a start after each failure.
lab_spawn lb manager bash -c 'socat -u UNIX-RECV:/run/notify,type=2 /dev/null & s=$!
	trap "kill \$s \$d; wait \$d; exit" TERM
	while sleep 1; do NOTIFY_SOCKET=/run/notify "$@" & d=$!; wait $d; echo "manager: status $?"; done' - \
	"$BUILD/ctl/daemon/sluiced" --config "$LAB_DIR/lb.conf" --module-dir "$(lab_modules)"
lab_within 30 lab_ctl show generation >/dev/null 2>&1 && lab_lb_address sl0 lb && lab_within 20 all_answer 2
report $? "started by a manager, twelve services answer with the new NIC"
guest_monitor lb "device_del nic0" >/dev/null
lab_within 10 nic_is_gone
guest_monitor lb "device_add ${GUEST_NIC},id=nic0,netdev=n0,mac=$(lab_mac lb)" >/dev/null
lab_within 10 nic_is_there && scene_bind vfio-pci "$pci"
ended() {
	grep -q "manager: status 1" "$LAB_DIR/manager.log"
}
lab_within 20 ended && grep -q "waiting -> returned: .*ending, to be started again" "$LAB_DIR/manager.log"
report $? "the NIC goes and comes: sluiced ends with status 1, to be started again"
lab_within 40 all_answer 2
report $? "... and then twelve services answer: addresses and routes of sl0 are still there"
lab_kill manager
tap_done
