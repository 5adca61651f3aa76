/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client's lines are answered with: in the order of the lines, though some answers come
 * later than others, and some are long and made in pieces. Used by control_client.c, on the control
 * thread.
 */
#ifndef SLUICE_CONTROL_REPLY_QUEUE_H
#define SLUICE_CONTROL_REPLY_QUEUE_H

#include "rpc.h"

#include <stdint.h>
#include <sys/queue.h>

struct reply;

struct reply_queue {
	STAILQ_HEAD(, reply) replies; /* that have not gone out */
	uint32_t waiting_n;           /* of them, not ready, or in pieces */
	struct reply *holder;     /* no line behind it is handled until it is ready; NULL: none */
	void (*ready)(void *ctx); /* one has become so */
	void *ctx;
};

void reply_queue_init(struct reply_queue *queue, void (*ready)(void *ctx), void *ctx);

/* What is asked for is done even so. */
void reply_queue_clear(struct reply_queue *queue);

/* For the next line: the context of reply_answered(), for rpc_answer(). NULL: no memory. */
struct reply *reply_queue_add(struct reply_queue *queue);
rpc_answered_fn reply_answered;

/* Lines behind the last one wait until it is answered. */
void reply_queue_hold(struct reply_queue *queue, struct reply *reply);

/* The last one is not to be answered now. */
void reply_queue_take_back(struct reply_queue *queue, struct reply *reply);

/*
 * Appends what is answered, up to the first line that isn't. Returns 1: an answer in pieces goes on;
 * 0; -errno: it can't be made.
 */
int reply_queue_send(struct reply_queue *queue, struct evbuffer *out);

/* Whether the next to go out is in pieces: nothing else may stand between them. */
bool reply_queue_streams(const struct reply_queue *queue);

/* One line; takes `answer` over. 0 or -ENOMEM. */
int reply_write(json_t *answer, struct evbuffer *out);

#endif
