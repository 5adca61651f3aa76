#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make lint`: analyzers and the tree's own rules, one TAP line each. Needs no root, and a configured
# $BUILD (compile_commands.json). ONLY_LINT=NAME runs one. gcc's own warnings are errors in the build
# that tests/setup.sh makes without options, and clang's are in clang-tidy's list.
set -u
cd "$(dirname "$0")/../.." || exit
BUILD=${BUILD:-build}
PATH=/usr/bin:/usr/sbin:/bin:/sbin
n=0 failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# check NAME COMMAND ...: passes if that exits with 0.
check() {
	local name=$1
	shift
	[ -z "${ONLY_LINT:-}" ] || [ "$ONLY_LINT" = "$name" ] || return 0
	n=$((n + 1))
	if "$@" >"$out" 2>&1; then
		echo "ok $n - $name"
	else
		failed=1
		echo "not ok $n - $name"
		sed 's/^/# /' "$out" | head -n 60
	fi
}

# files PATTERN ...: of the tree, by git.
files() {
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[ ! -e "$file" ] || echo "$file"
	done
}

format() {
	files '*.c' '*.h' | xargs -P "$(nproc)" -n 100 clang-format --dry-run -Werror
}

# SC2034, SC2154: variables that a script shares with the one that it sources, which isn't followed.
shell() {
	files '*.sh' .ci/run | xargs -P "$(nproc)" -n 10 shellcheck -S warning -e SC1091,SC2034,SC2154
}

spelling() {
	files | grep -vE '\.(png|svg)$|^tests/fuzz/corpus/' | xargs codespell -I tests/lint/words
}

analysis() {
	local room include=()
	for room in ctl/*/ dataplane ebpf include; do include+=(-I "$room"); done
	mkdir -p "$BUILD/lint-cppcheck"
	cppcheck -q -j "$(nproc)" --enable=warning --max-configs=1 --std=c11 --library=posix --error-exitcode=1 \
		--cppcheck-build-dir="$BUILD/lint-cppcheck" --suppressions-list=tests/lint/cppcheck.suppressions \
		--inline-suppr --include=tests/lint/cppcheck.h "${include[@]}" ctl dataplane ebpf
}

check heads tests/lint/rules.py heads
check guards tests/lint/rules.py guards
check rooms tests/lint/rules.py rooms
check clang-format format
check shellcheck shell
check codespell spelling
check cppcheck analysis
check clang-tidy tests/lint/rules.py tidy "$BUILD" "$(nproc)"
echo "1..$n"
exit "$failed"
