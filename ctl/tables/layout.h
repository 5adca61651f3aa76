/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lays a generation (sluice/generation.h) out in the arena: the table of services with the same
 * hash and probe order as sluice/service.h looks up with, the IPv6 vips, the header. Slots and
 * backends are parts that the caller made. Used by the publisher; control thread only.
 *
 * To publish: laid_generation_new(), the module's publish() with laid_generation_offset(),
 * quiesce(), then laid_generation_free() of the one before.
 */
#ifndef SLUICE_TABLES_LAYOUT_H
#define SLUICE_TABLES_LAYOUT_H

#include <stdint.h>

#include "ip.h"
#include "part.h"
#include "sluice/memory.h"

enum {
	LAYOUT_ERROR_MAX = 512,
};

struct layout_service {
	struct ip_addr vip;
	uint16_t port;         /* host order; 0: all ports */
	uint8_t proto;         /* PROTO_TCP or PROTO_UDP */
	uint32_t id;           /* row of its counters, not 0; no other service or vip has it */
	uint16_t flags;        /* enum service_flags */
	struct part *slots;    /* uint16_t[]: as many as the part has room for, at least 1 */
	struct part *previous; /* uint16_t[], as many, or with SERVICE_WAY a struct way with its
				* slots; NULL: no transition is under way */
	struct part *backends; /* struct backend[]; NULL: none, then all slots are SLOT_NONE */
	uint16_t backends_n;   /* of them; 0: as many as the part has room for */
};

/* An address of ours, whatever its services: for echo requests, fragments and the like. */
struct layout_vip {
	struct ip_addr addr;
	uint32_t id;    /* as above */
	uint16_t flags; /* enum service_flags: SERVICE_UNSERVED_REJECT, _DROP, or 0 */
};

struct layout_spec {
	uint64_t number; /* of the generation */
	struct flow_key key;
	uint16_t gue_port; /* host order */
	uint8_t outer_ttl;
	uint32_t errors_per_s;          /* ICMP errors of a worker, at most; 0: limit.h's default */
	uint16_t idle_s[MEMORY_STATES]; /* how long a silent flow is remembered */
	const struct layout_service *services;
	uint32_t services_n;
	const struct layout_vip *vips; /* each address of `services` once */
	uint32_t vips_n;
};

/* The key by which the table of services has a service (sluice/service.h: service_probe()). */
uint64_t layout_key(const struct ip_addr *vip, uint16_t port, uint8_t proto);

/* A generation that lies in the arena, and references on all it is made of. */
struct laid_generation;

/*
 * Lays `spec` out, of which nothing is kept but references on the parts. Returns 0, or, with a
 * line for people in `error` and the arena as it was,
 * -ENOMEM: the arena is full, or no memory;
 * -EEXIST: two services have one vip, port and protocol, or two vips one address;
 * -ENOSPC: more than SERVICE_PROBES_MAX IPv6 vips with one fold have a service of the same port
 *          and protocol, so that no table of any size has room for them.
 */
int laid_generation_new(struct arena_space *space, const struct layout_spec *spec,
			struct laid_generation **laid, char error[LAYOUT_ERROR_MAX]);

/*
 * Takes over the generation that arena_head.current leads to, laid out by another process: its
 * spans count as used from now on, and it can be freed as if laid out here. `space` is new:
 * nothing was allocated. What is read is checked, so that a damaged arena does no harm. Returns
 * 0, or, with a line for people in `error` and `space` as it was,
 * -ENODATA: blank, or no generation was published yet;
 * -EPROTO: another ARENA_LAYOUT, or another size;
 * -EBADMSG: an offset leads out of the arena, a slot to no backend, or two tables overlap;
 * -ENOMEM: no memory for the bookkeeping.
 */
int laid_generation_adopt(struct arena_space *space, struct laid_generation **laid,
			  char error[LAYOUT_ERROR_MAX]);

/* What to publish. */
uint32_t laid_generation_offset(const struct laid_generation *laid);

/* As it lies in the arena. */
const struct generation *laid_generation_header(const struct laid_generation *laid);

/* Only when no packet can see it any more. NULL is allowed. */
void laid_generation_free(struct laid_generation *laid);

#endif
