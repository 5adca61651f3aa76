#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each header of include/sluice is a contract of its own: it compiles alone with gcc, clang and
# clang -target bpf without a warning, twice in one file too, and includes nothing but its
# neighbours and the three headers that a freestanding compiler brings. Says so in TAP.
#   test_headers.sh [DIR]    DIR: the include folder; default: beside this file's tests/
# Exit status 0: all do, or a compiler is missing (skipped); 1: one doesn't.
set -u

include=${1:-$(dirname "$0")/../../include}
warnings='-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror'
common="-std=gnu11 -ffreestanding -O2 -I$include $warnings"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

checks=0
failures=0

for tool in gcc clang; do
	if ! command -v "$tool" >/dev/null; then
		echo "1..0 # SKIP $tool is not installed"
		exit 0
	fi
done

# report NAME COMMAND...: one case: it passes if the command does, else what that said is shown.
report()
{
	name=$1
	shift
	checks=$((checks + 1))
	if "$@" >"$work/said" 2>&1; then
		echo "ok $checks - $name"
	else
		failures=$((failures + 1))
		echo "not ok $checks - $name"
		sed 's/^/# /' "$work/said"
	fi
}

# no_foreign_include FILE: prints each #include line that is not allowed; true if there is none.
no_foreign_include()
{
	! grep -nE '^[[:space:]]*#[[:space:]]*include' "$1" |
		grep -vE '#include (<(stdint|stdbool|stddef)\.h>|"sluice/[a-z_]+\.h")$'
}

for path in "$include"/sluice/*.h; do
	header=$(basename "$path")
	if [ ! -f "$path" ]; then
		echo "Bail out! no header in $include/sluice"
		exit 1
	fi
	printf '#include "sluice/%s"\n#include "sluice/%s"\n' "$header" "$header" >"$work/alone.c"
	# shellcheck disable=SC2086 # the flags are words
	report "$header: gcc" gcc $common -c "$work/alone.c" -o "$work/alone.o"
	# shellcheck disable=SC2086
	report "$header: clang" clang $common -c "$work/alone.c" -o "$work/alone.o"
	# shellcheck disable=SC2086
	report "$header: clang -target bpf" \
		clang $common -target bpf -mcpu=v3 -c "$work/alone.c" -o "$work/alone.o"
	report "$header: includes" no_foreign_include "$path"
done

echo "1..$checks"
[ "$failures" -eq 0 ]
