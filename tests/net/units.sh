#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The systemd units, as far as they can be judged without systemd running (units_run.sh has it run):
# they are understood, their hardening is rated, and the groups and folders are made as they say. No
# network.
set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/tap.sh"
conf=$(readlink -f "$here/../../conf/systemd")
command -v systemd-analyze >/dev/null || skip_all "no systemd-analyze: install the package systemd"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# With the programs of this build, so that verify finds them.
sed "s|@sbindir@/sluiced|$BUILD/ctl/daemon/sluiced|" "$conf/sluiced.service.in" >"$dir/sluiced.service"
sed "s|@sbindir@/sluice-decap|$BUILD/ebpf/sluice-decap|" "$conf/sluice-decap@.service.in" \
	>"$dir/sluice-decap@.service"

# systemd-analyze tells of things in units of this host, too.
verify() {
	systemd-analyze verify --man=no --recursive-errors=no "$dir/$1" >"$dir/said" 2>&1
	local status=$?
	sed 's/^/# /' "$dir/said"
	[ "$status" = 0 ] && ! grep -qi "${1%%[@.]*}" "$dir/said"
}

# rated UNIT MOST: "Overall exposure level for sluiced.service: 2.9 OK"
rated() {
	local level
	level=$(systemd-analyze security --offline=true --no-pager "$dir/$1" 2>/dev/null |
		sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p')
	note "$1: exposure level ${level:-unknown}, of 10.0"
	[ -n "$level" ] && awk -v a="$level" -v b="$2" 'BEGIN { exit !(a <= b) }'
}

verify sluiced.service
report $? "sluiced.service is understood"
verify sluice-decap@eth0.service 2>/dev/null || { cp "$dir/sluice-decap@.service" "$dir/sluice-decap@eth0.service"; verify sluice-decap@eth0.service; }
report $? "sluice-decap@.service is understood"
rated sluiced.service 4.0
report $? "sluiced.service is hardened"
rated sluice-decap@eth0.service 4.0
report $? "sluice-decap@.service is hardened"

mkdir -p "$dir/root/etc/sluice" && touch "$dir/root/etc/sluice/sluice.conf"
printf 'root:x:0:0::/root:/bin/sh\n' >"$dir/root/etc/passwd"
printf 'root:x:0:\n' >"$dir/root/etc/group"
systemd-sysusers --root="$dir/root" "$conf/sysusers.conf" >"$dir/said" 2>&1 &&
	grep -q '^sluice:' "$dir/root/etc/passwd" && grep -q '^sluice:' "$dir/root/etc/group"
report $? "sysusers.conf makes user and group"
systemd-tmpfiles --root="$dir/root" --create "$conf/tmpfiles.conf" >>"$dir/said" 2>&1
[ "$(stat -c '%a %u' "$dir/root/var/lib/sluice" "$dir/root/etc/sluice" \
	"$dir/root/etc/sluice/sluice.conf" 2>&1 | tr '\n' ,)" = "750 0,750 0,640 0," ]
report $? "tmpfiles.conf makes the folders"
[ "$tap_failed" = 0 ] || sed 's/^/# /' "$dir/said"
tap_done
