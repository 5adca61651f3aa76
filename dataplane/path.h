/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK fast path of this process: what it is made of, and in which order that starts and stops.
 * Called by module.c, its face to sluiced. Control thread.
 */
#ifndef SLUICE_DATAPLANE_PATH_H
#define SLUICE_DATAPLANE_PATH_H

#include "capture.h"
#include "keep.h"
#include "kernel.h"
#include "port.h"
#include "region.h"
#include "sluice/module.h"
#include "worker.h"

/* There is one DPDK in a process. */
struct path {
	bool started;                   /* EAL is there */
	struct fast_path_config config; /* a copy; its strings are the caller's */
	bool hugepages;
	struct region arena; /* keep's, if that keeps any */
	struct keep keep;
	struct rte_mempool
		*buffers[FAST_PATH_PORTS_MAX]; /* by port; those of a node share theirs */
	struct rte_rcu_qsbr *rcu;
	struct kernel kernel;
	uint16_t ports_n;
	struct port ports[FAST_PATH_PORTS_MAX];
	uint16_t workers_n;
	uint16_t launched_n;
	struct worker *workers[FAST_PATH_WORKERS_MAX];
	struct flow_table *tables[FAST_PATH_WORKERS_MAX]; /* theirs */
	char taps[FAST_PATH_PORTS_MAX][FAST_PATH_NAME_MAX];
	bool capturing;
	struct capture *captures[FAST_PATH_WORKERS_MAX];
};

extern struct path path;

/* As fast_path.start(). */
int path_start(const struct fast_path_config *config, struct fast_path_started *started,
	       char error[FAST_PATH_ERROR_MAX]);

/* As fast_path.quiesce() and port_look(). */
void path_quiesce(void);
int path_port_look(uint32_t port, enum fast_path_port_state *state);

/* The workers go on, if they were held for what they are to see is not checked yet. */
void path_release(void);

/* Undoes whatever of path_start() has been done, last first. `remove`: no later process finds what
 * is kept. */
void path_stop(bool remove);

#endif
