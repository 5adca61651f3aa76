/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_walk [FLOWS ...]: how long a walk over the XDP path's maps of remembered flows takes
 * (ebpf/flow_maps.c), as the daemon does it: in all, and the longest step, in which the control
 * thread does nothing else. No interface, no packet; needs root.
 */
#include "flow_maps.h"

#include "sluice/generation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

enum {
	CHUNK = 4096,
	ROUNDS = 3,
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* SplitMix64 (Steele et al., 2014). */
static uint64_t random_take(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static int fill(const struct program *p, uint32_t flows)
{
	static uint64_t hashes[CHUNK];
	static struct memory memories[CHUNK];
	uint64_t random = 1;

	for (uint32_t done = 0; done < flows;) {
		uint32_t n = flows - done < CHUNK ? flows - done : CHUNK;

		for (uint32_t i = 0; i < n; i++) {
			hashes[i] = random_take(&random);
			memories[i] = (struct memory){
				.seen_state = memory_pack(flow_maps_now_s(), MEMORY_TCP),
				.service = 1,
			};
		}
		done += n;
		if (bpf_map_update_batch(program_map_fd(p, PROGRAM_ESTABLISHED), hashes, memories,
					 &n, NULL) != 0)
			return -errno;
	}
	return 0;
}

static void count(void *ctx, uint32_t worker, const struct memory_entry *entry)
{
	(void)worker;
	*(uint64_t *)ctx += entry->memory.service;
}

static int bench(uint32_t flows)
{
	const struct program_config config = {
		.arena_bytes = ARENA_CHUNK_BYTES,
		.services_max = 2,
		.backends_max = 2,
		.flows_max = flows + flows / 2,
		.ports.ifindex = {1},
	};
	char error[FAST_PATH_ERROR_MAX];
	struct program p;
	struct flow_maps maps = {.program = &p};
	int err = program_open(&p, &config, error);

	if (!err)
		err = program_load(&p, error);
	if (err) {
		fprintf(stderr, "bench_walk: %s\n", error);
		goto out;
	}
	err = fill(&p, flows);
	for (int round = 0; round < ROUNDS && !err; round++) {
		double start = now_ms(), longest = 0;
		struct fast_path_walk at = {0};
		uint32_t steps = 0;
		uint64_t seen = 0;

		do {
			double step = now_ms();

			err = flow_maps_walk(&maps, &at, count, &seen);
			step = now_ms() - step;
			longest = step > longest ? step : longest;
			steps++;
		} while (err > 0);
		printf("%9u flows: %9llu seen, %7.1f ms in %3u steps, the longest %5.1f ms\n",
		       flows, (unsigned long long)seen, now_ms() - start, steps, longest);
	}
	if (err)
		fprintf(stderr, "bench_walk: %s\n", strerror(-err));
out:
	program_close(&p);
	return err;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return bench(780000) != 0;
	for (int i = 1; i < argc; i++)
		if (bench((uint32_t)strtoul(argv[i], NULL, 0)) != 0)
			return 1;
	return 0;
}
