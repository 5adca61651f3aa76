#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# The configuration at run time: reloads under load lose no request, a broken file changes nothing,
# run-time changes outlive the daemon, a batch is one generation. The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=reload-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/load.sh"

SERVICE=v4-ipip

generation() {
	lab_ctl --json show generation | jq .generation
}

# weight BACKEND: as it is in force.
weight() {
	lab_ctl --json show backends "$SERVICE" | jq ".backends[] | select(.name == \"$1\").weight"
}

weight_is() {
	[ "$(weight "$1")" = "$2" ]
}

# says PATTERN TEXT: the last ctl() said so, with exit status 0.
ctl() {
	lab_ctl "$@" >"$LAB_DIR/ctl.out" 2>&1
	status=$?
}

says() {
	[ "$status" = "$1" ] && grep -qE -- "$2" "$LAB_DIR/ctl.out"
	report $? "$3"
	[ "$status" = "$1" ] && grep -qE -- "$2" "$LAB_DIR/ctl.out" ||
		sed "s/^/# status $status: /" "$LAB_DIR/ctl.out"
}

# edit SED-SCRIPT: of the configuration file.
edit() {
	sed -i "$1" "$CONF"
}

pid() {
	cat "$LAB_DIR/sluiced-lb.pid"
}

reloads() {
	local before
	ctl reload --check --diff
	says 0 'nothing differs' "the file that runs: nothing differs"
	before=$(generation)
	# The first b1 is that of v4-ipip.
	edit '0,/name = "b1".*weight = 100/s/weight = 100/weight = 50/'
	ctl reload --check --diff
	says 0 'service v4-ipip: b1 weight 100 -> 50; [0-9.]+ % of slots move' \
		"reload --check --diff tells the difference in words"
	[ "$(generation)" = "$before" ] && [ "$(weight b1)" = 100 ]
	report $? "... and changes nothing"
	ctl reload --diff
	says 0 'service v4-ipip: b1 weight 100 -> 50; [0-9.]+ % of slots move' "reload --diff"
	[ "$(generation)" = $((before + 1)) ] && [ "$(weight b1)" = 50 ]
	report $? "... is one generation, and in force"
	[ "$(lab_ctl --json show transitions | jq -r '[.transitions[].service] | join(" ")')" = "$SERVICE" ]
	report $? "... and no transition but that of the service that changed"
	edit 's/cores = \[ .* \]/cores = [ 0, 1 ]/'
	ctl reload --diff
	says 0 'dataplane.cores: .* takes effect at a restart' "what only a restart changes is told"
	[ "$(generation)" = $((before + 1)) ]
	report $? "... and is no generation"
	edit "s/cores = \[ .* \]/cores = [ $LAB_WORKER_CORE ]/"
	edit '0,/weight = 50/s/weight = 50/weight = 100/'
	kill -HUP "$(pid)"
	lab_within 10 weight_is b1 100
	report $? "SIGHUP reloads"
	lab_ctl --json events --kind backend --service v4-ipip | jq -r '.events[-1] | .who + ": " + .backend + " " + .text' |
		grep -qxE "SIGHUP uid 0 \\(root\\) pid ($$|$BASHPID): b1 weight 50 -> 100"
	report $? "... and an event says that it did, and who sent it"
}

broken_file() {
	local before line
	before=$(generation)
	cp "$CONF" "$CONF.good"
	edit '0,/port = 80/s/port = 80/port = 70000/'
	line=$(grep -n 'port = 70000' "$CONF" | cut -d: -f1)
	ctl reload
	says 1 "lb.conf:$line: services\[0\].port: 70000 is not in 1-65535" \
		"a broken file is refused, with file, line and path"
	ctl reload --check
	says 1 "lb.conf:$line: services\[0\].port" "... by --check, too"
	kill -HUP "$(pid)"
	lab_within 10 grep -q "lb.conf:$line: services\[0\].port: 70000" "$LAB_DIR/sluiced-lb.log"
	report $? "... and by SIGHUP, in the log"
	printf 'services = (' >>"$CONF"
	ctl reload
	says 1 'lb.conf:[0-9]+: .*(syntax|duplicate)' "... and one that is no configuration at all"
	mv "$CONF" "$CONF.away"
	ctl reload
	says 1 'No such file' "... and one that is not there"
	mv "$CONF.good" "$CONF"
	[ "$(generation)" = "$before" ] && kill -0 "$(pid)"
	report $? "nothing has changed by all that"
}

batch() {
	local before n
	before=$(generation)
	{
		echo "# a hundred changes"
		for ((n = 1; n <= 99; n++)); do
			echo "backend set $SERVICE b$((n % 3 + 1)) weight $n"
		done
		echo
		echo "backend add $SERVICE b9 10.10.13.9   # a comment"
	} >"$LAB_DIR/batch"
	ctl apply "$LAB_DIR/batch" --dry-run
	says 0 "service $SERVICE: [0-9]+ of [0-9]+ slots .* would move" "apply --dry-run previews"
	[ "$(generation)" = "$before" ]
	report $? "... and changes nothing"
	lab_ctl apply - <"$LAB_DIR/batch" >"$LAB_DIR/ctl.out" 2>&1
	[ $? = 0 ] && [ "$(generation)" = $((before + 1)) ] && [ "$(weight b1)" = 99 ]
	report $? "apply -: a hundred changes are one generation"
	[ "$(lab_ctl --json show transitions | jq "[.transitions[] | select(.service == \"$SERVICE\")] | length")" = 1 ]
	report $? "... and one transition"
	printf 'backend set %s b1 weight 5\nbackend set %s b7 weight 5\n' "$SERVICE" "$SERVICE" >"$LAB_DIR/batch"
	ctl apply "$LAB_DIR/batch"
	says 1 'line 2: .*b7' "a batch with a fault is refused, with its line"
	[ "$(generation)" = $((before + 1)) ] && [ "$(weight b1)" = 99 ]
	report $? "... and changes nothing"
	printf 'backend set %s b1 weight 5\nbackend sett\n' "$SERVICE" >"$LAB_DIR/batch"
	ctl apply "$LAB_DIR/batch"
	says 2 'line 2: ' "... so is one that is no command"
	cat >"$LAB_DIR/batch" <<-JSON
		[ {"method": "backend.remove", "params": {"service": "$SERVICE", "backend": "b9"}},
		  {"method": "backend.set", "params": {"service": "$SERVICE", "backend": "b1", "weight": 100}},
		  {"method": "backend.set", "params": {"service": "$SERVICE", "backend": "b2", "weight": 100}},
		  {"method": "backend.set", "params": {"service": "$SERVICE", "backend": "b3", "weight": 100}} ]
	JSON
	ctl apply "$LAB_DIR/batch"
	says 0 'done: generation' "a batch as JSON"
	ctl show config
	! grep -q 'at run time' "$LAB_DIR/ctl.out"
	report $? "what was changed and changed back is no run-time change"
}

# restart [SIGNAL]: of sluiced, with what it keeps.
restart() {
	lab_kill sluiced-lb "${1:-TERM}"
	lab_start lb || cat "$LAB_DIR/sluiced-lb.log"
}

state() {
	lab_ctl backend set "$SERVICE" b1 weight 7 >/dev/null
	lab_ctl backend disable "$SERVICE" b2 >/dev/null
	lab_ctl service add late 198.51.100.99:80/tcp >/dev/null
	lab_ctl service remove v6-gue0-mixed >/dev/null
	ctl show config
	says 0 'changed at run time, and not as below' "show config marks run-time changes"
	grep -q "service $SERVICE: b1 weight 100 -> 7, b2 state enabled -> disabled" "$LAB_DIR/ctl.out" &&
		grep -q 'service late: added' "$LAB_DIR/ctl.out" &&
		grep -q 'service v6-gue0-mixed: removed' "$LAB_DIR/ctl.out"
	report $? "... all of them"
	ctl show config --effective
	cp "$LAB_DIR/ctl.out" "$LAB_DIR/effective.conf"
	lab_sluiced lb --check --config "$LAB_DIR/effective.conf" >"$LAB_DIR/check.out" 2>&1
	report $? "show config --effective is a file that sluiced accepts"
	restart
	kept "a restart"
	lab_ctl backend set "$SERVICE" b3 weight 8 >/dev/null
	lab_within 10 state_has b3 8
	restart KILL
	kept "kill -9"
	[ "$(weight b3)" = 8 ]
	report $? "... with the last change"
}

# state_has BACKEND WEIGHT: the state file, which a thread of its own writes.
state_has() {
	jq -e "[.services[].backends[]? | select(.name == \"$1\") | .keys[].now] | any(. == $2)" \
		"$LAB_DIR/lb.state" >/dev/null 2>&1
}

kept() {
	[ "$(weight b1)" = 7 ] && lab_ctl show services | grep -q '^late ' &&
		! lab_ctl show services | grep -q '^v6-gue0-mixed ' &&
		lab_ctl --json show backends "$SERVICE" | jq -e '.backends[1].state == "disabled"' >/dev/null
	report $? "run-time changes outlive $1"
}

who_wins() {
	edit '0,/name = "b1".*weight = 100/s/weight = 100/weight = 70/'
	ctl reload --diff
	says 0 'b1 weight: 7 at run time, over 100 in the file, which says 70 by now' \
		"where the file was edited, the file holds, and says so"
	[ "$(weight b1)" = 70 ] && [ "$(weight b3)" = 8 ]
	report $? "... and elsewhere the run-time change"
	echo '{"version": 1, "services": [' >"$LAB_DIR/lb.state"
	lab_kill sluiced-lb KILL
	echo '{"version": 1, "services": [' >"$LAB_DIR/lb.state"
	lab_start lb
	report $? "a state file that is broken stops nothing"
	grep -q "lb.state can't be read" "$LAB_DIR/sluiced-lb.log" && [ -s "$LAB_DIR/lb.state.bad" ]
	report $? "... and is told, and kept aside"
}

# What is kept may still have times, of a transition that is not over.
no_change_kept() {
	[ ! -e "$LAB_DIR/lb.state" ] || jq -e '.services == []' "$LAB_DIR/lb.state" >/dev/null
}

save() {
	lab_ctl backend set "$SERVICE" b3 weight 9 >/dev/null
	ctl save
	says 0 'saved' "save"
	grep -q 'made by the lab' "$CONF.bak" && ! grep -q 'made by the lab' "$CONF"
	report $? "... keeps the file before it"
	ctl reload --check --diff
	says 0 'nothing differs' "... and nothing differs then"
	lab_within 10 no_change_kept
	report $? "... nor is any change left in the state file"
	restart
	[ "$(weight b3)" = 9 ] && [ "$(weight b1)" = 70 ]
	report $? "... and a restart has it"
	printf '\n# edited\n' >>"$CONF"
	edit '0,/weight = 9;/s/weight = 9;/weight = 10;/'
	ctl save
	says 1 'edited since' "a file that was edited since is not written over"
}

trap 'touch "$LAB_DIR/load.stop" 2>/dev/null; [ "$LAB_PATH" != xdp ] || lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
CONF=$LAB_DIR/lb.conf
load_start "$(lab_url "$SERVICE")" "$LAB_DIR/steady"
load_phase "$LAB_DIR/steady" 0 100 "$LAB_DIR/phase"
reloads
broken_file
batch
load_phase "$LAB_DIR/steady" 0 500 "$LAB_DIR/phase"
load_stop
read -r failed _ < <(load_failed <"$LAB_DIR/steady")
[ "$failed" = 0 ] && [ "$(wc -l <"$LAB_DIR/steady")" -gt 500 ]
report $? "$(wc -l <"$LAB_DIR/steady") requests meanwhile, $failed failed"
state
who_wins
save
tap_done
