# SPDX-License-Identifier: Apache-2.0
# alone: its figures are of an otherwise idle machine
# shellcheck shell=bash
#
# A sluiced for the packet generator, in a namespace: sourced by the tests that run the two, after
# tap.sh and pktgen_report.sh. The generator stands for the routers and all that is behind them.
#
#   sluice-pktgen                          namespace $SPACE: sluiced
#     client, and router       a link
#     10.10.2.1, 2001:db8:2::1 ------------- 10.10.2.2, 2001:db8:2::2 on INTERFACE (dpdk: the TAP)
#     (answers ARP and ND)                   default routes to the generator, which stands for the
#                                            backends 10.10.11.2 ..., 2001:db8:11::2 ...
#
# Seven services: TCP and UDP over IPv4 and IPv6, by IPIP and both variants of GUE.

SPACE=$(basename "$0" .sh)-$$
BACKENDS=5
sluiced=0

# A folder for files and the namespace; at the end both are gone.
balancer_prepare() {
	dir=$(mktemp -d)
	trap balancer_end EXIT
	ip netns add "$SPACE" && ip -n "$SPACE" link set lo up
}

balancer_end() {
	balancer_stop
	ip netns del "$SPACE" 2>/dev/null
	rm -rf "$dir" "/dev/shm/$SPACE"
}

# backends FAMILY: of one service.
backends() {
	local n separator=""
	for ((n = 1; n <= BACKENDS; n++)); do
		case $1 in
		v4) printf '%s{ name = "b%d"; address = "10.10.%d.2"; }' "$separator" $n $((10 + n)) ;;
		v6) printf '%s{ name = "b%d"; address = "2001:db8:%d::2"; }' "$separator" $n $((10 + n)) ;;
		esac
		separator=", "
	done
}

# service NAME VIP PORT PROTOCOL ENCAP FAMILY
service() {
	printf '{ name = "%s"; vip = "%s"; port = %d; protocol = "%s"; encap = "%s"; backends = ( %s ); }' \
		"$1" "$2" "$3" "$4" "$5" "$(backends "$6")"
}

# balancer_conf MODE PORT: PORT is what stands in the port's braces.
balancer_conf() {
	cat <<-CONF
		seed = "5f1c0de5a17e50f7b0a7ba5e0ddba11a";
		dataplane = {
		  mode = "$1";
		  cores = [ 1 ];
		  ports = ( { $2 } );
		  hugepages = "off";
		  memory_mb = 256;
		  tables_mb = 16;
		  xdp_attach = "${XDP_ATTACH:-auto}";
		  pin_dir = "/sys/fs/bpf/$SPACE";
		  memory_dir = "/dev/shm/$SPACE";
		};
		outer = { ipip_source_v4 = "100.64.0.0/16"; ipip_source_v6 = "2001:db8:ff::/64"; };
		control = { socket = "$dir/control.sock"; state = ""; };
		services = (
		  $(service tcp4-ipip 198.51.100.10 80 tcp ipip v4),
		  $(service tcp4-gue 198.51.100.11 80 tcp gue v4),
		  $(service udp4-gue0 198.51.100.12 53 udp gue0 v4),
		  $(service udp4-mixed 198.51.100.13 53 udp gue v6),
		  $(service tcp6-ipip 2001:db8:100::10 443 tcp ipip v6),
		  $(service udp6-gue 2001:db8:100::11 443 udp gue v6),
		  $(service tcp6-mixed 2001:db8:100::12 443 tcp ipip v4)
		);
	CONF
}

sluicectl() {
	"$BUILD/ctl/cli/sluicectl" --socket "$dir/control.sock" "$@"
}

in_space() {
	nsenter --net="/run/netns/$SPACE" -- "$@"
}

# balancer_start MODE PORT INTERFACE: until it forwards what addresses on INTERFACE let it resolve.
balancer_start() {
	local try
	path=$1
	balancer_conf "$1" "$2" >"$dir/sluice.conf"
	nsenter --net="/run/netns/$SPACE" -- "$BUILD/ctl/daemon/sluiced" --config "$dir/sluice.conf" \
		--module-dir "$BUILD/dataplane:$BUILD/ebpf" >"$dir/sluiced.log" 2>&1 </dev/null &
	sluiced=$!
	for ((try = 0; try < 100; try++)); do
		sluicectl show generation >/dev/null 2>&1 && break
		kill -0 "$sluiced" 2>/dev/null || return 1
		sleep 0.1
	done
	ip -n "$SPACE" -batch - <<-LINES
		address replace 10.10.2.2/24 dev $3
		address replace 2001:db8:2::2/64 dev $3 nodad
		route replace default via 10.10.2.1 dev $3
		route replace default via 2001:db8:2::1 dev $3
	LINES
}

balancer_runs() {
	kill -0 "$sluiced" 2>/dev/null
}

# Also what the xdp path leaves with the kernel, as it should.
balancer_stop() {
	[ "$sluiced" != 0 ] || return 0
	kill "$sluiced" 2>/dev/null && wait "$sluiced"
	sluiced=0
	[ "$path" != xdp ] || in_space "$BUILD/ctl/daemon/sluiced" --config "$dir/sluice.conf" \
		--module-dir "$BUILD/dataplane:$BUILD/ebpf" --detach >/dev/null 2>&1
}

# pktgen ARG...: the generator, to all services, and from the namespace of that name in $PKTGEN_SPACE.
pktgen() {
	local where=()
	[ -z "${PKTGEN_SPACE:-}" ] || where=(nsenter --net="/run/netns/$PKTGEN_SPACE" --)
	"${where[@]}" timeout 60 "$PKTGEN" --core 0 --hugepages off --quiet --json \
		--own 10.10.2.1 --own 2001:db8:2::1 --peer 10.10.2.2 --peer 2001:db8:2::2 \
		--to 198.51.100.10:80/tcp --to 198.51.100.11:80/tcp --to 198.51.100.12:53/udp \
		--to 198.51.100.13:53/udp --to '[2001:db8:100::10]:443/tcp' \
		--to '[2001:db8:100::11]:443/udp' --to '[2001:db8:100::12]:443/tcp' \
		"$@" >"$dir/report.json" 2>"$dir/pktgen.err"
}

# everywhere NAME FLOWS: so many flows reached all that the balancer's configuration has.
everywhere() {
	is ".flows.seen == $2" "$1: all $2 flows"
	is "(.backends | length) == 2 * $BACKENDS and all(.backends[]; .flows > $2 / 20)" \
		"$1: all $((2 * BACKENDS)) backends, each with its share of flows"
	is '(.services | length) == 7 and all(.services[]; .sent > 0 and .lost == 0)' \
		"$1: every service, IPv4 and IPv6"
	is '[.outer_headers | keys[]] == ["gue0_over_v4", "gue1_over_v4", "gue1_over_v6",
		"ipip_over_v4", "ipip_over_v6"]' "$1: IPIP and GUE, outer IPv4 and IPv6"
}
