/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A burst: the packets of one receive call on their way through the tables, in stages over
 * arrays, so that what one stage prefetches the next finds in the cache. All decisions and all
 * bytes come from include/sluice. Called by a worker for its own burst; tests and benchmarks call
 * burst_run() without any port.
 *
 *   burst_run() -> burst_send(), burst_pass() -> burst_count()
 */
#ifndef SLUICE_DATAPLANE_BURST_H
#define SLUICE_DATAPLANE_BURST_H

#include "hash_burst.h"
#include "sluice/module.h"
#include "sluice/packet.h"

struct arena;
struct backend;
struct capture;
struct counters;
struct flow_table;
struct fragment_table;
struct generation;
struct limit;
struct macs;
struct rte_mbuf;
struct rte_ring;
struct service;

enum {
	BURST_MAX = 64, /* burst_run() takes no more */
	/* Within burst_run() alone, in the place of a verdict: its backend is not chosen yet. */
	BURST_LATER = UINT8_MAX,
	/* In the place of a port's id: its device is gone. */
	BURST_NO_PORT = UINT16_MAX,
};

_Static_assert((int)BURST_MAX == (int)HASH_BURST_MAX, "they are hashed at once");

/* Where a worker's packets of one port come from and go to. Immutable while it runs. */
struct burst_context {
	const struct arena *arena;
	const struct counters *counters; /* this worker's */
	const uint16_t *port_ids;        /* [ports_n], DPDK's, or BURST_NO_PORT, which another
					  * thread may put there; burst_send() alone needs them */
	uint16_t queue;                  /* transmit queue on each of them */
	uint16_t ports_n;
	uint16_t port; /* index of the port that the packets came by: answers leave by it */
	/* These are for changed slots alone (burst_changed.c). */
	uint16_t tables_n;
	struct flow_table *flows;               /* this worker's; NULL: no slot ever changes */
	const struct flow_table *const *tables; /* [tables_n], of all workers, this one's too */
	/* Of workers before this process, which any worker may take its flows out of. */
	struct flow_table *orphans;
	uint16_t orphans_n;
	uint32_t *tickets; /* this worker's, by service: new flows of round robin's services */
	struct fragment_table *fragments; /* this worker's; NULL: nothing is known of any */
	const struct macs *macs;          /* that the port takes frames to; NULL: any */
	struct limit *limits; /* [LIMIT_KINDS], this worker's; NULL: all answers are sent */
};

/* What goes to the kernel, first those that must not wait for the others. */
enum burst_class {
	BURST_CONTROL, /* not IP (ARP, LACP, LLDP), and neighbour discovery */
	BURST_NODE,    /* to no vip: BGP, BFD, SSH, and what the node routes */
	BURST_VIP,     /* to a vip, but to none of its services */
	BURST_CLASSES,
};

/* A worker's way to the kernel's interface beside one port. */
struct burst_kernel {
	struct rte_ring *rings[BURST_CLASSES];
	uint64_t full[BURST_CLASSES]; /* packets that found no room; read by another thread */
};

/*
 * By packet [i], in the order given to burst_run(): verdict, row, packets, and backend where the
 * verdict is forward or icmp_forward. The mbufs are in out, in kernel, or freed.
 */
struct burst {
	uint16_t n;
	uint16_t live_n;
	uint16_t kernel_n;
	uint16_t drop_n;
	uint16_t out_n[FAST_PATH_PORTS_MAX];
	struct capture *capture;      /* set before burst_run(); NULL: no packets are copied */
	struct rte_mbuf **pkts;       /* the caller's array, valid within burst_run() only */
	uint8_t verdict[BURST_MAX];   /* enum verdict */
	uint8_t live[BURST_MAX];      /* indices of those that look for a backend */
	uint8_t kernel_at[BURST_MAX]; /* index of kernel[k] */
	uint32_t row[BURST_MAX];      /* of the service's counters */
	struct packet packets[BURST_MAX];
	const struct service *service[BURST_MAX];
	const struct backend *backend[BURST_MAX];
	uint64_t hash[BURST_MAX];
	struct rte_mbuf *kernel[BURST_MAX]; /* for the kernel, as they came */
	struct rte_mbuf *drop[BURST_MAX];
	struct rte_mbuf *out[FAST_PATH_PORTS_MAX][BURST_MAX];
	uint8_t out_at[FAST_PATH_PORTS_MAX][BURST_MAX]; /* index of out[port][k] */
	/* The flows, packed for the hash. */
	uint16_t v6_n;
	uint16_t errors_n; /* ICMP errors */
	struct hash_burst_flows flows;
	uint64_t hash_v6[BURST_MAX]; /* of a burst with both families */
	/* service_key() of the packet's own port; of an echo request, one that no service has. */
	uint64_t key[BURST_MAX];
	uint32_t slot[BURST_MAX];
	/*
	 * The caller's clock (memory.h), set before burst_run(): for fragments, and where slots
	 * changed. For these the state of this worker's chance, any number to begin with, and
	 * indices of those whose slot doesn't tell it alone.
	 */
	uint32_t now_s;
	uint16_t changed_n;
	uint16_t others_left; /* tables of other workers that this burst may look at */
	uint64_t random;
	uint8_t changed[BURST_MAX];
	uint16_t value[BURST_MAX]; /* of the slot of live[k] */
};

/*
 * Decides on pkts[0 .. n), n <= BURST_MAX, by the generation that is published at the start;
 * rewrites and sorts them. `b` needs no preparation but its clock, and is to be zeroed once.
 */
void burst_run(struct burst *b, const struct burst_context *ctx, struct rte_mbuf **pkts,
	       uint16_t n);

/*
 * The first stage of burst_run(): parses all packets, and fills packets, verdict, flows, key and
 * service, this one with the entry where the key's probes start.
 */
void burst_parse(struct burst *b, const struct burst_context *ctx, const struct generation *g);

/* The next stage: what comes from no host gets its verdict. */
void burst_check_sources(struct burst *b);

/*
 * Within the first stage of burst_run(), for a packet of which packet_parse() said `fragment`:
 * completes its flow, or keeps what it tells for those behind it. Returns forward or fragment.
 */
enum verdict burst_join(struct burst *b, const struct burst_context *ctx,
			const struct generation *g, uint32_t i);

/*
 * Two stages of burst_run(), where any slot of live is changed: whose backends only what is
 * remembered of their flows can tell (they stand in `changed` then, as BURST_LATER), with a look
 * ahead for that; and what it tells. `remembers`: some of the services remember all flows. Between
 * the two there is time for other packets. Nothing else touches a flow table.
 */
void burst_find_changed(struct burst *b, const struct burst_context *ctx, bool remembers);
void burst_choose_changed(struct burst *b, const struct burst_context *ctx,
			  const struct generation *g);

/*
 * The last stage of burst_run(): does what the verdicts say, sorts packets by where they go. The
 * first leaves those that are BURST_LATER to the second, which takes `changed` alone.
 */
void burst_act(struct burst *b, const struct burst_context *ctx, const struct generation *g);
void burst_act_changed(struct burst *b, const struct burst_context *ctx,
		       const struct generation *g);

/* Sends what is in out. What a port doesn't take is freed, its verdict becomes transmit_full. */
void burst_send(struct burst *b, const struct burst_context *ctx);

/* Hands what is in kernel to the ring of its class. What doesn't fit is freed, and becomes kernel_full. */
void burst_pass(struct burst *b, const struct burst_context *ctx, struct burst_kernel *kernel);

/* Counts each packet's verdict, and what went to each backend. Once, after the verdicts stand. */
void burst_count(const struct burst *b, const struct burst_context *ctx);

#endif
