#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# sluicectl against a daemon with traffic: what --json prints is as docs/json/sluicectl.json says,
# exit statuses, colors, a real bash that completes live names, and top on terminals of several
# sizes. The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=cli-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/load.sh"

# as_defined COMMAND ARGUMENT...: keeps its output, whose form json() has checked then.
as_defined() {
	local command=$1 out
	shift
	# shellcheck disable=SC2086 # words
	out=$(lab_ctl --json $command "$@" 2>&1 | tr '\n' ' ')
	printf '%s\t%s\n%s\n' "$command" "$*" "${out:-nothing}" >>"$LAB_DIR/outputs"
	tried+=" $command,"
}

json() {
	local command status text
	tried=,
	for command in services backends counters flows transitions memory capture generation dataplane; do
		as_defined "show $command"
	done
	as_defined 'show counters' v4-ipip
	as_defined explain "tcp 10.10.1.2:1 -> $(lab_vip v4-ipip):80"
	as_defined explain "tcp 10.10.1.2:1 -> $(lab_vip v4-ipip):81"
	as_defined explain "icmp 10.10.1.2 -> $(lab_vip v4-ipip)"
	as_defined 'service add' late 198.51.100.99:80/tcp
	as_defined 'service set' late health type=tcp interval_ms=500 timeout_ms=400
	as_defined 'backend add' late b1 "$(lab_address4 b1)" weight 5 --dry-run
	as_defined 'backend add' late b1 "$(lab_address4 b1)"
	as_defined 'backend set' late b1 weight 7
	echo 'backend set late b1 weight 9' >"$LAB_DIR/changes.txt"
	as_defined apply "$LAB_DIR/changes.txt" --dry-run
	as_defined apply "$LAB_DIR/changes.txt"
	as_defined 'show config'
	as_defined 'show config' --effective
	as_defined reload --check
	as_defined reload
	as_defined 'backend disable' late b1 --dry-run
	as_defined 'backend disable' late b1
	as_defined 'show backends' late
	as_defined 'backend enable' late b1
	as_defined 'backend drain' late b1 --timeout 10m
	as_defined 'show transitions'
	as_defined 'show backends' late
	as_defined 'backend undrain' late b1
	as_defined 'show hosts'
	as_defined 'host drain' 10.10.11.2 --dry-run
	as_defined 'host disable' 10.10.11.2
	as_defined 'host enable' 10.10.11.2
	as_defined 'host drain' 10.10.11.2 --timeout 10m
	as_defined 'show hosts' 10.10.11.2
	as_defined 'host undrain' 10.10.11.2
	as_defined 'host drain' 10.10.11.2 --wait --timeout 1
	as_defined 'host enable' 10.10.11.2
	as_defined 'backend drain' late b1 --wait --timeout 1
	as_defined 'show flows'
	as_defined 'backend remove' late b1
	as_defined 'service remove' late
	as_defined save
	as_defined log-level info
	as_defined version
	as_defined events
	as_defined doctor
	as_defined top --once --interval 1
	as_defined top v4-ipip --once --interval 1
	while read -r status text; do
		report "$status" "$text"
	done < <(/usr/bin/python3 "$here/../unit/json_schema.py" --check <"$LAB_DIR/outputs")
	[ "$tap_count" -gt 25 ]
	report $? "the forms were checked"
	lab_ctl help --json | jq -r '.commands[].words' | while read -r command; do
		[[ $tried == *" $command,"* ]] || echo "$command has its own test, or none"
	done | sed 's/^/# /'
}

# ends STATUS WORD...: sluicectl's exit status, with something on stderr unless it is 0.
ends() {
	local want=$1 got
	shift
	"$@" >"$LAB_DIR/out" 2>"$LAB_DIR/err"
	got=$?
	[ "$got" = "$want" ] && { [ "$want" = 0 ] || [ -s "$LAB_DIR/err" ]; }
	report $? "status $want: ${*//$LAB_DIR\//}"
	[ "$got" = "$want" ] || note "status $got: $(cat "$LAB_DIR/err")"
}

said() {
	grep -qE -- "$1" "$LAB_DIR/err"
	report $? "... and says: $1"
	grep -qE -- "$1" "$LAB_DIR/err" || sed 's/^/# /' "$LAB_DIR/err"
}

statuses() {
	local ctl=$BUILD/ctl/cli/sluicectl socket=$LAB_DIR/lb.sock
	ends 0 lab_ctl version
	ends 1 lab_ctl show backends v4-ipp
	said 'did you mean "v4-ipip"\?'
	ends 1 lab_ctl backend set v4-ipip b9 weight 1
	said 'did you mean "b1"\?'
	ends 1 lab_ctl backend set v4-ipip frobnicate weight 1
	said 'backends: b1, b2, b3'
	ends 1 lab_ctl top --once v4-ipp
	said 'did you mean "v4-ipip"\?'
	ends 2 lab_ctl show bakends
	said 'did you mean "show backends"\?'
	ends 2 lab_ctl backend set v4-ipip b1
	said '^usage: sluicectl backend set SERVICE BACKEND \[weight N\]'
	ends 2 lab_ctl top
	said 'no terminal; top --once'
	ends 3 "$ctl" --socket "$LAB_DIR/none.sock" version
	said 'sluiced is not running, or listens elsewhere; start it .*--socket'
	ends 3 "$ctl" --socket "$LAB_DIR/none.sock" top --once
	ends 3 setpriv --reuid=65534 --regid=65534 --clear-groups "$ctl" --socket "$socket" version
	said 'permission denied: '
	ends 0 env SLUICE_SOCKET="$socket" "$ctl" version
	ends 0 env SLUICE_SOCKET="$LAB_DIR/none.sock" "$ctl" --socket="$socket" version
	ends 1 lab_ctl_full
}

# What can't be written is no success.
lab_ctl_full() {
	lab_ctl --json show backends >/dev/full
}

colors() {
	local ctl="$BUILD/ctl/cli/sluicectl --socket $LAB_DIR/lb.sock" escape=$'\033'
	lab_ctl show services | grep -q "$escape"
	[ $? = 1 ]
	report $? "no color into a pipe"
	lab_ctl --color=always show services | grep -q "$escape"
	report $? "color into a pipe with --color=always"
	TERM=xterm script -qec "$ctl show services" /dev/null </dev/null | grep -q "$escape"
	report $? "color on a terminal"
	NO_COLOR=1 TERM=xterm script -qec "$ctl show services" /dev/null </dev/null | grep -q "$escape"
	[ $? = 1 ]
	report $? "... not with NO_COLOR"
	TERM=xterm script -qec "$ctl --color never show services" /dev/null </dev/null | grep -q "$escape"
	[ $? = 1 ]
	report $? "... not with --color never"
}

# completes "LINE" WANT...: what bash offers at the line's end, with the completion loaded.
completes() {
	local line=$1 got
	shift
	got=$(PATH=$BUILD/ctl/cli:$PATH SLUICE_SOCKET=$LAB_DIR/lb.sock timeout 60 bash --norc -c '
		. "$1"
		COMP_LINE=$2 COMP_POINT=${#2}
		# As readline does it: "=" and ":" are words of their own.
		mapfile -t COMP_WORDS < <(grep -oE "[=:]+|[^=: ]+" <<<"$2")
		[[ $2 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_sluicectl
		echo "${COMPREPLY[*]}"' - "$here/../../conf/sluicectl.bash" "$line" 2>&1)
	[ "$got" = "$*" ]
	report $? "TAB: $line"
	[ "$got" = "$*" ] || note "want $*" "got  $got"
}

completion() {
	completes 'sluicectl show ba' backends
	completes 'sluicectl show backends v4-ip' v4-ipip v4-ipip-mixed
	completes 'sluicectl backend drain v4-gue ' b1 b2 b3
	completes 'sluicectl backend drain v4-gue b1 --t' --timeout
	completes 'sluicectl backend set v4-gue b1 ' weight health on-down start
	completes 'sluicectl host dr' drain
	completes 'sluicectl host drain 10.10.13.' 10.10.13.2
	completes 'sluicectl service add x 198.51.100.5:80/tcp health type=ht' http https
	completes 'sluicectl service add x 198.51.100.5:80/tcp health type=http jit' jitter_percent=
	completes 'sluicectl show flows --service v6-ipip --backend ' b1 b2 b3
	completes 'sluicectl show flows --service=v6-ipip-m' v6-ipip-mixed
	completes 'sluicectl --socket /nonexistent show backends '
	completes 'sluicectl service add x 198.51.100.5:80/tcp encap gu' gue gue0
	completes 'sluicectl help backend un' undrain
	PATH=$BUILD/ctl/cli:$PATH SLUICE_SOCKET=$LAB_DIR/lb.sock /usr/bin/python3 "$here/cli_screen.py" \
		tab "$here/../../conf/sluicectl.bash"
	report $? "a TAB pressed in an interactive bash completes a live name"
}

screen() {
	local name
	for name in wide narrow resized keys gone; do
		/usr/bin/python3 "$here/cli_screen.py" "$name" "$BUILD/ctl/cli/sluicectl" \
			"$LAB_DIR/lb.sock" "$LAB_PATH" >"$LAB_DIR/screen" 2>&1
		report $? "top: $name"
		[ "${PIPESTATUS[0]}" = 0 ] && ! grep -q Error "$LAB_DIR/screen" || sed 's/^/# /' "$LAB_DIR/screen"
	done
}

rates() {
	lab_ctl --json top --once --interval 2 --filter v4-ipip >"$LAB_DIR/top.json"
	jq -e '.rows[0] | .service == "v4-ipip" and .packets_s > 10 and .bits_s > 1000' \
		"$LAB_DIR/top.json" >/dev/null
	report $? "top --once: the service with the load is on top ($(jq -c '.rows[0]' "$LAB_DIR/top.json"))"
	jq -e '.sums.sent_s > 10 and ([.workers[].load | select(. != null)] | length > 0)' \
		"$LAB_DIR/top.json" >/dev/null
	report $? "... and the cores have a load"
	lab_ctl top --once --interval 1 v4-ipip | grep -qE '^v4-ipip +b[123] +[0-9.]+k? '
	report $? "... and in text, its backends"
}

trap 'touch "$LAB_DIR/load.stop" 2>/dev/null; lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
: >"$LAB_DIR/changes"
load_start "$(lab_url v4-ipip)" "$LAB_DIR/steady"
json
statuses
colors
completion
rates
screen
load_stop
tap_done
