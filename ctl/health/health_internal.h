/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon keeps of the process that makes checks, and of those whom it checks: health.c takes what
 * is found, health_follow.c knows who is to be checked, health_post.c says so. Control thread.
 */
#ifndef SLUICE_HEALTH_INTERNAL_H
#define SLUICE_HEALTH_INTERNAL_H

#include <sys/queue.h>

#include "health.h"
#include "health_wire.h"

enum {
	HEALTH_MESSAGES_PER_TURN = 64,
};

/* A service that is followed. */
struct health_group {
	struct service_conf *conf; /* a reference */
	uint32_t *slots;           /* of its backends; 0: isn't checked. NULL: none is */
	struct health_line *line;  /* NULL: none is checked */
	bool seated;               /* all that are checked have a slot, and the post knows it */
	int64_t since_us;          /* since the epoch: it is followed */
};

/* Who sits at a slot. */
struct health_seat {
	struct health_group *group; /* NULL: nobody */
	uint32_t index;             /* of the backend */
	uint32_t tenant;
	enum health_state state; /* as the daemon was told last */
	bool out;                /* it was kept out when it came */
};

/* What the process knows a service by. */
struct health_line {
	uint32_t id;
	struct health_group *group; /* NULL: gone, which is to be said */
	bool waits;                 /* in the post: each at most once, so it can't grow */
	STAILQ_ENTRY(health_line) link;
};

struct health {
	const struct health_ops *ops;
	struct health_shared *shared;
	struct health_seat *seats; /* by slot; [0] is nobody's */
	uint32_t seats_used, cursor, tenant;

	/* The services followed, in the model's order. */
	struct service_conf **services;
	struct health_group **groups;
	uint32_t services_n;
	struct model_index *index;

	/* To the process. */
	int fd;    /* -1: it is gone for good */
	pid_t pid; /* of its keeper */
	struct event *readable, *writable, *tick;
	uint64_t deaths;
	bool still_told;
	struct health_line **lines; /* by id */
	uint32_t lines_n, lines_used, line_cursor;
	STAILQ_HEAD(, health_line) post;
	bool reset_said, files_said, applied;
	uint32_t files;
	/* The service that is being said. */
	uint8_t *image;
	size_t image_bytes, image_at;
};

/* Says what is to be said, as far as there is room; the rest when there is. */
void health_post_send(struct health *h);

/* What the process is to know of a service: all of it, anew, when its turn comes. 0 or -ENOMEM. */
int health_post_group(struct health *h, struct health_group *group);

/* It is checked no more. NULL is allowed. */
void health_post_gone(struct health *h, struct health_line *line);

/* Another process is there, which knows nothing. */
void health_post_again(struct health *h);

/* Says one thing now. False: there is no room. */
bool health_post_say(struct health *h, uint32_t kind, struct wire_head head, const void *bytes,
		     size_t n);

void health_post_free(struct health *h);

/* Nobody is followed any more; says nothing. */
void health_forget(struct health *h);

#endif
