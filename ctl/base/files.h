/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may have how many of the process's files (RLIMIT_NOFILE). What forwards, and what follows the
 * kernel, must always get one, so health checks and clients are bounded below the limit. Any
 * thread.
 */
#ifndef SLUICE_FILES_H
#define SLUICE_FILES_H

#include <stdint.h>

enum {
	/* For what comes and goes: netlink, pins, the state file, a reload, HTTP clients. */
	FILES_RESERVED = 96,
	FILES_PROBES_MIN = 4,
	FILES_CLIENTS_MIN = 8,
	FILES_CLIENTS_MAX = 256, /* of both control sockets */
};

struct files_budget {
	uint64_t limit;
	uint64_t used;    /* open, when it was made */
	uint32_t probes;  /* health checks with a file of their own, at once */
	uint32_t clients; /* of the control sockets */
};

/* From a limit and the files that are open; probes and clients have their least in any case. */
struct files_budget files_share(uint64_t limit, uint64_t used);

/* Of this process, as it is now. */
struct files_budget files_budget(void);

#endif
