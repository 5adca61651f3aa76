/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of copied packets: made, read and given back. Called by the module. Control thread.
 */
#include "capture.h"

#include "sluice/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum {
	RING_BYTES = 4 << 20, /* of all CPUs together */
};

_Static_assert((int)FASTPATH_SNAP_BYTES == (int)CAPTURE_SNAP_BYTES, "fastpath.h includes little");

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int wanted_write(const struct program *p, const struct fastpath_capture *wanted)
{
	uint32_t key = 0;

	return bpf_map_update_elem(program_map_fd(p, PROGRAM_CAPTURE), &key, wanted, BPF_ANY)
		       ? -errno
		       : 0;
}

/* Frames that found no room, of all CPUs, since the program was loaded. */
static int missed_read(const struct program *p, uint64_t *missed)
{
	struct fastpath_copy *cpus = calloc(p->cpus, sizeof(*cpus));
	int err = cpus ? 0 : -ENOMEM;

	*missed = 0;
	for (uint32_t kind = 0; kind < FASTPATH_FRAMES && !err; kind++) {
		if (bpf_map_lookup_elem(program_map_fd(p, PROGRAM_COPIES), &kind, cpus) != 0)
			err = -errno;
		for (uint32_t cpu = 0; cpu < p->cpus && !err; cpu++)
			*missed += cpus[cpu].missed;
	}
	free(cpus);
	return err;
}

static int frame_came(void *ctx, void *data, size_t bytes)
{
	const struct capture *c = ctx;
	const struct fastpath_frame *f = data;
	const struct fast_path_captured frame = {
		.time_ns = f->time_ns + c->real_ns,
		.packet = f->packet,
		.out = f->out == FASTPATH_FRAME_OUT,
		.verdict = f->verdict,
		.backend = f->backend,
		.worker = f->cpu,
		.frame_bytes = f->frame_bytes,
		.bytes_n = f->bytes_n,
		.bytes = f->bytes,
	};

	if (bytes >= offsetof(struct fastpath_frame, bytes) + f->bytes_n &&
	    f->verdict < VERDICT_COUNT)
		c->each(c->ctx, &frame);
	return 0;
}

static int ring_make(struct capture *c)
{
	uint32_t key = 0;
	int err;

	c->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "sluice_capture", 0, 0, RING_BYTES, NULL);
	if (c->ring_fd < 0)
		return -errno;
	c->ring = ring_buffer__new(c->ring_fd, frame_came, c, NULL);
	if (!c->ring)
		err = -errno;
	else if (bpf_map_update_elem(program_map_fd(c->program, PROGRAM_CAPTURES), &key,
				     &c->ring_fd, BPF_ANY) != 0)
		err = -errno;
	else
		return 0;
	ring_buffer__free(c->ring);
	c->ring = NULL;
	close(c->ring_fd);
	return err;
}

int capture_start(struct capture *c, const struct fast_path_capture *filter)
{
	const struct fastpath_capture wanted = {
		.service = filter->service,
		.backend = filter->backend,
		.verdict = filter->verdict,
		.snap_bytes = filter->snap_bytes,
		.until_ns = clock_ns(CLOCK_MONOTONIC) + filter->seconds * 1000000000ULL,
	};
	int err;

	if (c->ring)
		return -EBUSY;
	err = missed_read(c->program, &c->missed_before);
	if (!err)
		err = ring_make(c);
	if (err)
		return err;
	err = wanted_write(c->program, &wanted);
	if (err)
		capture_stop(c);
	return err;
}

int capture_read(struct capture *c, void (*each)(void *ctx, const struct fast_path_captured *frame),
		 void *ctx, uint64_t *missed)
{
	int n, err;

	*missed = 0;
	if (!c->ring)
		return 0;
	c->each = each;
	c->ctx = ctx;
	c->real_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	n = ring_buffer__consume(c->ring);
	err = missed_read(c->program, missed);
	*missed -= c->missed_before;
	return n < 0 ? n : err;
}

void capture_clear(const struct program *p)
{
	const struct fastpath_capture nothing = {.service = 0};
	uint32_t key = 0;

	(void)wanted_write(p, &nothing);
	(void)bpf_map_delete_elem(program_map_fd(p, PROGRAM_CAPTURES), &key);
}

void capture_stop(struct capture *c)
{
	if (!c->ring)
		return;
	capture_clear(c->program);
	ring_buffer__free(c->ring);
	close(c->ring_fd);
	c->ring = NULL;
}
