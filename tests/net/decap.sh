#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# sluice-decap in the lab: hand-made encapsulated SYNs go to a backend, and the client, from whom
# the inner ones claim to come, sees the backend's kernel answer from the vip. Then the loader's
# manners. Prints TAP; exit status 0 when all is ok, 77 when the machine cannot.
#
#     client <--------------- fabric <----------------- lb
#       |   SYN-ACK from        ^  \   encapsulated SYN   (decap_send.py on l0)
#       |   the vip             |   \
#     tcpdump                   |    `----> b1  sluice-decap on eth0, nginx on the vips
#                               `----------'
#
# LAB_ROOT, BUILD: as for tests/lab/lab.sh.
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=decap-$$
export LAB_PATH=xdp LAB_BACKENDS=1 LAB_LBS=1 LAB_MTU=1600 LAB_DECAP=yes
. "$here/tap.sh"
. "$here/../lab/lab.sh"

decap() {
	lab_exec b1 "$BUILD/ebpf/sluice-decap" --interface eth0 "$@" 2>&1
}

# loader STATUS PATTERN TEXT ARGUMENT...: the loader ends with that status and says that.
loader() {
	local status=$1 pattern=$2 text=$3 said got
	shift 3
	said=$(decap "$@")
	got=$?
	[ $got = "$status" ] && [[ $said =~ $pattern ]]
	report $? "loader: $text"
	[ $got = "$status" ] || echo "# status $got, not $status"
	[[ $said =~ $pattern ]] || echo "# said: $said"
}

all_answered() {
	[ "$(grep -c 'Flags \[S\.\]' "$LAB_DIR/tcpdump.log")" -ge "$kinds" ]
}

# syns_send SECONDS [PORT]: sends one SYN of each kind and puts what the client gets back, until all
# or for so many seconds, into $answers.
syns_send() {
	lab_tcpdump client tcpdump -l -i eth0 "src net $LAB_VIPS4 or src net $LAB_VIPS6"
	lab_exec lb python3 "$here/decap_send.py" send l0 b1 ${2-}
	lab_within "$1" all_answered
	lab_kill tcpdump INT
	answers=$(grep 'Flags \[S\.\]' "$LAB_DIR/tcpdump.log")
}

# counter NAME: its total.
counter() {
	decap --stats | awk -v name="$1" '$1 == name { print $2 }'
}

# Every kind of encapsulation reaches the vip in the mode that is loaded now.
kinds_check() {
	local mode=$1 before after name port vip
	before=$(counter decapsulated)
	syns_send 10
	while read -r name port vip; do
		grep -qF "$vip.80 > " <<<"$(grep -F ".$port: " <<<"$answers")"
		report $? "$mode: $name SYN is answered from $vip"
	done < <(python3 "$here/decap_send.py" list)
	after=$(counter decapsulated)
	# The client's kernel knows nothing of these connections; its RSTs are routed to lb.
	[ $((after - before)) = "$kinds" ]
	report $? "$mode: $kinds packets counted as decapsulated"
}

for tool in tcpdump python3 clang; do
	type $tool >/dev/null 2>&1 || skip_all "no $tool"
done
[ "$(id -u)" = 0 ] || skip_all "not root"
kinds=$(python3 "$here/decap_send.py" list | wc -l)
trap lab_down EXIT
lab_up || { echo "Bail out! the lab does not come up"; exit 1; }

kinds_check native

loader 0 'replaced sluice_decap .*native mode' "a second time replaces the first"
loader 0 'replaced .*generic mode' "changes to generic mode" --mode generic
loader 0 'replaced .*generic mode' "keeps the mode when not told otherwise"
kinds_check generic
loader 0 'detached' "detaches" --detach
# By other ports: the answers to those before are still repeated.
syns_send 1 42001
[ -n "$(cat "$LAB_DIR/tcpdump.log")" ] && ! grep -F '.420' <<<"$answers"
report $? "detached: no SYN is answered"
loader 1 'no XDP program' "detaching twice is refused" --detach
loader 1 'no XDP program' "no counters when detached" --stats

echo '__attribute__((section("xdp"))) int other(void *c) { return 2; }' |
	clang -O2 -g -target bpf -x c -c - -o "$LAB_DIR/other.o" &&
	lab_exec b1 ip link set dev eth0 xdpgeneric obj "$LAB_DIR/other.o" sec xdp
report $? "another program is on the interface"
loader 1 'other .id [0-9]+, generic. is there; --replace' "names it and the mend"
loader 1 'another XDP program, other' "does not detach it" --detach
loader 1 'another XDP program, other' "has no counters of it" --stats
loader 0 'replaced other .*generic mode' "takes its place when told" --replace
loader 0 'native mode refused .*generic mode' "takes generic mode where the driver has no other" \
	--interface lo
loader 1 'in native mode: ' "native mode, where the driver has none, is refused" \
	--interface lo --mode native
loader 0 'decapsulated ' "and the program that was there stays" --interface lo --stats
loader 0 'port 6081.*native' "takes another GUE port" --mode native --port 6081
loader 2 '70000: not a port' "usage: port" --port 70000
loader 2 'neither native nor generic' "usage: mode" --mode fast
loader 2 'unrecognized option' "usage: unknown option" --foo
loader 2 'nothing: not an option' "usage: a word" nothing
loader 2 'no such interface' "usage: interface" --interface nowhere
loader 2 'one of' "usage: two commands" --stats --detach
loader 0 'Exit status' "help" --help

tap_done
