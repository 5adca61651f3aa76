/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/tables/arena_space.[ch]: random use against the obvious oracle (one byte per
 * unit), and the edges in named rows; a failure names its row.
 */
#include "arena_space.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	UNIT = ARENA_SPACE_ALIGN,
	MIB = 1 << 20,
};

/* The allocator never touches the arena: any address does. */
static struct arena_space *space_new(uint64_t arena_bytes)
{
	struct arena_space *space = arena_space_new((struct arena *)8, arena_bytes);

	assert_non_null(space);
	return space;
}

static void space_assert_empty(const char *row, const struct arena_space *space)
{
	struct arena_space_stats stats = arena_space_stats(space);

	row_assert(row, arena_space_consistent(space));
	row_assert(row, stats.spans == 0);
	row_assert(row, stats.used_bytes == UNIT);
	row_assert(row, stats.free_bytes == stats.bytes - UNIT);
	row_assert(row, stats.largest_free_bytes == stats.free_bytes);
}

/* A byte per unit: the number of the span it belongs to, modulo 255, and 1 more; 0: free. */
struct oracle {
	uint8_t *units;
	uint32_t units_n;
};

static void oracle_set(const char *row, struct oracle *o, uint32_t offset, uint32_t bytes,
		       uint8_t from, uint8_t to)
{
	uint32_t start = offset / UNIT, end = start + (bytes + UNIT - 1) / UNIT;

	row_assert(row, offset % UNIT == 0 && end <= o->units_n);
	for (uint32_t i = start; i < end; i++) {
		row_assert(row, o->units[i] == from);
		o->units[i] = to;
	}
}

static uint64_t oracle_largest_bytes(const struct oracle *o)
{
	uint32_t run = 0, largest = 0;

	for (uint32_t i = 0; i < o->units_n; i++) {
		run = o->units[i] == 0 ? run + 1 : 0;
		largest = run > largest ? run : largest;
	}
	return (uint64_t)largest * UNIT;
}

static uint64_t oracle_used_bytes(const struct oracle *o)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < o->units_n; i++)
		used += o->units[i] != 0 ? UNIT : 0;
	return used;
}

struct held {
	uint32_t offset, bytes;
	uint8_t mark;
};

static void held_release(const char *row, struct arena_space *space, struct oracle *o,
			 struct held *held, uint32_t *held_n, uint32_t index)
{
	struct held h = held[index];

	held[index] = held[--*held_n];
	arena_space_release(space, h.offset);
	oracle_set(row, o, h.offset, h.bytes, h.mark, 0);
}

/* An allocation fails if, and only if, no free span is long enough. */
static void held_alloc(const char *row, struct arena_space *space, struct oracle *o,
		       struct held *held, uint32_t *held_n, uint32_t bytes, uint8_t mark)
{
	uint32_t offset = arena_space_alloc(space, bytes);

	if (offset == 0) {
		row_assert(row, oracle_largest_bytes(o) < bytes);
		return;
	}
	oracle_set(row, o, offset, bytes, 0, mark);
	held[(*held_n)++] = (struct held){offset, bytes, mark};
}

/* Reserving succeeds if, and only if, all of it is free. */
static void held_reserve(const char *row, struct arena_space *space, struct oracle *o,
			 struct held *held, uint32_t *held_n, uint32_t offset, uint32_t bytes,
			 uint8_t mark)
{
	uint32_t units = (bytes + UNIT - 1) / UNIT;
	bool inside = offset / UNIT + units <= o->units_n, is_free = inside;
	int rc = arena_space_reserve(space, offset, bytes);

	for (uint32_t i = 0; inside && i < units; i++)
		is_free = is_free && o->units[offset / UNIT + i] == 0;
	row_assert(row, rc == (!inside ? -EINVAL : is_free ? 0 : -EEXIST));
	if (rc < 0)
		return;
	oracle_set(row, o, offset, bytes, 0, mark);
	held[(*held_n)++] = (struct held){offset, bytes, mark};
}

static void test_random(void **state)
{
	static const struct {
		const char *name;
		uint32_t arena_units, span_bytes_max, steps;
	} rows[] = {
		{"two units", 2, 64, 200},
		{"three units", 3, 200, 200},
		{"small spans", 1000, 500, 20000},
		{"spans of a quarter", 1000, 16000, 20000},
		{"spans up to the whole", 1000, 64000, 5000},
		{"past 2^16 units", 70000, 200000, 5000},
	};
	uint64_t random = 4;

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct arena_space *space = space_new((uint64_t)rows[i].arena_units * UNIT);
		struct oracle o = {calloc(rows[i].arena_units, 1), rows[i].arena_units};
		struct held *held = calloc(rows[i].arena_units, sizeof(*held));
		uint32_t held_n = 0;

		row_assert(row, o.units && held);
		o.units[0] = 255;
		for (uint32_t step = 0; step < rows[i].steps; step++) {
			uint32_t bytes = 1 + random_below(&random, rows[i].span_bytes_max);
			uint32_t offset = random_below(&random, rows[i].arena_units) * UNIT;
			uint8_t mark = (uint8_t)(1 + step % 254);
			/* Now it rather fills up, now it rather empties. */
			uint32_t filling = step / 500 % 2 == 0 ? 6 : 3;
			uint32_t dice = random_below(&random, 10);

			if (dice < filling)
				held_alloc(row, space, &o, held, &held_n, bytes, mark);
			else if (dice == 9)
				held_reserve(row, space, &o, held, &held_n, offset, bytes, mark);
			else if (held_n > 0)
				held_release(row, space, &o, held, &held_n,
					     random_below(&random, held_n));
			if (step % 100 == 0) {
				struct arena_space_stats stats = arena_space_stats(space);

				row_assert(row, arena_space_consistent(space));
				row_assert(row, stats.spans == held_n);
				row_assert(row, stats.used_bytes == oracle_used_bytes(&o));
				row_assert(row,
					   stats.largest_free_bytes == oracle_largest_bytes(&o));
			}
		}
		while (held_n > 0)
			held_release(row, space, &o, held, &held_n, held_n - 1);
		space_assert_empty(row, space);
		arena_space_free(space);
		free(held);
		free(o.units);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		const char *name;
		uint64_t arena_bytes;
		bool ok;
	} rows[] = {
		{"nothing", 0, false},
		{"only arena_head", 64, false},
		{"one unit more", 128, true},
		{"not a multiple", 129, false},
		{"one chunk", MIB, true},
		{"4 GiB, the greatest", 4096ULL * MIB, true},
		{"beyond 32-bit offsets", 4096ULL * MIB + 64, false},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena_space *space = arena_space_new((struct arena *)8, rows[i].arena_bytes);
		uint32_t rest = (uint32_t)(rows[i].arena_bytes - UNIT), offset;

		row_assert(rows[i].name, (space != NULL) == rows[i].ok);
		if (!space)
			continue;
		space_assert_empty(rows[i].name, space);
		row_assert(rows[i].name,
			   rest == UINT32_MAX || arena_space_alloc(space, rest + 1) == 0);
		offset = arena_space_alloc(space, rest);
		row_assert(rows[i].name, offset == UNIT);
		row_assert(rows[i].name, arena_space_stats(space).free_bytes == 0);
		row_assert(rows[i].name, arena_space_stats(space).largest_free_bytes == 0);
		row_assert(rows[i].name, arena_space_alloc(space, 1) == 0);
		arena_space_release(space, offset);
		space_assert_empty(rows[i].name, space);
		arena_space_free(space);
	}
}

static void test_reserve(void **state)
{
	enum { MIDDLE = 512 * 1024 };
	static const struct {
		const char *name;
		uint32_t used_offset, used_bytes; /* before; 0: nothing */
		uint32_t offset, bytes;
		int rc;
	} rows[] = {
		{"all but the head", 0, 0, 64, MIB - 64, 0},
		{"the second unit", 0, 0, 64, 64, 0},
		{"the last unit", 0, 0, MIB - 64, 1, 0},
		{"in the middle", 0, 0, MIDDLE, 100, 0},
		{"arena_head", 0, 0, 0, 64, -EEXIST},
		{"from the head on", 0, 0, 0, 128, -EEXIST},
		{"the same", MIDDLE, 256, MIDDLE, 256, -EEXIST},
		{"inside", MIDDLE, 256, MIDDLE + 64, 64, -EEXIST},
		{"ends inside", MIDDLE, 256, MIDDLE - 128, 129, -EEXIST},
		{"begins inside", MIDDLE, 256, MIDDLE + 192, 128, -EEXIST},
		{"around", MIDDLE, 256, MIDDLE - 128, 1024, -EEXIST},
		{"right before", MIDDLE, 256, MIDDLE - 128, 128, 0},
		{"right behind", MIDDLE, 256, MIDDLE + 256, 64, 0},
		{"not aligned", 0, 0, 96, 64, -EINVAL},
		{"nothing", 0, 0, 64, 0, -EINVAL},
		{"at the end", 0, 0, MIB, 64, -EINVAL},
		{"beyond the end", 0, 0, 0xffffffc0, 64, -EINVAL},
		{"one unit too many", 0, 0, 64, MIB - 63, -EINVAL},
		{"so long that the sum wraps", 0, 0, 64, 0xffffffff, -EINVAL},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct arena_space *space = space_new(MIB);

		if (rows[i].used_bytes > 0)
			row_assert(row, arena_space_reserve(space, rows[i].used_offset,
							    rows[i].used_bytes) == 0);
		row_assert(row,
			   arena_space_reserve(space, rows[i].offset, rows[i].bytes) == rows[i].rc);
		row_assert(row, arena_space_consistent(space));
		if (rows[i].rc == 0)
			arena_space_release(space, rows[i].offset);
		if (rows[i].used_bytes > 0)
			arena_space_release(space, rows[i].used_offset);
		space_assert_empty(row, space);
		arena_space_free(space);
	}
}

/*
 * A start with 10,000 services, then as many changes: each replaces one service's tables, and the
 * old ones go after the new ones came, as publishing does.
 */
static void test_services(void **state)
{
	static const uint32_t primes[] = {251, 509, 1021, 2039, 4093};
	enum { SERVICES = 10000 };
	struct arena_space *space = space_new(128ULL * MIB);
	uint32_t(*offsets)[2] = calloc(SERVICES, sizeof(*offsets));
	struct arena_space_stats stats;
	struct timespec before, after;
	uint64_t random = 5;

	assert_non_null(offsets);
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (uint32_t i = 0; i < 4 * SERVICES; i++) {
		uint32_t *pair = offsets[i < SERVICES ? i : random_below(&random, SERVICES)];
		uint32_t slots_n = primes[random_below(&random, ROWS(primes))];
		uint32_t old[2] = {pair[0], pair[1]};

		pair[0] = arena_space_alloc(space, slots_n * 2);
		pair[1] = arena_space_alloc(space, slots_n / 100 * 64);
		assert_true(pair[0] != 0 && pair[1] != 0);
		if (i < SERVICES)
			continue;
		arena_space_release(space, old[0]);
		arena_space_release(space, old[1]);
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	stats = arena_space_stats(space);
	assert_true(arena_space_consistent(space));
	assert_int_equal(stats.spans, 2 * SERVICES);
	print_message("140,000 calls: %.1f ms; %.1f MiB in use, largest free span %.1f %% of what "
		      "is free\n",
		      (double)(after.tv_sec - before.tv_sec) * 1e3 +
			      (double)(after.tv_nsec - before.tv_nsec) / 1e6,
		      (double)stats.used_bytes / MIB,
		      100.0 * (double)stats.largest_free_bytes / (double)stats.free_bytes);
	/* Low fragmentation: nearly all that is free is still in one piece. */
	assert_true(stats.largest_free_bytes >= stats.free_bytes / 100 * 90);
	for (uint32_t i = 0; i < SERVICES; i++) {
		arena_space_release(space, offsets[i][0]);
		arena_space_release(space, offsets[i][1]);
	}
	space_assert_empty("after all", space);
	arena_space_free(space);
	free(offsets);
}

/* Lists are searched from the last that was freed on: a span that fits may stand far behind. */
static void test_own_class(void **state)
{
	enum { SHORT = 32 * UNIT, LONG = 33 * UNIT, SHORTS = 100 }; /* one class */
	struct arena_space *space = space_new(MIB);
	uint32_t offsets[SHORTS + 1], walls[SHORTS + 1], rest;

	for (int i = 0; i <= SHORTS; i++) {
		offsets[i] = arena_space_alloc(space, i == 0 ? LONG : SHORT);
		walls[i] = arena_space_alloc(space, 1);
		assert_true(offsets[i] != 0 && walls[i] != 0);
	}
	rest = arena_space_alloc(space, (uint32_t)arena_space_stats(space).largest_free_bytes);
	for (int i = 0; i <= SHORTS; i++)
		arena_space_release(space, offsets[i]);
	assert_int_equal(arena_space_stats(space).largest_free_bytes, LONG);
	assert_int_equal(arena_space_alloc(space, LONG), offsets[0]);
	assert_int_equal(arena_space_alloc(space, LONG), 0);
	assert_int_equal(arena_space_stats(space).largest_free_bytes, SHORT);
	arena_space_release(space, offsets[0]);
	arena_space_release(space, rest);
	for (int i = 0; i <= SHORTS; i++)
		arena_space_release(space, walls[i]);
	space_assert_empty("own class", space);
	arena_space_free(space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),    cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_reserve),   cmocka_unit_test(test_services),
		cmocka_unit_test(test_own_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
