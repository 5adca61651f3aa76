/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of ctl/tables/layout.h: an arena with services in it, and the oracle, a list that
 * is searched from end to end. Included after cmocka.h.
 */
#ifndef SLUICE_TESTS_UNIT_LAYOUT_WORLD_H
#define SLUICE_TESTS_UNIT_LAYOUT_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "named_rows.h"
#include "sluice/service.h"

enum {
	MIB = 1 << 20,
	SLOTS = 7, /* of each service, where they don't matter */
	GUE_PORT = 6080,
	TTL = 64,
};

static const struct flow_key key = {.k = {0x0706050403020100, 0x0f0e0d0c0b0a0908}};

/* An arena, the services and vips that are to be in it, and who has which id. */
struct world {
	struct arena *arena;
	uint64_t arena_bytes;
	struct arena_space *space;
	struct layout_service *services;
	uint32_t services_n;
	struct layout_vip *vips;
	uint32_t vips_n;
	uint32_t last_id;
};

static inline struct world world_new(uint64_t arena_bytes, uint32_t services_max)
{
	struct world w = {
		.arena = aligned_alloc(4096, arena_bytes),
		.arena_bytes = arena_bytes,
		.services = calloc(services_max + 1, sizeof(*w.services)),
		.vips = calloc(services_max + 1, sizeof(*w.vips)),
	};

	assert_true(w.arena && w.services && w.vips);
	memset(w.arena, 0xa5, arena_bytes); /* what was not written is not 0 */
	arena_init(w.arena, arena_bytes);
	w.space = arena_space_new(w.arena, arena_bytes);
	assert_non_null(w.space);
	return w;
}

static inline void world_add_vip(struct world *w, const struct ip_addr *addr)
{
	w->vips[w->vips_n++] = (struct layout_vip){.addr = *addr, .id = ++w->last_id};
}

/* With one backend, whose counter is the service's id. */
static inline void world_add_service(struct world *w, const struct ip_addr *vip, uint16_t port,
				     uint8_t proto)
{
	uint32_t id = ++w->last_id;
	const uint16_t slots[SLOTS] = {0};
	const struct backend backend = {.counter = id};

	w->services[w->services_n++] = (struct layout_service){
		.vip = *vip,
		.port = port,
		.proto = proto,
		.id = id,
		.slots = part_new(w->space, slots, sizeof(slots)),
		.backends = part_new(w->space, &backend, sizeof(backend)),
	};
	assert_non_null(w->services[w->services_n - 1].slots);
	assert_non_null(w->services[w->services_n - 1].backends);
}

static inline struct layout_spec world_spec(const struct world *w)
{
	return (struct layout_spec){
		.number = 7,
		.key = key,
		.gue_port = GUE_PORT,
		.outer_ttl = TTL,
		.services = w->services,
		.services_n = w->services_n,
		.vips = w->vips,
		.vips_n = w->vips_n,
	};
}

static inline void world_unref_parts(struct world *w)
{
	for (uint32_t i = 0; i < w->services_n; i++) {
		part_unref(w->services[i].slots);
		part_unref(w->services[i].previous);
		part_unref(w->services[i].backends);
	}
	w->services_n = 0;
}

static inline void space_assert_empty(const char *row, const struct arena_space *space)
{
	struct arena_space_stats stats = arena_space_stats(space);

	row_assert(row, arena_space_consistent(space));
	row_assert(row, stats.spans == 0);
	row_assert(row, stats.largest_free_bytes == stats.bytes - ARENA_SPACE_ALIGN);
}

static inline void world_free(const char *row, struct world *w)
{
	world_unref_parts(w);
	space_assert_empty(row, w->space);
	arena_space_free(w->space);
	free(w->vips);
	free(w->services);
	free(w->arena);
}

static inline struct ip_addr addr_from(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_parse(text, &addr), 0);
	return addr;
}

static inline struct flow flow_to(const struct ip_addr *addr, uint16_t port, uint8_t proto)
{
	struct flow f = {.addrs = {0x0102a8c0, 0, 0, 0}};
	bool v4 = addr->family == IP_V4;

	memcpy(v4 ? (uint8_t *)f.addrs + 4 : (uint8_t *)f.addrs + 16, addr->bytes, v4 ? 4 : 16);
	f.last = flow_last(be16_from(40000), be16_from(port), proto,
			   v4 ? FLOW_BYTES_V4 : FLOW_BYTES_V6);
	return f;
}

/* The oracle: the id of the service, by its own port, else by port 0; 0: none. */
static inline uint32_t oracle_find(const struct world *w, const struct ip_addr *addr, uint16_t port,
				   uint8_t proto)
{
	uint32_t any_port = 0;

	for (uint32_t i = 0; i < w->services_n; i++) {
		const struct layout_service *s = &w->services[i];

		if (s->proto != proto || !ip_equal(&s->vip, addr))
			continue;
		if (s->port == port)
			return s->id;
		if (s->port == 0)
			any_port = s->id;
	}
	return any_port;
}

static inline uint32_t oracle_find_vip(const struct world *w, const struct ip_addr *addr)
{
	for (uint32_t i = 0; i < w->vips_n; i++)
		if (ip_equal(&w->vips[i].addr, addr))
			return w->vips[i].id;
	return 0;
}

static inline void check_flow(const char *row, const struct world *w, const struct generation *g,
			      const struct ip_addr *addr, uint16_t port, uint8_t proto)
{
	struct flow f = flow_to(addr, port, proto);
	const struct service *s = service_find(w->arena, g, &f);
	const struct service *vip = service_find_vip(w->arena, g, &f);
	const uint16_t *slots;
	const struct backend *b;

	row_assert(row, (s ? s->id : 0) == oracle_find(w, addr, port, proto));
	row_assert(row, (vip ? vip->id : 0) == oracle_find_vip(w, addr));
	if (vip)
		row_assert(row, vip->slots == 0 && vip->previous_off == 0 && vip->backends == 0);
	if (!s)
		return;
	row_assert(row, s->slots == SLOTS && s->previous_off == 0);
	row_assert(row, s->backends == 1 && s->flags == 0);
	slots = arena_at(w->arena,
			 service_current_offset(s, service_slot(s, flow_hash(&f, &g->key))),
			 sizeof(*slots));
	row_assert(row, *slots == 0);
	b = arena_at(w->arena, service_backend_offset(s, *slots), sizeof(*b));
	row_assert(row, b->counter == s->id);
}

/* Every service, or a sample of so many; what is right beside it, and what is far from any. */
static inline void check_flows(const char *row, const struct world *w, const struct generation *g,
			       uint32_t samples_max)
{
	uint64_t random = 6;

	for (uint32_t i = 0; i < w->services_n && i < samples_max; i++) {
		const struct layout_service *s =
			&w->services[samples_max < w->services_n
					     ? random_below(&random, w->services_n)
					     : i];
		struct ip_addr near = s->vip, far = s->vip;

		check_flow(row, w, g, &s->vip, s->port, s->proto);
		check_flow(row, w, g, &s->vip, (uint16_t)(s->port + 1), s->proto);
		check_flow(row, w, g, &s->vip, s->port,
			   s->proto == PROTO_TCP ? PROTO_UDP : PROTO_TCP);
		near.bytes[near.family == IP_V4 ? 3 : 15] ^= 1;
		check_flow(row, w, g, &near, s->port, s->proto);
		for (int k = 0; k < (far.family == IP_V4 ? 4 : 16); k++)
			far.bytes[k] = (uint8_t)random_next(&random);
		check_flow(row, w, g, &far, s->port, s->proto);
		far = s->vip;
		far.bytes[8] ^= 0x40; /* IPv6: the upper half alone would match */
		far.family = IP_V6;
		check_flow(row, w, g, &far, s->port, s->proto);
	}
}

static inline struct laid_generation *lay(const char *row, struct world *w)
{
	struct layout_spec spec = world_spec(w);
	struct laid_generation *laid = NULL;
	char error[LAYOUT_ERROR_MAX] = "?";
	int rc = laid_generation_new(w->space, &spec, &laid, error);

	if (rc < 0)
		fail_msg("row '%s': %d, %s", row, rc, error);
	row_assert(row, laid_generation_offset(laid) % sizeof(struct generation) == 0);
	row_assert(row, error[0] == '\0');
	return laid;
}

/* %x in the pattern becomes the number of the vip, from 1 on; without one there is one vip. */
static inline struct ip_addr addr_numbered(const char *pattern, uint32_t n)
{
	char text[64];

	if (!strchr(pattern, '%'))
		return addr_from(pattern);
	if (strstr(pattern, "%u.%u"))
		snprintf(text, sizeof(text), "10.%u.%u.1", n >> 8 & 255, n & 255);
	else if (strstr(pattern, "%x::%x"))
		snprintf(text, sizeof(text), "2001:db8:0:%x::%x", n, n);
	else
		snprintf(text, sizeof(text), "2001:db8::%x", n);
	return addr_from(text);
}

/* Services of several vips with several ports each; with `all_ports` the first one is port 0. */
static inline void world_add_services(struct world *w, const char *v4, const char *v6, uint32_t n,
				      uint32_t ports, bool all_ports)
{
	struct ip_addr addr = {0};

	for (uint32_t i = 0; i < n; i++) {
		uint32_t port = i % ports;

		if (port == 0) {
			uint32_t number = i / ports + 1;

			addr = addr_numbered(v6 && (!v4 || number % 2 == 0) ? v6 : v4, number);
			world_add_vip(w, &addr);
		}
		world_add_service(w, &addr,
				  port == 0 && all_ports ? 0 : (uint16_t)(8000 + port / 2),
				  port % 2 == 0 ? PROTO_TCP : PROTO_UDP);
	}
}

#endif
