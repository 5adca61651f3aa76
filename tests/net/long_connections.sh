#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Part of consistency.sh and ways.sh: the lab as in its header, with two services of three backends
# each beside its own, and long TCP connections to both (echo.py), half of them IPv6.
#
#   long4  198.51.100.30:9000      gue    b1 b2 b3 by IPv4
#   long6  [2001:db8:100::30]:9000 ipip   b1 b2 b3 by IPv6
#
# Sourced after tap.sh, lab.sh and sluice.sh, with $here.
VIP4=198.51.100.30
VIP6=2001:db8:100::30
CONNECTIONS=400

# conf [SETTING...]: the lab's configuration with the two services, which have these settings ("slots =
# 1021;"), behind its own.
conf() {
	lab_conf lb | sed '$s| );$||'
	cat <<-CONF
		,
		  { name = "long4"; vip = "$VIP4"; port = 9000; protocol = "tcp"; encap = "gue"; $*
		    backends = ( $(conf_backends lab_address4) ); },
		  { name = "long6"; vip = "$VIP6"; port = 9000; protocol = "tcp"; encap = "ipip"; $*
		    backends = ( $(conf_backends lab_address6) ); } );
	CONF
}

conf_backends() {
	local b separator=""
	for b in b1 b2 b3; do
		printf '%s{ name = "%s"; address = "%s"; }' "$separator" "$b" "$("$1" "$b")"
		separator=", "
	done
}

# client WORD...: what echo.py then reports, in $LAB_DIR/report.
client() {
	echo "$*" | socat -t 60 - "UNIX-CONNECT:$LAB_DIR/echo.sock" >"$LAB_DIR/report"
}

# count COLUMN NAME|any|not-NAME: sum over both families of a column of the report.
count() {
	awk -v column="$1" -v name="$2" '
		NF == 6 && (name == "any" || $1 == name || ("not-" $1 != name && name ~ /^not-/)) {
			sum += $column
		}
		END { print sum + 0 }' "$LAB_DIR/report"
}
under_way() { count 3 "$1"; }
broken() { count 4 "$1"; }
blocks() { count 6 "$1"; }

memory() {
	lab_ctl --json show memory | jq ".$1"
}

generation() {
	lab_ctl --json show generation | jq .generation
}

# both WORD... @ WORD...: the command for each of the two services, whose name stands for @.
both() {
	lab_ctl "${@//@/long4}" && lab_ctl "${@//@/long6}"
}

# unbroken TEXT: after some time in which every connection sends, no more are broken than $lost.
lost=0
unbroken() {
	local before
	client report
	before=$(blocks any)
	sleep 2.5
	client report
	[ "$(broken any)" = "$lost" ] && [ "$(under_way any)" -gt 0 ] &&
		[ $(($(blocks any) - before)) -ge "$(under_way any)" ]
	report $? "$1: 0 broken ($(under_way any) under way, $(($(blocks any) - before)) blocks echoed)"
	if [ "$(broken any)" != "$lost" ]; then
		sed 's/^/# /' "$LAB_DIR/report"
		lost=$(broken any)
	fi
}

more() {
	client open "$1" "$VIP4" "$VIP6"
}

# has_broken BACKEND COUNT: so many of its connections. An echo is waited for for 8 s.
has_broken() {
	client report
	[ "$(broken "$1")" -ge "$2" ]
}

# only BACKEND HAD TEXT: its connections broke, all that it had, and not one other.
only() {
	lab_within 30 has_broken "$1" "$2"
	[ "$(under_way "$1")" = 0 ] && [ "$(broken "$1")" = "$2" ]
	report $? "$3: $(broken "$1") of its own $2 connections break"
	[ "$(broken any)" = $((lost + $2)) ]
	report $? "... and not one other ($(($(broken any) - lost - $2)))"
	lost=$(broken any)
	unbroken "the others go on"
}

end() {
	client end
	[ "$(under_way any)" = 0 ] && [ "$(broken any)" = "$lost" ]
	report $? "all others end with their checksums right ($(count 5 any) of $(count 5 any))"
	kill -0 "$(cat "$LAB_DIR/sluiced-lb.pid")"
	report $? "sluiced is still there"
}

# start [SETTING...]: all of it, with echo servers on four backends.
start() {
	local b
	lab_up || return 1
	for b in b1 b2 b3 b4; do
		lab_spawn "$b" "echo-$b" /usr/bin/python3 "$here/echo.py" server "$b" || return 1
	done
	for b in b1 b2 b3 b4; do
		lab_within 20 lab_listens "$b" 9000 || return 1
	done
	conf "$@" >"$LAB_DIR/lb.conf"
	lab_start lb || return 1
	lab_spawn client echo-client /usr/bin/python3 "$here/echo.py" client "$LAB_DIR/echo.sock"
	lab_within 20 [ -S "$LAB_DIR/echo.sock" ]
}
