# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The lab's nodes: namespaces, links, addresses and servers. Sourced by lab.sh only, whose header
# draws the network. Each lab_make_* function returns at its first step that fails.

# A node's number: what its addresses and MACs are made of.
lab_number() {
	case $1 in
	client) echo 1 ;;
	lb) echo 2 ;;
	lb2) echo 3 ;;
	b[1-9]*) echo $((10 + ${1#b})) ;;
	*) lab_say "no node $1"; return 1 ;;
	esac
}

lab_address4() {
	echo "10.10.$(lab_number "$1").2"
}

lab_address6() {
	echo "2001:db8:$(lab_number "$1")::2"
}

# The name of a node's interface to fabric.
lab_interface() {
	case $1 in
	lb*) if guest_has "$1"; then echo eth0; else echo l0; fi ;;
	*) echo eth0 ;;
	esac
}

# lab_mac NODE [02|01]: of its interface, or of fabric's end.
lab_mac() {
	printf '02:00:00:00:%02x:%s' "$(lab_number "$1")" "${2:-02}"
}

# lab_lb_address IFNAME [NODE]: gives a balancer its addresses and default routes on IFNAME.
# On the dpdk path IFNAME is the TAP, which must be there: the daemon makes it.
lab_lb_address() {
	local ifname=$1 node=${2:-lb}
	if ! lab_exec "$node" ip link show "$ifname" >/dev/null 2>&1; then
		lab_say "$node has no interface $ifname: is the daemon up?"
		return 1
	fi
	lab_lines_address "$(lab_number "$node")" "$ifname" | lab_feed "$node" ip -batch -
}

# lab_vips_via NODE...: routes the vips to these nodes, as equal-cost paths if there are several.
lab_vips_via() {
	local node hops4=() hops6=()
	for node in "$@"; do
		hops4+=(nexthop via "$(lab_address4 "$node")")
		hops6+=(nexthop via "$(lab_address6 "$node")")
	done
	ip -n "$LAB-fabric" -4 route replace "$LAB_VIPS4" "${hops4[@]}" &&
		ip -n "$LAB-fabric" -6 route replace "$LAB_VIPS6" "${hops6[@]}"
}

# Lines for `ip -batch`: node number $1 gets its addresses and default routes on interface $2.
lab_lines_address() {
	cat <<-LINES
		link set $2 up
		address replace 10.10.$1.2/24 dev $2
		address replace 2001:db8:$1::2/64 dev $2 nodad
		route replace 0.0.0.0/0 via 10.10.$1.1 dev $2
		route replace ::/0 via 2001:db8:$1::1 dev $2
	LINES
}

lab_mtu() {
	if [ "$1" = client ]; then echo 1500; else echo "$LAB_MTU"; fi
}

# Links. Both ends are made inside their namespaces: no name is seen by the host.
lab_lines_links() {
	local node mtu
	for node in $(lab_names); do
		[ "$node" != fabric ] && ! guest_has "$node" || continue
		mtu=$(lab_mtu "$node")
		echo "link add $(lab_interface "$node") netns $LAB-$node" \
			"address $(lab_mac "$node") mtu $mtu type veth" \
			"peer name $node netns $LAB-fabric" \
			"address $(lab_mac "$node" 01) mtu $mtu"
	done
}

# lab_make_tap NAME MAC MTU QUEUES: an end of a link in fabric whose other one is QEMU's.
lab_make_tap() {
	local queues=""
	[ "$4" = 1 ] || queues=multi_queue
	# shellcheck disable=SC2086
	ip -n "$LAB-fabric" tuntap add "$1" mode tap vnet_hdr $queues &&
		ip -n "$LAB-fabric" link set "$1" address "$2" mtu "$3"
}

# What every node needs, before it has interfaces, which copy the defaults.
#  - no DAD and no router solicitation: addresses are usable at once, the wire stays quiet
#  - no rp_filter: a backend's or balancer's answer need not leave by the way the request came
#  - no ICMP rate limit: a test counts on every answer
#  - l4 hash: fabric spreads flows over several balancers
lab_sysctl_common='
	net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0
	net.ipv6.conf.default.router_solicitations=0
	net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	net.ipv4.ip_local_port_range=1024:65535'
lab_sysctl_fabric='
	net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1
	net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0'
# The kernel must not answer on l0 what the daemon passes to the TAP: rp_filter drops IPv4 there,
# since the routes are on the TAP; IPv6 is off and, below, ARP.
lab_sysctl_l0='net.ipv6.conf.l0.disable_ipv6=1 net.ipv4.conf.l0.rp_filter=1'

# lab_tune NODE SETTINGS...: writes name=value settings in a node (a space in a value is a colon).
lab_tune() {
	local node=$1 setting
	shift
	for setting in "$@"; do
		setting=${setting#net.}
		echo "${setting%%=*} ${setting#*=}"
	done | lab_feed "$node" bash -c '
		while read -r name value; do
			file=/proc/sys/net/${name//.//}
			[ ! -e "$file" ] || echo "${value//:/ }" >"$file" || exit 1
		done'
}

# lab_offloads_off NODE IFNAME...: a veth leaves checksums unfinished, which an encapsulated
# packet cannot carry: ping works and TCP hangs. So they are computed at once, everywhere.
lab_offloads_off() {
	local node=$1
	shift
	lab_exec "$node" bash -c '
		for ifname; do
			ethtool -K "$ifname" tx off >/dev/null || exit 1
		done' - "$@"
}

lab_make_fabric() {
	local node n ports=()
	# shellcheck disable=SC2086
	lab_tune fabric $lab_sysctl_fabric || return 1
	for node in $(lab_names); do
		[ "$node" = fabric ] || ports+=("$node")
	done
	for node in "${ports[@]}"; do
		n=$(lab_number "$node")
		cat <<-LINES
			link set $node up
			address add 10.10.$n.1/24 dev $node
			address add 2001:db8:$n::1/64 dev $node nodad
		LINES
	done | ip -n "$LAB-fabric" -batch - || return 1
	lab_offloads_off fabric "${ports[@]}" || return 1
	# What a balancer sends by XDP_TX into a veth arrives only where the other end has a program too.
	for node in "${ports[@]}"; do
		guest_has "$node" || case $LAB_PATH-$node in
		xdp-lb*) lab_exec fabric ip link set dev "$node" xdpdrv obj "$BUILD/tests/lab/pass.bpf.o" \
			sec xdp || return 1 ;;
		esac
	done
	lab_vips_via lb && lab_outer_via lb
}

# lab_outer_via NODE: what routers say of IPIP packets goes back to the balancer that sent them, since
# its source addresses are of prefixes of its own (lab_conf).
lab_outer_via() {
	ip -n "$LAB-fabric" -4 route replace "$LAB_OUTER4" via "$(lab_address4 "$1")" &&
		ip -n "$LAB-fabric" -6 route replace "$LAB_OUTER6" via "$(lab_address6 "$1")"
}

# A node's loopback and, unless it is a balancer, its addresses and routes.
lab_make_host() {
	local node=$1 ifname
	ifname=$(lab_interface "$node")
	if guest_has "$node"; then
		guest_ready "$node" && lab_exec "$node" ip link set "$ifname" mtu "$(lab_mtu "$node")" || return 1
	else
		lab_offloads_off "$node" "$ifname" && ip -n "$LAB-$node" link set lo up || return 1
	fi
	case $node in
	lb*) ;;
	*) lab_lines_address "$(lab_number "$node")" "$ifname" | lab_feed "$node" ip -batch - ;;
	esac
}

lab_make_lb() {
	lab_make_host "$1" || return 1
	if [ "$LAB_PATH" = xdp ]; then
		lab_lb_address "$(lab_interface "$1")" "$1"
	elif ! guest_has "$1"; then # whose NIC goes to the daemon whole
		# shellcheck disable=SC2086
		lab_tune "$1" $lab_sysctl_l0 && ip -n "$LAB-$1" link set l0 arp off up
	fi
}

# A backend: every vip is local (a host in production has its few vips as /32 and /128 on lo).
lab_make_backend() {
	local name=$1 dir=$LAB_DIR/$1
	lab_make_host "$name" || return 1
	printf 'route add local %s dev lo\n' "$LAB_VIPS4" "$LAB_VIPS6" |
		lab_feed "$name" ip -batch - || return 1
	if [ "$LAB_DECAP" = yes ]; then
		lab_exec "$name" "$BUILD/ebpf/sluice-decap" --interface eth0 \
			>"$LAB_DIR/$name.decap.log" || return 1
	fi
	mkdir -p "$dir" &&
		sed -e "s|@NAME@|$name|g" -e "s|@LAB_DIR@|$LAB_DIR|g" "$lab_home/nginx.conf.in" \
			>"$dir/nginx.conf" &&
		lab_exec "$name" nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log"
}

lab_make_all() {
	local node
	for node in $(lab_names); do
		guest_has "$node" || echo "netns add $LAB-$node"
	done | ip -batch - || return 1
	for node in $(lab_names); do
		# shellcheck disable=SC2086
		guest_has "$node" || lab_tune "$node" $lab_sysctl_common || return 1
	done
	lab_lines_links | ip -batch - || return 1
	for node in $LAB_GUESTS; do
		lab_make_tap "$node" "$(lab_mac "$node" 01)" "$(lab_mtu "$node")" "$(guest_option "$node" QUEUES 1)" &&
			guest_start "$node" || return 1
	done
	head -c 20M /dev/urandom >"$LAB_DIR/blob" &&
		(cd "$LAB_DIR" && sha256sum blob >blob.sha256) || return 1
	for node in $(lab_names); do
		case $node in
		fabric) lab_make_fabric ;;
		client) lab_make_host client ;;
		lb*) lab_make_lb "$node" ;;
		b*) lab_make_backend "$node" ;;
		esac || { lab_say "$node could not be made"; return 1; }
	done
}
