/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in pieces. On the control thread.
 */
#include "rpc_stream.h"

#include "clock.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

struct rpc_stream {
	struct rpc_call *call;
	struct evbuffer *first; /* piece, with what comes before it */
	int more;               /* what the last piece returned */
};

struct rpc_stream *rpc_stream_new(struct rpc_call *call)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"result\":{";
	struct rpc_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->first = evbuffer_new();
	if (!stream->first || evbuffer_add(stream->first, head, strlen(head)) != 0)
		goto err_free;
	stream->more = call->pieces.piece(call->pieces.ctx, stream->first);
	if (stream->more < 0)
		goto err_free;
	stream->call = call;
	return stream;

err_free:
	if (stream->first)
		evbuffer_free(stream->first);
	free(stream);
	return NULL;
}

static int tail_put(const struct rpc_stream *stream, struct evbuffer *out)
{
	char *id = json_dumps(stream->call->id, JSON_COMPACT | JSON_ENCODE_ANY);
	int length = id ? evbuffer_add_printf(out, "},\"id\":%s}", id) : -1;

	free(id);
	return length < 0 ? -ENOMEM : 0;
}

int rpc_stream_go_on(struct rpc_stream *stream, struct evbuffer *out)
{
	const struct rpc_pieces *pieces = &stream->call->pieces;
	size_t before = evbuffer_get_length(out);
	int64_t end_us = clock_now_us() + RPC_STREAM_TURN_US;

	evbuffer_add_buffer(out, stream->first); /* nothing the second time */
	while (stream->more > 0 && clock_now_us() < end_us &&
	       evbuffer_get_length(out) - before < RPC_STREAM_TURN_BYTES)
		stream->more = pieces->piece(pieces->ctx, out);
	return stream->more == 0 ? tail_put(stream, out) : stream->more;
}

void rpc_stream_free(struct rpc_stream *stream)
{
	if (!stream)
		return;
	stream->call->pieces.end(stream->call->pieces.ctx);
	rpc_call_free(stream->call);
	evbuffer_free(stream->first);
	free(stream);
}
