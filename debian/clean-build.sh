#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `make deb`: the Debian packages of the last commit, built by dpkg-buildpackage in a new Debian that holds
# nothing but what debian/control asks for. Needs root and the network.
#
#   debian/clean-build.sh [DIR]     what is made goes to DIR [build-deb]: packages, sources, .changes
#
# Environment: SUITE [bookworm]; SUFFIX: appended to the version, for a package that is newer than another
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mkdir -p "${1:-build-deb}" && readlink -f "${1:-build-deb}")
suite=${SUITE:-bookworm}

die() {
	echo "deb: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "not root: a Debian of its own is made, and packages are installed in it"
for tool in mmdebstrap:mmdebstrap dpkg-parsechangelog:dpkg-dev git:git xz:xz-utils; do
	command -v "${tool%:*}" >/dev/null || die "no ${tool%:*}: install the package ${tool#*:}"
done
git diff --quiet HEAD || echo "deb: what is not committed is not in the packages" >&2

version=$(dpkg-parsechangelog --show-field Version)${SUFFIX:-}
upstream=${version%-*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The sources as they are released, and debian/ beside them.
mkdir "$work/src"
git archive --prefix="sluice-$upstream/" HEAD -- . ':(exclude)debian' | xz -T0 >"$work/src/sluice_$upstream.orig.tar.xz"
tar -C "$work/src" -xf "$work/src/sluice_$upstream.orig.tar.xz"
git archive HEAD debian | tar -C "$work/src/sluice-$upstream" -x
sed -i "1s/([^)]*)/($version)/" "$work/src/sluice-$upstream/debian/changelog"

# This host's own sources of packages, if it is a Debian of that suite, for it knows the nearest.
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
	[ -f "$file" ] && grep -qE "(^|[[:space:]])$suite([[:space:]]|$)" "$file" && sources+=("$file")
done
needs=$(sed -n '/^Build-Depends:/,/^[^ ]/{/^ /p}' debian/control | sed -E 's/\([^)]*\)//g; s/:any//g; s/^ *debhelper-compat/debhelper/; /dh-sequence-/d' | tr -d ' \n')
echo "deb: making a Debian ($suite) with $(tr ',' '\n' <<<"$needs" | wc -l) packages to build with"
mmdebstrap --variant=buildd --include="$needs" \
	--customize-hook="copy-in $work/src /" \
	--customize-hook="chroot \"\$1\" sh -c 'cd /src/sluice-$upstream && dpkg-buildpackage -us -uc ${DEB_ARGS:-}' >$out/build.log 2>&1" \
	--customize-hook='rm -rf "$1"/src/sluice-*/' \
	--customize-hook="copy-out /src $work/made" \
	"$suite" - "${sources[@]}" >/dev/null 2>"$work/mmdebstrap.log" || {
	tail -n 30 "$out/build.log" "$work/mmdebstrap.log" >&2
	die "the build failed; all it printed: $out/build.log"
}
mv "$work"/made/src/* "$out/"
echo "deb: $(cd "$out" && ls ./*"$version"*.deb | tr '\n' ' ')"
echo "deb: in $out"
