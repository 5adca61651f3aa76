#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: dpdk xdp
#
# Metrics and events while traffic runs: a Prometheus server scrapes sluiced for 20 s, and what it has
# stored is what was sent. The lab as in traffic.sh, with Prometheus on the balancer:
#
#   lb: prometheus (127.0.0.1:9191) --- every 2 s ---> sluiced (127.0.0.1, ::1, 10.10.2.2 port 9107)
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=metrics-$$
export LAB_PATH=${LAB_PATH:-dpdk}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/load.sh"

SCRAPE_S=20

page() { # ADDRESS PATH [CURL OPTION ...]
	local address=$1 path=$2
	shift 2
	lab_exec lb curl -s -g -m 5 "$@" "http://$address:9107$path"
}

healthy_from_fabric() {
	[ "$(lab_exec fabric curl -s -m 1 "http://$(lab_address4 lb):9107/healthz")" = ok ]
}

prometheus_is_ready() {
	lab_exec lb curl -s -m 1 http://127.0.0.1:9191/-/ready | grep -qi ready
}

pages() {
	local address
	for address in 127.0.0.1 '[::1]'; do
		[ "$(page "$address" /healthz)" = ok ]
		report $? "http://$address:9107/healthz"
	done
	[ "$(page 127.0.0.1 /readyz -w ' %{http_code}')" = "ready
 200" ]
	report $? "/readyz: ready"
	page 127.0.0.1 /metrics | promtool check metrics >"$LAB_DIR/promtool" 2>&1
	report $? "promtool check metrics"
	[ ! -s "$LAB_DIR/promtool" ] || note "$(cat "$LAB_DIR/promtool")"
	# The address that comes after sluiced (dpdk: with its TAP) is tried again every 10 s.
	lab_within 30 healthy_from_fabric
	report $? "/healthz from another host"
}

# Whom a name is resolved for here: what a browser would send for a page of another site.
status_as() { # HOST
	lab_exec lb curl -s -o /dev/null -m 5 -H "Host: $1" -w '%{http_code}' http://127.0.0.1:9107/api/status
}

names() {
	[ "$(status_as evil.example.net)$(status_as 127.0.0.1.evil.example.net:9107)" = 421421 ]
	report $? "a request by a name that is not the node's is refused"
	[ "$(status_as lb.example.com)$(status_as "$(hostname)")$(status_as localhost:9107)$(status_as '[2001:db8::1]')" = 200200200200 ]
	report $? "... and answered by one of http.hosts, its host name, localhost and an address"
}

# 300 connections that say nothing, from 10.10.2.1 and 149 others of fabric's.
idle() {
	local i
	for ((i = 100; i < 249; i++)); do
		echo "address add 10.10.2.$i/32 dev lo"
	done | ip -n "$LAB-fabric" -batch -
	lab_spawn fabric idle /usr/bin/python3 -c '
import socket, sys, time
held = []
for i in range(300):
    address = "10.10.2.1" if i % 2 else f"10.10.2.{100 + i // 2 % 149}"
    held.append(socket.create_connection((sys.argv[1], 9107), source_address=(address, 0)))
print("held", flush=True)
time.sleep(60)' "$(lab_address4 lb)"
	lab_within 20 grep -q held "$LAB_DIR/idle.log"
	report $? "300 connections are held open by 150 addresses"
	healthy_from_fabric && [ "$(page 127.0.0.1 /healthz -m 1)" = ok ]
	report $? "... and /healthz is answered at once, there and here"
	[ "$(page 127.0.0.1 /metrics -m 2 | grep -c '^sluice_build_info\|^sluice_start_time')" -gt 0 ]
	report $? "... and so is /metrics"
	lab_kill idle
}

prometheus_start() {
	cat >"$LAB_DIR/prometheus.yml" <<-CONF
		global: { scrape_interval: 2s, scrape_timeout: 2s }
		scrape_configs:
		  - job_name: sluice
		    static_configs: [ { targets: [ "127.0.0.1:9107" ] } ]
	CONF
	lab_spawn lb prometheus prometheus --config.file="$LAB_DIR/prometheus.yml" \
		--storage.tsdb.path="$LAB_DIR/prometheus" --web.listen-address=127.0.0.1:9191
	lab_within 30 prometheus_is_ready && return
	tail -n 5 "$LAB_DIR/prometheus.log"
	return 1
}

# query EXPRESSION: the value of its one result.
query() {
	lab_exec lb curl -s -m 5 -G --data-urlencode "query=$1" http://127.0.0.1:9191/api/v1/query |
		jq -r '.data.result[0].value[1] // "none"'
}

came() {
	jq -e "select($1)" <"$LAB_DIR/events.log" 2>/dev/null | grep -q .
}

# event JQ TEXT: an event of those followed, for which JQ holds, comes.
event() {
	lab_within 10 came "$1"
	report $? "event: $2"
}

events() {
	local b3
	b3=$(lab_address4 b3)
	lab_ctl backend set v4-gue b1 weight 50 >/dev/null
	event '.kind == "backend" and .service == "v4-gue" and .backend == "b1" and
		.text == "weight 100 -> 50" and (.who | test("^cli uid 0 \\(root\\) pid [0-9]+$"))' \
		"a weight, and who changed it"
	event '.kind == "generation" and (.who | test("^cli "))' "the generation"
	event '.kind == "transition" and .service == "v4-gue"' "its transition"
	lab_exec lb ip route add unreachable "$b3"/32
	event '.kind == "next-hop" and .backend == "b3" and .who == "kernel" and
		.text == "no way to it: its route says unreachable"' "a next hop is lost"
	lab_exec lb ip route del unreachable "$b3"/32
	event '.kind == "next-hop" and .backend == "b3" and (.text | test("^next hop found: via "))' \
		"and found"
	lab_ctl log-level debug >/dev/null
	event '.kind == "daemon" and .text == "log level info -> debug"' "the log's level"
	lab_ctl log-level info >/dev/null
	[ "$(lab_ctl --json events --kind backend --service v4-gue |
		jq -r '.events[-1].text')" = "weight 100 -> 50" ]
	report $? "sluicectl events tells it afterwards"
}

# stored_is_shown: Prometheus has scraped since the last packet.
stored_is_shown() {
	counted=$(lab_ctl --json show counters v4-ipip | jq '.services[0].packets.forward')
	packets=$(query 'sluice_service_packets_total{service="v4-ipip",verdict="forward"}')
	[ "$packets" = "$counted" ]
}

stored() {
	local requests packets counted scrapes targets
	requests=$(awk '$3 == 0 && $4 == 200' "$LAB_DIR/load" | wc -l)
	lab_within 20 stored_is_shown
	stored_is_shown
	status=$?
	note "$requests requests, $packets packets in Prometheus, $counted in sluicectl"
	report $status "what Prometheus has stored is what sluicectl shows"
	# Each request is a SYN, an ACK, a GET, a FIN and some ACKs.
	[ "$packets" -ge $((requests * 4)) ] && [ "$packets" -le $((requests * 9)) ]
	report $? "and what $requests requests take"
	[ "$(query "increase(sluice_service_packets_total{service=\"v4-ipip\",verdict=\"forward\"}[${SCRAPE_S}s])" |
		cut -d. -f1)" -gt $((packets / 2)) ]
	report $? "its rate can be asked for"
	[ "$(query 'sum(sluice_backend_packets_total{service="v4-ipip"})')" = "$packets" ]
	report $? "the backends' packets are the service's"
	[ "$(query "min_over_time(up[${SCRAPE_S}s])")" = 1 ]
	report $? "the target was always up"
	scrapes=$(query "count_over_time(up[${SCRAPE_S}s])")
	[ "$scrapes" -ge $((SCRAPE_S / 3)) ]
	report $? "$scrapes scrapes"
	targets=$(lab_exec lb curl -s -m 5 http://127.0.0.1:9191/api/v1/targets)
	[ "$(jq -r '.data.activeTargets[0] | .health + "/" + .lastError' <<<"$targets")" = "up/" ]
	report $? "without an error"
	[ "$(query 'max_over_time(scrape_samples_post_metric_relabeling[20s])')" -gt 400 ]
	report $? "of all samples"
	! grep -q 'level=\(warn\|error\)' "$LAB_DIR/prometheus.log"
	report $? "and Prometheus has nothing to complain of"
}

# While nothing but traffic happens the log says nothing of it, at its most talkative either.
quiet() {
	local more=$(($(wc -l <"$LAB_DIR/sluiced-lb.log") - lines))
	requests=$(($(wc -l <"$LAB_DIR/load") - requests))
	[ "$requests" -gt 100 ] && [ "$more" -lt 10 ]
	report $? "$requests requests, and $more lines in the log"
	lab_ctl log-level info >/dev/null
}

no_http() {
	lab_stop lb
	sed -i 's/^http = .*/http = { listen = [ ]; };/' "$LAB_DIR/lb.conf"
	lab_start lb && ! lab_exec lb ss -ltnH | grep -q :9107
	report $? "listen = [ ]: nothing is served"
}

no_port_is_up() {
	[ "$(page 127.0.0.1 /readyz -w ' %{http_code}')" = "no port is up: l0 is down
 503" ]
}

not_ready() {
	ip -n "$LAB-lb" link set l0 down
	lab_within 5 no_port_is_up
	report $? "/readyz without a port: 503, and why"
	ip -n "$LAB-lb" link set l0 up
	lab_lb_address l0 lb # which the link took with it
}

trap 'touch "$LAB_DIR/load.stop" 2>/dev/null; lab_stop lb; lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up &&
	{ lab_conf lb && echo "http = { listen = [ \"127.0.0.1\", \"::1\", \"$(lab_address4 lb)\" ]; hosts = [ \"lb.example.com\" ]; };"; } \
		>"$LAB_DIR/lb.conf" && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
prometheus_start
report $? "Prometheus starts"
load_start "$(lab_url v4-ipip)" "$LAB_DIR/load"
began=$SECONDS
lab_spawn lb events "$BUILD/ctl/cli/sluicectl" --json --socket "$LAB_DIR/lb.sock" events --follow
sleep 0.5
pages
events
lab_ctl log-level debug >/dev/null
lines=$(wc -l <"$LAB_DIR/sluiced-lb.log") requests=$(wc -l <"$LAB_DIR/load")
sleep $((SCRAPE_S - (SECONDS - began) > 3 ? SCRAPE_S - (SECONDS - began) : 3))
quiet
load_stop
stored
names
idle
[ "$LAB_PATH" = dpdk ] || not_ready
lab_kill prometheus
no_http
tap_done
