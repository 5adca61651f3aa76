/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a lookup table takes to build: `bench_maglev [ROUNDS]` prints lines such as
 * `bench name=maglev.build.b10.m65537 unit=ms ...`.
 */
#include "maglev.h"
#include "result.h"

#include "sluice/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ROUNDS = 21,
	ROUNDS_MAX = 1000,
	BACKENDS_MAX = 1000,
	SLOTS_MAX = 655373, /* the first prime after 655,360 */
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void measure(uint32_t backends_n, uint32_t slots_n, uint32_t rounds)
{
	static struct maglev_backend backends[BACKENDS_MAX];
	static uint16_t slots[SLOTS_MAX];
	char name[RESULT_NAME_MAX];
	double ms[ROUNDS_MAX];

	for (uint32_t round = 0; round < rounds; round++) {
		const struct flow_key seed = {{round, 1}};
		double start;

		for (uint32_t i = 0; i < backends_n; i++) {
			be32 addr = be32_from(0x0a010001 + i);
			struct ip_addr ip = ip_from_bytes(IP_V4, &addr);

			backends[i] = (struct maglev_backend){maglev_identity(&seed, &ip), 100,
							      (uint16_t)i};
		}
		start = now_ms();
		if (maglev_build(slots, slots_n, backends, backends_n) != 0) {
			fprintf(stderr, "bench_maglev: maglev_build() failed\n");
			exit(1);
		}
		ms[round] = now_ms() - start;
	}
	snprintf(name, sizeof(name), "maglev.build.b%u.m%u", backends_n, slots_n);
	result_tell(name, "ms", ms, rounds, NULL);
}

int main(int argc, char **argv)
{
	static const uint32_t backends[] = {10, 100, 1000}, slots[] = {65537, SLOTS_MAX};
	int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_maglev [ROUNDS]\n");
		return 2;
	}
	for (int m = 0; m < 2; m++)
		for (int b = 0; b < 3; b++)
			measure(backends[b], slots[m], (uint32_t)rounds);
	return 0;
}
