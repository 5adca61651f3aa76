#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
# takes: 100
#
# `sluicectl capture` while real connections run: what tshark reads of it, its bounds, and what a
# flood of packets that it can't keep up with does. The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=capture-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

capture_is() {
	[ "$(lab_ctl --json show capture | jq -r '.latest.state')" = "$1" ]
}

# capture_start NAME ARG...: in the background; waits until it is on.
capture_start() {
	local name=$1
	shift
	# Not lab_ctl: a signal has to reach sluicectl itself.
	"$BUILD/ctl/cli/sluicectl" --socket "$LAB_DIR/lb.sock" capture "$@" \
		-w "$LAB_DIR/$name.pcapng" 2>"$LAB_DIR/$name.said" &
	capture=$!
	lab_within 10 capture_is on && return
	note "the capture doesn't begin: $(cat "$LAB_DIR/$name.said")"
}

# read_capture NAME TSHARK-ARG...
read_capture() {
	local name=$1
	shift
	tshark -n -r "$LAB_DIR/$name.pcapng" "$@" 2>"$LAB_DIR/tshark.said"
}

get() {
	lab_exec client curl -s -g --max-time 5 -o "${2:-/dev/null}" "$(lab_url "$1")"
}

# frames NAME: packet id, "in" or "out", seconds, bytes as hex, of each frame.
frames() {
	read_capture "$1" -T json -x | jq -r '.[]._source.layers |
		"\(.frame["frame.packet_id"]) \(.frame["frame.interface_id_tree"]["frame.interface_name"]) \(.frame["frame.time_epoch"]) \(.frame_raw[0])"'
}

# forwarded SERVICE: packets so far.
forwarded() {
	lab_ctl --json show counters "$1" | jq '.services[0].packets.forward'
}

# has_captured SERVICE BEFORE: all that were forwarded since they were so many, a connection's at least.
has_captured() {
	local n
	n=$(lab_ctl --json show capture | jq .latest.packets)
	[ "$n" -ge 4 ] && [ "$n" = $(($(forwarded "$1") - $2)) ]
}

# pairs SERVICE HEADERS: a connection's packets, before and after. HEADERS: tshark's names of those
# of a packet on its way to the backend.
pairs() {
	local service=$1 want=$2 name=$1 outer backend comments before
	before=$(forwarded "$service")
	capture_start "$name" "$service" --seconds 20
	get "$service" "$LAB_DIR/answered"
	lab_within 10 has_captured "$service" "$before"
	kill -INT "$capture"
	wait "$capture" && grep -q '; 0 frames missed; ended, for it was interrupted$' "$LAB_DIR/$name.said"
	report $? "$service: a capture, interrupted: $(cat "$LAB_DIR/$name.said")"
	# Each packet left with all that it was, behind its new headers, and not before it came.
	frames "$name" | awk '
		$2 == "in" { came[$1] = substr($4, 29); at[$1] = $3; n++ }
		$2 == "out" {
			tail = substr($4, length($4) - length(came[$1]) + 1)
			good += tail == came[$1] && length(tail) > 0 && length($4) > length(tail) + 28 && $3 >= at[$1]
		}
		END { print n, good + 0; exit !(n >= 4 && n == good) }' >"$LAB_DIR/pairs"
	report $? "... packets that came, and left with the same inside (both numbers: $(cat "$LAB_DIR/pairs"))"
	outer=$(read_capture "$name" -Y 'frame.interface_name == "out"' -T fields -e frame.protocols | cut -d: -f3- | sort -u)
	grep -q "^$want" <<<"$outer"
	report $? "... these as ${outer//$'\n'/ }"
	backend=$(cat "$LAB_DIR/answered")
	comments=$(read_capture "$name" -T fields -e frame.comment | sed 's/, worker [0-9]*$//' | sort -u)
	[ -n "$backend" ] && [ "$comments" = "service $service, backend $backend, verdict forward" ]
	report $? "... with the backend that answered: $comments"
	[ "$(read_capture "$name" -Y 'frame.interface_name == "in" && tcp.flags.syn == 1' | grep -c .)" = 1 ]
	report $? "... one SYN"
}

bounds() {
	local said
	capture_start few v4-ipip -c 3 -s 64 --seconds 20
	get v4-ipip
	wait "$capture"
	grep -q '^3 packets, 6 frames; 0 frames missed; ended, for so many had come$' "$LAB_DIR/few.said"
	report $? "-c 3: $(cat "$LAB_DIR/few.said")"
	[ "$(read_capture few -T fields -e frame.cap_len | sort -un | tail -1)" = 64 ]
	report $? "-s 64: no frame is longer"
	lab_ctl capture v4-gue-mixed --seconds 1 -w "$LAB_DIR/short.pcapng" 2>"$LAB_DIR/short.said"
	grep -q '^0 packets, .* its time was over$' "$LAB_DIR/short.said" && read_capture short >/dev/null
	report $? "--seconds 1 without packets: a file that tshark reads"
	capture_start none v4-gue --verdict too_big --seconds 20
	get v4-gue
	kill -INT "$capture"
	wait "$capture"
	grep -q '^0 packets' "$LAB_DIR/none.said"
	report $? "--verdict too_big: none of a connection's packets"
	echo whole >"$LAB_DIR/victim"
	ln -s "$LAB_DIR/victim" "$LAB_DIR/link.pcapng"
	said=$(lab_ctl capture v4-gue --seconds 1 -w "$LAB_DIR/link.pcapng" 2>&1)
	[ $? = 1 ] && [ "$(cat "$LAB_DIR/victim")" = whole ] && grep -q 'it is a symbolic link' <<<"$said"
	report $? "-w LINK: is refused, and what it leads to stays: $said"
	capture_start busy v4-ipip --seconds 20
	said=$(lab_ctl capture v4-gue -w "$LAB_DIR/other.pcapng" 2>&1)
	[ $? = 1 ] && [[ $said == *'a capture of service "v4-ipip" is under way'* ]]
	report $? "a second one is refused: $said"
	kill -KILL "$capture"
	wait "$capture" 2>/dev/null
	lab_within 10 capture_is stopped
	report $? "a client that is gone takes its capture with it"
	lab_ctl capture v4-ipip -c 1 --seconds 5 -w - 2>/dev/null | tshark -n -r - 2>/dev/null >"$LAB_DIR/piped" &
	capture=$!
	lab_within 10 capture_is on
	get v4-ipip
	wait "$capture"
	grep -q SYN "$LAB_DIR/piped"
	report $? "-w -: through a pipe to tshark"
}

# one_backend: of 20 connections, which all backends get some of, those of one.
one_backend() {
	local n backends
	capture_start one v4-ipip --backend b2 --seconds 20
	for n in {1..20}; do
		get v4-ipip
	done
	sleep 0.3
	kill -INT "$capture"
	wait "$capture"
	backends=$(read_capture one -T fields -e frame.comment | grep -o 'backend b[0-9]*' | sort | uniq -c | sed 's/^ *//')
	[[ $backends =~ ^[1-9][0-9]*\ backend\ b2$ ]]
	report $? "--backend b2: its packets alone: ${backends//$'\n'/, }"
}

# An echo to a vip is no service's; a packet that is dropped has come, and did not leave.
dropped() {
	local n
	for n in 1 2 3; do
		lab_ctl backend disable v4-gue0 "b$n" >/dev/null
	done
	capture_start dropped v4-gue0 --verdict no_backend --seconds 20
	lab_exec client curl -s -g --max-time 1 -o /dev/null "$(lab_url v4-gue0)"
	kill -INT "$capture"
	wait "$capture"
	[ "$(read_capture dropped -Y 'frame.interface_name == "in"' | grep -c .)" -gt 0 ] &&
		[ "$(read_capture dropped -Y 'frame.interface_name == "out"' | grep -c .)" = 0 ]
	report $? "no_backend: packets came, none left: $(cat "$LAB_DIR/dropped.said")"
	for n in 1 2 3; do
		lab_ctl backend enable v4-gue0 "b$n" >/dev/null
	done
}

sent() {
	lab_exec client ip -s -j link show eth0 | jq ".[0].stats64.tx.packets"
}

# has_sent N: the client, so many packets more than `before`.
has_sent() {
	[ "$(sent)" -ge $((before + $1)) ]
}

# share: how many of 1,000 packets that the client sends are forwarded: in the best of three seconds,
# since sender, worker, daemon and reader take turns on two cores, and others may be there.
share() {
	local sent_before forwarded_before best=0 now n
	for n in 1 2 3; do
		sent_before=$(sent) forwarded_before=$(forwarded v4-ipip)
		sleep 1
		now=$((($(forwarded v4-ipip) - forwarded_before) * 1000 / ($(sent) - sent_before)))
		[ "$now" -le "$best" ] || best=$now
	done
	echo "$best"
}

flood() {
	local plain captured missed before
	before=$(sent)
	lab_spawn client flood /usr/bin/python3 -c '
import socket, struct
sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
sender.connect(("'"$(lab_vip v4-ipip)"'", 0))
packets = [struct.pack("!HHIIBBHHH", port, 80, 0, 0, 0x50, 0x10, 1024, 0, 0) + bytes(1000)
           for port in range(20000, 20256)]
while True:
    for packet in packets:
        try:
            sender.send(packet)
        except OSError:
            pass'
	lab_within 20 has_sent 1000
	plain=$(share)
	lab_ctl capture v4-ipip -c 10000000 --seconds 6 --megabytes 16384 -w /dev/null 2>"$LAB_DIR/flood.said" &
	capture=$!
	lab_within 10 capture_is on
	captured=$(share)
	wait "$capture"
	missed=$(lab_ctl --json show capture | jq .latest.missed)
	lab_ctl capture v4-ipip -c 10000000 --seconds 6 --megabytes 1 -w "$LAB_DIR/long.pcapng" 2>"$LAB_DIR/long.said"
	grep -q "ended, for it was as long as allowed" "$LAB_DIR/long.said" && read_capture long -c 1 | grep -q .
	report $? "--megabytes 1: $(cat "$LAB_DIR/long.said")"
	lab_kill flood
	# The sender shares its cores with whoever reads the capture, so not its rate is compared, but
	# what becomes of what it sends. The balancer shares them, too: on a quiet machine it forwards
	# as much as without, under load up to a fifth less. One that waited for the reader would
	# forward what the reader takes, a sixth of it.
	[ "$plain" -gt 0 ] && [ "$captured" -ge $((plain * 2 / 3)) ]
	report $? "of a flood $plain per mille are forwarded, $captured while it is captured: $(cat "$LAB_DIR/flood.said")"
	grep -q "ended, for its time was over" "$LAB_DIR/flood.said" &&
		grep -q "; $missed frames missed" "$LAB_DIR/flood.said"
	report $? "... bounded, and $missed frames missed are shown at the end and in \"show capture\""
}


type tshark >/dev/null 2>&1 || skip_all "no tshark: install the package tshark"
trap 'lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
pairs v4-ipip ip:ip:tcp
pairs v4-gue ip:udp # tshark knows no GUE of variant 1
pairs v6-ipip-mixed ip:ipv6:tcp
bounds
one_backend
dropped
flood
tap_done
