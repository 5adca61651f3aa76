/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer.h.
 */
#include "balancer.h"

#include "layout.h"
#include "maglev.h"
#include "transition.h"
#include "sluice/mac.h"
#include "sluice/encap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GUE_PORT = 6080,
	MTU_BYTES = 1600,
	ENTROPY = 0xffff, /* IPIP: the host part of the outer source's prefix */
	FLOWS_MAX = 2 << 20,
	IDLE_S = 3600,
};

static const struct flow_key key = {{0x736c756963652d62ULL, 0x656e63682d6b6579ULL}};

static void give_up(const char *what)
{
	fprintf(stderr, "bench: balancer: %s\n", what);
	abort();
}

/* Address number `n` from `text` on. */
static struct ip_addr addr_nth(const char *text, uint32_t n)
{
	struct ip_addr addr;
	be32 last;
	size_t at;

	if (ip_parse(text, &addr) != 0)
		give_up(text);
	at = ip_length_bytes(addr.family) - sizeof(last);
	memcpy(&last, &addr.bytes[at], sizeof(last));
	last = be32_from(be32_to(last) + n);
	memcpy(&addr.bytes[at], &last, sizeof(last));
	return addr;
}

static struct ip_addr backend_addr(const struct balancer_spec *spec, uint32_t number)
{
	return addr_nth(spec->v6 ? "2001:db8:1::1" : "10.1.0.1", number);
}

/* Backend `number` counts over all services. */
static struct backend make_backend(const struct balancer_spec *spec, uint32_t number)
{
	struct ip_addr src = addr_nth(spec->v6 ? "2001:db8:64::" : "10.64.0.0", 0);
	struct ip_addr dst = backend_addr(spec, number);
	struct backend b = {
		.dst_mac = {2, 0, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
			    (uint8_t)(number >> 8), (uint8_t)number},
		.src_mac = {2, 1},
		.encap = (uint8_t)spec->encap,
		.flags = BACKEND_RESOLVED | BACKEND_LIVES | (spec->v6 ? BACKEND_OUTER_V6 : 0),
		.mtu_bytes = MTU_BYTES,
		.counter = 1 + number,
		.entropy_mask = be32_from(spec->encap == ENCAP_IPIP ? ENTROPY : 0),
	};

	memcpy(b.outer_src, src.bytes, ip_length_bytes(src.family));
	memcpy(b.outer_dst, dst.bytes, ip_length_bytes(dst.family));
	b.outer_sum = encap_outer_sum(&b, be16_from(GUE_PORT));
	return b;
}

static struct part *part_take(struct arena_space *space, void *data, size_t bytes)
{
	struct part *part = part_new(space, data, (uint32_t)bytes);

	if (!part)
		give_up("the arena is full");
	free(data);
	return part;
}

static void *array_new(size_t n, size_t bytes)
{
	void *array = calloc(n, bytes);

	if (!array)
		give_up("no memory");
	return array;
}

static uint16_t *maglev_slots(const struct balancer *b, uint32_t service, uint32_t slots_n)
{
	uint32_t n = b->spec.backends;
	struct maglev_backend *backends = array_new(n, sizeof(*backends));
	uint16_t *slots = array_new(slots_n, sizeof(*slots));

	for (uint32_t i = 0; i < n; i++) {
		struct ip_addr addr = backend_addr(&b->spec, service * n + i);

		backends[i] = (struct maglev_backend){maglev_identity(&key, &addr), 1, (uint16_t)i};
	}
	if (maglev_build(slots, slots_n, backends, n) != 0)
		give_up("no lookup table");
	free(backends);
	return slots;
}

/* A change under way: in so many slots the next backend takes over, flows stay where they were. */
static struct part *change_slots(const struct balancer *b, uint16_t *slots, uint32_t slots_n)
{
	uint32_t n = b->spec.backends;
	uint16_t *was = array_new(slots_n, sizeof(*was));
	uint16_t *previous = array_new(slots_n, sizeof(*previous));
	bool *lives = array_new(n, sizeof(*lives));
	struct transition_change change = {
		.was_slots = was,
		.slots_n = slots_n,
		.lives = lives,
		.lives_n = n,
		.waits = true,
	};

	memcpy(was, slots, slots_n * sizeof(*was));
	for (uint32_t i = 0; i < n; i++)
		lives[i] = true;
	for (uint32_t i = 0; i < slots_n; i++)
		if (i * 61 % 100 < b->spec.changed_percent)
			slots[i] = (uint16_t)((slots[i] + 1U) % n);
	transition_begin(&change, slots, previous);
	free(was);
	free(lives);
	return part_take(b->space, previous, slots_n * sizeof(*previous));
}

static struct layout_service make_service(const struct balancer *b, uint32_t index)
{
	const struct balancer_spec *spec = &b->spec;
	struct backend *backends = array_new(spec->backends, sizeof(*backends));
	uint32_t slots_n = maglev_slots_for(spec->backends);
	uint16_t *slots = maglev_slots(b, index, slots_n);
	struct layout_service service = {
		.vip = addr_nth(spec->v6 ? BALANCER_VIP6 : BALANCER_VIP4, index),
		.port = BALANCER_PORT,
		.proto = spec->proto,
		.id = 1 + index,
	};

	for (uint32_t i = 0; i < spec->backends; i++)
		backends[i] = make_backend(spec, index * spec->backends + i);
	service.backends = part_take(b->space, backends, spec->backends * sizeof(*backends));
	if (spec->changed_percent > 0)
		service.previous = change_slots(b, slots, slots_n);
	service.slots = part_take(b->space, slots, slots_n * sizeof(*slots));
	return service;
}

static void lay_out(struct balancer *b)
{
	uint32_t n = b->spec.services;
	struct layout_service *services = array_new(n, sizeof(*services));
	struct layout_vip *vips = array_new(n, sizeof(*vips));
	struct layout_spec spec = {
		.number = 1,
		.key = key,
		.gue_port = GUE_PORT,
		.outer_ttl = 64,
		.services = services,
		.services_n = n,
		.vips = vips,
		.vips_n = n,
		.idle_s = {0, IDLE_S, IDLE_S, IDLE_S, IDLE_S, IDLE_S, IDLE_S},
	};
	struct arena_head *head = b->region.start;
	char error[LAYOUT_ERROR_MAX];

	for (uint32_t i = 0; i < n; i++) {
		services[i] = make_service(b, i);
		vips[i] = (struct layout_vip){.addr = services[i].vip, .id = 1 + n + i};
	}
	if (laid_generation_new(b->space, &spec, &b->laid, error) != 0)
		give_up(error);
	for (uint32_t i = 0; i < n; i++) { /* the generation has its own references */
		part_unref(services[i].slots);
		part_unref(services[i].previous);
		part_unref(services[i].backends);
	}
	free(services);
	free(vips);
	head->current = laid_generation_offset(b->laid);
}

/* Slots, backends, and the table of services, which is at least a sixth full. */
static size_t arena_bytes_for(const struct balancer_spec *spec)
{
	size_t tables_n = spec->changed_percent > 0 ? 2 : 1;
	size_t service_bytes = tables_n * maglev_slots_for(spec->backends) * sizeof(uint16_t) +
			       spec->backends * sizeof(struct backend) + 3 * ARENA_SPACE_ALIGN +
			       2 * 6 * sizeof(struct service) + 2 * sizeof(struct vip6);

	return ((spec->services * service_bytes >> ARENA_CHUNK_LOG2) + 2) << ARENA_CHUNK_LOG2;
}

/* FRAME_MAC_OWN, which the traffic is for. */
static const struct macs balancer_macs = {.words = {0x0b0000000002ULL << 16}, .n = 1};

static void context_new(struct balancer *b, uint32_t i, bool hugetlb)
{
	uint32_t service_rows = 1 + 2 * b->spec.services;
	uint32_t backend_rows = 1 + b->spec.services * b->spec.backends;
	struct counters *c = &b->counters[i];

	if (counters_create(c, service_rows, backend_rows, hugetlb) != 0)
		give_up("no memory");
	b->contexts[i] = (struct burst_context){
		.arena = b->region.start,
		.counters = c,
		.ports_n = 1,
		.macs = &balancer_macs,
	};
	if (b->spec.changed_percent == 0)
		return;
	if (flow_table_create(&b->flows[i], FLOWS_MAX, hugetlb) != 0)
		give_up("no memory");
	b->tables[i] = &b->flows[i];
	b->contexts[i].flows = &b->flows[i];
	b->contexts[i].tables = b->tables;
	b->contexts[i].tables_n = BALANCER_CONTEXTS;
}

struct balancer *balancer_new(const struct balancer_spec *spec, bool hugetlb)
{
	struct balancer *b = array_new(1, sizeof(*b));

	b->spec = *spec;
	if (region_map(&b->region, arena_bytes_for(spec), hugetlb, true) != 0)
		give_up("no memory");
	arena_init(b->region.start, b->region.bytes);
	b->space = arena_space_new(b->region.start, b->region.bytes);
	if (!b->space)
		give_up("no memory");
	lay_out(b);
	b->tables_bytes = arena_space_stats(b->space).used_bytes;
	for (uint32_t i = 0; i < BALANCER_CONTEXTS; i++)
		context_new(b, i, hugetlb);
	return b;
}

void balancer_free(struct balancer *b)
{
	for (int i = 0; i < BALANCER_CONTEXTS; i++) {
		if (b->spec.changed_percent > 0)
			flow_table_destroy(&b->flows[i]);
		counters_destroy(&b->counters[i]);
	}
	laid_generation_free(b->laid);
	arena_space_free(b->space);
	region_unmap(&b->region);
	free(b);
}

uint64_t balancer_counted(const struct balancer *b, uint32_t i, enum verdict verdict)
{
	struct service_counters sum = {0};

	counters_add_verdicts(&b->counters[i], &sum);
	return sum.packets[verdict];
}
