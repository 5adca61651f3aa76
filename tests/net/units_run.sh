#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# The systemd units at work, as an operator has them: this build installed by `meson install` into
# machines on which systemd is process 1 (../lab/machine.sh), started, asked, reloaded, frozen, killed,
# broken and stopped by systemctl, with all their hardening on, while a client asks the vips.
#
#     client --- fabric --- lb   systemd: sluiced.service
#                  |------- b1   systemd: sluice-decap@eth0.service
#                  |------- b2, b3
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=units-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/machine.sh"

refusal=$(machine_refusal)
[ -z "$refusal" ] || skip_all "$refusal"

on_lb() {
	machine_exec lb "$@"
}

# The lab's configuration, with an operator's paths, and checks of three kinds: what the unit forbids
# must not be what they need.
conf() {
	lab_conf lb | sed -e '/^control = /d' -e '/pin_dir = /d' \
		-e 's|name = "v4-ipip";|& health = { type = "exec"; program = "/usr/bin/test"; args = [ "-w", "/tmp" ]; };|' \
		-e 's|name = "v6-gue";|& health = { type = "http"; via = "vip"; path = "/"; };|' \
		-e 's|name = "v4-gue";|& health = { type = "icmp"; };|'
}

# The process: empty if there is none, never 0, which kill takes for all of us.
property() {
	on_lb systemctl show --property="$1" --value sluiced | sed 's/^0$//'
}

# until_true SECONDS COMMAND ...
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

log_has() {
	on_lb journalctl --unit=sluiced --output=cat --no-pager | grep -qE "$1"
}

said() {
	sed 's/^/# /' "$LAB_DIR/said"
}

answers() {
	lab_exec client curl -s -m 2 "$(lab_url "$1")" | grep -q '^b[1-3]$'
}

all_answer() {
	local service
	for service in $(lab_services); do
		answers "$service" || { note "$service doesn't answer"; return 1; }
	done
}

resolved() {
	on_lb sluicectl --json show backends 2>/dev/null | jq -e '[.. | objects | select(has("next_hop")) |
		.next_hop.state] | length > 0 and all(. == "resolved")' >/dev/null
}

# Addresses are the host's to give, on dpdk to the TAP of each start.
ready() {
	[ "$LAB_PATH" = xdp ] || lab_lb_address sl0 lb || return 1
	until_true 10 resolved
}

new_process() {
	local now
	now=$(property MainPID)
	[ -n "$now" ] && [ "$now" != "$1" ] && [ "$(property ActiveState)" = active ]
}

# has_weight SERVICE WEIGHT: one of its backends.
has_weight() {
	on_lb sluicectl --json show backends "$1" | jq -e "[.. | .weight? // empty] | any(. == $2)" >/dev/null
}

healthy() {
	on_lb sluicectl --json show backends "$1" >"$LAB_DIR/said" &&
		jq -e '[.. | objects | select(has("health")) | .health | if type == "object" then .state else . end] |
			length == 3 and all(. == "up")' "$LAB_DIR/said" >/dev/null
}

trap 'machine_stop lb; machine_stop b1; lab_down' EXIT
lab_up || { report 1 "the lab starts"; tap_done; exit 1; }
mkdir -p "$(machine_root lb)/etc/sluice"
conf >"$(machine_root lb)/etc/sluice/sluice.conf"
machine_start lb
report $? "a machine with systemd starts, with this build installed"
[ "$(on_lb cat /proc/1/comm)" = systemd ]
report $? "... as process 1"
[ "$(on_lb stat -c '%a %U %G %n' /var/lib/sluice /etc/sluice /etc/sluice/sluice.conf | paste -sd,)" = \
"750 root sluice /var/lib/sluice,750 root sluice /etc/sluice,640 root sluice /etc/sluice/sluice.conf" ]
report $? "user, group and folders are there, by sysusers.d and tmpfiles.d"

# Started: systemctl returns when packets are forwarded and the control socket answers.
on_lb systemctl start sluiced >"$LAB_DIR/said" 2>&1 || { said; on_lb journalctl -n 40 --no-pager | sed 's/^/# /'; }
on_lb sluicectl show generation >"$LAB_DIR/said" 2>&1 || said
[ "$(property ActiveState) $(property NotifyAccess)" = "active main" ] && grep -q '^generation' "$LAB_DIR/said"
report $? "systemctl start returns when sluiced answers"
# What follows builds on it.
[ "$tap_failed" = 0 ] || { tap_done; exit 1; }
property StatusText | grep -qi "^$LAB_PATH .*, 12 services$"
report $? "systemctl status tells what it does: $(property StatusText)"
ready && all_answer
report $? "the twelve services answer, with the unit's hardening"
for service in v4-ipip v6-gue v4-gue; do
	until_true 10 healthy $service
	report $? "health checks work ($service)"
done
pid=$(property MainPID)
on_lb stat -c '%a %U %G' /run/sluice/control.sock | grep -qx '660 root sluice'
report $? "the control socket is the group's"
on_lb setpriv --reuid nobody --regid sluice --clear-groups sluicectl backend set v6-ipip b1 weight 90 >/dev/null &&
	until_true 5 on_lb test -s /var/lib/sluice/state.json
report $? "a member of the group changes something, and it is kept"

on_lb sluicectl save >"$LAB_DIR/said" 2>&1 || said
[ "$(on_lb stat -c '%a %U %G' /etc/sluice/sluice.conf)" = "640 root sluice" ] &&
	on_lb grep -q '^# Written by `sluicectl save`' /etc/sluice/sluice.conf && on_lb test -s /etc/sluice/sluice.conf.bak
report $? "sluicectl save writes the file, which stays the group's to read"
on_lb cp /etc/sluice/sluice.conf.bak /etc/sluice/sluice.conf && on_lb systemctl reload sluiced

# Hardened in truth, not in words: as the daemon itself sees the machine.
as_sluiced() {
	on_lb nsenter --target "$pid" --mount -- "$@"
}
on_lb touch /home/there && ! as_sluiced test -e /home/there && as_sluiced test -d /usr &&
	! as_sluiced touch /usr/here 2>/dev/null && ! as_sluiced touch /etc/here 2>/dev/null &&
	as_sluiced touch /etc/sluice/here /var/lib/sluice/here && ! as_sluiced test -w /proc/sys/net/ipv4/ip_forward &&
	as_sluiced rm /etc/sluice/here /var/lib/sluice/here
report $? "it sees no homes, and can write its own folders alone"
[ "$(on_lb sed -n 's/^NoNewPrivs:\t//p; s/^Seccomp:\t//p; s/^CapBnd:\t//p' "/proc/$pid/status" | paste -sd' ')" = \
	"0000000000000000 1 2" ]
report $? "it has no more to give up"

# The journal.
on_lb journalctl --unit=sluiced --output=json --no-pager | jq -se 'map(select(.SYSLOG_IDENTIFIER == "sluiced"
	and ._TRANSPORT == "journal" and .PRIORITY == "6" and (.MESSAGE | type == "string" and test("^security: (?!checks: )")))) | length == 1' >/dev/null
report $? "journald has its lines, with priorities, under its unit"
on_lb sluicectl backend set v6-gue b2 weight 99 >/dev/null
until_true 5 eval 'on_lb journalctl --unit=sluiced SLUICE_SERVICE=v6-gue SLUICE_KIND=backend --output=json --no-pager |
	jq -se '\''map(select(.SLUICE_BACKEND == "b2" and (.SLUICE_WHO | test("^cli uid 0 ")) and
		(.SLUICE_REQUEST | test("backend.set")))) | length == 1'\'' >/dev/null'
report $? "... and an event's fields: what, by whom, and what was asked for"

# Reloaded, rightly and wrongly.
on_lb sed -i '0,/name = "b1"; address = "10.10.11.2"; weight = 100/s//name = "b1"; address = "10.10.11.2"; weight = 70/' /etc/sluice/sluice.conf
on_lb systemctl reload sluiced &&
	until_true 5 has_weight v4-ipip 70
report $? "systemctl reload puts an edited file in force"
on_lb sed -i.good 's/encap = "gue0"/encap = "gre"/' /etc/sluice/sluice.conf
on_lb systemctl reload sluiced
until_true 5 log_has 'sluice.conf:[0-9]+: services\[[0-9]+\].encap: '
report $? "a file with a fault is told in the journal, with its line"
[ "$(property ActiveState) $(property MainPID)" = "active $pid" ] && all_answer
report $? "... and all goes on as before"

# A fault before the start: it says why at once, and once only.
on_lb systemctl restart sluiced >"$LAB_DIR/said" 2>&1
failed=$?
status_has() {
	on_lb systemctl status --no-pager --lines=50 sluiced | grep -qE "$1"
}
[ "$failed $(property ActiveState) $(property Result)" = "1 failed exit-code" ] &&
	until_true 5 status_has 'sluice.conf:[0-9]+: services\[[0-9]+\].encap: '
report $? "it doesn't start with such a file, and systemctl status says why"
on_lb mv /etc/sluice/sluice.conf.good /etc/sluice/sluice.conf
on_lb systemctl start sluiced && ready && all_answer
report $? "... and starts with the mended one"

# Frozen: the watchdog has it started again.
on_lb mkdir -p /run/systemd/system/sluiced.service.d &&
	on_lb sh -c 'printf "[Service]\nWatchdogSec=3\n" >/run/systemd/system/sluiced.service.d/soon.conf' &&
	on_lb systemctl daemon-reload && on_lb systemctl reset-failed sluiced &&
	on_lb systemctl restart sluiced && ready
pid=$(property MainPID) restarts=$(property NRestarts) restarts=${restarts:-0}
sleep 4
[ "$(property MainPID)" = "$pid" ]
report $? "the watchdog is content with a daemon that lives"
on_lb kill -STOP "${pid:?}"
start=$SECONDS
if [ "$LAB_PATH" = xdp ]; then
	answers v4-gue
	report $? "a frozen daemon stops no packet"
fi
until_true 30 new_process "$pid"
report $? "a frozen daemon is started again ($((SECONDS - start)) s after it froze, WatchdogSec=3)"
on_lb journalctl --unit=sluiced --output=cat --no-pager | grep -q 'Watchdog timeout' && ready && all_answer
report $? "... by the watchdog, and forwards"

# Killed.
pid=$(property MainPID)
on_lb kill -KILL "${pid:?}"
until_true 10 new_process "$pid" && ready && all_answer
report $? "a killed daemon is started again, and forwards"
[ "$(property NRestarts)" -ge $((restarts + 2)) ]
report $? "... by the unit's Restart="

# As a user of its own, and with the log on standard error, where it is in the journal by default.
on_lb sh -c 'echo "log = { to = \"stderr\"; };" >>/etc/sluice/sluice.conf && echo "security = { user = \"sluice\"; };" >>/etc/sluice/sluice.conf'
on_lb systemctl reset-failed sluiced
on_lb systemctl restart sluiced && ready && all_answer
report $? "with security.user it forwards, too"
[ "$(on_lb ps -o user= -p "$(property MainPID)")" = sluice ]
report $? "... as that user"
on_lb sed -i '0,/weight = 100/s//weight = 45/' /etc/sluice/sluice.conf
on_lb sluicectl backend set v6-gue b1 weight 60 >/dev/null && has_weight v6-gue 60 &&
	on_lb systemctl reload sluiced && until_true 5 has_weight v4-ipip 45
report $? "... can change and reload"
on_lb systemctl restart sluiced && ready && has_weight v6-gue 60
report $? "... and what was changed is there after a restart"
! on_lb sluicectl save >"$LAB_DIR/said" 2>&1 && grep -q 'put what `sluicectl show config --effective` prints there' "$LAB_DIR/said"
report $? "... may not write the file, and says what to do: $(cat "$LAB_DIR/said")"
on_lb journalctl --unit=sluiced --output=json --no-pager | jq -se 'map(select(._TRANSPORT == "stdout" and .PRIORITY == "6"
	and (.MESSAGE | type == "string" and test("^security: now user sluice")))) | length > 0' >/dev/null
report $? "... and the journal has the priorities of standard error"

# A backend's machine.
b1_answers() {
	local try
	for ((try = 0; try < 30; try++)); do
		[ "$(lab_exec client curl -s -m 2 "$(lab_url "$1")")" = b1 ] && return 0
	done
	return 1
}
decap_there() {
	lab_exec b1 ip -details link show eth0 | grep -q 'prog/xdp'
}
on_b1() {
	machine_exec b1 "$@"
}
lab_exec b1 "$BUILD/ebpf/sluice-decap" --interface eth0 --detach >/dev/null
machine_start b1
report $? "a backend's machine starts"
on_b1 systemctl start sluice-decap@eth0 >"$LAB_DIR/said" 2>&1 || { said; on_b1 journalctl --no-pager | tail -n 20 | sed 's/^/# /'; }
[ "$(on_b1 systemctl is-active sluice-decap@eth0)" = active ] && decap_there
report $? "sluice-decap@eth0 starts, and has its program on eth0"
# Its check by the vip of v6-gue failed meanwhile, and has to succeed again.
until_true 15 b1_answers v4-ipip && until_true 15 b1_answers v6-gue
report $? "... and the backend answers by it"
on_b1 systemctl stop sluice-decap@eth0 && ! decap_there
report $? "... until it is stopped"
lab_exec b1 "$BUILD/ebpf/sluice-decap" --interface eth0 >/dev/null
on_b1 systemctl start --no-block sluice-decap@nothere && sleep 1 &&
	[ "$(on_b1 systemctl is-active sluice-decap@nothere)" != active ] &&
	on_b1 systemctl list-jobs --no-legend | grep -q 'sys-subsystem-net-devices-nothere.device *start *running'
report $? "without its interface it waits for it"
machine_stop b1

# Stopped.
on_lb systemctl stop sluiced && [ "$(property Result) $(property ActiveState)" = "success inactive" ]
report $? "systemctl stop ends it, content"
if [ "$LAB_PATH" = xdp ]; then
	all_answer
	report $? "... and packets flow on"
	on_lb sluiced --detach >"$LAB_DIR/said" 2>&1 && ! answers v4-ipip
	report $? "sluiced --detach ends that"
else
	! lab_exec lb ip link show l0 | grep -q xdp
	report $? "... and leaves nothing on the interface"
fi
! on_lb journalctl --unit=sluiced --output=cat --no-pager | grep -iE 'not permitted|permission denied' |
	grep -v 'libbpf\|libxdp' | sed 's/^/# /' | grep .
report $? "nothing was denied that it needs"
tap_done
