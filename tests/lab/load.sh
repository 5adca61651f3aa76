# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# HTTP requests from the lab's client, each on a TCP connection of its own, and what became of
# them. Sourced after lab.sh. Every request leaves one line in a file:
#   <end, seconds since the epoch> <seconds it took> <curl's exit code> <HTTP status> <backend>
# LOAD_PARALLEL [8] are under way at a time, each for LOAD_MAX_S [5] at most; of load_start()'s, LOAD_PAUSE [0] seconds
# go by after each 100, for who wants requests all the time but not all of the machine for them.
# The end is when the backend answered, by its own word (X-Time), so that no line is late because
# its reader was; only where nobody answered it is when the line was read.

load_curl() {
	# "Connection: close" makes each request a flow. To stderr, since curl buffers what it writes to
	# a pipe.
	lab_exec client curl -s --no-progress-meter -Z --parallel-max "${LOAD_PARALLEL:-8}" --max-time "${LOAD_MAX_S:-5}" -H 'Connection: close' -o /dev/null \
		-w '%{stderr}%{time_total} %{exitcode} %{http_code} %header{x-backend} %header{x-time}\n' "$1?[1-$2]" 2>&1
}

# load_stamp: reads what curl writes, and puts the times before it.
load_stamp() {
	/usr/bin/python3 -uc '
import sys, time
for line in sys.stdin:
    words = line.split()
    end = words.pop() if len(words) == 5 else f"{time.time():.6f}"
    print(end, *words)'
}

# load_requests URL COUNT: COUNT requests, their lines on standard output.
load_requests() {
	load_curl "$1" "$2" | load_stamp
}

# load_start URL FILE: requests without end, in the background, until load_stop.
load_start() {
	: >"$2"
	rm -f "$LAB_DIR/load.stop"
	while [ ! -e "$LAB_DIR/load.stop" ]; do
		load_curl "$1" 100
		[ "${LOAD_PAUSE:-0}" = 0 ] || sleep "$LOAD_PAUSE"
	done | load_stamp >>"$2" &
	load_pid=$!
}

load_stop() {
	touch "$LAB_DIR/load.stop"
	wait "$load_pid"
}

# load_since FILE T: the lines of requests that began after the time T.
load_since() {
	awk -v since="$2" '$1 - $2 > since' "$1"
}

# load_phase FILE T N PHASE: such lines into the file PHASE, once there are N of them (in 30 s).
load_phase() {
	load_reached() {
		load_since "$1" "$2" >"$4" && [ "$(wc -l <"$4")" -ge "$3" ]
	}
	lab_within 30 load_reached "$@"
}

# load_spread: reads lines; per backend its count and share, with a bar.
load_spread() {
	awk '
		$3 == 0 { count[$5]++; total++ }
		END {
			for (backend in count)
				printf "%s %d %.1f\n", backend, count[backend], 100 * count[backend] / total
		}' | sort |
		while read -r backend count share; do
			printf '    %-6s %6d  %5.1f %%  %s\n' "$backend" "$count" "$share" \
				"$(printf '%*s' "$(((${share%.*} + 1) / 2))" '' | sed 's/ /█/g')"
		done
}

# load_count BACKEND: reads lines; how many this backend answered.
load_count() {
	awk -v backend="$1" '$3 == 0 && $5 == backend { n++ } END { print n + 0 }'
}

# load_failed [CHANGES]: reads lines; prints "<failed> <of them under way at one of the changes>",
# whose times stand in the file CHANGES.
load_failed() {
	awk -v changes="${1:-/dev/null}" '
		BEGIN { while ((getline time < changes) > 0) change[n++] = time }
		$3 != 0 || $4 != 200 {
			failed++
			for (i = 0; i < n; i++)
				if ($1 - $2 - 0.05 <= change[i] && change[i] <= $1) {
					underway++
					break
				}
		}
		END { print failed + 0, underway + 0 }'
}
