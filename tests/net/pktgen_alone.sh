#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# alone: its figures are of an otherwise idle machine
# paths: dpdk
#
# What the packet generator sends and says, without a balancer and without any network:
#
#   net_ring0                     gives back what it is sent
#   net_pcap0,tx_pcap=FILE        writes it to a file, and gives nothing back
#
# tshark reads the files, with a TCP, checksums and opinions of its own. BUILD: as for
# tests/lab/lab.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/tap.sh"
. "$here/pktgen_report.sh"
MIX=(--to 198.51.100.10:80/tcp --to '198.51.100.12:53/udp' --to '[2001:db8:100::10]:443/tcp'
	--to '[2001:db8:100::11]:443/udp')

# pktgen DEVICE ARG...: text to report.txt, JSON to report.json; whichever it is asked for.
pktgen() {
	local device=$1 out=report.txt
	shift
	[[ " $* " != *" --json "* ]] || out=report.json
	timeout 60 "$PKTGEN" --device "$device" --hugepages off --plain --peer 02:00:00:00:00:01 \
		"$@" >"$dir/$out" 2>"$dir/pktgen.err"
	status=$?
	return $status
}

# captured FILE ARG...: what is sent. Nothing comes back, which is a failure.
captured() {
	local file=$1
	shift
	pktgen "net_pcap0,tx_pcap=$dir/$file" --wait 0 --timeout 1 --json "$@"
	[ "$status" = 1 ]
}

# fields FILE FIELD...: a line a packet.
fields() {
	local file=$1 field words=()
	shift
	for field; do
		words+=(-e "$field")
	done
	tshark -n -r "$dir/$file" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
		-o udp.check_checksum:TRUE -T fields "${words[@]}" 2>/dev/null
}

ring() {
	pktgen net_ring0 "${MIX[@]}" --flows 5000 --count 50k --closed 256 --size imix --json
	checked "ring" 50000
	is '[.services[] | .sent] | min > 12000 and add == 50000' "ring: the mix, in equal shares"
	is '.latency_ns | .min > 0 and .min <= .median and .median <= .p99 and .p99 <= .p99_9 and .p99_9 <= .max' \
		"ring: latency"
	is 'keys == ["backends", "duplicates", "failures", "faults", "flows", "icmp", "latency_ns", "lost",
		"neighbours_answered", "ok", "other", "outer_headers", "rate_gaps", "received", "received_bytes",
		"reordered", "seconds", "seed", "sent", "sent_bytes", "services", "too_late"]' \
		"ring: JSON with the members of docs/pktgen.md"
}

# A rate is never exceeded, also not when the generator was away: here it is stopped for a while. How
# well a rate is held is the machine's; the generator says how often it was not.
rate() {
	local generator child try line
	: >"$dir/pktgen.err"
	pktgen net_ring0 "${MIX[@]}" --flows 1000 --rate 20k --new-flows 3k --seconds 3 --json &
	generator=$!
	for ((try = 0; try < 200; try++)); do
		grep -q ' 1 s: sent' "$dir/pktgen.err" 2>/dev/null && break
		sleep 0.05
	done
	child=$(pgrep -P "$(pgrep -P $generator)") # of timeout, of the subshell
	kill -STOP "$child"
	sleep 0.2
	kill -CONT "$child"
	wait "$generator"
	status=$?
	[ "$status" = 0 ]
	report $? "rate: 20,000 a second for 3 s, and away in the middle"
	note "$(jq -c '{seconds, sent, rate_gaps, flows}' "$dir/report.json" 2>&1)"
	is '.seconds >= 3 and .seconds < 3.2 and .sent <= 56500' "rate: not more than that"
	is '.rate_gaps > 0 and .sent > 20000' "rate: it tells of gaps"
	is '(.flows.opened - 1000) as $new | (.sent * 3 / 20) as $due | $new > $due * 0.9 and $new < $due * 1.1' \
		"rate: 3,000 new flows a second"
	line='^ +[1-3] s: sent 0\.[0-9]{3} Mpps, received 0\.[0-9]{3} Mpps, not back [0-9]+, moved 0, '
	[ "$(grep -cE "${line}reordered 0, wrong 0\$" "$dir/pktgen.err")" -ge 2 ]
	report $? "rate: a line each second"
}

text() {
	local line missing=0
	pktgen net_ring0 "${MIX[@]}" --flows 100 --count 4000 --closed 64
	while read -r line; do
		grep -qE "^ *$line" "$dir/report.txt" || { note "missing: $line"; missing=1; }
	done <<-'LINES'
		sent +4000 packets +[0-9.]+ Mpps +[0-9.]+ Gbit/s$
		received +4000 packets
		lost +0 packets +0\.0000 %$
		reordered +0 packets
		seen +100$
		moved +0 \(seen on more than one backend\)$
		min [0-9.]+ us, median [0-9.]+ us, p99 [0-9.]+ us, p99_9 [0-9.]+ us, max [0-9.]+ us$
		198\.51\.100\.10 +1000 packets +25\.00 % +25 flows$
		2001:db8:100::11 443/udp +1000 sent +1000 received$
		all is well$
	LINES
	[ "$status" = 0 ] && [ "$missing" = 0 ]
	report $? "text: totals, flows, latency, each backend and service"
}

# ends_of FILE: all flags of each TCP flow, in order, and how many flows have these.
ends_of() {
	fields "$1" tcp.stream tcp.flags.str | awk '$1 != "" {
		gsub(/[^A-Z]/, "", $2)
		flow[$1] = flow[$1] " " $2
	}
	END {
		for (f in flow)
			print flow[f]
	}' | sort | uniq -c | awk '{ $1 = $1; print }'
}

wire() {
	captured imix.pcap "${MIX[@]}" --flows 1000 --flow-packets 6 --count 12000 --size imix
	report $? "wire: nothing comes back, and that is a failure"
	is '.sent == 12000 and .lost == 12000 and .received == 0 and .failures == ["nothing came back"]' \
		"wire: the report says so"
	[ "$(ends_of imix.pcap)" = "1000 S A AP AP AF A" ]
	report $? "wire: every TCP flow is SYN, ACK, data, FIN, ACK"
	! fields imix.pcap tcp.analysis.flags | grep -q .
	report $? "wire: tshark finds its sequence numbers in order"
	[ "$(fields imix.pcap ip.checksum.status tcp.checksum.status udp.checksum.status | tr -d '\t' |
		grep -cvE '^1+$')" = 0 ]
	report $? "wire: every checksum is right"
	# Shares of 7, 4 and 1; TCP over IPv6 has at least 84 bytes. A check sequence is not in a file.
	fields imix.pcap frame.len | awk '
		{ n[$1 + 4 < 590 ? "short" : $1 + 4]++ }
		END { exit !(length(n) == 3 && n["short"] > 6600 && n["short"] < 7400 &&
			n[594] > 3700 && n[594] < 4300 && n[1518] > 850 && n[1518] < 1150) }'
	report $? "wire: IMIX"
	[ "$(fields imix.pcap ip.src ipv6.src tcp.srcport udp.srcport | sort -u | wc -l)" = 2000 ]
	report $? "wire: 1,000 flows, and then 1,000 others, each with a client of its own"
}

# The bytes alone: a file has the time, too.
bytes_of() {
	tcpdump -nn -t -xx -r "$dir/$1" 2>/dev/null | sha256sum
}

seed() {
	local mac=(--mac 02:00:00:00:00:02)
	captured one.pcap "${MIX[@]}" "${mac[@]}" --flows 500 --count 3000 --size imix --shuffle --seed 7
	captured same.pcap "${MIX[@]}" "${mac[@]}" --flows 500 --count 3000 --size imix --shuffle --seed 7
	captured other.pcap "${MIX[@]}" "${mac[@]}" --flows 500 --count 3000 --size imix --shuffle --seed 8
	[ "$(bytes_of one.pcap)" = "$(bytes_of same.pcap)" ]
	report $? "seed: the same makes the same packets, byte for byte"
	[ "$(bytes_of one.pcap)" != "$(bytes_of other.pcap)" ]
	report $? "seed: another makes others"
}

replay() {
	pktgen net_ring0 --pcap "$dir/imix.pcap" --once --closed 128 --json
	checked "pcap, once" 12000
	is '.flows.seen == 2000' "pcap, once: every flow of the file"
	is '([.backends[].address] | sort) == ["198.51.100.10", "198.51.100.12", "2001:db8:100::10",
		"2001:db8:100::11"]' "pcap, once: to where they go"
	pktgen net_ring0 --pcap "$dir/imix.pcap" --count 30k --closed 128 --json
	checked "pcap, in a loop" 30000
}

# Without a window that comes back, a closed loop has to end.
stalled() {
	pktgen "net_pcap0,tx_pcap=$dir/closed.pcap" --wait 0 --timeout 200 "${MIX[@]}" --count 1000 \
		--closed 16 --json
	[ "$status" = 1 ]
	report $? "closed loop: ends when nothing comes back"
	is '.sent == 16 and .lost == 16' "closed loop: no more than the window is under way"
}

# Pktgen-DPDK's script, run by a stand-in for its Lua library, asks for the flows that our own
# generator sends: clients, vip, port, size and MAC, packet by packet. Source ports are its own: it
# can't count as ours do.
script() {
	captured lua.pcap --to 198.51.100.10:80/tcp --flows 10k --count 10k --size 64 \
		--peer 02:00:00:00:02:02
	fields lua.pcap eth.dst ip.src ip.dst tcp.dstport frame.len |
		awk '{ print $1, $2, $3, $4, $5 + 4 }' >"$dir/ours.txt"
	(cd "$here/../.." && lua5.3 tests/pktgen/pktgen_dpdk.lua conf/pktgen-dpdk/sluice.lua 10000) \
		>"$dir/theirs.txt" 2>"$dir/lua.err"
	report $? "script for Pktgen-DPDK: runs to its end"
	sed 's/^/# /' "$dir/lua.err"
	[ "$(grep -c . "$dir/ours.txt")" = 10000 ] && diff "$dir/ours.txt" "$dir/theirs.txt" >"$dir/diff"
	report $? "script for Pktgen-DPDK: the flows that sluice-pktgen sends"
	head -n 5 "$dir/diff" | sed 's/^/# /'
}

end() {
	rm -rf "$dir"
}

pktgen_needs
for tool in tshark tcpdump lua5.3; do
	type $tool >/dev/null 2>&1 || skip_all "no $tool"
done
dir=$(mktemp -d)
trap end EXIT
ring
rate
text
wire
seed
replay
stalled
script
tap_done
