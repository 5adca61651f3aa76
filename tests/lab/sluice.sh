# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# sluiced in the lab: its configuration, start and stop. Sourced after lab.sh, by `make run` and
# the network tests. The twelve services below are every encapsulation in every pair of families:
#
#   vip 198.51.100.N and 2001:db8:100::N, port 80
#     N   encap  backends          N   encap  backends
#     10  ipip   of the vip's      20  ipip   of the other
#     11  gue    own family        21  gue    family
#     12  gue0                     22  gue0
#
# named v4-ipip, v4-gue, v4-gue0, v4-ipip-mixed ..., v6-ipip ...

LAB_SEED=5f1c0de5a17e50f7b0a7ba5e0ddba11a
LAB_WORKER_CORE=${LAB_WORKER_CORE:-1}

lab_services() {
	local vip name encap kind
	for vip in v4 v6; do
		for kind in "" -mixed; do
			for encap in ipip gue gue0; do
				name=$vip-$encap$kind
				echo "$name"
			done
		done
	done
}

# lab_vip SERVICE: the address of one of them.
lab_vip() {
	local last
	case $1 in
	*-ipip*) last=0 ;;
	*-gue0*) last=2 ;;
	*-gue*) last=1 ;;
	esac
	case $1 in
	*-mixed) last=2$last ;;
	*) last=1$last ;;
	esac
	case $1 in
	v4-*) echo "198.51.100.$last" ;;
	*) echo "2001:db8:100::$last" ;;
	esac
}

# lab_url SERVICE [PATH]: for curl.
lab_url() {
	local vip
	vip=$(lab_vip "$1")
	case $vip in
	*:*) echo "http://[$vip]/${2-}" ;;
	*) echo "http://$vip/${2-}" ;;
	esac
}

lab_service_entry() {
	local name=$1 encap n address separator=""
	encap=${name#v?-}
	encap=${encap%-mixed}
	printf '  { name = "%s"; vip = "%s"; port = 80; protocol = "tcp"; encap = "%s";\n    backends = (' \
		"$name" "$(lab_vip "$name")" "$encap"
	for ((n = 1; n <= LAB_BACKENDS; n++)); do
		case $name in
		v4-*-mixed | v6-ipip | v6-gue | v6-gue0) address=$(lab_address6 "b$n") ;;
		*) address=$(lab_address4 "b$n") ;;
		esac
		printf '%s\n      { name = "b%d"; address = "%s"; weight = 100; }' "$separator" "$n" "$address"
		separator=,
	done
	printf ' ); }'
}

# lab_control NODE: where its control socket is. A guest's lab folder is the host's, which takes no socket.
lab_control() {
	if guest_has "$1"; then echo /run/sluice/control.sock; else echo "$LAB_DIR/$1.sock"; fi
}

# lab_conf [NODE]: sluice.conf for a balancer, on standard output.
lab_conf() {
	local node=${1:-lb} separator="" service
	cat <<-CONF
		# made by the lab; conf/sluice.conf has every key explained
		seed = "$LAB_SEED";
		dataplane = {
		  mode = "$LAB_PATH";
		  cores = [ $LAB_WORKER_CORE ];
		  ports = ( { device = "net_af_xdp0,iface=l0,busy_budget=0"; tap = "sl0"; interface = "$(lab_interface "$node")"; } );
		  idle = "adaptive";
		  idle_max_us = 50;
		  memory_mb = 256;
		  pin_dir = "/sys/fs/bpf/$LAB-$node";
		  memory_dir = "/dev/shm/$LAB-$node";
		  tables_mb = 16;
		};
		outer = { ipip_source_v4 = "$LAB_OUTER4"; ipip_source_v6 = "$LAB_OUTER6"; };
		control = { socket = "$(lab_control "$node")"; state = "$LAB_DIR/$node.state"; };
		services = (
	CONF
	for service in $(lab_services); do
		printf '%s\n' "$separator"
		lab_service_entry "$service"
		separator=,
	done
	printf ' );\n'
}

lab_modules() {
	echo "$BUILD/dataplane:$BUILD/ebpf"
}

# lab_sluiced NODE [ARG ...]: runs it in the foreground.
lab_sluiced() {
	local node=$1
	shift
	lab_exec "$node" "$BUILD/ctl/daemon/sluiced" --config "$LAB_DIR/$node.conf" \
		--module-dir "$(lab_modules)" "$@"
}

# lab_ctl [ARG ...]: sluicectl of lb.
# lab_checks_pid NODE: the process that makes its health checks.
lab_checks_pid() {
	pgrep -x sluiced-checks -P "$(pgrep -x sluiced-keeper -P "$(cat "$LAB_DIR/sluiced-$1.pid")")"
}

lab_ctl() {
	local node=${LAB_NODE:-lb} at=""
	! guest_has "$node" || at="guest_exec $node"
	$at "$BUILD/ctl/cli/sluicectl" --socket "$(lab_control "$node")" "$@"
}

# Whether every backend's next hop is known.
lab_is_resolved() {
	lab_ctl --json show backends >"$LAB_DIR/backends.json" 2>/dev/null &&
		[ "$(jq '[.. | objects | select(has("next_hop")) | .next_hop.state] | length > 0 and all(. == "resolved")' \
			"$LAB_DIR/backends.json")" = true ]
}

# Waits until it is; says which are not.
lab_wait_resolved() {
	lab_within 20 lab_is_resolved && return
	lab_say "after 20 s not every next hop is resolved:"
	lab_ctl show backends >&2
	return 1
}

# lab_answers NODE: its sluiced answers, or has ended.
lab_answers() {
	LAB_NODE=$1 lab_ctl show generation >/dev/null 2>&1 || ! lab_runs "sluiced-$1"
}

# lab_start [NODE] [ARG ...]: starts sluiced (or LAB_SLUICED, which becomes it), with the
# configuration lab_conf gives unless there is one already, and waits until it forwards.
lab_start() {
	local node=${1:-lb}
	shift || true
	[ -f "$LAB_DIR/$node.conf" ] || lab_conf "$node" >"$LAB_DIR/$node.conf"
	lab_spawn "$node" "sluiced-$node" "${LAB_SLUICED:-$BUILD/ctl/daemon/sluiced}" --config "$LAB_DIR/$node.conf" \
		--module-dir "$(lab_modules)" "$@"
	lab_within 40 lab_answers "$node" && lab_runs "sluiced-$node" || {
		lab_say "sluiced did not start on $node:"
		cat "$LAB_DIR/sluiced-$node.log" >&2
		return 1
	}
	[ "$LAB_PATH" = xdp ] || lab_lb_address sl0 "$node" || return 1
	LAB_NODE=$node lab_wait_resolved
}

lab_stop() {
	lab_kill "sluiced-${1:-lb}"
}
