#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
# takes: 200
#
# A node that is short of everything: each system call that sluiced makes fails for a while, under
# traffic; it has no free file; no one reads its log; its disk is full; its interface comes late. No
# request fails, and all is as before when there is enough again. The lab as in traffic.sh, with
# tests/shim/fail.c in the daemon.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=short-$$ LOAD_PAUSE=0.4
export LAB_PATH=${LAB_PATH:-xdp}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/load.sh"

fail_next() {
	echo "$*" >"$LAB_DIR/fail.new" && mv "$LAB_DIR/fail.new" "$LAB_DIR/fail"
}

failed_calls() {
	od -An -tu8 -N8 "$LAB_DIR/fail.count" | tr -d ' '
}

program_id() {
	lab_exec lb ip -o link show l0 | grep -o 'prog/xdp id [0-9]*' | grep -o '[0-9]*$'
}

# The program that we put there, or, on dpdk, the one of its driver.
program_stays() {
	[ -n "$program" ] && [ "$(program_id)" = "$program" ]
}

answers() {
	[ "$(lab_exec client curl -s -m 5 -o /dev/null -w '%{http_code}' "$(lab_url "$1")")" = 200 ]
}

page() {
	lab_exec lb curl -s -m 5 "http://127.0.0.1:9107/$1"
}

metric() {
	page metrics | sed -n "s/^sluice_$1 //p"
}

# Every backend that is checked is up, and every way is known.
all_well() {
	lab_ctl --json show backends >"$LAB_DIR/backends.json" 2>/dev/null &&
		[ "$(jq '[.. | objects | select(has("next_hop"))] | length > 0 and all(.next_hop.state == "resolved" and
			(.health.state == "up" or .health.state == "none" or .health == null or .health == "up" or .health == "none"))' \
			"$LAB_DIR/backends.json")" = true ]
}

# What makes the daemon do all that it does: the kernel tells of links and neighbours, clients come.
stir() {
	local mac
	printf -v mac '02:00:00:00:77:%02x' $((RANDOM % 256))
	lab_exec lb ip link set "$(kernel_interface)" alias "stirred $RANDOM"
	lab_exec lb ip neigh replace 10.10.2.77 lladdr "$mac" dev "$(kernel_interface)" nud permanent
	timeout 2 "$BUILD/ctl/cli/sluicectl" --socket "$LAB_DIR/lb.sock" backend set v6-gue0 b1 weight $((50 + RANDOM % 50)) >/dev/null 2>&1
	lab_exec lb curl -s -m 1 -o /dev/null http://127.0.0.1:9107/metrics
	lab_exec lb curl -s -m 1 -o /dev/null http://127.0.0.1:9107/readyz
}

# A failure lasts for 1.5 s at most, however long this takes: a worker whose sends to its port all fail sends
# nothing, and a client gives up after 5 s.
stir_thrice() {
	for _ in 1 2 3; do
		stir
		sleep 0.2
	done
}

kernel_interface() {
	[ "$LAB_PATH" = xdp ] && echo l0 || echo sl0
}

# A daemon with the library in it, which reads its standard error into FIFO if there is one.
make_daemon() {
	cat >"$LAB_DIR/sluiced-short" <<-SCRIPT
		#!/bin/sh
		[ ! -p "$LAB_DIR/stderr" ] || exec 2>"$LAB_DIR/stderr"
		ulimit -n \${SHORT_FILES:-4096}
		exec env LD_PRELOAD="$BUILD/tests/shim/sluice-fail.so" SLUICE_FAIL="$LAB_DIR/fail" \\
			SLUICE_FAIL_COUNT="$LAB_DIR/fail.count" "$BUILD/ctl/daemon/sluiced" "\$@"
	SCRIPT
	chmod +x "$LAB_DIR/sluiced-short"
	head -c 8 /dev/zero >"$LAB_DIR/fail.count"
	: >"$LAB_DIR/fail"
	LAB_SLUICED=$LAB_DIR/sluiced-short
}

# Checks of every kind, and a backend on the link, whose MAC stir() changes. The service that requests go to keeps
# the flows of a backend whose checks fail: on a machine that is slow enough for four of them in a row to time out, that
# is no fault, and it broke one request of 40,000. That no check fails for want of a call is seen by itself, below.
make_conf() {
	local check='interval_ms = 500; timeout_ms = 450; fall = 4; rise = 1'
	lab_conf lb | sed "
		/name = \"v4-ipip\";/s|encap|health = { type = \"tcp\"; $check; }; on_down = \"keep\"; encap|
		/name = \"v4-gue\";/s|encap|health = { type = \"http\"; path = \"/\"; $check; }; encap|
		/name = \"v6-ipip\";/s|encap|health = { type = \"icmp\"; $check; }; encap|
		/name = \"v6-gue\";/s|encap|health = { type = \"exec\"; program = \"/bin/true\"; $check; }; encap|
		s|^control = .*|control = { socket = \"$LAB_DIR/lb.sock\"; state = \"$LAB_DIR/small/state.json\"; };|
		/^services = (/a { name = \"near\"; vip = \"198.51.100.99\"; port = 80; protocol = \"tcp\"; encap = \"ipip\"; backends = ( { name = \"n\"; address = \"10.10.2.77\"; } ); },
	" >"$LAB_DIR/lb.conf"
}

# load_ok TEXT: no request failed so far.
load_ok() {
	local failed
	read -r failed _ < <(load_failed <"$LAB_DIR/steady")
	[ "$failed" = 0 ]
	report $? "$1 ($(wc -l <"$LAB_DIR/steady") requests, $failed failed)"
	[ "$failed" = 0 ] || awk '$3 != 0 || $4 != 200 { print "# " $0 }' "$LAB_DIR/steady" | head -5
}

cleanup() {
	touch "$LAB_DIR/load.stop" 2>/dev/null
	exec 9>&-
	umount "$LAB_DIR/small" 2>/dev/null
	lab_down
}
trap cleanup EXIT

lab_up || { report 1 "the lab starts"; tap_done; exit 1; }
mkdir "$LAB_DIR/small" && mount -t tmpfs -o size=256k none "$LAB_DIR/small"
make_daemon
make_conf
near() {
	lab_exec lb ip neigh replace 10.10.2.77 lladdr 02:00:00:00:77:01 dev "$(kernel_interface)" nud permanent
}
[ "$LAB_PATH" = dpdk ] || near
lab_start lb >"$LAB_DIR/start.log" 2>&1 || { near && lab_wait_resolved; } || { cat "$LAB_DIR/start.log"; report 1 "sluiced starts"; tap_done; exit 1; }
near
lab_within 20 all_well
report $? "sluiced starts, and all checks pass"
program=$(program_id)
# While each read or write of the TAP fails, the kernel behind it answers no ARP, and after 3 s the router would give
# the balancer up: what is tried here is the packets' path, so the router knows its MAC.
lab_exec fabric ip neigh replace "$(lab_address4 lb)" lladdr "$(lab_mac lb)" dev lb nud permanent
load_start "$(lab_url v4-ipip)" "$LAB_DIR/steady"
load_phase "$LAB_DIR/steady" 0 100 "$LAB_DIR/phase"

# ---- each call fails

calls='socket:EMFILE socket:ENFILE socket:ENOBUFS socket:ENOMEM accept4:EMFILE bind:ENOMEM connect:ENOBUFS connect:EAGAIN
	send:ENOBUFS sendto:ENOBUFS sendmsg:ENOBUFS recv:ENOMEM recvfrom:ENOMEM recvmsg:ENOBUFS recvmsg:ENOMEM
	setsockopt:ENOMEM getsockopt:ENOBUFS epoll_ctl:ENOMEM epoll_ctl:ENOSPC poll:ENOMEM
	open:EMFILE open:ENFILE open:ENOMEM write:ENOSPC writev:ENOBUFS read:EIO readv:ENOMEM fsync:EIO rename:ENOSPC
	mkdir:ENOSPC unlink:EROFS fork:EAGAIN ioctl:ENOMEM ioctl:ENOBUFS'
[ "$LAB_PATH" = dpdk ] || calls="$calls bpf:ENOMEM bpf:EMFILE"
never='' often=''
for row in $calls; do
	call=${row%:*} error=${row#*:}
	before=$(failed_calls)
	fail_next "$call $error 1"
	stir_thrice &
	stirring=$!
	for ((i = 0; i < 15; i++)); do
		kill -0 $stirring 2>/dev/null || break
		sleep 0.1
	done
	lab_runs sluiced-lb || { report 1 "sluiced lives on while $call() fails with $error"; break; }
	made=$(($(failed_calls) - before))
	[ "$made" -gt 0 ] || never="$never $row"
	# No read() of an eventfd or a signalfd, which sluiced waits for, has such an error.
	[ "$made" -lt 200000 ] || [ "$call" = read ] || often="$often $row ($made)"
	[ "$LAB_PATH" = dpdk ] || program_stays || { report 1 "the program stays while $call() fails with $error"; break; }
	fail_next
	wait $stirring
	sleep 0.1
	lab_within 15 all_well || { report 1 "all recovers after $call() failed with $error"; lab_ctl show backends | grep -v ' up \| none ' | head -5 | sed 's/^/# /'; break; }
done
report "$([ "$row" = "${calls##* }" ] && echo 0 || echo 1)" "sluiced lives through $(echo $calls | wc -w) failing calls, $(failed_calls) times, and recovers from each"
note "calls that it never made meanwhile:${never:- none}"
[ -z "$often" ]
report $? "... and does not try one again and again without a pause:${often:- none}"
load_ok "... and no request fails"
drops=$(lab_ctl --json show counters --all 2>/dev/null | jq '[.services[] | .packets | .no_next_hop + .no_backend] | add')
[ "$drops" = 0 ]
report $? "... nor is a packet dropped for want of a backend or a way: $drops"
[ "$(page metrics | grep '^sluice_shortages_total' | awk '{ n += $2 } END { print (n > 0) }')" = 1 ]
report $? "... and metrics count them"
lab_ctl doctor 2>/dev/null | grep -q shortages
report $? "... and doctor tells of them"

# ---- connections that can't be begun, for longer than it takes to be found down

flaps=$(metric 'events_total{kind="health"}')
for row in connect:EAGAIN connect:ENOBUFS socket:EMFILE; do
	fail_next "${row%:*} ${row#*:} 1"
	sleep 3.5
	fail_next
	sleep 1
done
[ -n "$flaps" ] && [ "$(metric 'events_total{kind="health"}')" = "$flaps" ]
report $? "... and no backend counts as down for calls that fail for longer than 4 checks take"

# ---- no free file at all, for the daemon or for checks, and a neighbour whose MAC changes

pid=$(cat "$LAB_DIR/sluiced-lb.pid")
checks=$(lab_checks_pid lb)
prlimit --pid "$pid" --nofile=8:4096
prlimit --pid "$checks" --nofile=8:4096
for _ in 1 2 3 4 5; do
	stir
	sleep 0.5
done
[ "$LAB_PATH" = dpdk ] || program_stays
report $? "without a free file the program stays"
[ "$(lab_ctl --json show backends 2>/dev/null | wc -c)" = 0 ]
note "a client meanwhile: $?"
prlimit --pid "$pid" --nofile=4096:4096
prlimit --pid "$checks" --nofile=4096:4096
lab_within 15 all_well
report $? "... and all is well when there are files again"
load_ok "... and no request fails"

# ---- the disk

keep_has() {
	jq -e "[.. | numbers] | index($1)" "$LAB_DIR/small/state.json" >/dev/null 2>&1
}
head -c 1M /dev/zero >"$LAB_DIR/small/full" 2>/dev/null
lab_ctl backend set v6-gue0 b2 weight 41 >/dev/null
report $? "a change is made while the disk is full"
lab_within 5 eval '[ "$(metric state_pending)" = 1 ] && [ "$(metric state_write_failures_total)" -gt 0 ]'
report $? "... and metrics tell that it is not kept"
doctor_says() {
	lab_ctl doctor 2>/dev/null | grep -q "$1"
}
lab_within 10 doctor_says 'run-time changes would not survive a restart.*No space left'
report $? "... and so does doctor"
rm "$LAB_DIR/small/full"
lab_within 15 keep_has 41
report $? "... and it is on the disk when there is room, without another change"
lab_within 5 eval '[ "$(metric state_pending)" = 0 ]'
report $? "... which metrics tell, too"
mount -o remount,ro "$LAB_DIR/small" && lab_ctl backend set v6-gue0 b2 weight 42 >/dev/null && sleep 0.5
! keep_has 42 && mount -o remount,rw "$LAB_DIR/small" && lab_within 15 keep_has 42
report $? "the same where it was read-only"
umount "$LAB_DIR/small" && rmdir "$LAB_DIR/small" && lab_ctl backend set v6-gue0 b2 weight 43 >/dev/null && lab_within 15 keep_has 43
report $? "... and where the folder was gone"
sed -i 's/^seed = .*/& nonsense/' "$LAB_DIR/lb.conf"
! lab_ctl reload >/dev/null 2>&1 && [ "$(metric config_last_reload_successful)" = 0 ] &&
	lab_ctl doctor 2>/dev/null | grep -q 'the last reload was refused'
report $? "a reload that is refused is told by metrics and doctor"
sed -i 's/ nonsense$//' "$LAB_DIR/lb.conf"
lab_ctl reload >/dev/null && [ "$(metric config_last_reload_successful)" = 1 ]
report $? "... until one is not"
load_ok "... and no request failed"
load_stop

# ---- no one reads the log

lab_stop lb
mkfifo "$LAB_DIR/stderr"
exec 9<>"$LAB_DIR/stderr"
lab_start lb >/dev/null 2>&1 || { near && lab_wait_resolved; }
done_n=0
for ((i = 0; i < 350; i++)); do
	timeout 10 "$BUILD/ctl/cli/sluicectl" --socket "$LAB_DIR/lb.sock" backend set v6-gue0 b1 weight $((1 + i % 99)) >/dev/null 2>&1 || break
	done_n=$((done_n + 1))
done
[ "$done_n" = 350 ]
report $? "with a standard error that no one reads, $done_n of 350 changes are answered"
lab_within 10 all_well
report $? "... and checks go on"
[ "$(metric log_lines_total)" -gt 900 ] # of some 150 bytes, where a pipe holds 65,536 bytes
report $? "... while $(metric log_lines_total) lines were said, $(metric log_lines_lost_total) of them lost"
exec 9>&-
lab_stop lb
rm "$LAB_DIR/stderr"

# ---- 600 silent backends and 300 files

lab_exec fabric ip route add blackhole 10.99.0.0/16
{
	echo '{ name = "silent"; vip = "198.51.100.98"; port = 80; protocol = "tcp"; encap = "ipip"; slots = 65537; health = { type = "tcp"; interval_ms = 1000; timeout_ms = 900; }; backends = ('
	for ((i = 0; i < 600; i++)); do
		[ $i = 0 ] || echo ,
		echo "{ name = \"s$i\"; address = \"10.99.$((i / 200)).$((i % 200 + 1))\"; }"
	done
	echo '); },'
} >"$LAB_DIR/silent"
sed -i "/^services = (/r $LAB_DIR/silent" "$LAB_DIR/lb.conf"
export SHORT_FILES=300
lab_start lb >"$LAB_DIR/start.log" 2>&1 || { near && lab_wait_resolved; }
[ "$LAB_PATH" = dpdk ] && near
program=$(program_id)
silent_down() {
	[ "$(lab_ctl --json show backends silent 2>/dev/null | jq '[.backends[] | select((.health.state? // .health) == "down")] | length')" = 600 ]
}
lab_within 60 silent_down
report $? "with 300 files, all of 600 silent backends are found down"
load_start "$(lab_url v4-ipip)" "$LAB_DIR/steady"
for _ in 1 2 3 4 5 6; do
	stir
	sleep 0.5
done
[ "$LAB_PATH" = dpdk ] || program_stays
report $? "... and a neighbour that changes its MAC takes no program off"
load_phase "$LAB_DIR/steady" "$EPOCHREALTIME" 50 "$LAB_DIR/phase"
load_stop
load_ok "... and requests are answered"
[ "$(metric health_checks_with_file_max)" -lt 200 ] && [ "$(metric health_checks_queued_total)" -gt 0 ] &&
	grep -q 'as many as the limit of open files allows' "$LAB_DIR/sluiced-lb.log"
report $? "... since checks wait for their turn, as the log says: at most $(metric health_checks_with_file_max) at once"
lab_ctl doctor 2>/dev/null | grep -q 'health checks waited for a file'
report $? "... and doctor"
lab_within 10 eval 'answers v4-gue'
report $? "... and other services are checked, too"
lab_stop lb

# ---- an interface that is late

if [ "$LAB_PATH" = xdp ]; then
	unset SHORT_FILES
	lab_sluiced lb --detach >/dev/null 2>&1
	lab_exec lb ip link set l0 down && lab_exec lb ip link set l0 name early
	lab_spawn lb sluiced-lb "$LAB_SLUICED" --config "$LAB_DIR/lb.conf" --module-dir "$(lab_modules)"
	lab_within 20 lab_answers lb && lab_runs sluiced-lb && [ "$(page readyz)" = "no port is up: l0 is waiting" ]
	report $? "without its interface sluiced waits: $(page readyz)"
	[ "$(lab_ctl --json show dataplane | jq -r '.ports[0].state')" = waiting ]
	report $? "... as show dataplane says"
	lab_exec lb ip link set early name l0 && lab_exec lb ip link set l0 up && lab_lb_address l0 lb >/dev/null 2>&1
	lab_within 20 answers v4-ipip
	report $? "... and forwards when it comes"
	lab_within 5 eval '[ "$(page readyz)" = ready ]'
	report $? "... and is ready"
fi
tap_done
