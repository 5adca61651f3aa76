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

static struct rte_ring *ring_create(const char *direction, uint32_t worker, uint32_t port)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "kernel_%s_%u_%u", direction, worker, port);
	return rte_ring_create(name, KERNEL_RING_FRAMES, SOCKET_ID_ANY,
			       RING_F_SP_ENQ | RING_F_SC_DEQ);
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

int kernel_create(struct kernel *k, uint16_t ports_n, uint16_t workers_n,
		  struct rte_mempool *const *pools, char *error)
{
	*k = (struct kernel){.ports_n = ports_n, .workers_n = workers_n};
	for (uint16_t port = 0; port < FAST_PATH_PORTS_MAX; port++)
		k->taps[port].fd = -1;
	for (uint16_t port = 0; port < ports_n; port++) {
		k->pools[port] = pools[port];
		k->from[port] = ring_create("from", 0, port);
		if (!k->from[port])
			goto err_destroy;
		for (uint16_t w = 0; w < workers_n; w++) {
			k->to[w][port] = ring_create("to", w, port);
			if (!k->to[w][port])
				goto err_destroy;
		}
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

static uint32_t move_to_kernel(struct kernel *k, uint16_t port)
{
	uint32_t moved_n = 0;

	for (uint16_t w = 0; w < k->workers_n; w++) {
		struct rte_mbuf *frames[BATCH_FRAMES];
		unsigned int n = rte_ring_sc_dequeue_burst(k->to[w][port], (void **)frames,
							   BATCH_FRAMES, NULL);
		uint64_t taken_n = 0;

		if (n == 0)
			continue;
		for (unsigned int i = 0; i < n; i++)
			taken_n += tap_send(&k->taps[port], frames[i]);
		rte_pktmbuf_free_bulk(frames, n);
		__atomic_store_n(&k->to_n[port], k->to_n[port] + taken_n, __ATOMIC_RELAXED);
		moved_n += n;
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
			ring_destroy(&k->to[w][port]);
	}
	k->ports_n = 0;
}
