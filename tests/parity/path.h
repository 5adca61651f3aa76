/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A path under test: something that takes frames and does with them what Sluice does, by the
 * fixture's generation. All frames come by port 0. One thread.
 */
#ifndef SLUICE_TESTS_PARITY_PATH_H
#define SLUICE_TESTS_PARITY_PATH_H

#include "fixture.h"
#include "frames.h"
#include "sluice/verdict.h"

enum {
	PARITY_BATCH_MAX = 32,
	PARITY_GROWTH_MAX = 64, /* more than any outer headers over the frame that came */
	PARITY_ERROR_MAX = 512,
	/* A path that knows that a frame leaves by another port than 0, but not by which. */
	PARITY_PORT_OTHER = 0xffff,
};

/* Where a frame went. */
enum parity_fate {
	PARITY_DROPPED,
	PARITY_SENT,
	PARITY_KERNEL,
};

struct parity_result {
	enum verdict verdict; /* what was counted; VERDICT_COUNT: nothing, or several */
	enum parity_fate fate;
	uint32_t row;  /* of the services' counters in which it was counted */
	uint32_t port; /* where `fate` is sent */
	uint32_t n;    /* 0 where it was dropped */
	uint8_t bytes[FRAME_MAX + PARITY_GROWTH_MAX];
};

struct parity_path {
	const char *name;
	uint32_t shortest_bytes; /* a frame with fewer can't be given to it */
	/*
	 * Lays the fixture's generation out where the path reads it. 0; -ENOTSUP: not on this
	 * machine, `why` says it to people; any other -errno is a failure, `why` too.
	 */
	int (*open)(const struct fixture *fixture, char why[PARITY_ERROR_MAX]);
	/* n <= PARITY_BATCH_MAX frames, in order. */
	void (*run)(const struct frame *frames, uint32_t n, struct parity_result *results);
	void (*wait)(uint32_t seconds); /* so much time passes for what is known of fragments */
	void (*close)(void);            /* also after open() failed */
};

extern const struct parity_path path_core;
extern const struct parity_path path_trace;
#ifdef PARITY_DPDK
extern const struct parity_path path_dpdk;
#endif
#ifdef PARITY_XDP
extern const struct parity_path path_xdp;
/* So much of a frame the program can reach directly; the rest lies in fragments. Since Linux 6.18. */
extern uint32_t path_xdp_linear_bytes;
#endif

#endif
