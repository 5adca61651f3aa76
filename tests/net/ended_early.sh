#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: xdp
#
# Who ends a network test or `make run` early finds nothing left of it: no namespace, no process, no
# runtime directory, and on the xdp path no pinned program. Each is a lab of its own, as drawn in
# tests/lab/lab.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=early-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"

out=$(mktemp)
trap 'rm -f "$out"' EXIT

# left LAB: what there is of it, a line each.
left() {
	ls -d /run/netns/"$1"-* /sys/fs/bpf/"$1"-* "$LAB_ROOT/$1" 2>/dev/null
}

# is_running LAB: sluiced runs there, and has pinned what it pins.
is_running() {
	[ -S "$LAB_ROOT/$1/lb.sock" ] || return 1
	[ "$LAB_PATH" = dpdk ] || [ -e "/sys/fs/bpf/$1-lb/program" ]
}

# end_early SIGNAL TEXT LAB COMMAND...: once sluiced runs, the command's group gets the signal, as
# from a terminal. The lab is called LAB and the process id of the command.
end_early() {
	local signal=$1 text=$2 lab=$3 pid
	shift 3
	set -m # a group of its own, that doesn't ignore SIGINT
	"$@" >"$out" 2>&1 </dev/null &
	pid=$!
	set +m
	lab=$lab-$pid
	lab_within 60 is_running "$lab"
	report $? "$text: sluiced runs"
	sleep 0.5
	kill -"$signal" -- -"$pid"
	lab_within 60 lab_ended "$pid" && [ -z "$(left "$lab")" ]
	report $? "... after SIG$signal it ends, and nothing is left"
	[ -z "$(left "$lab")" ] || {
		note "$(left "$lab")"
		tail -n 5 "$out" | sed 's/^/# /'
		LAB=$lab "$here/../lab/lab.sh" down
	}
}

demo() {
	exec env LAB="early-$BASHPID" DATAPLANE="$LAB_PATH" "$here/../lab/run.sh"
}

lab_settle
end_early TERM "a network test" steer "$here/steer.sh"
end_early INT "a network test" steer "$here/steer.sh"
end_early TERM "make run" early demo
end_early INT "make run" early demo
tap_done
