#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make dist`: the release of HEAD as DIR/sluice-VERSION.tar.xz. The same commit gives the same bytes: git archive
# sets each file's time to the commit's, and xz with one thread keeps none. Built twice and compared.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$1
mkdir -p "$dir"
version=$(git show HEAD:meson.build | sed -n "s/^  version: '\(.*\)',/\1/p")
file=$dir/sluice-$version.tar.xz
pack() {
	git archive --format=tar --prefix="sluice-$version/" HEAD | xz -9 --threads=1
}
pack >"$file"
[ "$(pack | sha256sum | cut -d' ' -f1)" = "$(sha256sum <"$file" | cut -d' ' -f1)" ] || {
	echo "dist: two archives of one commit differ" >&2
	exit 1
}
sha256sum "$file"
