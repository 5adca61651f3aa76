/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers on their way out. On the control thread.
 */
#include "reply_queue.h"

#include "rpc_stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>

struct reply {
	STAILQ_ENTRY(reply) link;
	struct reply_queue *queue; /* NULL: gone */
	json_t *answer;
	struct rpc_stream *stream; /* of an answer in pieces */
	int rc;
	bool ready;
};

static void reply_free(struct reply *reply)
{
	json_decref(reply->answer);
	rpc_stream_free(reply->stream);
	free(reply);
}

void reply_queue_init(struct reply_queue *queue, void (*ready)(void *ctx), void *ctx)
{
	*queue = (struct reply_queue){.ready = ready, .ctx = ctx};
	STAILQ_INIT(&queue->replies);
}

void reply_queue_clear(struct reply_queue *queue)
{
	struct reply *reply;

	while ((reply = STAILQ_FIRST(&queue->replies))) {
		STAILQ_REMOVE_HEAD(&queue->replies, link);
		reply->queue = NULL;
		if (reply->ready)
			reply_free(reply);
	}
}

struct reply *reply_queue_add(struct reply_queue *queue)
{
	struct reply *reply = calloc(1, sizeof(*reply));

	if (!reply)
		return NULL;
	reply->queue = queue;
	STAILQ_INSERT_TAIL(&queue->replies, reply, link);
	queue->waiting_n++;
	return reply;
}

void reply_queue_hold(struct reply_queue *queue, struct reply *reply)
{
	queue->holder = reply->ready ? NULL : reply;
}

void reply_queue_take_back(struct reply_queue *queue, struct reply *reply)
{
	STAILQ_REMOVE(&queue->replies, reply, reply, link);
	queue->waiting_n--;
	free(reply);
}

void reply_answered(void *ctx, int rc, json_t *answer, struct rpc_stream *stream)
{
	struct reply *reply = ctx;
	struct reply_queue *queue = reply->queue;

	reply->answer = answer;
	reply->stream = stream;
	reply->rc = rc;
	reply->ready = true;
	if (!queue) {
		reply_free(reply);
		return;
	}
	if (queue->holder == reply)
		queue->holder = NULL;
	queue->waiting_n -= !stream; /* what reads waits for its end */
	queue->ready(queue->ctx);
}

static int append(const char *bytes, size_t n_bytes, void *out)
{
	return evbuffer_add(out, bytes, n_bytes);
}

int reply_write(json_t *answer, struct evbuffer *out)
{
	bool done = answer && json_dump_callback(answer, append, out, JSON_COMPACT) == 0 &&
		    evbuffer_add(out, "\n", 1) == 0;

	json_decref(answer);
	return done ? 0 : -ENOMEM;
}

static int stream_send(struct rpc_stream *stream, struct evbuffer *out)
{
	int rc = rpc_stream_go_on(stream, out);

	return rc == 0 && evbuffer_add(out, "\n", 1) != 0 ? -ENOMEM : rc;
}

int reply_queue_send(struct reply_queue *queue, struct evbuffer *out)
{
	struct reply *reply;
	int rc = 0;

	while (rc == 0 && (reply = STAILQ_FIRST(&queue->replies)) && reply->ready) {
		rc = reply->rc;
		if (rc == 0 && reply->stream)
			rc = stream_send(reply->stream, out);
		else if (rc == 0 && reply->answer)
			rc = reply_write(json_incref(reply->answer), out);
		if (rc > 0)
			return rc;
		STAILQ_REMOVE_HEAD(&queue->replies, link);
		queue->waiting_n -= reply->stream != NULL;
		reply_free(reply);
	}
	return rc;
}

bool reply_queue_streams(const struct reply_queue *queue)
{
	const struct reply *reply = STAILQ_FIRST(&queue->replies);

	return reply && reply->stream;
}
