/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What fastpath.bpf.c shares with those who load it (program.c) and feed it.
 */
#ifndef SLUICE_FASTPATH_H
#define SLUICE_FASTPATH_H

#include "sluice/mac.h"
#include "sluice/types.h"

/* How the loaded program is recognised: bpf_prog_info.name, at most 15 characters. */
#define FASTPATH_PROGRAM_NAME "sluice_xdp"

enum {
	/* As many as FAST_PATH_PORTS_MAX; a power of two, so that one AND bounds an index. */
	FASTPATH_PORTS = 16,
};

/* Read-only data of the program: set between open and load. */
struct fastpath_options {
	bool frags; /* frames of several buffers may come: ask the kernel for their length */
	/*
	 * Send by XDP_REDIRECT where XDP_TX would do. veth's XDP_TX doesn't wake a peer that has
	 * NAPI by `gro on` alone, without an XDP program: veth_xdp_flush() in drivers/net/veth.c.
	 */
	bool no_tx;
	bool macs; /* frames to other MACs than those in fastpath_macs are the kernel's; else all are ours */
	uint32_t arena_bytes; /* how long the arena's one value is; unused where it has chunks */
};

/*
 * The interface of each port, by its index; 0: no such port. Written by the loader before it
 * attaches the program, and again when a daemon that adopts it has other ports.
 */
struct fastpath_ports {
	uint32_t ifindex[FASTPATH_PORTS];
};

enum {
	FASTPATH_MAC_SLOTS = 64, /* a power of two */
	FASTPATH_MACS = FASTPATH_PORTS * MACS_MAX,
};

/* A MAC that an interface takes frames to: mac.h. */
struct fastpath_mac {
	uint64_t word;
	uint32_t ifindex; /* of a port's interface */
	uint32_t reserved;
};

/*
 * Written by the loader before the program is attached, and whenever an interface gets another MAC; a
 * word at a time, so that packets see one or the other.
 */
struct fastpath_macs {
	/* The own MAC of the interface whose index has these lowest bits; MAC_NONE where several do. */
	uint64_t own[FASTPATH_MAC_SLOTS];
	struct fastpath_mac all[FASTPATH_MACS];
	uint32_t n; /* of `all` */
};

/* What the program copies (capture.bpf.h): written by the daemon. */
struct fastpath_capture {
	uint32_t service; /* row of its counters; 0: nothing is copied */
	uint32_t backend; /* likewise; 0: any */
	uint32_t verdict; /* VERDICT_COUNT: any */
	uint32_t snap_bytes;
	uint64_t until_ns; /* CLOCK_MONOTONIC: a daemon that died stops nothing */
};

enum {
	FASTPATH_SNAP_BYTES = 2048, /* CAPTURE_SNAP_BYTES */
};

enum fastpath_frame_kind {
	FASTPATH_FRAME_IN,
	FASTPATH_FRAME_OUT,
	FASTPATH_FRAMES,
};

/* A copied frame, as it goes through the ring: as far as bytes_n says. */
struct fastpath_frame {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t packet;  /* the same for both frames of a packet */
	uint32_t out;     /* enum fastpath_frame_kind */
	uint32_t verdict;
	uint32_t backend; /* row; 0: none */
	uint32_t cpu;
	uint32_t frame_bytes;
	uint32_t bytes_n;
	uint8_t bytes[FASTPATH_SNAP_BYTES];
};

/* Where a CPU makes its copies: a row for each kind. */
struct fastpath_copy {
	uint64_t missed;  /* frames that found no room in the ring, since the program was loaded */
	uint64_t packets; /* copied: numbers them */
	uint32_t taken;   /* row FASTPATH_FRAME_IN: of the packet under way */
	uint32_t reserved;
	struct fastpath_frame frame;
};

/* Remembered flows lie in one of two maps, so that a flood of half-open ones fills but its own. */
enum fastpath_class {
	FASTPATH_HALF_OPEN, /* memory_is_half_open() */
	FASTPATH_ESTABLISHED,
	FASTPATH_CLASSES, /* in none */
};

/* Rows of the map of struct fastpath_memory. */
enum fastpath_memory_row {
	FASTPATH_MEMORY_PACKETS, /* what the program did, on each CPU */
	FASTPATH_MEMORY_WALKS,   /* what daemons did: the program doesn't write there */
	FASTPATH_MEMORY_ROWS,
};

/*
 * What was done to the maps of flows. What a map evicted, the kernel doesn't tell: of each class it
 * is added - removed - those that are there.
 */
struct fastpath_memory {
	uint64_t lookups; /* packets that looked for their flow */
	uint64_t hits;    /* that found it, whether they could rely on it or not */
	uint64_t inserts; /* flows of which nothing lay in the maps */
	uint64_t expired;
	uint64_t forgotten;
	uint64_t untracked;
	uint64_t added[FASTPATH_CLASSES];   /* entries that a map has got */
	uint64_t removed[FASTPATH_CLASSES]; /* entries that were deleted from it */
};

#endif
