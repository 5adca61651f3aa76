#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `make test ONLY=package`: builds the packages in a clean Debian, has lintian judge them, makes the Debian
# that package.sh installs them in, and runs that on both paths. Needs the network.
set -u
here=$(dirname "$(readlink -f "$0")")
tree=$(readlink -f "$here/../..")
. "$here/../net/tap.sh"
debs=$BUILD-deb
version=$(dpkg-parsechangelog -l "$tree/debian/changelog" --show-field Version)
suite=bookworm
changes=$debs/sluice_${version}_amd64.changes

# The same files as a later version.
repack() {
	local deb name
	for deb in "$debs"/sluice{,-xdp,-dpdk,-decap,-pktgen}"_${version}_amd64.deb"; do
		name=$(basename "$deb" "_${version}_amd64.deb")
		rm -rf "$debs/repack" && dpkg-deb -R "$deb" "$debs/repack" &&
			sed -i "s/$version/$version+later/" "$debs/repack/DEBIAN/control" &&
			dpkg-deb --root-owner-group -b "$debs/repack" "$debs/${name}_$version+later_amd64.deb" >/dev/null || return 1
	done
	rm -rf "$debs/repack"
}

# A Debian with what the packages need, and not with them: in it they are installed by apt and purged.
debian() {
	local sources=() file
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		[ -f "$file" ] && grep -qE "(^|[[:space:]])$suite([[:space:]]|$)" "$file" && sources+=("$file")
	done
	rm -rf "$debs/debian" "$debs/all"
	mkdir -p "$debs/all" && cp "$debs"/*_amd64.deb "$debs/all/" && rm -f "$debs"/all/*-dbgsym_*
	mmdebstrap --variant=minbase --include=systemd,udev,procps,iproute2,librte-net-af-packet23,librte-net-af-xdp23,librte-mempool-ring23 \
		--customize-hook="mkdir -p \"\$1/debs\" && cp $debs/all/* \"\$1/debs/\"" \
		--customize-hook="chroot \"\$1\" sh -c 'cd /debs && apt-get install -y --no-install-recommends ./sluice*_${version}_amd64.deb && apt-get purge -y sluice sluice-xdp sluice-dpdk sluice-decap sluice-pktgen' >$debs/apt.log 2>&1" \
		"$suite" "$debs/debian" "${sources[@]}" >"$debs/debian.log" 2>&1 || { tail -n 20 "$debs/apt.log" "$debs/debian.log" | sed 's/^/# /'; return 1; }
}

[ "$(git -C "$tree" log -1 --format=%H 2>/dev/null)" = "$(cat "$debs/commit" 2>/dev/null)" ] || {
	rm -rf "$debs"
	"$tree/debian/clean-build.sh" "$debs" >&2 && git -C "$tree" log -1 --format=%H >"$debs/commit"
}
[ -f "$changes" ]
report $? "make deb makes the packages in a clean Debian"
[ -f "$changes" ] || { tap_done; exit 1; }
lintian --fail-on error,warning "$changes" >"$debs/lintian.log" 2>&1 || { sed 's/^/# /' "$debs/lintian.log"; false; }
report $? "lintian has neither errors nor warnings"
repack && debian
report $? "apt installs them all in a fresh Debian, and purges them"
tap_done
