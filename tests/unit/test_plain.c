/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain_parse(), which the DPDK path tries first, compared with packet_parse(), on the parity
 * table's frames, cut anywhere, and on random changes of them.
 */
#include "../parity/mutate.h"
#include "../parity/rows.h"
#include "../parity/rows_quic.h"

#include "sluice/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
	FRAMES = 300000,
	SEED = 20261122,
	CLEAN = 0x5a,
	ROOM_BYTES = 128,
};

static bool packets_equal(const struct packet *a, const struct packet *b)
{
	size_t addrs_bytes =
		a->flags & PACKET_V6 ? sizeof(a->flow.addrs) : sizeof(a->flow.addrs[0]);

	return memcmp(a->flow.addrs, b->flow.addrs, addrs_bytes) == 0 &&
	       a->flow.last == b->flow.last && a->ip_bytes == b->ip_bytes &&
	       a->l3_offset == b->l3_offset && a->l4_offset == b->l4_offset &&
	       a->ip_id == b->ip_id && a->tos == b->tos && a->proto == b->proto &&
	       a->flags == b->flags && a->tcp_flags == b->tcp_flags;
}

/* Whether the short way was taken; `first_bytes`: what of the frame can be reached. */
static bool check_parse(const char *name, struct frame *frame, uint32_t first_bytes)
{
	struct cursor c = {frame->bytes, frame->bytes + first_bytes, frame->n};
	struct packet expected, p;
	struct plain plain;
	enum verdict verdict;
	uint32_t l3_offset;
	bool v6;

	memset(&p, CLEAN, sizeof(p));
	if (!plain_find(&c, &l3_offset, &v6) || !plain_parse(&c, l3_offset, v6, &plain))
		return false;
	plain_store(&p, &plain, v6);
	verdict = packet_parse(&c, &expected);
	if (plain_source_is_bad(&plain, v6)
		    ? verdict != VERDICT_bad_source
		    : verdict != VERDICT_forward || !packets_equal(&expected, &p))
		fail_msg("%s: %u of %u bytes: not what packet_parse() says", name, first_bytes,
			 frame->n);
	return true;
}

static void test_rows(void **state)
{
	struct row_list list = {0};
	uint32_t plain_n = 0;

	(void)state;
	rows_make(&list);
	for (size_t i = 0; i < list.n; i++) {
		struct frame frame;

		frame_build(&list.rows[i].spec, &frame);
		for (uint32_t bytes = 0; bytes <= frame.n && bytes <= ROOM_BYTES; bytes++)
			(void)check_parse(list.rows[i].name, &frame, bytes);
		plain_n += check_parse(list.rows[i].name, &frame, frame.n);
	}
	assert_in_range(plain_n, list.n / 10, list.n - list.n / 10);
	rows_free(&list);
}

static void test_random_frames(void **state)
{
	struct row_list list = {0};
	uint64_t seed = SEED;
	uint32_t plain_n = 0;

	(void)state;
	rows_make(&list);
	for (int i = 0; i < FRAMES; i++) {
		struct frame frame;

		mutate_make(&seed, &list, &frame);
		plain_n += check_parse("random", &frame, frame.n);
	}
	assert_in_range(plain_n, FRAMES / 20, FRAMES);
	rows_free(&list);
}

/* What must go the short way, or it is for nothing. */
static void test_taken(void **state)
{
	static const struct frame_spec specs[] = {
		{.dst = "203.0.113.1", .proto = IP_TCP, .dport = 80, .pad_to = 60},
		{.dst = "203.0.113.1",
		 .proto = IP_TCP,
		 .dport = 80,
		 .fragment = V4_DF,
		 .tcp_options_bytes = 12,
		 .payload_bytes = 1400},
		{.dst = "203.0.113.1", .proto = IP_UDP, .dport = 53, .payload_bytes = 30},
		{.dst = "203.0.113.1", .proto = IP_UDP, .dport = 53, .no_sum = true, .pad_to = 60},
		{.dst = "2001:db8:f::1", .proto = IP_TCP, .dport = 80},
		{.dst = "2001:db8:f::1", .proto = IP_UDP, .dport = 53, .payload_bytes = 30},
		{.dst = "203.0.113.1", .proto = IP_TCP, .dport = 80, .tags = 1, .pad_to = 60},
		{.dst = "2001:db8:f::1", .proto = IP_TCP, .dport = 80, .tags = 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct frame frame;

		frame_build(&specs[i], &frame);
		if (!check_parse("taken", &frame, frame.n))
			fail_msg("spec %zu: not plain", i);
	}
}

/* What the RFCs say of a datagram, by the long way; and by the short, cut anywhere. */
static void test_quic(void **state)
{
	(void)state;
	for (size_t i = 0; i < QUIC_ROWS; i++) {
		for (int v6 = 0; v6 < 2; v6++) {
			const char *name = quic_rows[i].name;
			struct packet p;
			struct frame frame;
			struct cursor c;

			quic_frame_build(&quic_rows[i], v6 ? CLIENT6 : CLIENT4,
					 v6 ? "2001:db8:f::1" : "203.0.113.1", &frame);
			c = (struct cursor){frame.bytes, frame.bytes + frame.n, frame.n};
			if (packet_parse(&c, &p) != VERDICT_forward ||
			    !!(p.flags & PACKET_OPENS) != quic_rows[i].opens)
				fail_msg("%s, ipv%d: %s", name, v6 ? 6 : 4,
					 quic_rows[i].opens ? "opens no flow" : "opens a flow");
			for (uint32_t bytes = 0; bytes <= frame.n && bytes <= ROOM_BYTES; bytes++)
				(void)check_parse(name, &frame, bytes);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_random_frames),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_quic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
