/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which thread runs where: workers on their cores alone, the control thread on what is left.
 */
#include "cores.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	CORES_MAX = 4,
};

static const struct row {
	const char *name;
	uint64_t allowed; /* a bit a core */
	uint32_t n;
	uint16_t cores[CORES_MAX];
	int ret;
	const char *text; /* or what the error says, in part */
} rows[] = {
	{"one worker of two cores", 0x3, 1, {1}, 0, "0@(0),1@1"},
	{"a worker on core 0", 0x3, 1, {0}, 0, "0@(1),1@0"},
	{"workers on all cores: control floats", 0x3, 2, {0, 1}, 0, "0@(0,1),1@0,2@1"},
	{"one core in all", 0x1, 1, {0}, 0, "0@(0),1@0"},
	{"in the order given", 0xff, 3, {7, 2, 5}, 0, "0@(0,1,3,4,6),1@7,2@2,3@5"},
	{"cores that this process may not use", 0xc, 1, {2}, 0, "0@(3),1@2"},
	{"none", 0x3, 0, {0}, -EINVAL, "name at least one"},
	{"not there", 0x3, 1, {2}, -EINVAL, "cores[0]: 2: no such core"},
	{"says which there are", 0x3, 1, {2}, -EINVAL, "on 0-1"},
	{"says that there are more", 0x0d, 1, {1}, -EINVAL, "on 0-0, ..."},
	{"beyond any machine", 0x3, 1, {65535}, -EINVAL, "cores[0]: 65535: no such core"},
	{"twice", 0xff, 3, {3, 4, 3}, -EINVAL, "cores[2]: 3 is named twice"},
};

static cpu_set_t set_from(uint64_t bits)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned int cpu = 0; cpu < 64; cpu++)
		if (bits >> cpu & 1)
			CPU_SET(cpu, &set);
	return set;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct row *row = &rows[i];
		cpu_set_t allowed = set_from(row->allowed);
		char text[CORES_TEXT_MAX] = "", error[FAST_PATH_ERROR_MAX] = "";
		int ret = cores_map(row->cores, row->n, &allowed, text, error);

		row_assert(row->name, ret == row->ret);
		if (ret == 0)
			row_assert(row->name, strcmp(text, row->text) == 0);
		else
			row_assert(row->name, strstr(error, row->text));
	}
}

/* As many as there can be, with the longest numbers: the text has room. */
static void test_largest(void **state)
{
	uint16_t cores[FAST_PATH_WORKERS_MAX];
	char text[CORES_TEXT_MAX], error[FAST_PATH_ERROR_MAX] = "";
	cpu_set_t allowed;

	(void)state;
	CPU_ZERO(&allowed);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		CPU_SET(cpu, &allowed);
	for (unsigned int i = 0; i < FAST_PATH_WORKERS_MAX; i++)
		cores[i] = (uint16_t)(CPU_SETSIZE - 1 - i);
	/* One lcore of DPDK's 128 is the control thread's. */
	assert_int_equal(cores_map(cores, FAST_PATH_WORKERS_MAX, &allowed, text, error), -EINVAL);
	assert_non_null(strstr(error, "127"));
	assert_int_equal(cores_map(cores, FAST_PATH_WORKERS_MAX - 1, &allowed, text, error), 0);
	assert_true(strlen(text) < CORES_TEXT_MAX - 1);
	assert_non_null(strstr(text, ",127@897"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
