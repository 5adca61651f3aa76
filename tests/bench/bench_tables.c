/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes services and backends, and lets the control plane lay them out. Called by the benches. One thread.
 */
#include "bench_tables.h"

#include "layout.h"
#include "maglev.h"
#include "sluice/encap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GENERATIONS = 2,
	FAMILIES = 2,
	PROTOS = 2,
	SERVICES = FAMILIES * PROTOS * BENCH_SERVICES,
	GUE_PORT = 6080,
	MTU = 1500,
};

struct bench_tables {
	uint32_t backends; /* a service */
	struct arena *arena;
	struct arena_space *space;
	struct laid_generation *laid[GENERATIONS];
};

static const struct flow_key key = {{0x736c756963652d62ULL, 0x656e63682d6b6579ULL}};

static void give_up(const char *what)
{
	fprintf(stderr, "tests/bench: %s\n", what);
	abort();
}

static struct ip_addr addr_parse(const char *text)
{
	struct ip_addr addr;

	if (ip_parse(text, &addr) != 0)
		give_up(text);
	return addr;
}

static struct backend make_backend(const struct bench_tables *t, bool v6, enum encap encap,
				   uint32_t service, uint32_t index)
{
	struct ip_addr src = addr_parse(v6 ? "2001:db8:64::" : "10.64.0.0");
	struct ip_addr dst = addr_parse(v6 ? "2001:db8:1::" : "10.1.0.0");
	struct backend b = {
		.dst_mac = {2, 0, 0, (uint8_t)service, (uint8_t)(index >> 8), (uint8_t)index},
		.src_mac = {2, 1},
		.encap = (uint8_t)encap,
		.flags = BACKEND_RESOLVED | BACKEND_LIVES | (v6 ? BACKEND_OUTER_V6 : 0),
		.mtu_bytes = MTU,
		.counter = 1 + service * t->backends + index,
		.entropy_mask = be32_from(encap == ENCAP_IPIP ? 0x3ffff : 0),
	};
	size_t bytes = v6 ? 16 : 4;

	memcpy(b.outer_src, src.bytes, bytes);
	memcpy(b.outer_dst, dst.bytes, bytes);
	((uint8_t *)b.outer_dst)[bytes - 3] = (uint8_t)service;
	((uint8_t *)b.outer_dst)[bytes - 2] = (uint8_t)(index >> 8);
	((uint8_t *)b.outer_dst)[bytes - 1] = (uint8_t)index;
	b.outer_sum = encap_outer_sum(&b, be16_from(GUE_PORT));
	return b;
}

static struct part *make_slots(struct bench_tables *t, uint32_t service)
{
	struct maglev_backend backends[BENCH_BACKENDS_MAX];
	uint32_t slots_n = maglev_slots_for(t->backends);
	uint16_t *slots = calloc(slots_n, sizeof(*slots));
	struct part *part;

	if (!slots)
		give_up("no memory");
	for (uint32_t i = 0; i < t->backends; i++) {
		struct ip_addr addr = addr_parse("10.0.0.0");

		addr.bytes[1] = (uint8_t)service;
		addr.bytes[2] = (uint8_t)(i >> 8);
		addr.bytes[3] = (uint8_t)i;
		backends[i] = (struct maglev_backend){
			.identity = maglev_identity(&key, &addr),
			.weight = 1,
			.index = (uint16_t)i,
		};
	}
	if (maglev_build(slots, slots_n, backends, t->backends) != 0)
		give_up("no lookup table");
	part = part_new(t->space, slots, slots_n * (uint32_t)sizeof(*slots));
	free(slots);
	if (!part)
		give_up("the arena is full");
	return part;
}

static struct layout_service make_service(struct bench_tables *t, uint32_t index, enum encap encap)
{
	bool v6 = index / (PROTOS * BENCH_SERVICES) == 1;
	struct backend backends[BENCH_BACKENDS_MAX];
	struct layout_service service = {
		.vip = addr_parse(v6 ? BENCH_VIP6 : BENCH_VIP4),
		.port = (uint16_t)(BENCH_PORT + index % BENCH_SERVICES),
		.proto = index / BENCH_SERVICES % PROTOS == 1 ? PROTO_UDP : PROTO_TCP,
		.id = 1 + index,
		.slots = make_slots(t, index),
	};

	for (uint32_t i = 0; i < t->backends; i++)
		backends[i] = make_backend(t, v6, encap, index, i);
	service.backends =
		part_new(t->space, backends, t->backends * (uint32_t)sizeof(backends[0]));
	if (!service.backends)
		give_up("the arena is full");
	return service;
}

static struct laid_generation *make_generation(struct bench_tables *t, enum encap encap)
{
	const struct layout_vip vips[FAMILIES] = {
		{.addr = addr_parse(BENCH_VIP4), .id = 1 + SERVICES},
		{.addr = addr_parse(BENCH_VIP6), .id = 2 + SERVICES},
	};
	struct layout_service services[SERVICES];
	struct layout_spec spec = {
		.number = 1,
		.key = key,
		.gue_port = GUE_PORT,
		.outer_ttl = 64,
		.services = services,
		.services_n = SERVICES,
		.vips = vips,
		.vips_n = FAMILIES,
	};
	char error[LAYOUT_ERROR_MAX];
	struct laid_generation *laid;

	for (uint32_t i = 0; i < SERVICES; i++)
		services[i] = make_service(t, i, encap);
	if (laid_generation_new(t->space, &spec, &laid, error) != 0)
		give_up(error);
	for (uint32_t i = 0; i < SERVICES; i++) { /* the generation has its own references */
		part_unref(services[i].slots);
		part_unref(services[i].backends);
	}
	return laid;
}

uint32_t bench_tables_backend_rows(uint32_t backends)
{
	return 1 + SERVICES * backends;
}

struct bench_tables *bench_tables_new(struct arena *arena, uint64_t arena_bytes, uint32_t backends)
{
	static const enum encap encaps[GENERATIONS] = {ENCAP_IPIP, ENCAP_GUE};
	struct bench_tables *tables = calloc(1, sizeof(*tables));

	if (!tables)
		give_up("no memory");
	arena_init(arena, arena_bytes);
	tables->backends = backends;
	tables->arena = arena;
	tables->space = arena_space_new(arena, arena_bytes);
	if (!tables->space)
		give_up("no memory");
	for (int i = 0; i < GENERATIONS; i++)
		tables->laid[i] = make_generation(tables, encaps[i]);
	return tables;
}

void bench_tables_free(struct bench_tables *tables)
{
	for (int i = 0; i < GENERATIONS; i++)
		laid_generation_free(tables->laid[i]);
	arena_space_free(tables->space);
	free(tables);
}

void bench_tables_publish(const struct bench_tables *tables, size_t generation)
{
	struct arena_head *head = (struct arena_head *)tables->arena;

	__atomic_store_n(&head->current, laid_generation_offset(tables->laid[generation]),
			 __ATOMIC_RELEASE);
}
