#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# alone: its figures are of an otherwise idle machine
# paths: xdp
#
# The status page with many services, in a headless Chromium: when their rows are there, what an update
# takes of the browser, and what an open page takes of sluiced. No lab, no traffic:
#
#   chromium --- 127.0.0.1 ---> sluiced, xdp on v0 --- v1
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/tap.sh"
command -v chromium >/dev/null || skip_all "no chromium: install the package chromium"
space=page-many-$$
dir=$(mktemp -d)
pid=

inside() {
	nsenter --net="/run/netns/$space" -- "$@"
}

# conf SERVICES: each with three backends, all behind one router.
conf() {
	awk -v n="$1" -v dir="$dir" -v pins="$space" 'BEGIN {
		print "seed = \"00112233445566778899aabbccddeeff\";"
		print "dataplane = { mode = \"xdp\"; ports = ( { interface = \"v0\"; } );"
		print "  pin_dir = \"/sys/fs/bpf/" pins "\"; services_max = 32768; backends_max = 65536; tables_mb = 256; };"
		print "control = { socket = \"" dir "/sock\"; state = \"\"; group = \"\"; };\nservices = ("
		for (i = 0; i < n; i++) {
			printf "%s{ name = \"svc-%05d\"; vip = \"10.100.%d.%d\"; port = 80; protocol = \"tcp\"; slots = 307; backends = (",
				i ? "," : "", i, i / 250, i % 250 + 1
			for (b = 0; b < 3; b++)
				printf "%s{ name = \"b%d\"; address = \"10.1.%d.%d\"; }", b ? "," : "", b, (i % 20000) / 250, (i + b * 7) % 250 + 1
			print " ); }"
		}
		print ");"
	}' >"$dir/conf"
}

sluiced() {
	inside "$BUILD/ctl/daemon/sluiced" --config "$dir/conf" --module-dir "$BUILD/ebpf" "$@"
}

start() {
	local try
	conf "$1"
	nsenter --net="/run/netns/$space" -- "$BUILD/ctl/daemon/sluiced" --config "$dir/conf" \
		--module-dir "$BUILD/ebpf" >"$dir/log" 2>&1 &
	pid=$!
	for ((try = 0; try < 200; try++)); do
		grep -q 'ready:' "$dir/log" && return 0
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	sed 's/^/# /' "$dir/log"
	return 1
}

end() {
	[ -z "$pid" ] || { kill $pid && wait $pid; }
	pid=
	sluiced --detach >/dev/null 2>&1
}

trap 'end; ip netns del "$space"; rm -rf "$dir"' EXIT
ip netns add "$space" && ip -n "$space" link add v0 type veth peer name v1 && ip -n "$space" link set lo up &&
	ip -n "$space" link set v0 up && ip -n "$space" link set v1 up && ip -n "$space" address add 10.9.0.2/24 dev v0 &&
	ip -n "$space" neigh replace 10.9.0.1 lladdr 02:00:00:00:00:01 dev v0 nud permanent &&
	ip -n "$space" route add 10.1.0.0/16 via 10.9.0.1
report $? "a network of one host"
for services in 1000 10000; do
	start $services
	report $? "sluiced starts with $services services"
	inside timeout 60 /usr/bin/python3 "$here/page_many.py" http://127.0.0.1:9107 $services $pid >"$dir/said" 2>&1
	report $? "chromium runs"
	while read -r verdict text; do
		case "$verdict $text" in
		ok\ *) report 0 "$services services: $text" ;;
		"not ok "*) report 1 "$services services: ${text#ok }" ;;
		*) note "$verdict $text" ;;
		esac
	done <"$dir/said"
	[ "$(grep -c '^ok ' "$dir/said")" = 5 ]
	report $? "$services services: to the end"
	end
done
tap_done
