#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: xdp dpdk
#
# The Debian packages, as an operator has them: installed in a Debian that holds nothing else, on a machine
# with systemd as process 1; configured, started, upgraded while a client asks the vips, removed and
# purged. The packages are those of debian/clean-build.sh, in $BUILD-deb.
#
#     client --- fabric --- lb   Debian with systemd: sluice, sluice-xdp or sluice-dpdk
#                  |------- b1   Debian with systemd: sluice-decap
#                  |------- b2, b3
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=package-$$
export LAB_PATH=${LAB_PATH:-xdp}
. "$here/../net/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/machine.sh"
. "$here/../lab/load.sh"

debs=$BUILD-deb
MACHINE_BASE=$debs/debian
refusal=$(machine_refusal)
[ -z "$refusal" ] || skip_all "$refusal"
version=$(dpkg-parsechangelog -l "$here/../../debian/changelog" --show-field Version)
later=$version+later

on_lb() { machine_exec lb "$@"; }
on_b1() { machine_exec b1 "$@"; }
# install_on NODE VERSION PACKAGE ...: as `apt install ./FILE ...`; what they need is there.
install_on() {
	local node=$1 of=$2 files
	shift 2
	files=("${@/%/_${of}_amd64.deb}")
	machine_exec "$node" sh -c 'cd /debs && DEBIAN_FRONTEND=noninteractive dpkg -i "$@"' - "${files[@]}" >"$LAB_DIR/said" 2>&1 ||
		{ sed 's/^/# /' "$LAB_DIR/said"; return 1; }
}
property() {
	on_lb systemctl show --property="$1" --value sluiced
}
answers() {
	lab_exec client curl -s -m 2 "$(lab_url "$1")" | grep -q '^b[1-3]$'
}
all_answer() {
	local service
	for service in $(lab_services); do
		answers "$service" || return 1
	done
}
resolved() {
	on_lb sluicectl --json show backends 2>/dev/null | jq -e '[.. | objects | select(has("next_hop")) |
		.next_hop.state] | length > 0 and all(. == "resolved")' >/dev/null
}
# Addresses are the host's to give, on dpdk to the TAP of each start.
ready() {
	[ "$LAB_PATH" = xdp ] || lab_lb_address sl0 lb || return 1
	lab_within 20 resolved && lab_within 10 all_answer
}
# failed_since T: requests of the load that began after T and were not answered. At least 200 began.
failed_since() {
	load_phase "$LAB_DIR/load" "$1" 200 "$LAB_DIR/phase" &&
		awk '$3 != 0 || $4 != 200 { n++ } END { print n + 0 }' "$LAB_DIR/phase"
}
# What a machine has in its folders: without what changes by itself, and what dpkg keeps about packages.
files_of() {
	machine_exec "$1" find / -xdev \( -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /debs \) -prune -o \
		! -path '/etc/*-' ! -path '/etc/.pwd.lock' -print | sort
}

trap 'machine_stop lb; machine_stop b1; lab_down' EXIT
lab_up || { report 1 "the lab starts"; tap_done; exit 1; }
machine_start lb
report $? "a Debian with systemd starts, without Sluice"
files_of lb >"$LAB_DIR/before"
install_on lb "$version" sluice "sluice-$LAB_PATH"
report $? "sluice and sluice-$LAB_PATH install"
[ "$(on_lb systemctl is-enabled sluiced) $(property ActiveState) $(property ConditionResult)" = "enabled inactive no" ]
report $? "sluiced.service is enabled, and waits for a configuration"
[ "$(on_lb stat -c '%a %U %G %n' /var/lib/sluice /etc/sluice | paste -sd,)" = "750 root sluice /var/lib/sluice,750 root sluice /etc/sluice" ]
report $? "user, group and folders are there"
on_lb sluiced --version | grep -q "${version%-*}" && on_lb sluicectl --version | grep -q "${version%-*}"
report $? "the programs run, and have the package's version: $(on_lb sluiced --version)"
on_lb sluiced --check --config /usr/share/doc/sluice/examples/sluice.conf >"$LAB_DIR/said" 2>&1
report $? "the example of a configuration is a right one"

lab_conf lb | sed -e '/^control = /d' -e '/pin_dir = /d' | machine_exec lb sh -c 'cat >/etc/sluice/sluice.conf && chgrp sluice /etc/sluice/sluice.conf'
on_lb systemctl start sluiced && ready
report $? "configured and started, the twelve services answer ($(property StatusText))"
on_lb sluicectl backend set v4-gue b2 weight 55 >/dev/null
report $? "a weight is changed"

# A backend, by the package.
lab_exec b1 "$BUILD/ebpf/sluice-decap" --interface eth0 --detach >/dev/null
decap_there() { lab_exec b1 ip -details link show eth0 | grep -q 'prog/xdp'; }
machine_start b1 && install_on b1 "$version" sluice-decap && on_b1 systemctl enable --now sluice-decap@eth0 2>/dev/null && decap_there
report $? "sluice-decap installs on a backend, and sluice-decap@eth0 starts"
b1_answers() {
	local try
	for ((try = 0; try < 30; try++)); do
		[ "$(lab_exec client curl -s -m 2 "$(lab_url "$1")")" = b1 ] && return 0
	done
	return 1
}
lab_within 20 b1_answers v4-ipip && lab_within 20 b1_answers v6-gue
report $? "... and the backend answers by it"

# Upgraded, while a client asks.
LOAD_PAUSE=0.2 load_start "$(lab_url v4-gue)" "$LAB_DIR/load"
pid=$(property MainPID)
began=$EPOCHREALTIME
install_on lb "$later" sluice "sluice-$LAB_PATH" && install_on b1 "$later" sluice-decap
report $? "both are upgraded to $later"
failed=$(failed_since "$began")
[ "$failed" = 0 ] && [ "$(property MainPID)" = "$pid" ]
report $? "... without a restart: ${failed:-?} of $(wc -l <"$LAB_DIR/phase") requests failed"
on_lb sluicectl --json show backends v4-gue | jq -e '[.. | objects | select(.name? == "b2") | .weight] == [55]' >/dev/null
report $? "... the new sluicectl asks the old sluiced"
decap_there
report $? "... and the backend's program is there"
began=$EPOCHREALTIME
on_lb systemctl restart sluiced && ready
report $? "the operator restarts it"
if [ "$LAB_PATH" = xdp ]; then
	failed=$(failed_since "$began")
	[ "$failed" = 0 ]
	report $? "... 0 of $(wc -l <"$LAB_DIR/phase") requests failed"
fi
load_stop
on_lb sluicectl --json show backends v4-gue | jq -e '[.. | objects | select(.name? == "b2") | .weight] == [55]' >/dev/null
report $? "... and what was changed at run time is kept"

# Removed and purged.
on_lb dpkg --remove "sluice-$LAB_PATH" sluice >"$LAB_DIR/said" 2>&1 || sed 's/^/# /' "$LAB_DIR/said"
! answers v4-ipip && ! lab_exec lb ip -details link show | grep -q 'prog/xdp' && [ -z "$(on_lb pgrep -x sluiced)" ]
report $? "removed: nothing is forwarded, no program is on an interface, no process is left"
on_lb test -s /etc/sluice/sluice.conf && on_lb test -s /var/lib/sluice/state.json
report $? "... the configuration and what was changed are kept"
on_lb dpkg --purge "sluice-$LAB_PATH" sluice >"$LAB_DIR/said" 2>&1
files_of lb >"$LAB_DIR/after"
left=$(comm -13 "$LAB_DIR/before" "$LAB_DIR/after")
[ -z "$left" ] || echo "$left" | sed 's/^/# /'
kernel=$(on_lb find /sys/fs/bpf/sluice /dev/shm /run/sluice -mindepth 1 2>/dev/null)
[ -z "$kernel" ] || echo "$kernel" | sed 's/^/# /'
[ -z "$left$kernel" ]
report $? "purged: nothing is left"
on_b1 dpkg --purge sluice-decap >"$LAB_DIR/said" 2>&1 && ! decap_there && [ -z "$(on_b1 find /etc/systemd/system -name 'sluice*')" ]
report $? "sluice-decap goes with its program and its units"
tap_done
