/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator's books: what is lost, late, twice, out of order or on a second backend, against
 * an oracle that keeps everything.
 */
#include "../pktgen/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	PLACES = 10,
	WINDOW = 1 << LEDGER_WINDOW_LOG2,
};

static int setup(void **state)
{
	static struct ledger l;

	*state = &l;
	return ledger_create(&l, PLACES);
}

static int teardown(void **state)
{
	ledger_destroy(*state);
	return 0;
}

static uint64_t send_at(struct ledger *l, uint64_t tsc)
{
	uint64_t number = ledger_number(l);

	ledger_sent(l, number, tsc);
	return number;
}

static void test_returns(void **state)
{
	struct ledger *l = *state;
	uint64_t latency = 0, first = send_at(l, 1000), second = send_at(l, 1001);

	assert_int_equal(ledger_return(l, second, 1501, &latency), RETURN_FIRST);
	assert_int_equal(latency, 500);
	assert_int_equal(ledger_return(l, second, 1600, &latency), RETURN_DUPLICATE);
	assert_int_equal(ledger_return(l, second + 1, 1600, &latency), RETURN_UNKNOWN);
	assert_int_equal(ledger_return(l, 1ULL << 47, 1600, &latency), RETURN_UNKNOWN);
	assert_int_equal(ledger_return(l, first, 2000, &latency), RETURN_FIRST);
	assert_int_equal(latency, 1000);
	assert_int_equal(l->received, 2);
	assert_int_equal(l->duplicates, 1);
}

static void test_window_end(void **state)
{
	struct ledger *l = *state;
	uint64_t latency = 0, old = send_at(l, 5), next = send_at(l, 6);

	for (uint32_t i = 2; i <= WINDOW; i++)
		send_at(l, 7);
	/* WINDOW + 1 have been sent: number 0's entry is another's, number 1's is its own. */
	assert_int_equal(ledger_return(l, old, 10, &latency), RETURN_TOO_LATE);
	assert_int_equal(ledger_return(l, next, 10, &latency), RETURN_FIRST);
	assert_int_equal(l->received, 2);
	assert_int_equal(l->too_late, 1);
}

static const struct {
	const char *name;
	struct {
		uint32_t place, life;
		uint64_t number;
		uint32_t backend;
	} packets[6];
	uint32_t n;
	uint64_t seen, reordered, moved;
} rows[] = {
	{"in order", {{1, 0, 0, 7}, {1, 0, 1, 7}, {1, 0, 5, 7}}, 3, 1, 0, 0},
	{"one overtakes another", {{1, 0, 0, 7}, {1, 0, 2, 7}, {1, 0, 1, 7}}, 3, 1, 1, 0},
	{"one comes after two younger ones: counted once",
	 {{1, 0, 4, 7}, {1, 0, 5, 7}, {1, 0, 3, 7}, {1, 0, 6, 7}},
	 4,
	 1,
	 1,
	 0},
	{"flows overtake each other: no matter",
	 {{1, 0, 5, 7}, {2, 0, 0, 7}, {3, 0, 3, 7}},
	 3,
	 3,
	 0,
	 0},
	{"two backends: the flow counts once",
	 {{1, 0, 0, 7}, {1, 0, 1, 8}, {1, 0, 2, 7}, {1, 0, 3, 9}},
	 4,
	 1,
	 0,
	 1},
	{"two flows on two backends each",
	 {{1, 0, 0, 7}, {2, 0, 1, 7}, {1, 0, 2, 8}, {2, 0, 3, 8}},
	 4,
	 2,
	 0,
	 2},
	{"moved, then out of order", {{1, 0, 0, 7}, {1, 0, 2, 8}, {1, 0, 1, 8}}, 3, 1, 1, 1},
	{"the place's next flow has another backend",
	 {{1, 0, 0, 7}, {1, 1, 1, 8}, {1, 1, 2, 8}},
	 3,
	 2,
	 0,
	 0},
	{"last packets of a flow come after the next one's first",
	 {{1, 0, 0, 7}, {1, 1, 2, 8}, {1, 0, 1, 7}, {1, 1, 3, 8}},
	 4,
	 2,
	 0,
	 0},
	{"that one moves, and the older doesn't",
	 {{1, 0, 0, 7}, {1, 1, 2, 8}, {1, 0, 1, 7}, {1, 1, 3, 9}},
	 4,
	 2,
	 0,
	 1},
	{"two lives on", {{1, 0, 0, 7}, {1, 2, 1, 8}, {1, 2, 2, 8}}, 3, 2, 0, 0},
	{"numbers past 2^32", {{1, 0, 1ULL << 33, 7}, {1, 0, 1ULL << 32, 7}}, 2, 1, 1, 0},
};

static void test_flows(void **state)
{
	(void)state;
	for (size_t r = 0; r < ROWS(rows); r++) {
		struct ledger l;

		assert_int_equal(ledger_create(&l, PLACES), 0);
		for (uint32_t i = 0; i < rows[r].n; i++)
			ledger_flow(&l, rows[r].packets[i].place, rows[r].packets[i].life,
				    rows[r].packets[i].number, rows[r].packets[i].backend);
		row_assert(rows[r].name, l.flows_seen == rows[r].seen);
		row_assert(rows[r].name, l.reordered == rows[r].reordered);
		row_assert(rows[r].name, l.flows_moved == rows[r].moved);
		ledger_destroy(&l);
	}
}

/* Random permutations with random backends, counted again by looking at all earlier packets. */
static void test_random(void **state)
{
	enum { PACKETS = 400 };
	uint64_t seed = 77;

	(void)state;
	for (int round = 0; round < 50; round++) {
		uint64_t reordered = 0, moved = 0, newest[PLACES] = {0};
		uint32_t numbers[PACKETS], backends[PLACES], flags[PLACES] = {0};
		struct ledger l;

		assert_int_equal(ledger_create(&l, PLACES), 0);
		for (uint32_t i = 0; i < PACKETS; i++)
			numbers[i] = i;
		for (uint32_t i = 0; i < PACKETS; i++) {
			uint32_t with = i + random_below(&seed, i + 5 < PACKETS ? 5 : PACKETS - i);
			uint32_t number = numbers[with], place = number % PLACES;
			uint32_t backend = random_below(&seed, 100) == 0;

			numbers[with] = numbers[i];
			if (!(flags[place] & 1))
				backends[place] = backend;
			else if (number < newest[place])
				reordered++;
			if (backends[place] != backend && !(flags[place] & 2)) {
				moved++;
				flags[place] |= 2;
			}
			flags[place] |= 1;
			newest[place] = number > newest[place] ? number : newest[place];
			ledger_flow(&l, place, 0, number, backend);
		}
		assert_int_equal(l.reordered, reordered);
		assert_int_equal(l.flows_moved, moved);
		assert_int_equal(l.flows_seen, PLACES);
		ledger_destroy(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_returns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_window_end, setup, teardown),
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
