/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer that is made piece by piece, as its client reads it, a little at a time. Used by rpc.c
 * and control_client.c, on the control thread.
 */
#ifndef SLUICE_CONTROL_RPC_STREAM_H
#define SLUICE_CONTROL_RPC_STREAM_H

#include "rpc.h"

#include <stdint.h>

enum {
	RPC_STREAM_TURN_US = 2000,        /* of the control thread's time, at one go */
	RPC_STREAM_TURN_BYTES = 64 << 10, /* about as long as what comes at one go is */
};

/* Of a call with pieces, whose first is made. NULL: refused, or no memory; the call is the caller's
 * then, with its error, and else the stream's. */
struct rpc_stream *rpc_stream_new(struct rpc_call *call);

/* Appends to `out` what a turn is enough for. Returns 1: there is more; 0: that was the end; -errno:
 * the answer can't be ended. */
int rpc_stream_go_on(struct rpc_stream *stream, struct evbuffer *out);

void rpc_stream_free(struct rpc_stream *stream); /* NULL is allowed */

/* rpc.c's: the call is gone. */
void rpc_call_free(struct rpc_call *call);

#endif
