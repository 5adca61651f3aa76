/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sluiced says would become of a frame (`sluicectl explain`), as a path: it has to be what
 * becomes of it on all others. The rewritten frame is compared byte for byte, so that what is told
 * of its outer headers, read from there, is right too.
 */
#include "path.h"

#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static int trace_open(const struct fixture *fixture, char why[PARITY_ERROR_MAX])
{
	arena = aligned_alloc(ARENA_CHUNK_BYTES, FIXTURE_ARENA_BYTES);
	if (!arena) {
		snprintf(why, PARITY_ERROR_MAX, "no memory for the arena");
		return -ENOMEM;
	}
	memset(arena, 0, FIXTURE_ARENA_BYTES);
	fixture_lay(fixture, arena, FIXTURE_ARENA_BYTES);
	return 0;
}

static void trace_close(void)
{
	free(arena);
	arena = NULL;
}

/* The fixture's slots are as they always were: nobody may ask. */
static bool trace_find(void *ctx, const struct packet *packet, uint64_t hash, struct memory *memory)
{
	(void)ctx;
	(void)packet;
	(void)hash;
	(void)memory;
	abort();
}

static enum parity_fate fate_of(enum verdict verdict)
{
	switch (verdict_action(verdict)) {
	case ACTION_FORWARD:
	case ACTION_ECHO:
	case ACTION_TOO_BIG:
	case ACTION_REJECT:
		return PARITY_SENT;
	case ACTION_PASS:
		return PARITY_KERNEL;
	case ACTION_DROP:
		break;
	}
	return PARITY_DROPPED;
}

static void trace_run_one(const struct frame *frame, struct parity_result *result)
{
	const struct trace_tables tables = {
		.arena = arena, .macs = &fixture_macs_of_port, .find = trace_find};
	uint32_t skew = frame->n % 4;
	/* Of just the frame's size, so that AddressSanitizer sees a byte too far. */
	uint8_t *memory = malloc(skew + TRACE_GROWTH_MAX + frame->n);
	struct trace_frame traced = {.n = frame->n};
	struct trace trace;

	if (!memory)
		abort();
	traced.bytes = memory + skew + TRACE_GROWTH_MAX;
	memcpy(traced.bytes, frame->bytes, frame->n);
	trace_packet(&tables, &traced, &trace);
	*result = (struct parity_result){
		.verdict = trace.verdict,
		.fate = fate_of(trace.verdict),
		.row = steer_counter_row(trace.steering.service),
	};
	if (verdict_action(trace.verdict) == ACTION_FORWARD)
		result->port = trace.steering.backend->port;
	if (result->fate != PARITY_DROPPED) {
		result->n = traced.n;
		memcpy(result->bytes, traced.bytes, traced.n);
	}
	free(memory);
}

static void trace_run(const struct frame *frames, uint32_t n, struct parity_result *results)
{
	for (uint32_t i = 0; i < n; i++)
		trace_run_one(&frames[i], &results[i]);
}

const struct parity_path path_trace = {
	.name = "trace",
	.open = trace_open,
	.run = trace_run,
	.close = trace_close,
};
