/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What drops.bpf.c shares with drops.c, who loads it.
 */
#ifndef SLUICE_EBPF_DROPS_H
#define SLUICE_EBPF_DROPS_H

#include "fastpath.h"

/* As enum fast_path_drop begins; drops.c compares the two. */
enum drops_reason {
	DROPS_NO_XDP,
	DROPS_TOO_LONG,
	DROPS_DOWN,
	DROPS_FULL,
	DROPS_FAILED,
	DROPS_REASONS,
};

/* Which interfaces are ours. Written by the loader. */
struct drops_ports {
	uint32_t netns; /* inode number of /proc/self/ns/net: indices are each namespace's own */
	uint32_t devices_map_id;          /* of the program's map of ports */
	uint32_t ifindex[FASTPATH_PORTS]; /* 0: none */
};

/* Of one port, on one CPU. */
struct drops_row {
	uint64_t packets[DROPS_REASONS];
};

#endif
