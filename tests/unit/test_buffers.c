/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffers of the DPDK path: each has an address that a device can use, and room for its frame.
 */
#include "buffers.h"

#include <rte_eal.h>
#include <rte_mbuf.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
	BUFFERS = 4095,
};

/* Where a device's addresses are the virtual ones, as with an IOMMU: every single one's, also
 * across pages. A pool that leaves it open has a NIC send zeros. */
static void test_devices_find_them(void **state)
{
	struct rte_mempool *pool = buffers_create(BUFFERS, 1500, -1);
	struct rte_mbuf *all[BUFFERS];

	(void)state;
	assert_non_null(pool);
	assert_int_equal(rte_eal_iova_mode(), RTE_IOVA_VA);
	for (int i = 0; i < BUFFERS; i++) {
		all[i] = rte_pktmbuf_alloc(pool);
		assert_non_null(all[i]);
		assert_int_equal(all[i]->buf_iova, (uintptr_t)all[i]->buf_addr);
		assert_int_equal(rte_mempool_virt2iova(all[i]), (uintptr_t)all[i]);
	}
	for (int i = 0; i < BUFFERS; i++)
		rte_pktmbuf_free(all[i]);
	rte_mempool_free(pool);
}

static void test_room(void **state)
{
	static const uint32_t mtus[] = {576, 1500, 1600, 9000};

	(void)state;
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		struct rte_mempool *pool = buffers_create(1023, mtus[i], -1);
		struct rte_mbuf *m;

		assert_non_null(pool);
		m = rte_pktmbuf_alloc(pool);
		assert_true(rte_pktmbuf_tailroom(m) >= mtus[i] + 14 + 2 * 4 + 4);
		rte_pktmbuf_free(m);
		rte_mempool_free(pool);
	}
}

int main(void)
{
	char *args[] = {
		"test_buffers",   "--no-huge", "--no-shconf", "--no-pci",      "--no-telemetry",
		"--iova-mode=va", "-m",        "256",         "--log-level=4", NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices_find_them),
		cmocka_unit_test(test_room),
	};

	if (rte_eal_init(sizeof(args) / sizeof(args[0]) - 1, args) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
