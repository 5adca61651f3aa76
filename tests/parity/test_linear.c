/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of which a driver puts little or nothing where the XDP program can reach it directly, and
 * the rest into fragments: all rows of the table at each of these lengths, then random frames at
 * random ones. Each must end as the oracle says, byte for byte, as it does in one piece. Before Linux
 * 6.18, which has no such test runs, frames are whole. Environment: PARITY_SEED, PARITY_COUNT (default 20,000).
 */
#include "difference.h"
#include "mutate.h"
#include "oracle.h"
#include "path.h"
#include "rows.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

enum {
	COUNT = 20000,
	SEED = 20261130,
	DIFFERENCES_MAX = 5, /* printed; then the test ends */
	LINEAR_RANDOM_MAX = 640,
};

/* Ethernet's header, half an IP header, a byte less than one of TCP, ... */
static const uint32_t lengths[] = {0, 1, 2, 14, 20, 33, 53, 54, 100, 191, 192, 193, 256, 500};

static struct fixture *fixture;
static struct row_list rows;
static uint32_t differences;
static bool opened;
static bool whole; /* this kernel can't run others */

/* Test runs of several buffers, of which the first is short. */
static bool kernel_before_6_18(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	return uname(&name) != 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2 ||
	       major < 6 || (major == 6 && minor < 18);
}

static int setup(void **state)
{
	char why[PARITY_ERROR_MAX];
	int rc;

	(void)state;
	fixture = fixture_new();
	rows_make(&rows);
	whole = kernel_before_6_18();
	if (whole)
		print_message("# whole frames alone: others need Linux 6.18\n");
	rc = path_xdp.open(fixture, why);
	opened = rc == 0;
	if (rc != 0)
		print_message("# skip: xdp: %s\n", why);
	return opened || rc == -ENOTSUP ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	path_xdp.close();
	rows_free(&rows);
	fixture_free(fixture);
	return 0;
}

/*
 * Whether what is out of reach is padding, all of it and nothing else. Such a frame looks like one in one
 * piece, so its padding goes along: each frame would have to pay for the question.
 */
static bool hides_its_padding(const struct frame *frame, uint32_t linear_bytes)
{
	struct view view = {0};

	view_read(frame, &view);
	return view.ip_bytes > 0 && view.l3 + view.ip_bytes == linear_bytes &&
	       frame->n > linear_bytes;
}

static void frame_check(const char *name, const struct frame *frame, uint32_t linear_bytes)
{
	static struct parity_result expected, got;
	char what[300];

	if (frame->n < path_xdp.shortest_bytes)
		return;
	if (hides_its_padding(frame, linear_bytes))
		linear_bytes++;
	path_xdp_linear_bytes = whole ? UINT32_MAX : linear_bytes;
	oracle_expect(fixture, frame, &expected);
	path_xdp.run(frame, 1, &got);
	snprintf(what, sizeof(what), "%u linear bytes: %s", linear_bytes, name);
	if (!result_same(what, frame, &expected, &got) && ++differences >= DIFFERENCES_MAX)
		fail_msg("%u differences; the rest is not looked at", differences);
}

static void test_rows(void **state)
{
	const char *only = getenv("PARITY_ROW");
	static struct frame frame;

	(void)state;
	if (!opened)
		skip();
	differences = 0;
	for (size_t i = 0; i < rows.n; i++) {
		if (only && strcmp(only, rows.rows[i].name) != 0)
			continue;
		frame_build(&rows.rows[i].spec, &frame);
		for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++)
			frame_check(rows.rows[i].name, &frame, lengths[k]);
	}
	assert_int_equal(differences, 0);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void test_random(void **state)
{
	uint64_t count = number_from("PARITY_COUNT", COUNT);
	uint64_t seed = number_from("PARITY_SEED", SEED), random = seed ? seed : 1;
	static struct frame frame;
	char name[80];

	(void)state;
	if (!opened)
		skip();
	differences = 0;
	for (uint64_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "seed %llu, frame %llu", (unsigned long long)seed,
			 (unsigned long long)i);
		mutate_make(&random, &rows, &frame);
		frame_check(name, &frame, random_below(&random, LINEAR_RANDOM_MAX));
	}
	assert_int_equal(differences, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
