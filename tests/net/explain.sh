#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# What `sluicectl explain` says is what happens: to real connections in a steady state, and to
# flows that are remembered while a change is under way. The lab as in traffic.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=explain-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

CLIENT4=10.10.1.2
CLIENT6=2001:db8:1::2

# flow SERVICE PORT: as explain takes it.
flow() {
	case $1 in
	v4-*) echo "tcp $CLIENT4:$2 -> $(lab_vip "$1"):80" ;;
	*) echo "tcp [$CLIENT6]:$2 -> [$(lab_vip "$1")]:80" ;;
	esac
}

# told FILTER [ARG ...]: of the daemon's explanation.
told() {
	local filter=$1
	shift
	lab_ctl --json explain "$@" | jq -r "$filter"
}

# got SERVICE PORT: the backend that answers a real connection from that port.
got() {
	lab_exec client curl -s -g --max-time 5 --local-port "$2" "$(lab_url "$1")"
}

# steady SERVICE FIRST-PORT: ten connections go where explain says.
steady() {
	local port said answered wrong=0 backends=""
	for ((port = $2; port < $2 + 10; port++)); do
		said=$(told .backend "$(flow "$1" "$port")")
		answered=$(got "$1" "$port")
		backends+="$said "
		[ -n "$answered" ] && [ "$said" = "$answered" ] || {
			wrong=$((wrong + 1))
			note "port $port: told ${said:-nothing}, answered ${answered:-nothing}"
		}
	done
	[ "$wrong" = 0 ] && [ "$(tr ' ' '\n' <<<"$backends" | sort -u | grep -c .)" -gt 1 ]
	report $? "$1: ten connections go where explain says ($backends)"
}

# Nothing is counted, nothing remembered by the question.
unchanged() {
	local before after n
	before=$(lab_ctl --json show memory; lab_ctl --json show counters v4-ipip)
	for ((n = 0; n < 20; n++)); do
		told .verdict "$(flow v4-ipip $((2000 + n)))" >/dev/null
	done
	after=$(lab_ctl --json show memory; lab_ctl --json show counters v4-ipip)
	[ "$before" = "$after" ]
	report $? "asking 20 times changes no counter and no flow table"
}

# The outer headers that explain tells are those on the way to the backend.
headers() {
	local said source
	said=$(lab_ctl --json explain "$(flow v4-gue 31000)" --opens)
	# At the router: the backend's own tcpdump sees what sluice-decap leaves.
	lab_tcpdump fabric outer -l -i "$(jq -r .backend <<<"$said")" \
		"udp dst port $(jq -r .encapsulation.destination_port <<<"$said")"
	got v4-gue 31000 >/dev/null
	source=$(jq -r '"\(.encapsulation.source).\(.encapsulation.source_port) > \(.encapsulation.destination).\(.encapsulation.destination_port)"' <<<"$said")
	lab_within 5 grep -qF "IP $source:" "$LAB_DIR/outer.log"
	report $? "the outer addresses and ports are those that arrive ($source)"
	lab_kill outer
	[ "$(jq -r '.next_hop.mac' <<<"$said")" = 02:00:00:00:02:01 ] &&
		[ "$(jq -r '.next_hop.mtu_bytes' <<<"$said")" = 1600 ] &&
		[ "$(jq -r '.next_hop.via' <<<"$said")" = 10.10.2.1 ]
	report $? "the next hop is the router's: $(jq -c .next_hop <<<"$said")"
}

verdicts() {
	local vip
	vip=$(lab_vip v4-ipip)
	[ "$(told '"\(.verdict) \(.action)"' "tcp $CLIENT4:1 -> $vip:81")" = "unserved_reject answer" ]
	report $? "a port without a service: refused"
	told .why "tcp $CLIENT4:1 -> $vip:81" | grep -q 'is a vip, but has no service on tcp port 81'
	report $? "... and why"
	[ "$(told .verdict icmp "$CLIENT4" "$vip")" = echo_reply ]
	report $? "an echo request to a vip is answered"
	[ "$(told '"\(.verdict) \(.answer_mtu_bytes)"' "$(flow v4-ipip 1)" --bytes 1581)" = "too_big 1580" ] &&
		[ "$(told .verdict "$(flow v4-ipip 1)" --bytes 1580)" = forward ]
	report $? "1580 bytes fit into an MTU of 1600 with IPIP, 1581 are answered"
	[ "$(told .verdict "$(flow v4-ipip 1)" --bytes 1581 --may-fragment)" = too_big_dropped ]
	report $? "... and dropped where DF is clear"
	lab_ctl explain tcp "$CLIENT4:1" '->' "$vip:80" >"$LAB_DIR/text" &&
		grep -q '^verdict  *forward (forward)$' "$LAB_DIR/text" &&
		grep -q '^encapsulation  *ipip ' "$LAB_DIR/text"
	report $? "for people: separate words, lines of text"
	lab_ctl explain "tcp $CLIENT4:1 -> $vip" 2>&1 | grep -q 'a port is missing, as in'
	report $? "a flow without its port is refused, with the way to write it"
}

# has_answers N: that many came on the long connection, or more.
has_answers() {
	[ "$(wc -l <"$LAB_DIR/talk.log")" -ge "$1" ]
}

# A long connection stays with its backend through a change; explain knows why.
transition() {
	local backend other said
	lab_spawn client talk "$here/talk.py" "$(lab_vip v4-ipip)" 32000
	lab_within 10 has_answers 1
	backend=$(head -n 1 "$LAB_DIR/talk.log")
	[ -n "$backend" ] && [ "$(told .backend "$(flow v4-ipip 32000)")" = "$backend" ]
	report $? "a long connection is at ${backend:-no backend}, as told"
	lab_ctl backend drain v4-ipip "$backend" >/dev/null
	# An answer may be under way; the request for the one behind it was sent after the drain.
	lab_within 10 has_answers $(($(wc -l <"$LAB_DIR/talk.log") + 2))
	said=$(told '"\(.flow_table.result) \(.flow_table.state) \(.backend)"' "$(flow v4-ipip 32000)")
	# One packet of an older connection, or more, by now.
	[ "$said" = "hit tcp $backend" ] || [ "$said" = "hit tcp_once $backend" ]
	report $? "its backend drains: the flow is remembered, and stays ($said)"
	[ "$(told '"\(.slot.changed) \(.slot.previous)"' "$(flow v4-ipip 32000)")" = "true $backend" ]
	report $? "... its slot is changed, with $backend as the previous one"
	told .why "$(flow v4-ipip 32000)" | grep -q "remembered, and stays with $backend"
	report $? "... and why"
	[ "$(sort -u "$LAB_DIR/talk.log")" = "$backend" ]
	report $? "... and all its $(wc -l <"$LAB_DIR/talk.log") requests were answered by $backend"
	other=$(told .backend "$(flow v4-ipip 32001)" --opens)
	[ "$other" != "$backend" ] && [ "$(got v4-ipip 32001)" = "$other" ]
	report $? "a new connection goes to $other, as told"
	lab_kill talk
	lab_ctl backend undrain v4-ipip "$backend" >/dev/null
}

# A scheduler that doesn't hash: the draw can't be told, its outcome can.
draws() {
	local said answered n
	lab_ctl service add turns 198.51.100.77:80/tcp scheduler rr >/dev/null
	for n in 1 2 3; do
		lab_ctl backend add turns "b$n" "$(lab_address4 "b$n")" >/dev/null
	done
	lab_wait_resolved
	said=$(lab_ctl --json explain "tcp $CLIENT4:33000 -> 198.51.100.77:80" --opens)
	[ "$(jq -c '[.backend, ([.candidates[].backend] | sort)]' <<<"$said")" = '[null,["b1","b2","b3"]]' ]
	report $? "round robin: a new flow's backend can't be told, the candidates can"
	answered=$(lab_exec client curl -s --max-time 5 --local-port 33000 http://198.51.100.77/)
	said=$(told '"\(.flow_table.result) \(.backend)"' "tcp $CLIENT4:33000 -> 198.51.100.77:80")
	[ -n "$answered" ] && [ "$said" = "hit $answered" ]
	report $? "... and once it came, it is remembered: $said"
}

trap 'lab_down' EXIT
lab_up && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
# Ports of their own: a closed connection's port is taken for a minute.
steady v4-ipip 30000
steady v4-gue-mixed 30100
steady v6-gue0 30200
unchanged
headers
verdicts
transition
draws
tap_done
