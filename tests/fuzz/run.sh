#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The fuzz targets of a fuzz build, one after the other:
#   tests/fuzz/run.sh short BUILD       a few seconds each, the same inputs every time; for `make test`
#   tests/fuzz/run.sh MINUTES BUILD     so long each, from where the last run ended; `make fuzz`
#
# What is found is left below BUILD/findings, and its run fails. Mend it, and keep the input in
# tests/fuzz/corpus/TARGET: then every short run tries it.
set -euo pipefail
how=${1:?short or minutes} build=$(readlink -f "${2:?a fuzz build}")
cd "$(dirname "$0")"
targets=${TARGETS:-config rpc packet state netlink}
failed=0 number=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1
export LSAN_OPTIONS=suppressions=lsan.supp:print_suppressions=0

# Inputs that a short run makes of the corpus: some 5 to 10 s on a slow core.
declare -A runs=([config]=5000 [rpc]=4000 [packet]=60000 [state]=2000 [netlink]=100000)

# The dictionary of a target: what stands here, and the words of the tables that read its input.
dictionary() {
	cat "$1.dict"
	"$build/tests/fuzz/words" "$1" | LC_ALL=C sort -u | sed 's/["\\]/\\&/g; s/.*/"&"/'
}

# known TARGET: whether the corpus uses every such word, so that no run has to find one first. What
# is chosen ("tcp") may be missing.
known() {
	local word missing=
	while read -r word; do
		grep -qrF -- "$word" "corpus/$1" || missing+=" $word"
	done < <("$build/tests/fuzz/words" "$1" | if [ "$1" = config ]; then grep -v '"'; else cat; fi)
	[ -z "$missing" ] || echo "# missing in tests/fuzz/corpus/$1:$missing"
	[ -z "$missing" ]
}

# The corpus that a run starts from, in a folder of its own: the tree's is not grown.
corpus() {
	mkdir -p "$2"
	[ ! -d "corpus/$1" ] || cp "corpus/$1"/* "$2/"
	[ "$1" != packet ] || "$build/tests/fuzz/packet_seeds" "$2"
}

fuzz() {
	local target=$1 folder log=$build/fuzz-$1.log options=()
	mkdir -p "$build/findings"
	if [ -f "$target.dict" ]; then
		dictionary "$target" >"$build/$target.dict"
		options+=(-dict="$build/$target.dict")
	fi
	if [ "$how" = short ]; then
		folder=$(mktemp -d)
		options+=(-seed=20261122 -runs="${runs[$target]}" -max_total_time=120)
	else
		folder=$build/corpus-$target
		options+=(-max_total_time=$((how * 60)))
	fi
	corpus "$target" "$folder"
	"$build/tests/fuzz/fuzz_$target" "${options[@]}" -timeout=20 -rss_limit_mb=2048 \
		-max_len=4096 -print_final_stats=1 -artifact_prefix="$build/findings/$target-" \
		"$folder" >"$log" 2>&1 </dev/null || return 1
	[ "$how" != short ] || rm -rf "$folder"
}

for target in $targets; do
	if [ -f "$target.dict" ] && [ "$target" != state ]; then # which has a part of the words alone
		number=$((number + 1))
		if known "$target"; then
			echo "ok $number - corpus of $target has all that its tables have"
		else
			echo "not ok $number - corpus of $target has all that its tables have"
			failed=1
		fi
	fi
	number=$((number + 1))
	if fuzz "$target"; then
		echo "ok $number - fuzz $target"
	else
		echo "not ok $number - fuzz $target"
		failed=1
	fi
	# "#60000 DONE cov: 1035 ft: 4063 corp: 512/36Kb ...", or the finding
	grep -aE 'DONE|stat::number_of_executed_units|fuzz: |ERROR: |runtime error|SUMMARY|Test unit written' \
		"$build/fuzz-$target.log" | sed 's/^/# /' || true
done
echo "1..$number"
exit "$failed"
