/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h.
 */
#include "sim.h"

#include "counters.h"

#include "maglev.h"
#include "sluice/encap.h"
#include "sluice/service.h"
#include "sluice/wire.h"

#include "../../parity/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#define VIP    "203.0.113.9"
#define CLIENT "10.0.0.0"

enum {
	ARENA_BYTES = 2 << 20,
	MBUFS = 512,
	PORT = 80,
	MTU = 1600,
	START_S = 1000,
	CLIENT_AT = 14 + 12, /* in the frame: source address, source port, flags */
	SPORT_AT = 14 + 20,
	FLAGS_AT = 14 + 20 + 13,
	SUM_AT = 14 + 10,
	FLOWS_BITS = 22, /* addresses; the bits above make ports */
};

static const struct flow_key key = {{0x736c756963652d73ULL, 0x696d2d6b65792d31ULL}};
static struct rte_mempool *pool;
static struct arena *arena;
static uint32_t arena_used;
static uint64_t forwarded[2];
static struct service_counters service_rows[2];
static struct backend_counters backend_rows[SIM_BACKENDS_MAX + 1];
static const struct counters counters = {
	.forwarded = forwarded,
	.services = service_rows,
	.backends = backend_rows,
	.services_max = 2,
	.backends_max = SIM_BACKENDS_MAX + 1,
};
static uint32_t tickets[2];
static struct burst burst;
static struct frame frame;

static void give_up(const char *what)
{
	fprintf(stderr, "bench_consistency: %s\n", what);
	abort();
}

uint64_t sim_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

void sim_eal_open(void)
{
	char *args[] = {"bench_consistency",
			"--no-huge",
			"--no-shconf",
			"--no-pci",
			"--no-telemetry",
			"-m",
			"64",
			"--log-level=*:error",
			"-l",
			"0"};
	const struct frame_spec spec = {
		.src = CLIENT,
		.dst = VIP,
		.proto = IP_TCP,
		.sport = 1,
		.dport = PORT,
	};

	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		give_up("no EAL");
	pool = rte_pktmbuf_pool_create("sim", MBUFS, 0, 0, RTE_PKTMBUF_HEADROOM + 512,
				       SOCKET_ID_ANY);
	arena = aligned_alloc(ARENA_CHUNK_BYTES, ARENA_BYTES);
	if (!pool || !arena)
		give_up("no memory");
	frame_build(&spec, &frame);
}

/* The next `bytes` of the arena; all tables are lines. */
static void *arena_take(size_t bytes, uint32_t *offset)
{
	*offset = arena_used;
	arena_used += (uint32_t)((bytes + 63) / 64 * 64);
	if (arena_used > ARENA_BYTES)
		give_up("the arena is full");
	return (uint8_t *)arena + *offset;
}

static void generation_lay(struct sim *s)
{
	struct arena_head *head = (struct arena_head *)arena;
	struct generation *g;
	uint8_t vip[16];
	uint32_t addr, offset;

	memset(arena, 0, ARENA_BYTES);
	arena_used = sizeof(*head);
	frame_address(VIP, vip);
	memcpy(&addr, vip, sizeof(addr));
	g = arena_take(sizeof(*g), &head->current);
	*g = (struct generation){
		.number = 1,
		.key = key,
		.outer_ttl = 64,
		.idle_s = {0, 10, 3600, 3600, 15, 60, 60},
	};
	s->service = arena_take(sizeof(*s->service), &g->services_off);
	*s->service = (struct service){
		.key = service_key(addr, be16_from(PORT), PROTO_TCP, false),
		.slots = s->slots_n,
		.id = 1,
		.backends = SIM_BACKENDS_MAX,
	};
	s->slots = arena_take(s->slots_max * sizeof(*s->slots), &s->service->slots_off);
	s->way = arena_take(sizeof(*s->way) + s->slots_max * sizeof(*s->previous), &offset);
	s->previous = (uint16_t *)(s->way + 1);
	s->rows = arena_take(SIM_BACKENDS_MAX * sizeof(*s->rows), &s->service->backends_off);
}

static struct backend make_backend(uint32_t index, bool lives)
{
	struct backend b = {
		.dst_mac = {2, 0, 0, 0, (uint8_t)(index >> 8), (uint8_t)index},
		.encap = ENCAP_IPIP,
		.flags = BACKEND_RESOLVED,
		.mtu_bytes = MTU,
		.counter = 1 + index,
	};

	if (lives)
		b.flags |= BACKEND_LIVES;
	frame_address("192.0.2.1", (uint8_t *)b.outer_src);
	frame_address("198.51.100.1", (uint8_t *)b.outer_dst);
	b.outer_sum = encap_outer_sum(&b, 0);
	return b;
}

/* What Maglev chooses now; and the rows of the backends. */
static void choices_make(struct sim *s, uint16_t *slots)
{
	struct maglev_backend backends[SIM_BACKENDS_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->backends_n; i++) {
		struct ip_addr addr;

		if (ip_parse("10.128.0.0", &addr) != 0)
			give_up("no address");
		addr.bytes[2] = (uint8_t)(i >> 8);
		addr.bytes[3] = (uint8_t)i;
		s->lives[i] = !s->backends[i].was_removed;
		s->rows[i] = make_backend(i, s->lives[i]);
		if (s->lives[i])
			backends[n++] = (struct maglev_backend){
				.identity = maglev_identity(&key, &addr),
				.weight = s->backends[i].weight,
				.index = (uint16_t)i,
			};
	}
	if (maglev_build(slots, s->slots_n, backends, n) != 0)
		give_up("no lookup table");
}

static bool remembers_all(const struct sim *s)
{
	return s->service->flags & SERVICE_REMEMBERS;
}

struct sim *sim_new(uint32_t backends_n, uint32_t flows_max)
{
	struct sim *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);

	if (!s)
		give_up("no memory");
	memset(s, 0, sizeof(*s));
	s->slots_n = maglev_slots_for(backends_n);
	s->slots_max = 2 * s->slots_n;
	s->backends_n = backends_n;
	s->now_s = START_S;
	for (uint32_t i = 0; i < backends_n; i++)
		s->backends[i].weight = SIM_WEIGHT;
	generation_lay(s);
	choices_make(s, s->slots);
	for (int i = 0; i < SIM_BALANCERS; i++)
		if (flow_table_create(&s->tables[i], flows_max, false) != 0)
			give_up("no memory for a flow table");
	return s;
}

void sim_free(struct sim *s)
{
	for (int i = 0; i < SIM_BALANCERS; i++)
		flow_table_destroy(&s->tables[i]);
	free(s);
}

/* The frame, with the flow's address and port; sums follow from the changed words (RFC 1624). */
static struct rte_mbuf *packet_mbuf(const struct sim_packet *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint32_t client = p->flow & ((1u << FLOWS_BITS) - 1);
	uint8_t *bytes;
	uint32_t sum;

	if (!m)
		give_up("no buffer");
	bytes = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)frame.n);
	memcpy(bytes, frame.bytes, frame.n);
	frame_put32(bytes + CLIENT_AT, 10u << 24 | client);
	frame_put16(bytes + SPORT_AT, (uint16_t)(1024 + (p->flow >> FLOWS_BITS)));
	bytes[FLAGS_AT] = p->tcp_flags;
	/* The template's address is 10.0.0.0. */
	sum = (uint32_t)(uint16_t)~frame_get16(bytes + SUM_AT) + (client >> 16) + (client & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	frame_put16(bytes + SUM_AT, (uint16_t)~sum);
	return m;
}

static void burst_send_some(struct sim *s, struct sim_packet *packets, uint16_t n)
{
	const struct flow_table *table = &s->tables[packets[0].balancer];
	const struct burst_context ctx = {
		.arena = arena,
		.counters = &counters,
		.ports_n = 1,
		.tables_n = 1,
		.flows = &s->tables[packets[0].balancer],
		.tables = &table,
		.tickets = tickets,
	};
	struct rte_mbuf *pkts[BURST_MAX];

	for (uint16_t i = 0; i < n; i++)
		pkts[i] = packet_mbuf(&packets[i]);
	burst.now_s = s->now_s;
	burst_run(&burst, &ctx, pkts, n);
	for (uint16_t i = 0; i < n; i++) {
		if (burst.verdict[i] != VERDICT_forward)
			give_up("a packet was not forwarded");
		packets[i].backend = (uint16_t)(burst.backend[i] - s->rows);
		packets[i].plain = remembers_all(s) ? packets[i].backend
						    : s->slots[burst.slot[i]] & SLOT_INDEX;
	}
	rte_pktmbuf_free_bulk(burst.out[0], burst.out_n[0]);
}

void sim_send(struct sim *s, struct sim_packet *packets, uint32_t n)
{
	for (uint32_t i = 0; i < n;) {
		uint16_t take = 1;

		while (take < BURST_MAX && i + take < n &&
		       packets[i + take].balancer == packets[i].balancer)
			take++;
		burst_send_some(s, packets + i, take);
		i += take;
	}
}

/* What was, for transition.h. */
static struct transition_change change_of(const struct sim *s)
{
	struct transition_change change = {
		.was_slots = s->slots,
		.was_previous = s->service->previous_off ? s->previous : NULL,
		.slots_n = s->service->slots,
		.lives = s->lives,
		.lives_n = s->backends_n,
		.waits = true,
		.remembers = remembers_all(s),
	};

	for (uint32_t i = 0; i < SIM_BALANCERS; i++)
		change.remembers = change.remembers || sim_entries(s, i) > 0;
	return change;
}

static struct transition_counts slots_change(struct sim *s, const struct transition_change *change,
					     uint16_t *slots, uint16_t *previous)
{
	struct transition_counts counts = transition_begin(change, slots, previous);

	memcpy(s->previous, previous, s->slots_n * sizeof(*previous));
	s->service->previous_off =
		counts.previous ? (uint32_t)((uint8_t *)s->previous - (uint8_t *)arena) : 0;
	return counts;
}

/* The way before is kept; or the one before that, if it still is. */
static struct transition_counts way_change(struct sim *s, const struct transition_change *was,
					   uint16_t flags, uint16_t *slots, uint16_t *previous)
{
	struct service *service = s->service;
	struct transition_change change = *was;
	struct transition_counts counts = {0};
	uint16_t way =
		SERVICE_WAY | (service->flags & SERVICE_HASH_SOURCE ? SERVICE_WAY_SOURCE : 0);
	uint32_t choices = 0;

	if (service->flags & SERVICE_WAY) {
		way = service->flags & (SERVICE_WAY | SERVICE_WAY_SOURCE);
		change.was_slots = NULL;
		change.slots_n = s->way->slots;
	}
	if (service->flags & SERVICE_WAY || !remembers_all(s))
		choices = transition_way(&change, previous);
	if (!(flags & SERVICE_REMEMBERS))
		counts = transition_restart(slots, s->slots_n, change.remembers || choices > 0);
	memcpy(s->previous, previous, change.slots_n * sizeof(*previous));
	s->way->slots = change.slots_n;
	service->previous_off = choices ? (uint32_t)((uint8_t *)s->way - (uint8_t *)arena) : 0;
	service->flags = (uint16_t)(flags | (choices ? way : 0));
	return counts;
}

static struct transition_counts any_change(struct sim *s, uint16_t flags, uint32_t slots_n)
{
	struct service *service = s->service;
	uint16_t *slots = calloc(s->slots_max, sizeof(*slots));
	uint16_t *previous = calloc(s->slots_max, sizeof(*previous));
	bool same_way = service->flags == flags && service->slots == slots_n;
	struct transition_change change;
	struct transition_counts counts;

	if (!slots || !previous || slots_n > s->slots_max)
		give_up("no memory");
	s->slots_n = slots_n;
	choices_make(s, slots);
	change = change_of(s);
	if (same_way && !(flags & SERVICE_REMEMBERS))
		counts = slots_change(s, &change, slots, previous);
	else
		counts = way_change(s, &change, flags, slots, previous);
	memcpy(s->slots, slots, slots_n * sizeof(*slots));
	service->slots = slots_n;
	s->changed_n = counts.changed;
	s->changed_s = s->now_s;
	free(slots);
	free(previous);
	return counts;
}

struct transition_counts sim_change(struct sim *s)
{
	uint16_t flags = s->service->flags & (uint16_t) ~(SERVICE_WAY | SERVICE_WAY_SOURCE);

	return any_change(s, flags, s->slots_n);
}

void sim_change_way(struct sim *s, uint16_t flags, uint32_t slots_n)
{
	(void)any_change(s, flags, slots_n);
}

bool sim_in_transition(const struct sim *s)
{
	return s->service->previous_off != 0;
}

uint64_t sim_entries(const struct sim *s, uint32_t balancer)
{
	return flow_table_entries(&s->tables[balancer]);
}

struct elsewhere {
	const struct sim *sim;
	uint64_t *bitmap;
};

static void elsewhere_mark(void *ctx, uint32_t worker, const struct memory_entry *entry)
{
	struct elsewhere *e = ctx;
	uint32_t slot = service_slot(e->sim->service, entry->hash);

	(void)worker;
	if ((e->sim->slots[slot] & SLOT_INDEX) != entry->memory.backend)
		transition_bit_set(e->bitmap, slot);
}

static void settle(struct sim *s)
{
	struct elsewhere e = {s, calloc((s->slots_n + 63) / 64, sizeof(uint64_t))};
	uint16_t *slots = calloc(s->slots_n, sizeof(*slots));

	if (!e.bitmap || !slots)
		give_up("no memory");
	for (uint32_t i = 0; i < SIM_BALANCERS; i++) {
		/* By source, the slot of an entry isn't known. */
		if (s->service->flags & SERVICE_HASH_SOURCE && sim_entries(s, i) > 0)
			memset(e.bitmap, 0xff, (s->slots_n + 63) / 64 * sizeof(uint64_t));
		flow_table_walk(&s->tables[i], i, elsewhere_mark, &e);
	}
	s->changed_n = transition_settle(s->slots, e.bitmap, s->slots_n, slots);
	memcpy(s->slots, slots, s->slots_n * sizeof(*slots));
	free(slots);
	free(e.bitmap);
}

static void sim_end(struct sim *s)
{
	s->service->previous_off = 0;
	s->service->flags &= (uint16_t) ~(SERVICE_WAY | SERVICE_WAY_SOURCE);
}

void sim_tick(struct sim *s)
{
	const struct arena_head *head = (const struct arena_head *)arena;
	const struct generation *g =
		(const struct generation *)((const uint8_t *)arena + head->current);

	for (uint32_t i = 0; i < SIM_BALANCERS; i++)
		flow_table_sweep(&s->tables[i], g, s->now_s, s->tables[i].buckets_n);
	if (sim_in_transition(s) && s->now_s - s->changed_s >= SIM_TRANSITION_S)
		sim_end(s);
	else if (!sim_in_transition(s) && s->changed_n > 0)
		settle(s);
}
