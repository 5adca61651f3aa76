/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's copies of packets (capture.bpf.h), for the daemon: a ring that is made when they
 * are wanted. Control thread.
 */
#ifndef SLUICE_EBPF_CAPTURE_H
#define SLUICE_EBPF_CAPTURE_H

#include "program.h"

struct ring_buffer;

struct capture {
	const struct program *program; /* loaded; the caller's */
	struct ring_buffer *ring;      /* NULL: no capture is under way */
	int ring_fd;
	uint64_t missed_before; /* the program counts since it was loaded */
	void (*each)(void *ctx, const struct fast_path_captured *frame); /* within capture_read() */
	void *ctx;
	uint64_t real_ns; /* within capture_read(): from the program's clock to the epoch's */
};

/* As fast_path.capture_*. */
int capture_start(struct capture *capture, const struct fast_path_capture *filter);
int capture_read(struct capture *capture,
		 void (*each)(void *ctx, const struct fast_path_captured *frame), void *ctx,
		 uint64_t *missed);
void capture_stop(struct capture *capture);

/* What a daemon that died may have left on. */
void capture_clear(const struct program *program);

#endif
