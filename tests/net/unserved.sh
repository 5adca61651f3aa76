#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# What nobody serves, as real clients see it: a vip's port without a service, a service without a
# backend; and SYNs whose segment size is lowered, as the server's kernel sees it. The lab as in
# traffic.sh. The balancer's kernel routes, as that of a router does: what is passed to it and isn't its
# own comes back, again and again.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=unserved-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"

VIP4=$(lab_vip v4-ipip)
VIP6=$(lab_vip v6-ipip)

# tcp VIP PORT: what connect() says: "ok", or an error's name, "timeout" after 2 s.
tcp() {
	lab_exec client /usr/bin/python3 - "$1" "$2" <<-'PYTHON'
		import errno, socket, sys
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
		s.settimeout(2)
		try:
		    s.connect((sys.argv[1], int(sys.argv[2])))
		    print("ok")
		except socket.timeout:
		    print("timeout")
		except OSError as e:
		    print(errno.errorcode[e.errno])
	PYTHON
}

# udp VIP PORT BYTES: the same, of a datagram.
udp() {
	lab_exec client /usr/bin/python3 - "$1" "$2" "$3" <<-'PYTHON'
		import errno, socket, sys
		kind = socket.SOCK_DGRAM
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, kind)
		s.settimeout(2)
		s.connect((sys.argv[1], int(sys.argv[2])))
		try:
		    s.send(bytes(int(sys.argv[3])))
		    s.recv(1)
		    print("ok")
		except socket.timeout:
		    print("timeout")
		except OSError as e:
		    print(errno.errorcode[e.errno])
	PYTHON
}

counted() {
	lab_ctl --json show counters --all | jq "[.. | objects | .$1? // empty | numbers] | add // 0"
}

verdict() {
	lab_ctl --json explain "tcp 10.10.1.2:4000 -> $VIP4:81" | jq -r '"\(.verdict) \(.action)"'
}

verdict_is() {
	[ "$(verdict)" = "$1" ]
}

refused() {
	local said
	said=$(tcp "$VIP4" 81)/$(tcp "$VIP6" 81)
	[ "$said" = ECONNREFUSED/ECONNREFUSED ]
	report $? "tcp to a port that nobody serves is reset ($said)"
	said=$(udp "$VIP4" 9 10)/$(udp "$VIP6" 9 10)
	[ "$said" = ECONNREFUSED/ECONNREFUSED ]
	report $? "udp to such a port is unreachable ($said)"
	said=$(udp "$VIP4" 9 1400)/$(udp "$VIP6" 9 1400)/$(udp "$VIP4" 9 0)/$(udp "$VIP6" 9 0)
	[ "$said" = ECONNREFUSED/ECONNREFUSED/ECONNREFUSED/ECONNREFUSED ]
	report $? "... long datagrams and empty ones, too ($said)"
	[ "$(counted unserved_reject)" -ge 8 ] && [ "$(counted unserved)" = 0 ]
	report $? "counted as unserved_reject ($(counted unserved_reject)), none as unserved"
	verdict_is "unserved_reject answer"
	report $? "explain says so ($(verdict))"
}

# The vip becomes an address of the node, and ceases to be one.
own() {
	local said
	lab_exec lb ip addr add "$VIP4/32" dev lo
	lab_within 10 verdict_is "unserved kernel"
	report $? "once the vip is the node's own, its kernel gets such packets ($(verdict))"
	lab_spawn lb web81 /usr/bin/python3 -m http.server --bind "$VIP4" 81
	answers() { [ "$(tcp "$VIP4" 81)" = ok ]; }
	lab_within 5 answers
	report $? "and what listens there answers"
	lab_kill web81
	lab_exec lb ip addr del "$VIP4/32" dev lo
	lab_within 10 verdict_is "unserved_reject answer"
	report $? "once it isn't any more, they are refused again ($(verdict))"
	said=$(tcp "$VIP4" 81)
	[ "$said" = ECONNREFUSED ]
	report $? "... by the balancer ($said)"
	# A local route counts as well as an address.
	lab_exec lb ip route add local "$VIP4/32" dev lo
	lab_within 10 verdict_is "unserved kernel"
	report $? "a route of type local makes it the node's own, too ($(verdict))"
	lab_exec lb ip route del local "$VIP4/32" dev lo
	lab_within 10 verdict_is "unserved_reject answer"
}

no_backend() {
	local n said
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		lab_ctl backend disable v4-gue "b$n" >/dev/null && lab_ctl backend disable v6-gue "b$n" >/dev/null
	done
	said=$(tcp "$(lab_vip v4-gue)" 80)
	[ "$said" = timeout ]
	report $? "a service without a backend drops ($said)"
	lab_ctl service set v4-gue no-backend reject >/dev/null && lab_ctl service set v6-gue no-backend reject >/dev/null
	said=$(tcp "$(lab_vip v4-gue)" 80)/$(tcp "$(lab_vip v6-gue)" 80)
	[ "$said" = ECONNREFUSED/ECONNREFUSED ]
	report $? "with no-backend reject its clients are refused ($said)"
	[ "$(counted no_backend_reject)" -ge 2 ]
	report $? "counted as no_backend_reject ($(counted no_backend_reject))"
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		lab_ctl backend enable v4-gue "b$n" >/dev/null && lab_ctl backend enable v6-gue "b$n" >/dev/null
	done
	said=$(tcp "$(lab_vip v4-gue)" 80)/$(tcp "$(lab_vip v6-gue)" 80)
	[ "$said" = ok/ok ]
	report $? "and served again once there is a backend ($said)"
}

# server_mss SERVICE: the segment size that the server's kernel uses, of a connection that is open.
server_mss() {
	local vip n
	vip=$(lab_vip "$1")
	lab_spawn client "open$1" curl -s -g --max-time 5 --limit-rate 100k -o /dev/null "$(lab_url "$1" blob)"
	sleep 0.7
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		lab_exec "b$n" ss -Htin state established "( sport = :80 and src [$vip] )" |
			grep -o ' mss:[0-9]*' | cut -d: -f2
	done | head -1
	lab_kill "open$1"
}

# Of the size in the SYN 12 bytes are the timestamps'.
mss() {
	local said
	said=$(server_mss v4-ipip)/$(server_mss v6-ipip)
	[ "$said" = 1448/1428 ]
	report $? "without mss servers send what clients take ($said)"
	lab_ctl service set v4-ipip mss 1000 >/dev/null && lab_ctl service set v6-ipip mss 1300 >/dev/null
	said=$(server_mss v4-ipip)/$(server_mss v6-ipip)
	[ "$said" = 988/1288 ]
	report $? "with mss 1000 and 1300 they send no more than that ($said)"
	# The way to one backend becomes narrow: 1300 - 20 - 40, 1400 - 40 - 60.
	lab_ctl service set v4-ipip mss auto >/dev/null && lab_ctl service set v6-ipip mss auto >/dev/null
	lab_exec lb ip route add "$(lab_address4 b1)/32" via 10.10.2.1 mtu 1300
	lab_exec lb ip -6 route add "$(lab_address6 b1)/128" via 2001:db8:2::1 mtu 1400
	narrowed() { [ "$(server_mss v4-ipip)/$(server_mss v6-ipip)" = 1228/1288 ]; }
	lab_within 6 narrowed
	report $? "with mss auto no more than fits the narrowest way ($(server_mss v4-ipip)/$(server_mss v6-ipip))"
	lab_ctl service set v4-ipip mss off >/dev/null
	said=$(server_mss v4-ipip)
	[ "$said" = 1448 ]
	report $? "and with mss off what they take ($said)"
	said=$(lab_ctl service set v4-ipip mss 7 2>&1)
	[[ $said == *'mss: "7" is none of 88-65535, "auto", "off"'* ]]
	report $? "a size that can't be is refused ($said)"
}

trap 'lab_down' EXIT
lab_up || { report 1 "the lab starts"; tap_done; exit 1; }
lab_exec lb sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
lab_start lb || { report 1 "sluiced starts"; tap_done; exit 1; }
refused
own
no_backend
mss
tap_done
