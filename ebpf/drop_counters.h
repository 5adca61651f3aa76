/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts what drivers drop after the XDP program's verdict (drops.bpf.c). What it counted outlives the
 * daemon, as does the counting itself: map and links are pinned. Control thread.
 */
#ifndef SLUICE_DROP_COUNTERS_H
#define SLUICE_DROP_COUNTERS_H

#include "fastpath.h"
#include "pins.h"
#include "sluice/module.h"

struct drops_bpf;
struct program;

struct drop_counters {
	struct drops_bpf *skeleton; /* NULL: nothing is counted */
	uint32_t cpus;
};

/*
 * Goes on from the counters that are pinned, where they are. Needs the rights of a start: CAP_BPF and
 * CAP_PERFMON. Where the kernel can't (no BTF), a line in the log says so, and nothing is counted.
 */
void drop_counters_start(struct drop_counters *d, const struct pins *pins,
			 const struct program *program, report_log log);

/* From now on the port's interface is that one; 0: it has none. */
void drop_counters_port(struct drop_counters *d, uint32_t port, uint32_t ifindex);

/* What was dropped at a port. Where nothing is counted, or can't be read, 0. */
void drop_counters_read(const struct drop_counters *d, uint32_t port,
			uint64_t packets[FAST_PATH_DROP_N]);

/* What is pinned goes on counting. */
void drop_counters_close(struct drop_counters *d);

#endif
