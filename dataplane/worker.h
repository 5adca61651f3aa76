/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one core that polls its queue of every port and moves bursts. Made, started and
 * ended by the control thread; worker_run() is all that its own thread does.
 */
#ifndef SLUICE_DATAPLANE_WORKER_H
#define SLUICE_DATAPLANE_WORKER_H

#include "burst.h"
#include "counters.h"
#include "flow_table.h"
#include "fragment_table.h"
#include "sluice/limit.h"

struct capture;
struct keep;
struct kernel;
struct port;
struct rte_rcu_qsbr;

struct worker {
	/* Set before it starts, only read then. */
	uint16_t index; /* also its queue on every port, and its number for the RCU */
	uint16_t core;
	uint16_t ports_n;
	uint32_t idle_max_us;
	struct rte_rcu_qsbr *rcu;
	uint16_t port_ids[FAST_PATH_PORTS_MAX]; /* or BURST_NO_PORT, by worker_forget_port() */
	struct burst_context contexts[FAST_PATH_PORTS_MAX];
	struct rte_ring *from_kernel[FAST_PATH_PORTS_MAX]; /* NULL: another worker's */
	bool restores_tags[FAST_PATH_PORTS_MAX];           /* its device takes VLAN tags out */
	bool nudges[FAST_PATH_PORTS_MAX]; /* a bond, of which this worker sees to LACP */
	bool nudges_any;
	struct counters counters;
	uint32_t *tickets;         /* [services_max] */
	uint64_t sweep_bucket_tsc; /* pace of the sweep */
	uint64_t second_tsc;
	struct flow_table flows;
	struct fragment_table fragments;
	struct limit limits[LIMIT_KINDS];

	/* Written by the control thread. */
	bool stopping __attribute__((aligned(64)));
	bool held;               /* until worker_release() */
	struct capture *capture; /* NULL: none is wanted */

	/* Written by the worker, read by the control thread. */
	uint64_t bursts __attribute__((aligned(64)));
	struct burst_kernel to_kernel[FAST_PATH_PORTS_MAX]; /* its rings are set before */
	uint64_t from_kernel_lost[FAST_PATH_PORTS_MAX];
	uint64_t empty_bursts;
	uint64_t sleeps;
	uint64_t burst_gap_max_tsc;                     /* sleeps apart */
	uint64_t burst_gap_now_tsc, burst_gap_last_tsc; /* of this second, and the one before */

	/* The worker's own. */
	uint64_t burst_tsc __attribute__((aligned(64))); /* of the last round; 0 after a sleep */
	uint64_t gap_second_tsc;                         /* when this second began */
	uint64_t nudge_tsc;                              /* of the last one */
	uint64_t sweep_tsc; /* up to when the sweep has done its part */
	uint32_t empty_rounds;
	uint32_t sleep_us;
	struct burst burst;
};

/*
 * Worker `index` with all the memory that it needs, its flows in `keep` where that keeps any, on the NUMA node of its lcore; what connects
 * it with ports and others is the caller's to set. NULL: no memory, said in `error`.
 */
struct worker *worker_new(const struct fast_path_config *config, uint16_t index, struct keep *keep,
			  bool hugetlb, char *error);
void worker_free(struct worker *w); /* NULL is allowed */

/* For rte_eal_remote_launch(). Returns after worker_stop(). Polls nothing while it is held. */
int worker_run(void *worker);

/*
 * Control thread. The worker's packets go there as well, from its next burst on; NULL: no more,
 * and after an RCU grace period it doesn't touch what it had.
 */
void worker_set_capture(struct worker *w, struct capture *capture);

/*
 * Control thread. From its next round on the worker has nothing more to do with that port, and after
 * an RCU grace period it doesn't touch it.
 */
void worker_forget_port(struct worker *w, uint16_t port);
/* Control thread. */
void worker_release(struct worker *w);

/* Any thread. The worker ends soon; wait by rte_eal_wait_lcore(). */
void worker_stop(struct worker *w);

/* Any thread. The clock of memory.seen_state: seconds since the machine was started. */
uint32_t worker_now_s(void);

/* Adds what was lost on the way to the kernel and from it, at a port. Control thread. */
void worker_add_drops(const struct worker *w, uint16_t port, uint64_t dropped[FAST_PATH_DROP_N]);

/* Its figures as they are now. Control thread. */
void worker_read(const struct worker *w, struct worker_counters *row);

#endif
