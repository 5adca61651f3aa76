/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exception path: what isn't Sluice's goes to the kernel, and the kernel's own packets leave
 * by the ports. One thread, no worker, moves frames between the workers' rings and a TAP per
 * port; all rings are bounded and have one writer and one reader. A worker has a ring for each class
 * (burst.h) and port; of packets to vips the thread takes one batch of one worker at a time, and looks at
 * all rings of the classes before it again. Made by the control thread.
 */
#ifndef SLUICE_DATAPLANE_KERNEL_H
#define SLUICE_DATAPLANE_KERNEL_H

#include "burst.h"
#include "sluice/module.h"
#include "tap.h"

#include <pthread.h>

struct rte_ring;

enum {
	/* Of each ring; less one. */
	KERNEL_FROM_FRAMES = 512,
	KERNEL_CONTROL_FRAMES = 128,
	KERNEL_NODE_FRAMES = 512,
	KERNEL_VIP_FRAMES = 256,
	/* Of a worker, to a port's interface. */
	KERNEL_TO_FRAMES = KERNEL_CONTROL_FRAMES + KERNEL_NODE_FRAMES + KERNEL_VIP_FRAMES,
};

struct kernel {
	uint16_t ports_n;
	uint16_t workers_n;
	struct rte_mempool *pools[FAST_PATH_PORTS_MAX]; /* for what the kernel sends by the port */
	struct tap taps[FAST_PATH_PORTS_MAX];
	struct rte_ring *to[FAST_PATH_WORKERS_MAX][FAST_PATH_PORTS_MAX][BURST_CLASSES]; /* worker ->
											   kernel */
	uint16_t vip_next[FAST_PATH_PORTS_MAX];     /* the thread's: the worker whose turn it is */
	struct rte_ring *from[FAST_PATH_PORTS_MAX]; /* kernel -> worker kernel_worker(port) */
	bool running;
	bool stopping;
	pthread_t thread;
	/* Written by the thread. */
	uint64_t to_n[FAST_PATH_PORTS_MAX] __attribute__((aligned(64)));
	uint64_t from_n[FAST_PATH_PORTS_MAX];
	uint64_t refused_n[FAST_PATH_PORTS_MAX]; /* that the interface didn't take */
};

/*
 * Prepares for so many ports and workers; zeroes `k` first. Then, for each port,
 * kernel_port_add() makes its TAP, then kernel_start() the thread. -ENOMEM.
 */
int kernel_create(struct kernel *k, uint16_t ports_n, uint16_t workers_n,
		  struct rte_mempool *const *pools, char *error);
int kernel_port_add(struct kernel *k, uint16_t port, const char *name, const uint8_t mac[6],
		    uint32_t mtu_bytes, bool mtu_wanted, char *error);
int kernel_start(struct kernel *k, char *error);

/* The start has succeeded: the TAPs outlive this process. */
void kernel_keep(const struct kernel *k);

/* After the workers have ended. Undoes whatever has been done, but for TAPs that are kept. */
void kernel_destroy(struct kernel *k);

/* Which worker sends the kernel's packets by port `port`. */
uint16_t kernel_worker(const struct kernel *k, uint16_t port);

#endif
