/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From results to a state: rows of results, one letter each, and the states that they lead to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"
#include "track.h"

enum {
	SECOND_US = 1000000,
};

/*
 * Results: + passes, - fails, a digit lets so many seconds go by. States behind each result:
 * ? unknown, U up, D down, a small letter in doubt, H held down.
 */
static const struct {
	const char *name;
	bool out;
	uint16_t rise, fall, flap_count;
	const char *results, *states;
} rows[] = {
	{"unknown: the first that passes makes it up", false, 3, 3, 0, "+", "U"},
	{"unknown: fall failures make it down", false, 2, 3, 0, "---", "??D"},
	{"unknown: a failure, then up at once", false, 2, 3, 0, "--+", "??U"},
	{"up: one failure is none", false, 2, 3, 0, "+-+--+---", "UuUuuUuuD"},
	{"up, fall 1", false, 2, 1, 0, "+-", "UD"},
	{"down: rise passes", false, 3, 1, 0, "+-+++", "UDddU"},
	{"down: a failure begins anew", false, 2, 1, 0, "+-+-++", "UDdDdU"},
	{"kept out: up with the first that passes", true, 3, 3, 0, "+", "U"},
	{"kept out: and down with fall failures", true, 2, 2, 0, "--", "?D"},
	{"flapping: held from the third time on", false, 1, 1, 3, "+-+-+-+5+4+1+", "UDUDUHHHHU"},
	{"flapping: twice as long the next time", false, 1, 1, 2, "+-+-+9+1+-9+9+1+2+",
	 "UDUHHHUHHHHU"},
	{"flapping: a failure while held", false, 1, 1, 2, "+-+-+-9+1+", "UDUHHHHU"},
	{"not within the window", false, 1, 1, 2, "+-+9999999-+", "UDUDU"},
	{"flap_count 0", false, 1, 1, 0, "+-+-+-+-+-+", "UDUDUDUDUDU"},
};

static char letter(const struct track *t, const struct health_timing *timing, int64_t now_us)
{
	bool doubt = track_in_doubt(t, timing);

	switch (t->state) {
	case HEALTH_UNKNOWN:
		return doubt ? '?' : '!';
	case HEALTH_UP:
		return doubt ? 'u' : 'U';
	case HEALTH_DOWN:
		return track_is_held(t, now_us) ? 'H' : doubt ? 'd' : 'D';
	case HEALTH_NONE:
		break;
	}
	return '!';
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct health_conf conf = health_conf_default();
		struct track t = track_new(rows[i].out);
		char states[64] = "";
		size_t n = 0;
		int64_t now_us = 1000LL * SECOND_US;

		conf.timing.rise = rows[i].rise;
		conf.timing.fall = rows[i].fall;
		conf.flap_count = rows[i].flap_count;
		conf.flap_window_s = 60;
		conf.flap_hold_s = 10;
		for (const char *c = rows[i].results; *c; c++) {
			enum health_state was = t.state;
			bool differs;

			if (*c != '+' && *c != '-') {
				now_us += (*c - '0') * SECOND_US;
				continue;
			}
			differs = track_result(&t, &conf, &conf.timing, *c == '+', now_us);
			row_assert(rows[i].name, differs == (t.state != was));
			row_assert(rows[i].name, t.state == HEALTH_UNKNOWN
							 ? t.out == rows[i].out
							 : t.out == (t.state == HEALTH_DOWN));
			states[n++] = letter(&t, &conf.timing, now_us);
		}
		print_message("# row: %s\n", rows[i].name);
		assert_string_equal(states, rows[i].states);
	}
}

/* Held for 10 s, 20, 40 ... but never for more than 320. */
static void test_holds_are_bounded(void **state)
{
	struct health_conf conf = health_conf_default();
	struct track t = track_new(false);
	int64_t now_us = SECOND_US, longest_us = 0;

	(void)state;
	conf.timing.rise = conf.timing.fall = 1;
	conf.flap_count = 1;
	conf.flap_window_s = 86400;
	for (int i = 0; i < 20; i++) {
		track_result(&t, &conf, &conf.timing, true, now_us);
		assert_int_equal(t.state, HEALTH_UP);
		track_result(&t, &conf, &conf.timing, false, now_us);
		assert_true(t.held_until_us - now_us >= longest_us);
		longest_us = t.held_until_us - now_us;
		now_us = t.held_until_us;
	}
	assert_int_equal(longest_us, 320LL * SECOND_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_holds_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
