#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# Who may ask what, as real users; what is left of root's power in each thread of sluiced once it has
# started; and that with so little it still does all that it has to: forward, change, follow next
# hops, drain, tell the service manager, end and start again. It is started with the capabilities that
# conf/systemd/sluiced.service gives it, no more. The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=security-$$
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
unit=$here/../../conf/systemd/sluiced.service.in

for tool in setpriv socat jq; do
	command -v "$tool" >/dev/null || skip_all "no $tool"
done

# "+net_admin,+net_raw,...", as setpriv has it.
unit_capabilities() {
	sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr 'A-Z ' 'a-z\n' | sed 's/^cap_/+/' | paste -sd,
}

# The kernel's word for MemoryDenyWriteExecute=yes, where it has one (6.3).
cat >"/tmp/$LAB.py" <<'PY'
import ctypes, os, sys
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
PY

# start [CONFINED USER]: sluiced as the unit would start it, with a service manager that listens.
start() {
	socat -u "UNIX-RECV:$LAB_DIR/notify,mode=666" "OPEN:$LAB_DIR/notified,creat,append" &
	echo $! >"$LAB_DIR/manager.pid"
	lab_within 10 [ -S "$LAB_DIR/notify" ]
	{
		lab_conf lb | sed "s|^control = .*|control = { socket = \"$LAB_DIR/lb.sock\"; state = \"$LAB_DIR/lb.state\"; group = \"daemon\"; \
			read_socket = \"$LAB_DIR/status.sock\"; read_group = \"games\"; };|"
		[ -z "${1-}" ] || echo "security = { user = \"$1\"; };"
	} >"$LAB_DIR/lb.conf"
	chown "root:${1:-root}" "$LAB_DIR/lb.conf" 2>/dev/null || chown root:nogroup "$LAB_DIR/lb.conf"
	chmod 640 "$LAB_DIR/lb.conf"
	lab_spawn lb sluiced-lb env NOTIFY_SOCKET="$LAB_DIR/notify" WATCHDOG_USEC=900000 \
		setpriv --no-new-privs --inh-caps=-all --bounding-set="-all,$(unit_capabilities)" \
		/usr/bin/python3 "/tmp/$LAB.py" \
		"$BUILD/ctl/daemon/sluiced" --config "$LAB_DIR/lb.conf" --module-dir "$(lab_modules)"
	pid=$(cat "$LAB_DIR/sluiced-lb.pid")
	lab_within 40 ready_or_ended
	grep -q READY=1 "$LAB_DIR/notified" || { cat "$LAB_DIR/sluiced-lb.log" >&2; return 1; }
	[ "$LAB_PATH" = xdp ] || lab_lb_address sl0 lb || return 1
	lab_wait_resolved
}

ready_or_ended() {
	grep -q READY=1 "$LAB_DIR/notified" 2>/dev/null || lab_ended "$pid"
}

stop() {
	lab_stop lb || return 1
	# What it told last is written before socat is ended.
	lab_within 5 grep -q STOPPING=1 "$LAB_DIR/notified"
	kill "$(cat "$LAB_DIR/manager.pid")" 2>/dev/null
	wait "$(cat "$LAB_DIR/manager.pid")" 2>/dev/null
	rm -f "$LAB_DIR/notify"
}

# as USER GROUP COMMAND...: with no group but that one.
as() {
	local user=$1 group=$2
	shift 2
	setpriv --reuid "$user" --regid "$group" --clear-groups --inh-caps=-all --bounding-set=-all "$@"
}

# status KEY: that line of each thread's status, what differs once: "control/others".
status() {
	local tid main others
	main=$(sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status")
	others=$(for tid in "/proc/$pid/task"/*; do
		[ "$(basename "$tid")" = "$pid" ] || sed -n "s/^$1:[[:space:]]*//p" "$tid/status"
	done | sort -u | paste -sd,)
	echo "$main${others:+/$others}" | tr '\t' ' '
}

# expect_status TEXT KEY CONTROL OTHERS: workers, and who writes the state file.
expect_status() {
	local want=$3/$4 got
	got=$(status "$2")
	[ "$got" = "$want" ] || note "$2: want $want, got $got"
	[ "$got" = "$want" ]
	report $? "$1"
}

# checks_are_confined UID: the process that makes health checks, which reads what backends send.
checks_are_confined() {
	local pid key want good=0
	pid=$(lab_checks_pid lb)
	while read -r key want; do
		[ "$(status "$key")" = "$want" ] || { note "$key: want $want, got $(status "$key")"; good=1; }
	done <<-END
		CapEff 0000000000003000
		CapPrm 0000000000003000
		CapBnd 0000000000000000
		NoNewPrivs 1
		Seccomp 2
		Uid $1 $1 $1 $1
	END
	report $good "sluiced-checks: net_admin and net_raw, no bpf; user $1; nothing can be regained"
	! find "/proc/$pid/fd" -mindepth 1 -printf '%l\n' | grep -v '^/dev/null$\|^socket:\|^pipe:\|^anon_inode:\[event\|^anon_inode:\[timerfd\|log$'
	report $? "... and has no file of what forwards"
}

answers() {
	lab_exec client curl -s -m 5 "$(lab_url "$1")" | grep -q '^b[1-3]$'
}

# does_its_work WHO: all that must still be possible.
does_its_work() {
	local n=0 service
	for service in v4-ipip v6-gue v4-gue0-mixed; do
		answers "$service" && n=$((n + 1))
	done
	[ $n = 3 ]
	report $? "$1: forwards"
	lab_ctl backend disable v4-ipip b1 >/dev/null && lab_ctl backend disable v4-ipip b2 >/dev/null &&
		[ "$(lab_exec client curl -s -m 5 "$(lab_url v4-ipip)")" = b3 ]
	report $? "$1: changes what is in force"
	[ "$1" != confined ] || {
		lab_within 10 [ -s "$LAB_DIR/lb.state" ]
		report $? "$1: keeps run-time changes"
		lab_ctl reload >/dev/null
		report $? "$1: reloads"
	}
	lab_ctl backend enable v4-ipip b1 >/dev/null && lab_ctl backend drain v4-ipip b3 --timeout 60s >/dev/null &&
		lab_ctl --json show memory >/dev/null && lab_ctl --json show flows >/dev/null &&
		lab_ctl --json show counters >/dev/null && lab_ctl backend undrain v4-ipip b3 >/dev/null
	report $? "$1: drains, and reads flows and counters"
	# The kernel forgets the neighbours, and must be asked anew.
	lab_exec lb ip neigh flush all 2>/dev/null
	lab_within 10 router_is_known
	report $? "$1: asks for a neighbour that the kernel forgot"
	lab_wait_resolved && answers v4-ipip
	report $? "$1: finds next hops anew"
}

router_is_known() {
	lab_exec lb ip neigh show 10.10.2.1 | grep -q lladdr
}

# How many signs of life there were; datagrams follow one another on one line.
signs() {
	grep -o WATCHDOG=1 "$LAB_DIR/notified" | wc -l
}

trap 'kill $(cat "$LAB_DIR/manager.pid" 2>/dev/null) 2>/dev/null; rm -f "/tmp/$LAB.py"
	[ "$LAB_PATH" != xdp ] || lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && chmod 755 "$LAB_DIR" && start || { report 1 "the lab and sluiced start as the unit says"; tap_done; exit 1; }
report 0 "the lab and sluiced start as the unit says"

# What is left of root. net_admin 12, net_raw 13, bpf 39; the lab's dpdk port is net_af_xdp.
for set in CapEff CapPrm; do
	expect_status "$set: net_admin, net_raw and bpf; the other threads none" $set 0000008000003000 0000000000000000
done
expect_status "CapBnd: nothing can be regained" CapBnd 0000000000000000 0000000000000000
expect_status "NoNewPrivs, in all threads" NoNewPrivs 1 1
expect_status "seccomp, in all threads" Seccomp 2 2
grep -q 'security: user unchanged, keeps net_admin, net_raw, bpf; [0-9]* other threads keep nothing' \
	"$LAB_DIR/sluiced-lb.log"
report $? "... and the log says so"
checks_are_confined 0
does_its_work "confined"

# Who may ask what. The groups stand for those of an operator: daemon changes, games looks.
[ "$(stat -c '%a %U %G' "$LAB_DIR/lb.sock" "$LAB_DIR/status.sock" | paste -sd,)" = "660 root daemon,660 root games" ]
report $? "both sockets have mode 0660 and their groups"
ctl=$BUILD/ctl/cli/sluicectl
cp "$ctl" "$LAB_DIR/sluicectl" && chmod 755 "$LAB_DIR/sluicectl" && ctl=$LAB_DIR/sluicectl
as nobody daemon "$ctl" --socket "$LAB_DIR/lb.sock" backend set v4-ipip b1 weight 90 >"$LAB_DIR/said" 2>&1
report $? "the group of the control socket may change"
as nobody games "$ctl" --socket "$LAB_DIR/status.sock" show services >"$LAB_DIR/said" 2>&1 &&
	grep -q v4-ipip "$LAB_DIR/said"
report $? "the group of the reading socket may look"
as nobody games "$ctl" --socket "$LAB_DIR/lb.sock" show services >"$LAB_DIR/said" 2>&1 &&
	grep -q v4-ipip "$LAB_DIR/said"
report $? "... and sluicectl finds that socket by itself"
generation=$(lab_ctl --json show generation | jq .generation)
as nobody games "$ctl" --socket "$LAB_DIR/lb.sock" backend disable v4-ipip b1 >"$LAB_DIR/said" 2>&1
[ $? != 0 ] && grep -q 'backend.disable changes something, and this socket only reads: use the control socket, as root or as a member of its group' "$LAB_DIR/said"
report $? "... but it may not change, and is told who may"
[ "$(lab_ctl --json show generation | jq .generation)" = "$generation" ]
report $? "... and nothing has changed"
grep -q "control: uid $(id -u nobody) pid [0-9]*: backend.disable refused: the socket only reads" "$LAB_DIR/sluiced-lb.log"
report $? "... and the log has it"
as nobody nogroup "$ctl" --socket "$LAB_DIR/lb.sock" show services >"$LAB_DIR/said" 2>&1
[ $? != 0 ] && grep -q 'permission denied: the socket is for root and the group daemon; run this as root, or join the group (usermod -aG daemon USER) and log in anew, or open reading to others' "$LAB_DIR/said"
report $? "anybody else may not even look, and is told what to do"

# The service manager.
grep -q READY=1 "$LAB_DIR/notified" && grep -q "STATUS=.*, 12 services" "$LAB_DIR/notified"
report $? "the service manager is told that it is ready"
seen=$(signs)
more_signs() {
	[ "$(signs)" -gt "$seen" ]
}
lab_within 5 more_signs
report $? "... and that it lives"
kill -STOP "$pid"
sleep 0.5
seen=$(signs)
sleep 1
[ "$(signs)" = "$seen" ]
report $? "... and hears nothing while it hangs"
kill -CONT "$pid"
stop
report $? "it ends"
grep -q STOPPING=1 "$LAB_DIR/notified"
report $? "... and the service manager is told"
! grep -iE 'not permitted|permission denied|error:' "$LAB_DIR/sluiced-lb.log" | grep -v 'libbpf\|libxdp' | sed 's/^/# /' | grep .
report $? "nothing was denied that it needs"
if [ "$LAB_PATH" = xdp ]; then
	answers v4-ipip
	report $? "forwarding goes on without it"
else
	! lab_exec lb ip link show l0 | grep -q xdp
	report $? "nothing is left on the interface"
fi

# Again, as a user of its own.
rm -f "$LAB_DIR/notified"
start daemon
report $? "it starts again, to become a user"
# The only user who has no group of these: daemon stands for sluice.
expect_status "Uid, in all threads" Uid "1 1 1 1" "1 1 1 1"
expect_status "CapEff: the same few" CapEff 0000008000003000 0000000000000000
checks_are_confined 1
does_its_work "as a user"
stop
report $? "it ends"
rm -f "$LAB_DIR/notified"
start daemon && answers v6-ipip
report $? "it starts a third time"
stop
[ "$LAB_PATH" != xdp ] || { lab_sluiced lb --detach >/dev/null 2>&1 && [ ! -e "/sys/fs/bpf/$LAB-lb" ]
report $? "sluiced --detach, as root, removes what the user left"; }

sed -i 's/user = "daemon"/user = "no-such-user"/' "$LAB_DIR/lb.conf"
lab_sluiced lb >"$LAB_DIR/said" 2>&1
[ $? = 2 ] && grep -q 'security.user: there is no user no-such-user: make it (useradd' "$LAB_DIR/said"
report $? "a user that isn't there is said before anything starts"
tap_done
