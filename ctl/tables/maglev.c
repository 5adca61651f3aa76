/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maglev.h. The paper lets every backend take one turn a round. Here a backend has its k-th turn
 * (from 0) in round floor(k * greatest weight / weight), and a round is a queue of those who have
 * one in it. So the time it takes depends on the slots, not on how unequal the weights are.
 */
#include "maglev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/generation.h"

enum {
	TURN_END = 0xffff, /* ends a queue */
};

_Static_assert((int)BACKENDS_PER_SERVICE_MAX < (int)TURN_END, "turns are counted in 16 bits");

/* A backend on its way through its permutation and through the rounds. */
struct turn {
	uint32_t position, skip;
	uint32_t weight;
	uint32_t interval;      /* floor(greatest weight / weight): rounds from turn to turn */
	uint32_t interval_rest; /* in 1/weight of a round */
	uint32_t late;          /* how much of a round the exact time lies behind, in 1/weight */
	uint16_t index;
	uint16_t next; /* in its round's queue */
};

/* One per round; the greatest weight has a turn in each, so there are no more than slots. */
struct round {
	uint16_t first, last;
};

uint64_t maglev_identity(const struct flow_key *seed, const struct ip_addr *addr)
{
	/* Protocol 0 and ports 0: no flow of a service hashes to the same message. */
	struct flow f = {0};

	if (addr->family == IP_V4) {
		f.last = flow_last(0, 0, 0, FLOW_BYTES_V4);
		memcpy(&f.addrs[0], addr->bytes, 4);
	} else {
		f.last = flow_last(0, 0, 0, FLOW_BYTES_V6);
		memcpy(&f.addrs[0], addr->bytes, 16);
	}
	return flow_hash(&f, seed);
}

static void round_append(struct round *round, struct turn *turns, uint16_t t)
{
	turns[t].next = TURN_END;
	if (round->first == TURN_END)
		round->first = t;
	else
		turns[round->last].next = t;
	round->last = t;
}

/* Rounds until the next turn. Exact: no weight, however odd, drifts. */
static uint32_t turn_advance(struct turn *turn)
{
	/* late + interval_rest may not fit 32 bits; the difference does. */
	if (turn->late < turn->weight - turn->interval_rest) {
		turn->late += turn->interval_rest;
		return turn->interval;
	}
	turn->late -= turn->weight - turn->interval_rest;
	return turn->interval + 1;
}

/* Takes the first free slot of the permutation. There is one: skip has no factor of slots_n. */
static void turn_take(struct turn *turn, uint16_t *slots, uint32_t slots_n)
{
	uint32_t position = turn->position, skip = turn->skip, taken;

	do {
		taken = position;
		position += skip;
		if (position >= slots_n)
			position -= slots_n;
	} while (slots[taken] != SLOT_NONE);
	slots[taken] = turn->index;
	turn->position = position;
}

static void fill_rounds(uint16_t *slots, uint32_t slots_n, struct turn *turns, struct round *rounds)
{
	uint32_t left = slots_n;

	for (uint32_t r = 0;; r++) {
		uint16_t next;

		for (uint16_t t = rounds[r].first; t != TURN_END; t = next) {
			uint32_t wait = turn_advance(&turns[t]);

			next = turns[t].next;
			turn_take(&turns[t], slots, slots_n);
			if (--left == 0)
				return;
			if (wait < slots_n - r)
				round_append(&rounds[r + wait], turns, t);
		}
	}
}

static int permutations_check(uint32_t slots_n, const struct maglev_permutation *p, uint32_t n)
{
	if (!maglev_slots_valid(slots_n) || n > BACKENDS_PER_SERVICE_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++)
		if (p[i].offset >= slots_n || p[i].skip == 0 || p[i].skip >= slots_n ||
		    p[i].index >= SLOT_NONE)
			return -EINVAL;
	return 0;
}

int maglev_fill(uint16_t *slots, uint32_t slots_n, const struct maglev_permutation *permutations,
		uint32_t n)
{
	int rc = permutations_check(slots_n, permutations, n);
	uint32_t weight_max = 0;
	struct round *rounds;
	struct turn *turns;

	if (rc < 0)
		return rc;
	turns = malloc(n * sizeof(*turns) + slots_n * sizeof(*rounds));
	if (!turns)
		return -ENOMEM;
	rounds = (struct round *)(turns + n);
	for (uint32_t i = 0; i < slots_n; i++) {
		slots[i] = SLOT_NONE;
		rounds[i].first = TURN_END;
	}
	for (uint32_t i = 0; i < n; i++)
		if (permutations[i].weight > weight_max)
			weight_max = permutations[i].weight;
	for (uint32_t i = 0; i < n; i++) {
		const struct maglev_permutation *p = &permutations[i];

		if (p->weight == 0)
			continue;
		turns[i] = (struct turn){.position = p->offset,
					 .skip = p->skip,
					 .weight = p->weight,
					 .interval = weight_max / p->weight,
					 .interval_rest = weight_max % p->weight,
					 .index = p->index};
		round_append(&rounds[0], turns, (uint16_t)i);
	}
	if (weight_max > 0)
		fill_rounds(slots, slots_n, turns, rounds);
	free(turns);
	return 0;
}

/* Who goes first in a round must not depend on the order given. */
static int identity_compare(const void *a, const void *b)
{
	const struct maglev_backend *x = a, *y = b;

	if (x->identity != y->identity)
		return x->identity < y->identity ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

int maglev_build(uint16_t *slots, uint32_t slots_n, const struct maglev_backend *backends,
		 uint32_t n)
{
	struct maglev_permutation *permutations;
	struct maglev_backend *sorted;
	int rc;

	if (!maglev_slots_valid(slots_n) || n > BACKENDS_PER_SERVICE_MAX)
		return -EINVAL;
	if (n == 0)
		return maglev_fill(slots, slots_n, NULL, 0);
	sorted = malloc(n * (sizeof(*sorted) + sizeof(*permutations)));
	if (!sorted)
		return -ENOMEM;
	permutations = (struct maglev_permutation *)(sorted + n);
	memcpy(sorted, backends, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), identity_compare);
	for (uint32_t i = 0; i < n; i++) {
		/* Both halves of a 64-bit hash are as good as two hashes of the paper. */
		uint32_t low = (uint32_t)sorted[i].identity;
		uint32_t high = (uint32_t)(sorted[i].identity >> 32);

		permutations[i] = (struct maglev_permutation){
			.offset = low % slots_n,
			.skip = high % (slots_n - 1) + 1,
			.weight = sorted[i].weight,
			.index = sorted[i].index,
		};
	}
	rc = maglev_fill(slots, slots_n, permutations, n);
	free(sorted);
	return rc;
}

uint32_t maglev_slots_for(uint32_t backends_n)
{
	/* The greatest primes below powers of two, and two just above a round number. */
	static const uint32_t primes[] = {
		251,   509,    1021,   2039,   4093,   8191,    16381,   32749,
		65537, 131071, 262139, 524287, 655373, 1048573, 2097143, MAGLEV_SLOTS_MAX,
	};
	uint32_t i = 0;

	while (primes[i] < MAGLEV_SLOTS_MAX &&
	       primes[i] < (uint64_t)backends_n * MAGLEV_SLOTS_PER_BACKEND)
		i++;
	return primes[i];
}

bool maglev_slots_valid(uint32_t slots_n)
{
	if (slots_n < MAGLEV_SLOTS_MIN || slots_n > MAGLEV_SLOTS_MAX || slots_n % 2 == 0)
		return false;
	for (uint32_t divisor = 3; divisor * divisor <= slots_n; divisor += 2)
		if (slots_n % divisor == 0)
			return false;
	return true;
}
