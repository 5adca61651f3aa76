/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebpf/decap.bpf.c loaded into the kernel and run on one packet at a time, for test_decap.c.
 */
#ifndef SLUICE_DECAP_PROGRAM_H
#define SLUICE_DECAP_PROGRAM_H

#include "../../ebpf/decap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "decap.skel.h"

enum { BUFFER_BYTES = 16384 };

struct program {
	struct decap_bpf *skeleton;
	uint64_t counters[DECAP_VERDICT_COUNT]; /* as last read */
};

/* What became of one packet. */
struct outcome {
	enum decap_verdict verdict;
	uint32_t action; /* XDP's */
	size_t bytes;
	uint8_t data[BUFFER_BYTES];
};

static const char *const verdict_names[] = {
#define X(name, action, text) #name,
	DECAP_VERDICTS(X)
#undef X
};

static const uint32_t verdict_actions[] = {
#define X(name, action, text) XDP_##action,
	DECAP_VERDICTS(X)
#undef X
};

/* The one verdict that has grown, by one. */
static inline enum decap_verdict verdict_read(struct program *p)
{
	int fd = bpf_map__fd(p->skeleton->maps.decap_counters), cpus = libbpf_num_possible_cpus();
	enum decap_verdict found = DECAP_VERDICT_COUNT;
	uint64_t *counts = calloc((size_t)cpus, sizeof(*counts));

	assert_non_null(counts);
	for (uint32_t v = 0; v < DECAP_VERDICT_COUNT; v++) {
		uint64_t total = 0;

		assert_int_equal(bpf_map_lookup_elem(fd, &v, counts), 0);
		for (int cpu = 0; cpu < cpus; cpu++)
			total += counts[cpu];
		if (total != p->counters[v]) {
			assert_int_equal(total, p->counters[v] + 1);
			assert_int_equal(found, DECAP_VERDICT_COUNT);
			found = v;
		}
		p->counters[v] = total;
	}
	free(counts);
	assert_int_not_equal(found, DECAP_VERDICT_COUNT);
	return found;
}

/* `linear_bytes`: how much of the packet is in the first buffer; 0: as much as fits. */
static inline int program_run(struct program *p, const uint8_t *packet, size_t bytes,
			      size_t linear_bytes, struct outcome *out)
{
	struct xdp_md ctx = {.data_end = (uint32_t)linear_bytes};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = (uint32_t)bytes,
		    .data_out = out->data, .data_size_out = sizeof(out->data), .repeat = 1);
	int err;

	if (linear_bytes) {
		opts.ctx_in = &ctx;
		opts.ctx_size_in = sizeof(ctx);
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(p->skeleton->progs.sluice_decap), &opts);
	if (err)
		return err;
	out->verdict = verdict_read(p);
	out->action = opts.retval;
	out->bytes = opts.data_size_out;
	return 0;
}

static inline bool is_decapsulated(enum decap_verdict verdict)
{
	return verdict == DECAP_decapsulated || verdict == DECAP_decapsulated_ecn;
}

static inline int program_open(void **state, bool frags, uint16_t gue_port)
{
	struct program *p = calloc(1, sizeof(*p));
	int err;

	assert_non_null(p);
	p->skeleton = decap_bpf__open();
	assert_non_null(p->skeleton);
	p->skeleton->rodata->decap_config.frags = frags;
	p->skeleton->rodata->decap_config.gue_port = be16_from(gue_port);
	if (frags)
		bpf_program__set_flags(p->skeleton->progs.sluice_decap, BPF_F_XDP_HAS_FRAGS);
	err = decap_bpf__load(p->skeleton);
	if (err == 0) {
		*state = p;
		return 0;
	}
	decap_bpf__destroy(p->skeleton);
	free(p);
	return err;
}

static inline int program_close(void **state)
{
	struct program *p = *state;

	decap_bpf__destroy(p->skeleton);
	free(p);
	return 0;
}

#endif
