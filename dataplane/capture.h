/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of one service's packets, for the control thread: off the path, and only while somebody
 * wants them. A worker takes records from a ring of free ones and puts them into a ring of full
 * ones; it never waits, and counts what found none free. A burst without a capture pays two
 * branches on a pointer that is NULL.
 */
#ifndef SLUICE_DATAPLANE_CAPTURE_H
#define SLUICE_DATAPLANE_CAPTURE_H

#include "burst.h"

struct capture_record;
struct rte_ring;

enum { CAPTURE_RECORDS = 2048 }; /* of a worker, each with both frames of a packet */

/* Of one worker. */
struct capture {
	struct fast_path_capture filter;
	uint16_t worker;
	struct capture_record *records;
	struct rte_ring *free, *full;

	/* The worker's own, but for `missed`, which others read. */
	uint64_t missed __attribute__((aligned(64)));
	uint64_t packets_n;
	uint32_t spare_n;
	struct capture_record *spare[BURST_MAX]; /* taken, but the verdict was another */
	struct capture_record *at[BURST_MAX];    /* of packet [i] of the burst; NULL: none */
};

/* Control thread. NULL: no memory. */
struct capture *capture_new(const struct fast_path_capture *filter, uint16_t worker);
void capture_free(struct capture *capture); /* no worker sees it any more; NULL is allowed */

/* Control thread: what is full. */
void capture_read(struct capture *capture,
		  void (*each)(void *ctx, const struct fast_path_captured *frame), void *ctx);
uint64_t capture_missed(const struct capture *capture);

/*
 * The worker's, for each burst: before burst_act(), between that and burst_send(), and when the
 * verdicts stand.
 */
void capture_take_in(struct capture *capture, const struct burst *b);
void capture_take_out(struct capture *capture, const struct burst *b,
		      const struct burst_context *ctx);
void capture_end(struct capture *capture, const struct burst *b);

#endif
