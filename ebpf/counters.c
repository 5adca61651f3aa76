/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums the CPUs' rows of each counter in batches of one system call. Called by the module.
 * Control thread.
 */
#include "counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

enum {
	BATCH_ROWS = 64,
	SERVICE_WORDS = sizeof(struct service_counters) / sizeof(uint64_t),
	BACKEND_WORDS = sizeof(struct backend_counters) / sizeof(uint64_t),
};

/* All counters are plain words: the walk sees a row as `words` of them. */
struct walk {
	int fd;
	uint32_t cpus, words, rows_max;
	/* A row of one CPU; `row` counts from the walk's first. */
	void (*add)(uint64_t *sums, uint32_t row, uint32_t cpu, const uint64_t *values,
		    uint32_t words);
	uint64_t *sums;
};

static void words_add(uint64_t *sums, const uint64_t *values, uint32_t words)
{
	for (uint32_t i = 0; i < words; i++)
		sums[i] += values[i];
}

static void row_add(uint64_t *sums, uint32_t row, uint32_t cpu, const uint64_t *values,
		    uint32_t words)
{
	words_add(sums + (size_t)row * words, values, words);
}

static void cpu_add(uint64_t *sums, uint32_t row, uint32_t cpu, const uint64_t *values,
		    uint32_t words)
{
	words_add(sums + (size_t)cpu * words, values, words);
}

/* Rows [first, first + n) of the map, n at most BATCH_ROWS, to `values`. */
static int batch_read(const struct walk *w, uint32_t first, uint32_t n, uint64_t *values)
{
	uint32_t keys[BATCH_ROWS], out, got = n;
	uint32_t before = first - 1; /* the kernel goes on behind the key that it is given */
	int err = bpf_map_lookup_batch(w->fd, first > 0 ? &before : NULL, &out, keys, values, &got,
				       NULL);

	if (err && err != -ENOENT) /* the map's end came with the batch's */
		return err;
	return got == n ? 0 : -EIO;
}

static int walk_rows(const struct walk *w, uint32_t first, uint32_t n)
{
	size_t row_words = (size_t)w->words * w->cpus;
	uint64_t *values;
	int err = 0;

	if (first > w->rows_max || n > w->rows_max - first)
		return -ERANGE;
	values = malloc(row_words * BATCH_ROWS * sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (uint32_t done = 0; done < n && !err; done += BATCH_ROWS) {
		uint32_t batch = n - done < BATCH_ROWS ? n - done : BATCH_ROWS;

		err = batch_read(w, first + done, batch, values);
		for (uint32_t row = 0; row < batch && !err; row++)
			for (uint32_t cpu = 0; cpu < w->cpus; cpu++)
				w->add(w->sums, done + row, cpu,
				       values + row * row_words + (size_t)cpu * w->words, w->words);
	}
	free(values);
	return err;
}

static struct walk services_walk(const struct program *program)
{
	return (struct walk){
		.fd = program_map_fd(program, PROGRAM_SERVICES),
		.cpus = program->cpus,
		.words = SERVICE_WORDS,
		.rows_max = program->config.services_max,
	};
}

int counters_read_services(const struct program *program, uint32_t first, uint32_t n,
			   struct service_counters *rows)
{
	struct walk w = services_walk(program);

	w.add = row_add;
	w.sums = (uint64_t *)rows;
	memset(rows, 0, n * sizeof(*rows));
	return walk_rows(&w, first, n);
}

int counters_read_backends(const struct program *program, uint32_t first, uint32_t n,
			   struct backend_counters *rows)
{
	struct walk w = {
		.fd = program_map_fd(program, PROGRAM_BACKENDS),
		.cpus = program->cpus,
		.words = BACKEND_WORDS,
		.rows_max = program->config.backends_max,
		.add = row_add,
		.sums = (uint64_t *)rows,
	};

	memset(rows, 0, n * sizeof(*rows));
	return walk_rows(&w, first, n);
}

int counters_read_cpus(const struct program *program, uint32_t n, struct service_counters *rows)
{
	struct walk w = services_walk(program);
	struct service_counters *all = calloc(program->cpus, sizeof(*all));
	int err;

	if (!all)
		return -ENOMEM;
	w.add = cpu_add;
	w.sums = (uint64_t *)all;
	err = walk_rows(&w, 0, w.rows_max);
	if (!err)
		memcpy(rows, all, n * sizeof(*rows));
	free(all);
	return err;
}
