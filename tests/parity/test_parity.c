/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parity: the table's rows, then random frames, through every path that was built in. Each must do
 * just what the oracle worked out, so all do the same. Environment: PARITY_SEED and PARITY_COUNT
 * (random frames, default 100,000), PARITY_PATHS (paths.h), PARITY_ROW (one row).
 */
#include "difference.h"
#include "mutate.h"
#include "oracle.h"
#include "paths.h"
#include "rows.h"
#include "sluice/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	COUNT = 100000,
	SEED = 20261122,
	DIFFERENCES_MAX = 5, /* printed; then the test ends */
	NAME_MAX_BYTES = 200,
};

/* Frames on their way through all paths. */
struct batch {
	uint32_t n;
	char names[PARITY_BATCH_MAX][NAME_MAX_BYTES];
	struct frame frames[PARITY_BATCH_MAX];
	struct parity_result expected[PARITY_BATCH_MAX];
};

static struct fixture *fixture;
static struct row_list rows;
static struct paths paths;
static struct batch batch;
static uint32_t differences;

static int setup(void **state)
{
	char why[PARITY_ERROR_MAX];

	(void)state;
	fixture = fixture_new();
	rows_make(&rows);
	if (paths_open(&paths, fixture) != 0)
		return -1;
	/* It leaves nothing behind, and so tells of frames that nothing came before. */
	print_message("# path %s\n", path_trace.name);
	paths.at[paths.n++] = &path_trace;
	return path_trace.open(fixture, why);
}

static int teardown(void **state)
{
	(void)state;
	paths_close(&paths);
	rows_free(&rows);
	fixture_free(fixture);
	return 0;
}

static void difference_count(void)
{
	if (++differences >= DIFFERENCES_MAX)
		fail_msg("%u differences; the rest is not looked at", differences);
}

/* The batch's frames that are long enough for the path, as it gets them. */
static void batch_run_path(const struct parity_path *path)
{
	static struct parity_result results[PARITY_BATCH_MAX];
	static struct frame given[PARITY_BATCH_MAX];
	uint32_t at[PARITY_BATCH_MAX], n = 0;
	char what[NAME_MAX_BYTES + 40];

	for (uint32_t i = 0; i < batch.n; i++) {
		if (batch.frames[i].n < path->shortest_bytes)
			continue;
		given[n] = batch.frames[i];
		at[n++] = i;
	}
	if (n == 0)
		return;
	path->run(given, n, results);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(what, sizeof(what), "%s: %s", path->name, batch.names[at[i]]);
		if (!result_same(what, &batch.frames[at[i]], &batch.expected[at[i]], &results[i]))
			difference_count();
	}
}

static void batch_run(void)
{
	for (uint32_t i = 0; i < batch.n; i++)
		oracle_expect(fixture, &batch.frames[i], &batch.expected[i]);
	for (uint32_t i = 0; i < paths.n; i++)
		batch_run_path(paths.at[i]);
	batch.n = 0;
}

/* A path that this machine can't have is not silently left out. */
static void test_paths(void **state)
{
	(void)state;
	if (paths.missing_n > 0)
		skip();
	assert_true(paths.n > 0);
}

/* The table itself: enough, no name twice, and each row's verdict is the oracle's too. */
static void test_table(void **state)
{
	static struct parity_result expected;
	static struct frame frame;

	(void)state;
	differences = 0;
	print_message("# %zu rows\n", rows.n);
	assert_true(rows.n >= 200);
	for (size_t i = 0; i < rows.n; i++) {
		const struct row *row = &rows.rows[i];

		for (size_t k = 0; k < i; k++)
			if (strcmp(rows.rows[k].name, row->name) == 0)
				fail_msg("two rows are called \"%s\"", row->name);
		frame_build(&row->spec, &frame);
		oracle_expect(fixture, &frame, &expected);
		if (expected.verdict != row->verdict) {
			print_error("%s: the row says %s, the oracle %s\n", row->name,
				    verdict_name(row->verdict), verdict_name(expected.verdict));
			difference_count();
		}
	}
	assert_int_equal(differences, 0);
}

/* Every verdict that a path can come to by itself has a row. */
static void test_verdicts(void **state)
{
	bool seen[VERDICT_COUNT] = {0};

	(void)state;
	for (size_t i = 0; i < rows.n; i++)
		seen[rows.rows[i].verdict] = true;
	/* Those that rows can't bring about: buffers, queues, rates, and tables out of order. */
	seen[VERDICT_error_limited] = true;
	seen[VERDICT_reject_limited] = true;
	seen[VERDICT_no_headroom] = true;
	seen[VERDICT_transmit_full] = true;
	seen[VERDICT_kernel_full] = true;
	seen[VERDICT_bad_tables] = true;
	for (int i = 0; i < VERDICT_COUNT; i++)
		if (!seen[i])
			fail_msg("no row has the verdict %s", verdict_name((enum verdict)i));
}

/* Addresses whose keys are the same: only the comparison of the whole tells them apart. */
static void test_twins(void **state)
{
	static const char *const twins[] = {WEB6, TWIN6, NOT_TWIN6, NOT_TWIN6_UPPER,
					    NOT_TWIN6_LOWER};
	uint64_t addr[2];
	uint32_t fold;

	(void)state;
	frame_address(twins[0], (uint8_t *)addr);
	fold = service_fold(addr);
	for (size_t i = 1; i < sizeof(twins) / sizeof(twins[0]); i++) {
		frame_address(twins[i], (uint8_t *)addr);
		if (service_fold(addr) != fold)
			fail_msg("%s has another fold than %s: choose one that has it", twins[i],
				 twins[0]);
	}
}

static void test_rows(void **state)
{
	const char *only = getenv("PARITY_ROW");
	uint64_t seed = SEED;
	uint32_t size = 1;

	(void)state;
	differences = 0;
	for (size_t i = 0; i < rows.n; i++) {
		const struct row *row = &rows.rows[i];

		if (only && strcmp(only, row->name) != 0)
			continue;
		snprintf(batch.names[batch.n], NAME_MAX_BYTES, "%s", row->name);
		frame_build(&row->spec, &batch.frames[batch.n++]);
		if (batch.n < size)
			continue;
		batch_run();
		size = 1 + random_below(&seed, PARITY_BATCH_MAX);
	}
	batch_run();
	assert_int_equal(differences, 0);
}

/*
 * Packets whose outer UDP checksum comes out as 0, which would mean "none", and so is sent as all
 * ones (RFC 768). One in 65,536 is, so they are looked for.
 */
static void test_sum_all_ones(void **state)
{
	static struct parity_result expected;
	static struct frame frame;
	char src[16];
	struct frame_spec spec = {UDP(WEB4, 53), .src = src, .payload_bytes = 5};
	uint32_t found = 0;

	(void)state;
	differences = 0;
	for (uint32_t i = 0; i < 1000000 && found < 3; i++) {
		snprintf(src, sizeof(src), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		frame_build(&spec, &frame);
		oracle_expect(fixture, &frame, &expected);
		/* Ethernet, IPv6, and 6 bytes of UDP. */
		if (frame_get16(expected.bytes + 14 + 40 + 6) != 0xffff)
			continue;
		snprintf(batch.names[found], NAME_MAX_BYTES, "checksum 0, number %u", found);
		batch.frames[found++] = frame;
	}
	assert_int_equal(found, 3);
	batch.n = found;
	batch_run();
	assert_int_equal(differences, 0);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void test_random(void **state)
{
	uint64_t count = number_from("PARITY_COUNT", COUNT),
		 seed = number_from("PARITY_SEED", SEED);
	uint64_t verdicts[VERDICT_COUNT] = {0}, random = seed ? seed : 1;

	(void)state;
	differences = 0;
	print_message("# seed %llu, %llu frames\n", (unsigned long long)seed,
		      (unsigned long long)count);
	for (uint64_t done = 0; done < count;) {
		uint32_t n = 1 + random_below(&random, PARITY_BATCH_MAX);

		if (n > count - done)
			n = (uint32_t)(count - done);
		for (uint32_t i = 0; i < n; i++) {
			snprintf(batch.names[i], NAME_MAX_BYTES, "seed %llu, frame %llu",
				 (unsigned long long)seed, (unsigned long long)(done + i));
			mutate_make(&random, &rows, &batch.frames[i]);
		}
		batch.n = n;
		batch_run();
		for (uint32_t i = 0; i < n; i++)
			verdicts[batch.expected[i].verdict]++;
		done += n;
	}
	for (int i = 0; i < VERDICT_COUNT; i++)
		if (verdicts[i])
			print_message("# %8llu %s\n", (unsigned long long)verdicts[i],
				      verdict_name((enum verdict)i));
	assert_int_equal(differences, 0);
	/* Else the mutations would find nothing. */
	if (count >= COUNT)
		assert_true(verdicts[VERDICT_forward] > count / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),    cmocka_unit_test(test_table),
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_twins),
		cmocka_unit_test(test_rows),     cmocka_unit_test(test_sum_all_ones),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
