/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VLAN tags that a device has taken out of the frame are put back before the DPDK worker looks: the frame
 * is as it was on the wire, and an answer carries the tag.
 */
#include "burst_world.h"
#include "vlan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

enum { MACS = 12, TAG = 4, TPID = 0x8100 };

/* As a device hands it over that strips `tags` of them. */
static struct rte_mbuf *stripped(const struct frame *frame, unsigned int tags)
{
	struct rte_mbuf *m = world_mbuf_from(frame);
	char *bytes = rte_pktmbuf_mtod(m, char *);

	m->vlan_tci = frame_get16(frame->bytes + MACS + 2 + (tags - 1) * TAG);
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	if (tags == 2) {
		m->vlan_tci_outer = frame_get16(frame->bytes + MACS + 2);
		m->ol_flags |= RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
	}
	memmove(bytes + tags * TAG, bytes, MACS);
	rte_pktmbuf_adj(m, (uint16_t)(tags * TAG));
	return m;
}

static bool is_tagged(const struct frame *frame, unsigned int tags)
{
	for (unsigned int i = 0; i < tags; i++)
		if (frame->n < 64 || frame_get16(frame->bytes + MACS + i * TAG) != TPID)
			return false;
	return true;
}

static void test_restore(void **state)
{
	uint32_t seen_n[3] = {0};

	(void)state;
	for (uint32_t row = 0; row < world.rows.n; row++) {
		const struct frame *frame = &world.frames[row];

		for (unsigned int tags = 1; tags <= 2 && is_tagged(frame, tags); tags++) {
			struct rte_mbuf *m = stripped(frame, tags);

			seen_n[tags]++;
			vlan_restore(&m, 1);
			assert_int_equal(m->pkt_len, frame->n);
			assert_int_equal(m->data_len, frame->n);
			assert_memory_equal(rte_pktmbuf_mtod(m, char *), frame->bytes, frame->n);
			assert_int_equal(m->ol_flags & (RTE_MBUF_F_RX_VLAN_STRIPPED |
							RTE_MBUF_F_RX_QINQ_STRIPPED),
					 0);
			rte_pktmbuf_free(m);
		}
	}
	assert_true(seen_n[1] > 0 && seen_n[2] > 0);
	assert_int_equal(rte_mempool_in_use_count(world.pool), 0);
}

/* What isn't marked stays. */
static void test_untouched(void **state)
{
	const struct frame *frame = &world.frames[world_row(VERDICT_forward, 100)];
	struct rte_mbuf *m = world_mbuf_from(frame);

	(void)state;
	m->vlan_tci = 5;
	vlan_restore(&m, 1);
	assert_int_equal(m->pkt_len, frame->n);
	assert_memory_equal(rte_pktmbuf_mtod(m, char *), frame->bytes, frame->n);
	rte_pktmbuf_free(m);
}

static void test_answer(void **state)
{
	struct frame frame;
	struct frame_spec spec = world.rows.rows[world_row(VERDICT_echo_reply, 0)].spec;
	struct rte_mbuf *m;

	(void)state;
	spec.tags = 1;
	spec.tag_type = 0;
	frame_build(&spec, &frame);
	m = stripped(&frame, 1);
	vlan_restore(&m, 1);
	burst_run(&world.burst, &world.context, &m, 1);
	assert_int_equal(world.burst.verdict[0], VERDICT_echo_reply);
	assert_int_equal(world.burst.out_n[0], 1);
	assert_memory_equal(rte_pktmbuf_mtod(world.burst.out[0][0], uint8_t *) + MACS,
			    frame.bytes + MACS, TAG);
	world_burst_release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_answer),
	};

	return cmocka_run_group_tests(tests, world_open, world_close);
}
