/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of which only the first bytes can be reached, as a fast path has them whose frame lies in
 * several buffers. At every length of the table's frames the core must not touch a byte behind
 * the reach (built with sanitizers, that shows), and either decide as with the whole or say what
 * is missing; and it must not claim to have written what it can't reach.
 */
#include "difference.h"
#include "rows.h"
#include "sluice/steer.h"

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

/* What a frame can be called whose end is not there; no_service, where it is for nobody here. */
static bool verdict_of_short(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_short_frame:
	case VERDICT_short_ip:
	case VERDICT_bad_ip_header:
	case VERDICT_bad_extension:
	case VERDICT_bad_tcp:
	case VERDICT_bad_udp:
	case VERDICT_bad_icmp:
	case VERDICT_bad_quote:
	case VERDICT_no_service:
		return true;
	default:
		return false;
	}
}

static struct cursor cursor_make(uint8_t *bytes, uint32_t reach, uint32_t n)
{
	return (struct cursor){.pos = bytes, .end = bytes + reach, .frame_bytes = n};
}

/* As the paths do it; false: it said that it could not. */
static bool rewrite(enum verdict verdict, const struct packet *p, const struct steering *st,
		    const struct generation *g, const struct frame *frame, uint32_t reach)
{
	uint32_t growth = verdict_action(verdict) == ACTION_FORWARD
				  ? encap_growth_bytes(st->backend, p)
			  : verdict_action(verdict) == ACTION_TOO_BIG ? answer_too_big_growth(p)
								      : 0;
	uint8_t *bytes = malloc(growth + reach);
	struct cursor c = cursor_make(bytes, growth + reach, growth + frame->n);
	bool done;

	assert_non_null(bytes);
	memcpy(bytes + growth, frame->bytes, reach);
	if (verdict_action(verdict) == ACTION_FORWARD)
		done = encap_write(&c, g, st->backend, p, st->hash);
	else if (verdict_action(verdict) == ACTION_TOO_BIG)
		done = answer_too_big(c, p, steer_inner_mtu_bytes(st->backend));
	else
		done = answer_echo(c, p);
	free(bytes);
	return done;
}

static enum verdict steer_reach(const struct frame *frame, uint32_t reach, bool *written)
{
	const struct arena_head *head = arena_at(arena, 0, sizeof(*head));
	const struct generation *g = arena_at(arena, head->current, sizeof(*g));
	uint8_t *bytes = malloc(reach);
	struct cursor c = cursor_make(bytes, reach, frame->n);
	struct steering st = {0};
	struct packet p;
	enum verdict verdict;

	assert_non_null(bytes);
	memcpy(bytes, frame->bytes, reach);
	verdict = steer_start(arena, g, &c, &p, &st);
	if (verdict == VERDICT_forward) /* no slot of the fixture is changed */
		verdict = steer_finish(arena, &p, st.value, &st);
	free(bytes);
	*written = false;
	switch (verdict_action(verdict)) {
	case ACTION_FORWARD:
	case ACTION_ECHO:
	case ACTION_TOO_BIG:
		*written = rewrite(verdict, &p, &st, g, frame, reach);
		break;
	case ACTION_PASS:
	case ACTION_DROP:
		break;
	}
	return verdict;
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
		whole = steer_reach(&frame, frame.n, &written);
		most = frame.n < REACH_MAX ? frame.n : REACH_MAX;
		for (uint32_t reach = 1; reach < most; reach++) {
			enum verdict verdict = steer_reach(&frame, reach, &written);

			if (verdict != whole && !verdict_of_short(verdict))
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
