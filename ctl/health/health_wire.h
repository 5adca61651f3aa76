/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon (health.c) and the process that makes checks (health_process.c) have in common. Both
 * are forks of one program, so structs go as they are.
 *
 * A SOCK_SEQPACKET pair: the daemon says whom to check, the process answers little. What is found lies
 * in memory that both see: a record for each backend, which the process writes and the daemon reads
 * when somebody asks, and a bit for each whose state changed. So whatever happens in one of the two,
 * nothing grows, nothing is lost, and a new process goes on from what the one before it left.
 */
#ifndef SLUICE_HEALTH_WIRE_H
#define SLUICE_HEALTH_WIRE_H

#include "checker.h"

enum {
	WIRE_PART_BYTES = 32768,
	WIRE_TEXT_MAX = 1024,
	SHARED_BEAT_MS = 100, /* how often the process gives a sign of life, and its totals */
};

/* Who says it, with which members of wire_head, and what follows. */
enum wire_kind {
	/* The daemon. */
	WIRE_RESET,      /* nothing is checked; comes first, and after WIRE_LOST */
	WIRE_IMAGE,      /* id: a service begins, `bytes` in all */
	WIRE_IMAGE_PART, /* more of it, WIRE_PART_BYTES at most */
	WIRE_GONE,       /* id: a service is checked no more */
	WIRE_APPLY,      /* what was said since the last is in force */
	WIRE_FILES,      /* id: so many checks at once have a file */
	WIRE_OUTER,      /* slot, tenant; struct vip_outer */
	/* The process. */
	WIRE_NEWS,      /* states changed: shared.news */
	WIRE_ASK_OUTER, /* slot, tenant: the answer is WIRE_OUTER, soon, or never */
	WIRE_LOG,       /* id: enum fast_path_log; a line */
	/* Its keeper. */
	WIRE_LOST, /* id: the signal that killed the process; 0: it ended by itself */
};

struct wire_head {
	uint32_t kind, id, slot, tenant;
	uint64_t bytes;
};

/*
 * A service, as the process gets it: a service_conf, its backends, a seat for each, and, where checks go by
 * way of the vip, a vip_outer for each.
 */
struct image_seat {
	uint32_t slot;   /* of its record; 0: it isn't checked */
	uint32_t tenant; /* whom the record is of: slots are used again */
	uint32_t out;    /* it is kept out as long as nothing is known */
};

static inline size_t image_seats_at(const struct service_conf *service)
{
	return sizeof(*service) + service->backends_n * sizeof(service->backends[0]);
}

static inline size_t image_outers_at(const struct service_conf *service)
{
	size_t end = image_seats_at(service) + service->backends_n * sizeof(struct image_seat);

	return (end + _Alignof(struct vip_outer) - 1) & ~(_Alignof(struct vip_outer) - 1);
}

static inline size_t image_bytes(const struct service_conf *service)
{
	bool outers = service->health.via == HEALTH_VIA_VIP;

	return image_outers_at(service) +
	       (outers ? service->backends_n * sizeof(struct vip_outer) : 0);
}

/* What is found of a backend. The process alone writes it. */
struct health_record {
	uint32_t sequence; /* odd: it is being written */
	uint32_t tenant;
	struct health_known known;
};

/* What both see, besides records and their bits. */
struct health_page {
	/* The process writes it, the daemon reads it. */
	struct health_totals totals;
	int64_t beat_us; /* CLOCK_MONOTONIC */
	/* The daemon writes it: enum fast_path_log, which may change at run time. */
	uint32_t log_level;
	/* Both: 1: WIRE_NEWS was said, and nobody has looked since. */
	uint32_t news_told;
};

/* Where that is. Each process has a copy of its own, so that neither can make the other look elsewhere. */
struct health_shared {
	uint32_t slots_n;
	struct health_page *page;
	/* The process sets bits of slots, the daemon takes them. */
	uint64_t *news;
	struct health_record *records; /* by slot; [0] is nobody's */
};

/* Its memory is shared with forks, for slots 1 to slots_n, and is taken as it is used. NULL: none. */
struct health_shared *health_shared_new(uint32_t slots_n);
void health_shared_free(struct health_shared *shared); /* NULL is allowed */

/* The process: begins and ends what readers may take for torn. */
void health_record_write(struct health_record *record, uint32_t tenant,
			 const struct health_known *known);

/*
 * Whether it could be read and is of the tenant. What it says is made safe: it may be from a process that
 * went mad.
 */
bool health_record_read(const struct health_record *record, uint32_t tenant,
			struct health_known *out);

struct health_process {
	const struct settings *settings;
	struct health_shared *shared;
	uint32_t hang_ms; /* so long without a turn of the loop: it hangs, and ends itself */
	bool (*confine)(void *ctx); /* NULL: not */
	void *ctx;
};

/* A keeper's job; `ctx`: struct health_process. */
void health_process_run(int fd, const void *ctx);
void health_process_lost(int fd, int signal_number);
void health_process_rights_drop(void);

#endif
