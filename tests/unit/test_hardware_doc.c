/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/hardware.md has one row for every driver that the doctor knows, with its values, and one
 * section that tells of the sources.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "nic.h"

static char page[65536];

static void version(char text[16], int value)
{
	if (value == NIC_NEVER)
		snprintf(text, 16, "–");
	else
		snprintf(text, 16, "%d.%d", value / 1000, value % 1000);
}

static void number(char text[16], int value)
{
	if (value == 0)
		snprintf(text, 16, "–");
	else
		snprintf(text, 16, "%d", value);
}

static void row_of(char row[512], const struct nic *nic)
{
	char since[16], frags[16], mtu[16], legacy[16], pmd[40] = "–";
	const char *binding = nic->bifurcated_vendor ? "kernel" : nic->pmd ? "vfio-pci" : "–";

	version(since, nic->xdp_since);
	version(frags, nic->frags_since);
	number(mtu, nic->xdp_mtu_max);
	number(legacy, nic->xdp_mtu_max_legacy);
	if (nic->pmd)
		snprintf(pmd, sizeof(pmd), "`%s`", nic->pmd);
	snprintf(row, 512, "\n| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", nic->driver, pmd,
		 nic->name, binding, since, mtu, legacy, frags);
}

static void test_rows(void **state)
{
	size_t rows = 0;

	for (size_t i = 0; i < nics_n; i++) {
		char want[512], heading[64];

		row_of(want, &nics[i]);
		if (!strstr(page, want))
			fail_msg("docs/hardware.md lacks:%s", want);
		snprintf(heading, sizeof(heading), "\n### %s", nics[i].driver);
		if (!strstr(page, heading))
			fail_msg("docs/hardware.md lacks the section%s", heading);
	}
	for (const char *at = page; (at = strstr(at, "\n| `")); at++)
		rows++;
	assert_int_equal(rows, nics_n);
}

/* A version, an MTU and a name are there once each, and a bound on MTUs is one that Ethernet has.
 */
static void test_table(void **state)
{
	for (size_t i = 0; i < nics_n; i++) {
		const struct nic *nic = &nics[i];

		assert_ptr_equal(nic_by_driver(nic->driver), nic);
		if (nic->pmd)
			assert_ptr_equal(nic_by_pmd(nic->pmd), nic);
		assert_int_equal(nic->xdp_since == NIC_NEVER, nic->xdp_mtu_max == 0);
		assert_true(nic->frags_since == NIC_NEVER || nic->frags_since >= nic->xdp_since);
		assert_true(nic->xdp_mtu_max_legacy < nic->xdp_mtu_max || nic->xdp_mtu_max == 0);
		if (nic->xdp_mtu_max)
			assert_in_range(nic->xdp_mtu_max, 1556, 4096);
	}
}

static int read_page(void **state)
{
	FILE *file = fopen(SOURCE_ROOT "/docs/hardware.md", "r");
	size_t bytes;

	if (!file)
		return -1;
	bytes = fread(page, 1, sizeof(page) - 1, file);
	page[bytes] = '\0';
	fclose(file);
	return bytes > 0 && bytes < sizeof(page) - 1 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, read_page, NULL);
}
