/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exception path. kernel_run() is the kernel thread; all else is called by the control
 * thread.
 */
#include "kernel.h"
#include "error.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
	BATCH_FRAMES = 32,
	/* Workers may not call the kernel, so nothing wakes this thread for their frames: it looks
	 * again after a while that grows when there was nothing. */
	SLEEP_MIN_US = 100,
	SLEEP_MAX_US = 400,
};

uint16_t kernel_worker(const struct kernel *k, uint16_t port)
{
	return port % k->workers_n;
}

static const uint16_t class_frames[BURST_CLASSES] = {
	[BURST_CONTROL] = KERNEL_CONTROL_FRAMES,
	[BURST_NODE] = KERNEL_NODE_FRAMES,
	[BURST_VIP] = KERNEL_VIP_FRAMES,
};

/* `class`: BURST_CLASSES for what comes from the kernel. */
static struct rte_ring *ring_create(uint32_t class, uint32_t worker, uint32_t port)
{
	uint32_t frames =
		class < BURST_CLASSES ? class_frames[class] : (uint32_t)KERNEL_FROM_FRAMES;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "kernel_%u_%u_%u", class, worker, port);
	return rte_ring_create(name, frames, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static void ring_destroy(struct rte_ring **ring)
{
	void *m;

	if (!*ring)
		return;
	while (rte_ring_sc_dequeue(*ring, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(*ring);
	*ring = NULL;
}

/* Of all workers to the port's interface. False: no memory. */
static bool rings_create(struct kernel *k, uint16_t port)
{
	for (uint16_t w = 0; w < k->workers_n; w++)
		for (uint32_t class = 0; class < BURST_CLASSES; class ++) {
			k->to[w][port][class] = ring_create(class, w, port);
			if (!k->to[w][port][class])
				return false;
		}
	return true;
}

int kernel_create(struct kernel *k, uint16_t ports_n, uint16_t workers_n,
		  struct rte_mempool *const *pools, char *error)
{
	*k = (struct kernel){.ports_n = ports_n, .workers_n = workers_n};
	for (int port = 0; port < FAST_PATH_PORTS_MAX; port++)
		k->taps[port].fd = -1;
	for (uint16_t port = 0; port < ports_n; port++) {
		k->pools[port] = pools[port];
		k->from[port] = ring_create(BURST_CLASSES, 0, port);
		if (!k->from[port] || !rings_create(k, port))
			goto err_destroy;
	}
	return 0;

err_destroy:
	kernel_destroy(k);
	return error_set(error, -ENOMEM, "no memory for the queues to the kernel: %s",
			 rte_strerror(rte_errno));
}

int kernel_port_add(struct kernel *k, uint16_t port, const char *name, const uint8_t mac[6],
		    uint32_t mtu_bytes, bool mtu_wanted, char *error)
{
	return tap_open(&k->taps[port], name, mac, mtu_bytes, mtu_wanted, error);
}

/* A batch of one ring. */
static uint32_t move_batch(struct kernel *k, uint16_t port, uint16_t worker, enum burst_class class)
{
	struct rte_mbuf *frames[BATCH_FRAMES];
	unsigned int n = rte_ring_sc_dequeue_burst(k->to[worker][port][class], (void **)frames,
						   BATCH_FRAMES, NULL);
	uint64_t taken_n = 0;

	if (n == 0)
		return 0;
	for (unsigned int i = 0; i < n; i++)
		taken_n += tap_send(&k->taps[port], frames[i]);
	rte_pktmbuf_free_bulk(frames, n);
	__atomic_store_n(&k->to_n[port], k->to_n[port] + taken_n, __ATOMIC_RELAXED);
	__atomic_store_n(&k->refused_n[port], k->refused_n[port] + n - taken_n, __ATOMIC_RELAXED);
	return n;
}

/* Those of a class that other classes wait for: what is there, up to a ring's length. */
static uint32_t move_class(struct kernel *k, uint16_t port, enum burst_class class)
{
	uint32_t moved_n = 0;

	for (uint16_t w = 0; w < k->workers_n; w++) {
		uint32_t n, of_worker_n = 0;

		do {
			n = move_batch(k, port, w, class);
			of_worker_n += n;
		} while (n == BATCH_FRAMES && of_worker_n < class_frames[class]);
		moved_n += of_worker_n;
	}
	return moved_n;
}

static uint32_t move_to_kernel(struct kernel *k, uint16_t port)
{
	uint32_t moved_n = move_class(k, port, BURST_CONTROL) + move_class(k, port, BURST_NODE);

	/* A worker that has none costs no turn. */
	for (uint16_t tries = 0; tries < k->workers_n; tries++) {
		uint16_t w = k->vip_next[port];
		uint32_t n = move_batch(k, port, w, BURST_VIP);

		k->vip_next[port] = (uint16_t)((w + 1) % k->workers_n);
		if (n > 0)
			return moved_n + n;
	}
	return moved_n;
}

/* As many as the ring takes: what it doesn't stays in the kernel's queue, and is lost there. */
static uint32_t move_from_kernel(struct kernel *k, uint16_t port)
{
	struct rte_mbuf *frames[BATCH_FRAMES];
	unsigned int n = 0, room = rte_ring_free_count(k->from[port]);

	if (room > BATCH_FRAMES)
		room = BATCH_FRAMES;
	while (n < room) {
		int ret = tap_receive(&k->taps[port], k->pools[port], &frames[n]);

		if (ret == 0)
			n++;
		else if (ret != -EMSGSIZE)
			break;
	}
	if (n == 0)
		return 0;
	rte_ring_sp_enqueue_bulk(k->from[port], (void **)frames, n, NULL);
	__atomic_store_n(&k->from_n[port], k->from_n[port] + n, __ATOMIC_RELAXED);
	return n;
}

/* Waits for a frame of the kernel, or for the time to look at the rings again. */
static void wait_idle(const struct kernel *k, long sleep_us)
{
	struct timespec timeout = {.tv_nsec = sleep_us * 1000};
	struct pollfd fds[FAST_PATH_PORTS_MAX];

	for (uint16_t port = 0; port < k->ports_n; port++)
		fds[port] = (struct pollfd){.fd = k->taps[port].fd, .events = POLLIN};
	/* Where it can't wait for frames, it waits all the same. */
	if (ppoll(fds, k->ports_n, &timeout, NULL) < 0)
		(void)nanosleep(&timeout, NULL);
}

static void *kernel_run(void *arg)
{
	struct kernel *k = arg;
	long sleep_us = SLEEP_MIN_US;

	while (!__atomic_load_n(&k->stopping, __ATOMIC_RELAXED)) {
		uint32_t moved_n = 0;

		for (uint16_t port = 0; port < k->ports_n; port++) {
			moved_n += move_to_kernel(k, port);
			moved_n += move_from_kernel(k, port);
		}
		if (moved_n > 0) {
			sleep_us = SLEEP_MIN_US;
			continue;
		}
		wait_idle(k, sleep_us);
		sleep_us = sleep_us * 2 < SLEEP_MAX_US ? sleep_us * 2 : SLEEP_MAX_US;
	}
	return NULL;
}

int kernel_start(struct kernel *k, char *error)
{
	sigset_t all, before;
	int ret;

	/* Signals are the daemon's, all but the one for us. */
	sigfillset(&all);
	sigdelset(&all, FAST_PATH_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	ret = rte_ctrl_thread_create(&k->thread, "sluice-kernel", NULL, kernel_run, k);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret != 0)
		return error_set(error, -ENOMEM, "the thread for the kernel's packets: %s",
				 strerror(ret < 0 ? -ret : ret));
	k->running = true;
	return 0;
}

void kernel_keep(const struct kernel *k)
{
	for (uint16_t port = 0; port < k->ports_n; port++)
		tap_keep(&k->taps[port]);
}

void kernel_destroy(struct kernel *k)
{
	if (k->running) {
		__atomic_store_n(&k->stopping, true, __ATOMIC_RELAXED);
		pthread_join(k->thread, NULL);
		k->running = false;
	}
	for (uint16_t port = 0; port < k->ports_n; port++) {
		tap_close(&k->taps[port]);
		ring_destroy(&k->from[port]);
		for (uint16_t w = 0; w < k->workers_n; w++)
			for (uint32_t class = 0; class < BURST_CLASSES; class ++)
				ring_destroy(&k->to[w][port][class]);
	}
	k->ports_n = 0;
}
