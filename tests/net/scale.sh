#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: xdp
# alone: its figures are of an otherwise idle machine
#
# One change of a large configuration, a service of 32,000 backends, and 10,000 services of 10, takes
# little of the control thread, and so does a reload; a second client is answered meanwhile. A namespace
# with one port, all backends behind one router:
#
#	c0 (no one) ---- l0 sluiced 172.16.0.1 ---- 10.0.0.0/8 via 172.16.0.2
#
# Bounds are CPU time of sluiced's own thread, and far from what is aimed at, since the machine may be
# busy; the walls that are printed are what docs/performance.md has.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/tap.sh"
. "$here/../lab/services.sh"
BUILD=$(readlink -f "${BUILD:-build}")
CPU_MS_MAX=2000 END_MS_MAX=8000

ns=scale-$$
dir=$(mktemp -d)
pid=

finish() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	ip netns del "$ns" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT

# conf SERVICES BACKENDS: of each.
conf() {
	cat <<-CONF
		seed = "5f1c0de5a17e50f7b0a7ba5e0ddba11a";
		dataplane = { mode = "xdp"; tables_mb = 128; pin_dir = "/sys/fs/bpf/$ns";
		  services_max = 20011; backends_max = 100101; ports = ( { interface = "l0"; } ); };
		outer = { source_v4 = "172.16.0.1"; };
		control = { socket = "$dir/control.sock"; state = "$dir/state.json"; };
	CONF
	services_conf "$1" "$2"
}

start() {
	ip netns exec "$ns" "$BUILD/ctl/daemon/sluiced" --config "$dir/sluice.conf" \
		--module-dir "$BUILD/ebpf" >"$dir/log" 2>&1 &
	pid=$!
	for ((try = 0; try < 600; try++)); do
		! "$BUILD/ctl/cli/sluicectl" --socket "$dir/control.sock" show generation >/dev/null 2>&1 || return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}

# The file is edited by then.
changes() {
	cat <<-'OPS'
		weight backend.set {"service": "s0", "backend": "b5", "weight": 50}
		add backend.add {"service": "s0", "name": "new", "address": "10.9.0.1"}
		remove_the_first backend.remove {"service": "s0", "backend": "b0"}
		drain backend.drain {"service": "s0", "backend": "b7"}
		host host.undrain {"address": "10.1.0.8"}
		check config.reload {"check": true}
		reload config.reload {}
		reload_of_nothing config.reload {}
		save config.save {}
	OPS
}

# scene SERVICES BACKENDS
scene() {
	local what="$1 services of $2" label outcome cpu asked rest began
	rm -f "$dir/state.json" # the changes of the scene before
	conf "$1" "$2" >"$dir/sluice.conf"
	start
	report $? "$what: sluiced starts" || return
	sed -i '0,/name = "b3";/s//name = "b3"; weight = 70;/' "$dir/sluice.conf"
	/usr/bin/python3 "$here/scale.py" "$dir/control.sock" "$pid" < <(changes) >"$dir/lines"
	cat "$dir/lines"
	while read -r label outcome _ _ _ cpu _ asked rest; do
		[ "$outcome" = ok ] && [ "$cpu" -lt "$CPU_MS_MAX" ] && [ "$asked" -gt 3 ]
		report $? "$what: $label: $outcome, $cpu ms of the thread, another was answered $asked times ($rest ms)"
	done <"$dir/lines"
	[ "$(wc -l <"$dir/lines")" -eq "$(changes | wc -l)" ]
	report $? "$what: all changes were answered"
	sed -i '0,/weight = 70;/s//weight = 71;/' "$dir/sluice.conf"
	kill -HUP "$pid" # and amid that, the end
	sleep 0.05
	began=$(cut -d' ' -f1 "/proc/$pid/schedstat")
	kill "$pid"
	SECONDS=0
	while kill -0 "$pid" 2>/dev/null && [ "$SECONDS" -lt 30 ]; do
		cpu=$(cut -d' ' -f1 "/proc/$pid/schedstat" 2>/dev/null) || break
		began=${began:-$cpu} rest=${cpu:-$rest}
		sleep 0.02
	done
	cpu=$(((${rest:-0} - began) / 1000000))
	[ "$cpu" -lt "$END_MS_MAX" ] && ! kill -0 "$pid" 2>/dev/null
	report $? "$what: ends at SIGTERM within ${SECONDS} s, $cpu ms of the thread"
	wait "$pid"
	pid=
}

ip netns add "$ns"
ip -n "$ns" link set lo up
ip -n "$ns" link add c0 type veth peer name l0
ip -n "$ns" link set c0 up
ip -n "$ns" link set l0 up
ip -n "$ns" addr add 172.16.0.1/24 dev l0
ip -n "$ns" neigh add 172.16.0.2 lladdr 02:00:00:00:00:02 dev l0 nud permanent
ip -n "$ns" route add 10.0.0.0/8 via 172.16.0.2
scene 1 32000
scene 10000 10
tap_done
