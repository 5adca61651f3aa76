/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changed_world.h.
 */
#include "changed_world.h"
#include "trace.h"
#include "sluice/arena.h"
#include "sluice/encap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

enum {
	ARENA_BYTES = 1 << 20,
	MBUFS = 512,
	SERVICES_MASK = 63,
	PORT = 80, /* of the first service; the next have the next */
	CLIENT_BITS = 24,
	ADDRESS_MAX = 32,
	NOW_S = 1000,
};

#define VIP "203.0.113.9"

struct changed_world cw;

static const struct {
	uint8_t proto;
	uint16_t flags;
} kinds[CHANGED_SERVICES] = {
	[WEB] = {PROTO_TCP, 0},
	[DNS] = {PROTO_UDP, 0},
	[SOURCE] = {PROTO_TCP, SERVICE_HASH_SOURCE},
	[ROUND] = {PROTO_TCP, SERVICE_ROUND_ROBIN},
	[ROUND2] = {PROTO_TCP, SERVICE_ROUND_ROBIN},
	[CHANCE] = {PROTO_TCP, SERVICE_RANDOM},
	[LEAST] = {PROTO_TCP, SERVICE_LEAST_CONN},
};

/* The next `bytes` of the arena; all tables are lines. */
static void *arena_take(size_t bytes, uint32_t *offset)
{
	static uint32_t used = sizeof(struct arena_head);

	*offset = used;
	used += (uint32_t)((bytes + 63) / 64 * 64);
	assert_true(used <= ARENA_BYTES);
	return (uint8_t *)cw.arena + *offset;
}

static struct backend make_backend(uint32_t service, uint32_t index)
{
	struct backend b = {
		.dst_mac = {2, 0, 0, 0, (uint8_t)service, (uint8_t)index},
		.encap = ENCAP_IPIP,
		.flags = BACKEND_RESOLVED | BACKEND_LIVES,
		.mtu_bytes = 1600,
		.counter = 1 + service * CHANGED_BACKENDS + index,
	};

	frame_address("192.0.2.1", (uint8_t *)b.outer_src);
	frame_address("198.51.100.1", (uint8_t *)b.outer_dst);
	b.outer_sum = encap_outer_sum(&b, 0);
	return b;
}

/* The service's place in the table of services: the first free one from where its probes start. */
static struct service *service_place(struct service *table, uint64_t key)
{
	uint32_t at = service_start(key) & SERVICES_MASK;

	while (table[at].key != 0)
		at = (at + 1) & SERVICES_MASK;
	return &table[at];
}

static void service_lay(uint32_t i, struct service *table)
{
	uint8_t vip[16];
	uint32_t addr, offset;
	uint64_t key;

	frame_address(VIP, vip);
	memcpy(&addr, vip, sizeof(addr));
	key = service_key(addr, be16_from((uint16_t)(PORT + i)), kinds[i].proto, false);
	cw.tables[i] = arena_take(sizeof(struct changed_tables), &offset);
	cw.services[i] = service_place(table, key);
	*cw.services[i] = (struct service){
		.key = key,
		.slots_off = offset + (uint32_t)offsetof(struct changed_tables, slots),
		.slots = CHANGED_SLOTS,
		.backends_off = offset + (uint32_t)offsetof(struct changed_tables, backends),
		.id = 1 + i,
		.backends = CHANGED_BACKENDS,
		.flags = kinds[i].flags,
	};
}

/* The vip's own entry, by which fragments are known to be to it. */
static void vip_lay(struct service *table)
{
	uint8_t vip[16];
	uint32_t addr;
	uint64_t key;

	frame_address(VIP, vip);
	memcpy(&addr, vip, sizeof(addr));
	key = service_key(addr, 0, PROTO_ICMP, false);
	*service_place(table, key) = (struct service){.key = key};
}

static void generation_lay(void)
{
	struct arena_head *head = (struct arena_head *)cw.arena;
	struct service *table;
	uint32_t offset;

	cw.generation = arena_take(sizeof(*cw.generation), &head->current);
	table = arena_take((SERVICES_MASK + 1) * sizeof(*table), &offset);
	*cw.generation = (struct generation){
		.number = 1,
		.key = {{1, 2}},
		.services_off = offset,
		.services_mask = SERVICES_MASK,
		.outer_ttl = 64,
		.idle_s = {0, 10, 15, 3600, 15, 20, 60},
	};
	for (uint32_t i = 0; i < CHANGED_SERVICES; i++)
		service_lay(i, table);
	vip_lay(table);
}

int changed_open(void **state)
{
	char *args[] = {"test_burst_changed",
			"--no-huge",
			"--no-shconf",
			"--no-pci",
			"--no-telemetry",
			"-m",
			"64",
			"--log-level=*:error",
			"-l",
			"0"};

	(void)state;
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		return -1;
	cw.pool = rte_pktmbuf_pool_create("test", MBUFS, 0, 0, RTE_PKTMBUF_HEADROOM + 512,
					  SOCKET_ID_ANY);
	cw.arena = aligned_alloc(ARENA_CHUNK_BYTES, ARENA_BYTES);
	if (!cw.pool || !cw.arena ||
	    counters_create(&cw.counters, CHANGED_SERVICES + 1,
			    CHANGED_SERVICES * CHANGED_BACKENDS + 1, false) < 0)
		return -1;
	memset(cw.arena, 0, ARENA_BYTES);
	generation_lay();
	for (int w = 0; w < CHANGED_WORKERS; w++) {
		cw.flow_tables[w] = &cw.flows[w];
		cw.contexts[w] = (struct burst_context){
			.arena = cw.arena,
			.counters = &cw.counters,
			.ports_n = 1,
			.flows = &cw.flows[w],
			.tables = cw.flow_tables,
			.tables_n = CHANGED_WORKERS,
			.tickets = cw.tickets,
		};
	}
	return 0;
}

int changed_close(void **state)
{
	(void)state;
	for (int w = 0; w < CHANGED_WORKERS; w++)
		flow_table_destroy(&cw.flows[w]);
	counters_destroy(&cw.counters);
	free(cw.arena);
	rte_mempool_free(cw.pool);
	return rte_eal_cleanup();
}

int changed_reset(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < CHANGED_SERVICES; i++) {
		cw.services[i]->slots = CHANGED_SLOTS;
		cw.services[i]->flags = kinds[i].flags;
		for (uint16_t slot = 0; slot < CHANGED_SLOTS_MAX; slot++) {
			cw.tables[i]->slots[slot] = slot % CHANGED_BACKENDS;
			cw.tables[i]->previous[slot] = SLOT_NONE;
		}
		for (uint16_t b = 0; b < CHANGED_BACKENDS; b++)
			cw.tables[i]->backends[b] = make_backend(i, b);
		cw.services[i]->previous_off = 0;
	}
	memset(cw.tickets, 0, sizeof(cw.tickets));
	for (int w = 0; w < CHANGED_WORKERS; w++) {
		flow_table_destroy(&cw.flows[w]);
		if (flow_table_create(&cw.flows[w], CHANGED_FLOWS_MAX, false) != 0)
			return -1;
	}
	cw.burst.now_s = NOW_S;
	return 0;
}

void changed_transition(enum changed_service service, bool under_way)
{
	struct service *s = cw.services[service];

	s->previous_off =
		under_way ? s->slots_off + (uint32_t)offsetof(struct changed_tables, previous) : 0;
	s->flags &= (uint16_t) ~(SERVICE_WAY | SERVICE_WAY_SOURCE);
}

void changed_way(enum changed_service service, uint16_t flags, uint32_t slots_n,
		 uint32_t previous_n)
{
	struct service *s = cw.services[service];

	assert_in_range(slots_n, 1, CHANGED_SLOTS_MAX);
	assert_in_range(previous_n, 0, CHANGED_SLOTS_MAX);
	cw.tables[service]->way.slots = previous_n;
	s->slots = slots_n;
	s->flags = flags;
	s->previous_off = flags & SERVICE_WAY
				  ? s->slots_off + (uint32_t)offsetof(struct changed_tables, way)
				  : 0;
}

static uint16_t client_port(const struct changed_packet *p)
{
	return p->sport ? p->sport : CLIENT_PORT;
}

static void client_address(uint32_t client, char text[ADDRESS_MAX])
{
	assert_true(client >> CLIENT_BITS == 0);
	snprintf(text, ADDRESS_MAX, "10.%u.%u.%u", client >> 16, client >> 8 & 255, client & 255);
}

static void packet_frame(const struct changed_packet *p, struct frame *frame)
{
	static const uint8_t tcp_flags[] = {
		[CHANGED_SYN] = TCP_SYN,
		[CHANGED_ACK] = TCP_PLAIN,
		[CHANGED_FIN] = TCP_FIN | TCP_ACK,
		[CHANGED_UDP] = 0,
		[CHANGED_FRAGMENT] = 0,
		[CHANGED_ERROR] = 0,
	};
	uint16_t dport = (uint16_t)(PORT + p->service);
	char client[ADDRESS_MAX];
	struct frame_spec sent = {
		.src = VIP,
		.dst = client,
		.proto = kinds[p->service].proto,
		.sport = dport,
		.dport = client_port(p),
	};
	struct frame_spec spec = {
		.src = client,
		.dst = VIP,
		.proto = kinds[p->service].proto,
		.sport = client_port(p),
		.dport = dport,
		.flags = tcp_flags[p->kind],
		.fragment = p->kind == CHANGED_FRAGMENT ? 0x2000 : 0, /* more follow */
	};

	client_address(p->client, client);
	if (p->kind == CHANGED_ERROR)
		spec = (struct frame_spec){
			.src = "100.64.0.1",
			.dst = VIP,
			.proto = IP_ICMP,
			.type = 3,
			.code = 4,
			.quote = &sent,
		};
	frame_build(&spec, frame);
}

static struct rte_mbuf *packet_mbuf(const struct changed_packet *p)
{
	static struct frame frame;
	struct rte_mbuf *m = rte_pktmbuf_alloc(cw.pool);

	assert_non_null(m);
	packet_frame(p, &frame);
	memcpy(rte_pktmbuf_append(m, (uint16_t)frame.n), frame.bytes, frame.n);
	return m;
}

static struct flow packet_flow(const struct changed_packet *p)
{
	struct changed_packet plain = *p;
	static struct frame frame;
	struct packet parsed;
	struct cursor c;

	if (plain.kind == CHANGED_ERROR)
		plain.kind = CHANGED_ACK;
	packet_frame(&plain, &frame);
	c = (struct cursor){frame.bytes, frame.bytes + frame.n, frame.n};
	assert_int_equal(packet_parse(&c, &parsed), VERDICT_forward);
	return parsed.flow;
}

uint64_t changed_hash(const struct changed_packet *p)
{
	struct flow f = packet_flow(p);

	return flow_hash(&f, &cw.generation->key);
}

uint32_t changed_slot_in(const struct changed_packet *p, uint32_t slots_n, bool by_source)
{
	struct flow f = packet_flow(p);
	const struct flow_key *key = &cw.generation->key;

	return service_slot_of(slots_n, by_source ? flow_hash_source(&f, key) : flow_hash(&f, key));
}

uint32_t changed_slot(const struct changed_packet *p)
{
	const struct service *s = cw.services[p->service];

	return changed_slot_in(p, s->slots, s->flags & SERVICE_HASH_SOURCE);
}

uint32_t changed_client(enum changed_service service, uint32_t slot, uint32_t client)
{
	struct changed_packet p = {service, CHANGED_ACK, client, 0};

	while (changed_slot(&p) != slot)
		p.client++;
	return p.client;
}

static bool traced_find(void *ctx, const struct packet *packet, uint64_t hash,
			struct memory *memory)
{
	const uint32_t *worker = ctx;

	for (uint32_t w = 0; w < CHANGED_WORKERS && w < cw.contexts[*worker].tables_n; w++)
		if ((w == *worker || packet->flags & (PACKET_ICMP_ERROR | PACKET_FRAGMENT) ||
		     flow_table_has_fragments(&cw.flows[w], cw.generation, cw.burst.now_s)) &&
		    flow_table_peek(&cw.flows[w], hash, memory))
			return true;
	for (uint32_t i = 0; i < cw.orphans_n; i++)
		if (flow_table_peek(&cw.orphans[i], hash, memory))
			return true;
	return false;
}

/* What sluiced would say of the packet, were it the next to come (ctl/trace). */
struct traced {
	uint64_t hash;
	bool draws;
	enum verdict verdict;
	uint16_t index;
};

static struct traced packet_traced(const struct changed_packet *p, uint32_t worker)
{
	const struct trace_tables tables = {
		.arena = cw.arena,
		.now_s = cw.burst.now_s,
		.find = traced_find,
		.ctx = &worker,
	};
	static uint8_t room[TRACE_GROWTH_MAX + FRAME_MAX];
	static struct frame frame;
	struct trace_frame traced = {.bytes = room + TRACE_GROWTH_MAX};
	struct trace t;

	packet_frame(p, &frame);
	traced.n = frame.n;
	memcpy(traced.bytes, frame.bytes, frame.n);
	trace_packet(&tables, &traced, &t);
	return (struct traced){t.steering.hash, t.draws, t.verdict, t.index};
}

/*
 * What was told beforehand is what came: of the first packet of each flow in a burst, since those
 * that follow find what it left behind.
 */
static void traced_compare(const struct traced *traced, uint16_t n, const uint16_t *at)
{
	for (uint16_t i = 0; i < n; i++) {
		bool first = !traced[i].draws;

		for (uint16_t k = 0; k < i && first; k++)
			first = traced[k].hash != traced[i].hash;
		if (!first)
			continue;
		assert_int_equal(traced[i].verdict, cw.burst.verdict[i]);
		assert_int_equal(traced[i].index, at[i]);
	}
}

void changed_send(uint32_t worker, const struct changed_packet *packets, uint16_t n, uint16_t *at)
{
	struct rte_mbuf *pkts[BURST_MAX];
	struct traced traced[BURST_MAX];
	struct burst *b = &cw.burst;

	assert_true(n <= BURST_MAX);
	for (uint16_t i = 0; i < n; i++) {
		pkts[i] = packet_mbuf(&packets[i]);
		traced[i] = packet_traced(&packets[i], worker);
	}
	burst_run(b, &cw.contexts[worker], pkts, n);
	for (uint16_t i = 0; i < n; i++) {
		bool error = packets[i].kind == CHANGED_ERROR;

		at[i] = SLOT_NONE;
		if (b->verdict[i] == VERDICT_no_backend)
			continue;
		assert_int_equal(b->verdict[i], error ? VERDICT_icmp_forward : VERDICT_forward);
		at[i] = (uint16_t)(b->backend[i] - cw.tables[packets[i].service]->backends);
		assert_true(at[i] < CHANGED_BACKENDS);
	}
	if (!cw.over_budget)
		traced_compare(traced, n, at);
	rte_pktmbuf_free_bulk(b->out[0], b->out_n[0]);
	assert_int_equal(rte_mempool_in_use_count(cw.pool), 0);
}

uint16_t changed_send_one(uint32_t worker, const struct changed_packet *packet)
{
	uint16_t at;

	changed_send(worker, packet, 1, &at);
	return at;
}
