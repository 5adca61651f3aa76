# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the benchmarks' scripts share. Sourced.

# bench_line NAME UNIT FIGURE ...: what result.c does of figures, for scripts.
bench_line() {
	local name=$1 unit=$2
	shift 2
	printf '%s\n' "$@" | sort -g | awk -v name="$name" -v unit="$unit" -v json="${BENCH_JSON:-/dev/null}" '
		{ figure[NR] = $1 }
		END {
			median = NR % 2 ? figure[(NR + 1) / 2] : (figure[NR / 2] + figure[NR / 2 + 1]) / 2
			printf "bench name=%s unit=%s min=%.2f median=%.2f max=%.2f\n", name, unit, figure[1], median, figure[NR]
			printf "{\"name\": \"%s\", \"unit\": \"%s\", \"min\": %.3f, \"median\": %.3f, \"max\": %.3f, \"rounds\": %d}\n",
				name, unit, figure[1], median, figure[NR], NR >>json
		}'
}

# bench_packages PACKAGE ...: installs what is missing of them.
bench_packages() {
	local package missing=()
	for package in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			missing+=("$package")
	done
	[ "${#missing[@]}" -gt 0 ] || return 0
	echo "bench: installing ${missing[*]}" >&2
	{ apt-get -q update && DEBIAN_FRONTEND=noninteractive \
		apt-get -q install -y --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1 || {
		echo "bench: ${missing[*]} can't be installed; as root: apt-get install ${missing[*]}" >&2
		return 1
	}
}

# bench_median FIGURE ...
bench_median() {
	printf '%s\n' "$@" | sort -g | awk '{ f[NR] = $1 } END { print NR % 2 ? f[(NR + 1) / 2] : (f[NR / 2] + f[NR / 2 + 1]) / 2 }'
}
