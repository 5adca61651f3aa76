/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of which only the first bytes can be reached, as a fast path has them whose frame lies in
 * several buffers. At every length of the table's frames the core must not touch a byte behind
 * the reach (built with sanitizers, that shows), and either decide as with the whole or say what
 * is missing; and it must not claim to have written what it can't reach.
 */
#include "difference.h"
#include "reach.h"
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	REACH_MAX = 300, /* further than any row's headers, one of 1,032 bytes aside */
};

static struct fixture *fixture;
static struct arena *arena;
static struct row_list rows;

static int setup(void **state)
{
	(void)state;
	fixture = fixture_new();
	rows_make(&rows);
	arena = aligned_alloc(ARENA_CHUNK_BYTES, FIXTURE_ARENA_BYTES);
	if (!arena)
		return -1;
	memset(arena, 0, FIXTURE_ARENA_BYTES);
	fixture_lay(fixture, arena, FIXTURE_ARENA_BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(arena);
	rows_free(&rows);
	fixture_free(fixture);
	return 0;
}

static void test_reach(void **state)
{
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < rows.n; i++) {
		const struct row *row = &rows.rows[i];
		uint32_t most;
		enum verdict whole;
		bool written;

		frame_build(&row->spec, &frame);
		whole = reach_steer(arena, &frame, frame.n, &written);
		most = frame.n < REACH_MAX ? frame.n : REACH_MAX;
		for (uint32_t reach = 1; reach < most; reach++) {
			enum verdict verdict = reach_steer(arena, &frame, reach, &written);

			if (verdict != whole && !reach_verdict_short(verdict))
				fail_msg("%s, of which %u bytes can be reached: %s", row->name,
					 reach, verdict_name(verdict));
			/* The quote of a "too big" answer is longer than that. */
			if (verdict == VERDICT_too_big && written)
				fail_msg("%s, of which %u bytes can be reached: answered",
					 row->name, reach);
			/* What was parsed to the end of its headers can be encapsulated. */
			if (verdict_action(verdict) == ACTION_FORWARD && !written)
				fail_msg("%s, of which %u bytes can be reached: not encapsulated",
					 row->name, reach);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
