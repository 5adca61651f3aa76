/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that failed since the node was short of something (files, memory, buffers, processes).
 * Such a failure says nothing of what was asked for: who gets one keeps what is, notes it here and
 * tries again. Any thread.
 */
#ifndef SLUICE_SHORTAGE_H
#define SLUICE_SHORTAGE_H

#include <stdbool.h>
#include <stdint.h>

/* X(identifier, word for programs, what could not be done) */
#define SHORTAGES(X)                                                              \
	X(PORTS, "ports", "looking at a port, or taking its interface up")        \
	X(NEXT_HOPS, "next_hops", "asking the kernel for routes and neighbours")  \
	X(HEALTH, "health", "making a health check")                              \
	X(CONTROL, "control", "accepting a client of a control socket")           \
	X(HTTP, "http", "accepting a client of the HTTP server")                  \
	X(STATE, "state", "keeping run-time changes on disk")                     \
	X(COUNTERS, "counters", "reading counters, or counting remembered flows") \
	X(CAPTURE, "capture", "reading captured packets")                         \
	X(CONFIG, "config", "reading the configuration file")                     \
	X(TIMER, "timer", "setting a timer, or waiting for a socket")

enum shortage {
#define X(id, word, text) SHORTAGE_##id,
	SHORTAGES(X)
#undef X
		SHORTAGE_N,
};

/* Whether errno `error` means that something has run out, here or in the kernel. */
bool shortage_is(int error);

/* Counts a failure with errno `error`, of either sign, if shortage_is(). Returns whether it is. */
bool shortage_note(enum shortage what, int error);

/*
 * From now on processes that this one forks count into the same. Before the first of them, and before
 * there are threads. 0 or -errno.
 */
int shortage_share(void);

/* Since the process began. */
struct shortage_count {
	uint64_t failures;
	int error;       /* errno of the latest; 0: there was none */
	int64_t last_us; /* when, since the epoch */
};

struct shortage_count shortage_read(enum shortage what);

/* "next_hops"; "asking the kernel for routes and neighbours" */
const char *shortage_word(enum shortage what);
const char *shortage_text(enum shortage what);

#endif
