/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker. worker_run() and what it calls run on the worker's own core.
 */
#include "worker.h"
#include "capture.h"
#include "eal.h"
#include "error.h"
#include "keep.h"
#include "numa.h"
#include "sluice/generation.h"
#include "vlan.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_random.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
	BURST_PACKETS = 32, /* 16 cost 2 to 3 ns more a packet, 64 bring nothing */
	/* Rounds without a packet before the first sleep: while packets come at all, none. */
	EMPTY_ROUNDS_MAX = 256,
	/* Expired flows are gone after so long, if the worker finds the time. */
	SWEEP_ROUND_S = 4,
	HELD_NAP_US = 100,
	NUDGES_PER_S = 50,
	/* Buckets a round: about 1 µs. More when nobody waits, so that one that sleeps keeps up. */
	SWEEP_BUSY_BUCKETS = 64,
	SWEEP_IDLE_BUCKETS = 1024,
};

_Static_assert((int)BURST_PACKETS <= (int)BURST_MAX, "burst_run() takes them");

/* A counter of this thread that another reads. */
static void counter_set(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static uint32_t seconds_from_tsc(uint64_t tsc)
{
	return (uint32_t)(tsc / rte_get_tsc_hz());
}

uint32_t worker_now_s(void)
{
	return seconds_from_tsc(rte_get_tsc_cycles());
}

/* All that the worker itself needs to be able to run. -ENOMEM. */
static int worker_fill(struct worker *w, const struct fast_path_config *config, struct keep *keep,
		       bool hugetlb, int node, char *error)
{
	if (counters_create(&w->counters, config->services_max, config->backends_max, hugetlb) < 0)
		return error_set(error, -ENOMEM,
				 "no memory for the counters of worker %u (%u services, %u "
				 "backends)",
				 w->index, config->services_max, config->backends_max);
	if (keep_table(keep, w->index, &w->flows) < 0 &&
	    flow_table_create(&w->flows, config->flows_max, hugetlb) < 0)
		return error_set(error, -ENOMEM,
				 "no memory for the flow table of worker %u (%u flows)", w->index,
				 config->flows_max);
	if (fragment_table_create(&w->fragments, FRAGMENT_ENTRIES) < 0)
		return error_set(error, -ENOMEM,
				 "no memory for the fragment table of worker %u (%u KiB)", w->index,
				 FRAGMENT_ENTRIES * (uint32_t)sizeof(struct fragment_entry) >> 10);
	w->tickets = rte_malloc_socket("tickets", config->services_max * sizeof(*w->tickets),
				       RTE_CACHE_LINE_SIZE, node);
	if (!w->tickets)
		return error_set(error, -ENOMEM,
				 "no memory for the round robin of worker %u (%u services)",
				 w->index, config->services_max);
	return 0;
}

struct worker *worker_new(const struct fast_path_config *config, uint16_t index, struct keep *keep,
			  bool hugetlb, char *error)
{
	int node = numa_node_of_lcore(eal_worker_lcore(index)), ret;
	struct worker *w = rte_zmalloc_socket("worker", sizeof(*w), RTE_CACHE_LINE_SIZE, node);

	if (!w) {
		error_set(error, -ENOMEM, "no memory for worker %u", index);
		return NULL;
	}
	w->index = index;
	w->core = config->cores[index];
	w->idle_max_us = config->idle_max_us;
	w->second_tsc = rte_get_tsc_hz();
	numa_prefer(1ULL << node);
	ret = worker_fill(w, config, keep, hugetlb, node, error);
	numa_prefer(0);
	if (ret < 0) {
		worker_free(w);
		return NULL;
	}
	numa_bind(w->flows.region.start, w->flows.region.bytes, 1ULL << node);
	/* Or all workers would begin with the same backend. */
	for (uint32_t i = 0; i < config->services_max; i++)
		w->tickets[i] = (uint32_t)rte_rand();
	w->burst.random = rte_rand();
	w->sweep_bucket_tsc = RTE_MAX(SWEEP_ROUND_S * rte_get_tsc_hz() / w->flows.buckets_n, 1U);
	return w;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	rte_free(w->tickets);
	fragment_table_destroy(&w->fragments);
	flow_table_destroy(&w->flows);
	counters_destroy(&w->counters);
	rte_free(w);
}

static uint32_t port_poll(struct worker *w, uint16_t port)
{
	const struct burst_context *ctx = &w->contexts[port];
	uint16_t id = __atomic_load_n(&w->port_ids[port], __ATOMIC_RELAXED), n = 0;
	struct rte_mbuf *pkts[BURST_PACKETS];

	if (id != BURST_NO_PORT)
		n = rte_eth_rx_burst(id, w->index, pkts, BURST_PACKETS);
	if (n == 0) {
		counter_set(&w->empty_bursts, w->empty_bursts + 1);
		return 0;
	}
	if (w->restores_tags[port])
		vlan_restore(pkts, n);
	w->burst.capture = __atomic_load_n(&w->capture, __ATOMIC_ACQUIRE);
	burst_run(&w->burst, ctx, pkts, n);
	if (w->burst.capture)
		capture_take_out(w->burst.capture, &w->burst, ctx);
	burst_send(&w->burst, ctx);
	burst_pass(&w->burst, ctx, &w->to_kernel[port]);
	burst_count(&w->burst, ctx);
	if (w->burst.capture)
		capture_end(w->burst.capture, &w->burst);
	counter_set(&w->bursts, w->bursts + 1);
	return n;
}

/* The kernel's own packets. What a port doesn't take is lost, as on any interface. */
static uint32_t kernel_poll(struct worker *w, uint16_t port)
{
	uint16_t id = __atomic_load_n(&w->port_ids[port], __ATOMIC_RELAXED), n, sent_n = 0;
	struct rte_mbuf *pkts[BURST_PACKETS];

	if (!w->from_kernel[port])
		return 0;
	n = (uint16_t)rte_ring_sc_dequeue_burst(w->from_kernel[port], (void **)pkts, BURST_PACKETS,
						NULL);
	if (n == 0)
		return 0;
	if (id != BURST_NO_PORT)
		sent_n = rte_eth_tx_burst(id, w->index, pkts, n);
	if (sent_n < n) {
		rte_pktmbuf_free_bulk(&pkts[sent_n], n - sent_n);
		counter_set(&w->from_kernel_lost[port], w->from_kernel_lost[port] + n - sent_n);
	}
	return n;
}

/*
 * net_bonding with LACP sends its own frames within calls to send, and wants one every 100 ms, also when
 * there is nothing to be sent (DPDK's guide to its "Link Bonding Poll Mode Driver").
 */
static void bonds_nudge(struct worker *w, uint64_t tsc)
{
	if (tsc - w->nudge_tsc < w->second_tsc / NUDGES_PER_S)
		return;
	w->nudge_tsc = tsc;
	for (uint16_t port = 0; port < w->ports_n; port++) {
		uint16_t id = __atomic_load_n(&w->port_ids[port], __ATOMIC_RELAXED);

		if (w->nudges[port] && id != BURST_NO_PORT)
			(void)rte_eth_tx_burst(id, w->index, NULL, 0);
	}
}

static void gap_measure(struct worker *w, uint64_t tsc)
{
	uint64_t gap_tsc = w->burst_tsc != 0 ? tsc - w->burst_tsc : 0;

	w->burst_tsc = tsc;
	if (tsc - w->gap_second_tsc > w->second_tsc) {
		w->gap_second_tsc = tsc;
		counter_set(&w->burst_gap_last_tsc, w->burst_gap_now_tsc);
		counter_set(&w->burst_gap_now_tsc, 0);
	}
	if (gap_tsc <= w->burst_gap_now_tsc)
		return;
	counter_set(&w->burst_gap_now_tsc, gap_tsc);
	if (gap_tsc > w->burst_gap_max_tsc)
		counter_set(&w->burst_gap_max_tsc, gap_tsc);
}

/* As many buckets as are due by now, or as this round may have; what is more is not made up for. */
static void sweep(struct worker *w, uint64_t tsc, uint64_t buckets_max)
{
	const struct arena *arena = w->contexts[0].arena;
	const struct arena_head *head = arena_at(arena, 0, sizeof(*head));
	uint64_t due_tsc = tsc - w->sweep_tsc, due;
	const struct generation *g;

	if (flow_table_entries(&w->flows) == 0 || due_tsc < w->sweep_bucket_tsc)
		return;
	due = due_tsc / w->sweep_bucket_tsc;
	w->sweep_tsc = due <= buckets_max ? w->sweep_tsc + due * w->sweep_bucket_tsc : tsc;
	g = arena_at(arena, __atomic_load_n(&head->current, __ATOMIC_ACQUIRE), sizeof(*g));
	flow_table_sweep(&w->flows, g, w->burst.now_s, (uint32_t)RTE_MIN(due, buckets_max));
}

/*
 * The first sleep is short, each that follows twice as long, up to idle_max_us: that bounds what
 * a packet can wait.
 */
static void idle(struct worker *w)
{
	struct timespec time = {0};

	if (w->idle_max_us == 0 || ++w->empty_rounds < EMPTY_ROUNDS_MAX) {
		rte_pause();
		return;
	}
	time.tv_sec = w->sleep_us / 1000000;
	time.tv_nsec = w->sleep_us % 1000000 * 1000L;
	(void)nanosleep(&time, NULL);
	counter_set(&w->sleeps, w->sleeps + 1);
	w->burst_tsc = 0;
	w->sleep_us = w->sleep_us < w->idle_max_us / 2 ? w->sleep_us * 2 : w->idle_max_us;
}

static uint32_t round_poll(struct worker *w)
{
	uint32_t n = 0;

	for (uint16_t port = 0; port < w->ports_n; port++) {
		n += port_poll(w, port);
		n += kernel_poll(w, port);
	}
	return n;
}

int worker_run(void *worker)
{
	struct worker *w = worker;

	/* The kernel would add 50 µs to each sleep. */
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	while (__atomic_load_n(&w->held, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&w->stopping, __ATOMIC_RELAXED))
		(void)nanosleep(&(struct timespec){.tv_nsec = HELD_NAP_US * 1000}, NULL);
	w->sleep_us = 1;
	rte_rcu_qsbr_thread_online(w->rcu, w->index);
	while (!__atomic_load_n(&w->stopping, __ATOMIC_RELAXED)) {
		uint64_t tsc = rte_get_tsc_cycles();
		uint32_t n;

		gap_measure(w, tsc);
		w->burst.now_s = seconds_from_tsc(tsc);
		n = round_poll(w);
		if (w->nudges_any)
			bonds_nudge(w, tsc);
		sweep(w, tsc, n > 0 ? SWEEP_BUSY_BUCKETS : SWEEP_IDLE_BUCKETS);
		/* No pointer into a generation is held from here on. */
		rte_rcu_qsbr_quiescent(w->rcu, w->index);
		if (n == 0) {
			idle(w);
			continue;
		}
		w->empty_rounds = 0;
		w->sleep_us = 1;
	}
	rte_rcu_qsbr_thread_offline(w->rcu, w->index);
	return 0;
}

void worker_set_capture(struct worker *w, struct capture *capture)
{
	__atomic_store_n(&w->capture, capture, __ATOMIC_RELEASE);
}

void worker_forget_port(struct worker *w, uint16_t port)
{
	__atomic_store_n(&w->port_ids[port], (uint16_t)BURST_NO_PORT, __ATOMIC_RELAXED);
}

void worker_release(struct worker *w)
{
	__atomic_store_n(&w->held, false, __ATOMIC_RELEASE);
}

void worker_stop(struct worker *w)
{
	__atomic_store_n(&w->stopping, true, __ATOMIC_RELAXED);
}

static uint64_t ns_from_tsc(uint64_t tsc)
{
	return (uint64_t)((double)tsc * 1e9 / (double)rte_get_tsc_hz());
}

void worker_add_drops(const struct worker *w, uint16_t port, uint64_t dropped[FAST_PATH_DROP_N])
{
	static const enum fast_path_drop drops[BURST_CLASSES] = {
		[BURST_CONTROL] = FAST_PATH_DROP_KERNEL_CONTROL,
		[BURST_NODE] = FAST_PATH_DROP_KERNEL_NODE,
		[BURST_VIP] = FAST_PATH_DROP_KERNEL_VIP,
	};

	for (int class = 0; class < BURST_CLASSES; class ++)
		dropped[drops[class]] +=
			__atomic_load_n(&w->to_kernel[port].full[class], __ATOMIC_RELAXED);
	dropped[FAST_PATH_DROP_FROM_KERNEL] +=
		__atomic_load_n(&w->from_kernel_lost[port], __ATOMIC_RELAXED);
}

void worker_read(const struct worker *w, struct worker_counters *row)
{
	uint64_t now_tsc, last_tsc;

	memset(row, 0, sizeof(*row));
	row->core = w->core;
	row->numa_node = (int16_t)numa_node_of_lcore(eal_worker_lcore(w->index));
	counters_add_verdicts(&w->counters, &row->verdicts);
	row->bursts = __atomic_load_n(&w->bursts, __ATOMIC_RELAXED);
	row->empty_bursts = __atomic_load_n(&w->empty_bursts, __ATOMIC_RELAXED);
	row->sleeps = __atomic_load_n(&w->sleeps, __ATOMIC_RELAXED);
	now_tsc = __atomic_load_n(&w->burst_gap_now_tsc, __ATOMIC_RELAXED);
	last_tsc = __atomic_load_n(&w->burst_gap_last_tsc, __ATOMIC_RELAXED);
	row->burst_gap_recent_ns = ns_from_tsc(RTE_MAX(now_tsc, last_tsc));
	row->burst_gap_max_ns =
		ns_from_tsc(__atomic_load_n(&w->burst_gap_max_tsc, __ATOMIC_RELAXED));
}
