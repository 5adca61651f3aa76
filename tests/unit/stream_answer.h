/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole of an answer that comes in pieces, for the tests of the control protocol.
 */
#ifndef SLUICE_TESTS_UNIT_STREAM_ANSWER_H
#define SLUICE_TESTS_UNIT_STREAM_ANSWER_H

#include "rpc_stream.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

/* Takes the stream over. What is no JSON ends the program, with its text. */
static inline json_t *answer_of_stream(struct rpc_stream *stream)
{
	struct evbuffer *out = evbuffer_new();
	size_t n_bytes;
	char *text;
	json_t *answer;
	int rc;

	while ((rc = rpc_stream_go_on(stream, out)) > 0)
		;
	rpc_stream_free(stream);
	n_bytes = evbuffer_get_length(out);
	text = calloc(1, n_bytes + 1);
	evbuffer_remove(out, text, n_bytes);
	evbuffer_free(out);
	answer = rc == 0 ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (!answer) {
		fprintf(stderr, "an answer in pieces that ends with %d: %s\n", rc, text);
		abort();
	}
	free(text);
	return answer;
}

#endif
