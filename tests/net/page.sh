#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# paths: xdp
#
# The status page in a headless Chromium on the balancer, while requests go through it. One path is
# enough: the page is made of what api.h tells, which metrics.sh compares on both. The lab as in
# traffic.sh; v4-ipip has health checks, b2 drains, and b3 is asked at a port that nobody serves:
#
#   client --- curl ---> lb: sluiced (127.0.0.1 port 9107) <--- chromium ---> b1, b2, b3
set -u
here=$(dirname "$(readlink -f "$0")")
LAB=page-$$
export LAB_PATH=${LAB_PATH:-xdp}
. "$here/tap.sh"
. "$here/../lab/lab.sh"
. "$here/../lab/sluice.sh"
. "$here/../lab/load.sh"

conf() {
	lab_conf lb | sed '/name = "v4-ipip";/,/);/{
		s/backends = (/health = { type = "http"; status = 200; interval_ms = 500; timeout_ms = 400; };\n    &/
		s/\(name = "b3".*weight = 100;\)/\1 health = { port = 81; };/
	}'
}

head_of() { # PATH: status and headers, in small letters
	lab_exec lb curl -s -m 5 -I "http://127.0.0.1:9107$1" | tr -d '\r' | tr '[:upper:]' '[:lower:]'
}

routes() {
	local path want
	for path in / /page.js /view.js /page.css /icon.svg; do
		want=$(head_of "$path")
		grep -q '^http/1.1 200 ok$' <<<"$want" && grep -q "^content-security-policy: default-src 'self';" <<<"$want" &&
			grep -q '^x-content-type-options: nosniff$' <<<"$want" && grep -q '^cache-control: no-store$' <<<"$want"
		report $? "$path: with its headers"
	done
	[ "$(lab_exec lb curl -s -m 5 "http://127.0.0.1:9107/api/status?service=v4-gue&search=gue&limit=3" |
		jq -c '[.services.total, .services.matching, (.services.rows | length), .service.name,
			[.backends[].name], .node.path]')" = '[12,8,3,"v4-gue",["b1","b2","b3"],"xdp"]' ]
	report $? "/api/status: what is asked for"
	[ "$(lab_exec lb curl -s -m 5 -w ' %{http_code}' "http://127.0.0.1:9107/api/status?limit=many")" = \
		"limit: a number, 0-1000
 400" ]
	report $? "/api/status: a limit that is none is refused"
}

browse() {
	local verdict text
	lab_exec lb /usr/bin/python3 "$here/page_browser.py" http://127.0.0.1:9107 v4-ipip "$LAB_DIR/page.png" \
		"kill $(cat "$LAB_DIR/sluiced-lb.pid")" >"$LAB_DIR/browser" 2>&1
	report $? "chromium runs"
	while read -r verdict text; do
		case "$verdict $text" in
		ok\ *) report 0 "$text" ;;
		"not ok "*) report 1 "${text#ok }" ;;
		*) note "$verdict $text" ;;
		esac
	done <"$LAB_DIR/browser"
	[ "$(grep -c '^ok ' "$LAB_DIR/browser")" -ge 20 ]
	report $? "to the end"
	[ -z "${KEEP_SCREENSHOT-}" ] || cp "$LAB_DIR"/page*.png "$KEEP_SCREENSHOT"
}

trap 'touch "$LAB_DIR/load.stop" 2>/dev/null; lab_stop lb; lab_sluiced lb --detach >/dev/null 2>&1; lab_down' EXIT
lab_up && conf >"$LAB_DIR/lb.conf" && lab_start lb || { report 1 "the lab and sluiced start"; tap_done; exit 1; }
lab_ctl backend drain v4-ipip b2 >/dev/null
load_start "$(lab_url v4-ipip)" "$LAB_DIR/load"
routes
browse
load_stop
tap_done
