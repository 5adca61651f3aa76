/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon (exec_helper.c) and the process that runs programs (exec_process.c) say to each
 * other, a packet of a SOCK_SEQPACKET pair each.
 */
#ifndef SLUICE_HEALTH_EXEC_WIRE_H
#define SLUICE_HEALTH_EXEC_WIRE_H

#include <sys/types.h>

#include "exec_helper.h"

enum {
	EXEC_RUNS_MAX = 1024, /* at once */
};

struct exec_request {
	uint64_t id;
	uint32_t timeout_ms; /* 0: kill the one of this id */
	uint32_t args_bytes, env_bytes;
	char texts[2 * EXEC_TEXTS_MAX]; /* args, then env */
};

/* A reply's id: the process that ran programs died, and what it was asked for is lost. */
#define EXEC_ID_LOST UINT64_MAX

struct exec_reply {
	uint64_t id;
	int32_t end;  /* enum exec_end */
	int32_t code; /* with EXEC_ID_LOST: the signal that killed it; 0: it ended by itself */
};

struct exec_identity {
	uid_t uid;
	gid_t gid;
};

/* A keeper's job (keeper.h): keeps what becoming a user takes, and killing its processes. */
void exec_rights_drop(void);

/* Answers to what the process was asked for won't come. */
void exec_process_lost(int fd, int signal_number);

/* The process: serves requests until the other end is closed, and exits. `ctx`: struct exec_identity. */
void exec_process_run(int fd, const void *ctx);

#endif
