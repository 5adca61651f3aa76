/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of one service's packets. Who may call what: capture.h.
 */
#include "capture.h"
#include "sluice/generation.h"

#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A frame, as far as it was copied. */
struct capture_frame {
	uint64_t time_ns;
	uint32_t frame_bytes; /* 0: there is none */
	uint32_t bytes_n;
	uint8_t bytes[CAPTURE_SNAP_BYTES];
};

struct capture_record {
	uint64_t packet;
	uint32_t verdict, backend;
	struct capture_frame in, out;
};

static struct rte_ring *ring_new(const char *what, uint16_t worker)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "capture-%s-%u", what, worker);
	return rte_ring_create(name, CAPTURE_RECORDS, SOCKET_ID_ANY,
			       RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
}

struct capture *capture_new(const struct fast_path_capture *filter, uint16_t worker)
{
	struct capture *c = rte_zmalloc("capture", sizeof(*c), RTE_CACHE_LINE_SIZE);

	if (!c)
		return NULL;
	c->filter = *filter;
	c->worker = worker;
	/* Not DPDK's memory, of which there may be little. */
	c->records = calloc(CAPTURE_RECORDS, sizeof(*c->records));
	c->free = ring_new("free", worker);
	c->full = ring_new("full", worker);
	if (!c->records || !c->free || !c->full) {
		capture_free(c);
		return NULL;
	}
	for (uint32_t i = 0; i < CAPTURE_RECORDS; i++)
		(void)rte_ring_sp_enqueue(c->free, &c->records[i]);
	return c;
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	rte_ring_free(c->free);
	rte_ring_free(c->full);
	free(c->records);
	rte_free(c);
}

static uint64_t now_real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void frame_copy(const struct capture *c, const struct rte_mbuf *m, uint64_t time_ns,
		       struct capture_frame *frame)
{
	const void *bytes;

	frame->time_ns = time_ns;
	frame->frame_bytes = m->pkt_len;
	frame->bytes_n = RTE_MIN(m->pkt_len, c->filter.snap_bytes);
	bytes = rte_pktmbuf_read(m, 0, frame->bytes_n, frame->bytes);
	if (bytes && bytes != frame->bytes)
		memcpy(frame->bytes, bytes, frame->bytes_n);
}

/* The row of the backend that packet [i] goes to; 0: none. Of others b->backend is old. */
static uint32_t backend_row(const struct burst *b, uint16_t i)
{
	return b->verdict[i] == VERDICT_forward && b->backend[i] ? b->backend[i]->counter : 0;
}

static struct capture_record *record_take(struct capture *c)
{
	void *record;

	if (c->spare_n > 0)
		return c->spare[--c->spare_n];
	if (rte_ring_sc_dequeue(c->free, &record) == 0)
		return record;
	__atomic_store_n(&c->missed, c->missed + 1, __ATOMIC_RELAXED);
	return NULL;
}

void capture_take_in(struct capture *c, const struct burst *b)
{
	uint64_t time_ns = now_real_ns();

	for (uint16_t i = 0; i < b->n; i++) {
		uint32_t backend = backend_row(b, i);
		struct capture_record *record;

		c->at[i] = NULL;
		if (b->row[i] != c->filter.service ||
		    (c->filter.backend != 0 && c->filter.backend != backend))
			continue;
		record = c->at[i] = record_take(c);
		if (!record)
			continue;
		record->packet = c->packets_n++;
		record->backend = backend;
		record->out.frame_bytes = 0;
		frame_copy(c, b->pkts[i], time_ns, &record->in);
	}
}

void capture_take_out(struct capture *c, const struct burst *b, const struct burst_context *ctx)
{
	uint64_t time_ns = now_real_ns();

	for (uint16_t port = 0; port < ctx->ports_n; port++) {
		for (uint16_t k = 0; k < b->out_n[port]; k++) {
			struct capture_record *record = c->at[b->out_at[port][k]];

			if (record)
				frame_copy(c, b->out[port][k], time_ns, &record->out);
		}
	}
}

void capture_end(struct capture *c, const struct burst *b)
{
	for (uint16_t i = 0; i < b->n; i++) {
		struct capture_record *record = c->at[i];

		if (!record)
			continue;
		record->verdict = b->verdict[i];
		if (c->filter.verdict != VERDICT_COUNT && c->filter.verdict != record->verdict &&
		    c->spare_n < BURST_MAX)
			c->spare[c->spare_n++] = record;
		else
			(void)rte_ring_sp_enqueue(c->full, record); /* as long as all records */
	}
}

static void frame_hand_out(const struct capture *c, const struct capture_record *record, bool out,
			   void (*each)(void *ctx, const struct fast_path_captured *frame),
			   void *ctx)
{
	const struct capture_frame *from = out ? &record->out : &record->in;
	const struct fast_path_captured frame = {
		.time_ns = from->time_ns,
		.packet = record->packet << 8 | c->worker,
		.out = out,
		.verdict = record->verdict,
		.backend = record->backend,
		.worker = c->worker,
		.frame_bytes = from->frame_bytes,
		.bytes_n = from->bytes_n,
		.bytes = from->bytes,
	};

	if (from->frame_bytes > 0)
		each(ctx, &frame);
}

void capture_read(struct capture *c,
		  void (*each)(void *ctx, const struct fast_path_captured *frame), void *ctx)
{
	void *at;

	/* No more than there are at once: a worker that goes on filling is not followed for ever. */
	for (uint32_t n = 0; n < CAPTURE_RECORDS && rte_ring_sc_dequeue(c->full, &at) == 0; n++) {
		const struct capture_record *record = at;

		if (c->filter.verdict == VERDICT_COUNT || c->filter.verdict == record->verdict) {
			frame_hand_out(c, record, false, each, ctx);
			frame_hand_out(c, record, true, each, ctx);
		}
		(void)rte_ring_sp_enqueue(c->free, at);
	}
}

uint64_t capture_missed(const struct capture *c)
{
	return __atomic_load_n(&c->missed, __ATOMIC_RELAXED);
}
