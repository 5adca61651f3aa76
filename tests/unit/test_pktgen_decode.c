/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator's decoder: encapsulated frames, put together here by hand around packets of the
 * parity tests, and each with one thing wrong.
 */
#include "../parity/frames.h"
#include "../pktgen/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	L2 = 14,
	GUE_PORT = 6080,
};

static const struct decode_rules rules = {.mac = {2, 0, 0, 0, 0, 1}, .gue_port = GUE_PORT};

/* How a frame is built, and what is then overwritten: a byte, before or after the checksums. */
struct shape {
	bool inner6, outer6;
	int gue;       /* -1: IPIP; 0, 1: variant */
	bool udp_sum;  /* fill in the outer UDP checksum */
	uint8_t proto; /* of the inner packet; 0: TCP */
	int tags;
	uint16_t pad; /* bytes of Ethernet padding */
};

static uint32_t frame_make(const struct shape *s, uint8_t *out)
{
	static const uint8_t src_mac[6] = {2, 0, 0, 0, 0, 2};
	struct frame_spec spec = {.dst = s->inner6 ? "2001:db8::80" : "198.51.100.80",
				  .proto = s->proto ? s->proto : IP_TCP,
				  .dport = 80,
				  .payload_bytes = 33};
	struct frame inner;
	uint8_t *ip, *udp;
	uint32_t inner_n, l3 = L2 + 4U * (uint32_t)s->tags, head, udp_n, n;

	frame_build(&spec, &inner);
	inner_n = inner.n - L2;
	memset(out, 0, 256);
	memcpy(out, rules.mac, 6);
	memcpy(out + 6, src_mac, 6);
	for (int i = 0; i < s->tags; i++) {
		frame_put16(out + 12 + 4 * i, 0x8100);
		frame_put16(out + 14 + 4 * i, 100);
	}
	frame_put16(out + l3 - 2, s->outer6 ? 0x86dd : 0x0800);
	ip = out + l3;
	head = s->outer6 ? 40 : 20;
	udp = ip + head;
	udp_n = s->gue < 0 ? 0 : s->gue == 1 ? 8 : 12;
	memcpy(udp + udp_n, inner.bytes + L2, inner_n);
	n = udp_n + inner_n;
	if (s->outer6) {
		ip[0] = 0x60;
		frame_put16(ip + 4, (uint16_t)n);
		ip[6] = s->gue >= 0 ? 17 : s->inner6 ? 41 : 4;
		ip[7] = 64;
		frame_address("2001:db8:2::2", ip + 8);
		frame_address("2001:db8:11::2", ip + 24);
	} else {
		ip[0] = 0x45;
		frame_put16(ip + 2, (uint16_t)(20 + n));
		ip[8] = 64;
		ip[9] = s->gue >= 0 ? 17 : s->inner6 ? 41 : 4;
		frame_address("10.10.2.2", ip + 12);
		frame_address("10.10.11.2", ip + 16);
		frame_put16(ip + 10, (uint16_t)~frame_sum(0, ip, 20));
	}
	if (udp_n > 0) {
		frame_put16(udp, 50000);
		frame_put16(udp + 2, GUE_PORT);
		frame_put16(udp + 4, (uint16_t)n);
	}
	if (udp_n == 12)
		udp[9] = s->inner6 ? 41 : 4;
	if (s->udp_sum) {
		uint16_t sum = s->outer6 ? frame_pseudo_sum(ip + 8, ip + 24, 16, 17, n)
					 : frame_pseudo_sum(ip + 12, ip + 16, 4, 17, n);

		frame_put16(udp + 6, (uint16_t)~frame_sum(sum, udp, n));
	}
	memset(udp + n, 0xee, s->pad);
	return l3 + head + n + s->pad;
}

static enum decode_result decode(const uint8_t *frame, uint32_t n, struct decoded *d,
				 struct inner *inner)
{
	enum decode_result result = decode_outer(&rules, frame, n, d);

	return result == DECODE_OK ? decode_inner(d, inner) : result;
}

static const struct {
	const char *name;
	struct shape shape;
	enum decode_kind kind;
} good_rows[] = {
	{"v4 in v4", {.gue = -1}, KIND_IPIP_V4},
	{"v6 in v4", {.inner6 = true, .gue = -1}, KIND_IPIP_V4},
	{"v4 in v6", {.outer6 = true, .gue = -1}, KIND_IPIP_V6},
	{"v6 in v6", {.inner6 = true, .outer6 = true, .gue = -1}, KIND_IPIP_V6},
	{"v4, gue 1, v4, no sum", {.gue = 1}, KIND_GUE1_V4},
	{"v6, gue 1, v4, sum", {.inner6 = true, .gue = 1, .udp_sum = true}, KIND_GUE1_V4},
	{"v4, gue 1, v6, no sum", {.outer6 = true, .gue = 1}, KIND_GUE1_V6},
	{"v6, gue 1, v6, sum",
	 {.inner6 = true, .outer6 = true, .gue = 1, .udp_sum = true},
	 KIND_GUE1_V6},
	{"v4, gue 0, v4", {.gue = 0}, KIND_GUE0_V4},
	{"v6, gue 0, v4", {.inner6 = true, .gue = 0}, KIND_GUE0_V4},
	{"v4, gue 0, v6, sum", {.outer6 = true, .gue = 0, .udp_sum = true}, KIND_GUE0_V6},
	{"v6, gue 0, v6", {.inner6 = true, .outer6 = true, .gue = 0}, KIND_GUE0_V6},
	{"udp inside", {.gue = -1, .proto = IP_UDP}, KIND_IPIP_V4},
	{"one tag", {.gue = 1, .tags = 1}, KIND_GUE1_V4},
	{"two tags", {.gue = -1, .outer6 = true, .tags = 2}, KIND_IPIP_V6},
	{"Ethernet padding", {.gue = 1, .udp_sum = true, .pad = 17}, KIND_GUE1_V4},
};

static void test_good(void **state)
{
	uint8_t frame[512], address[16];

	(void)state;
	for (size_t r = 0; r < ROWS(good_rows); r++) {
		const struct shape *s = &good_rows[r].shape;
		uint32_t n = frame_make(s, frame);
		struct decoded d;
		struct inner inner;

		row_assert(good_rows[r].name, decode(frame, n, &d, &inner) == DECODE_OK);
		row_assert(good_rows[r].name, d.kind == good_rows[r].kind);
		row_assert(good_rows[r].name, d.outer_v6 == s->outer6);
		frame_address(s->outer6 ? "2001:db8:11::2" : "10.10.11.2", address);
		row_assert(good_rows[r].name,
			   memcmp(d.outer_dst, address, s->outer6 ? 16 : 4) == 0);
		row_assert(good_rows[r].name, inner.v6 == s->inner6);
		row_assert(good_rows[r].name, inner.proto == (s->proto ? s->proto : IP_TCP));
		row_assert(good_rows[r].name, inner.src_port == CLIENT_PORT);
		row_assert(good_rows[r].name, inner.dst_port == 80);
		frame_address(s->inner6 ? CLIENT6 : CLIENT4, address);
		row_assert(good_rows[r].name, memcmp(inner.src, address, s->inner6 ? 16 : 4) == 0);
		frame_address(s->inner6 ? "2001:db8::80" : "198.51.100.80", address);
		row_assert(good_rows[r].name, memcmp(inner.dst, address, s->inner6 ? 16 : 4) == 0);
		row_assert(good_rows[r].name, inner.payload_bytes == 33 && inner.payload[0] == 1 &&
						      inner.payload[32] == (uint8_t)(32 * 7 + 1));
	}
}

/* What ruins one byte: `at` from the outer IP header on; and mends the outer IPv4 checksum. */
static const struct {
	const char *name;
	struct shape shape;
	uint32_t at;
	uint8_t value;
	bool mend;
	enum decode_result result;
} bad_rows[] = {
	{"outer version", {.gue = -1}, 0, 0x55, true, DECODE_OUTER_SHORT},
	{"outer header of 16 bytes", {.gue = -1}, 0, 0x44, true, DECODE_OUTER_SHORT},
	{"outer length: one more", {.gue = -1}, 3, 94, true, DECODE_OUTER_LENGTH},
	{"outer length: one less", {.gue = -1}, 3, 92, true, DECODE_INNER_LENGTH},
	{"outer length: headers only", {.gue = -1}, 3, 20, true, DECODE_INNER_LENGTH},
	{"outer length: less than the header", {.gue = -1}, 3, 19, true, DECODE_OUTER_LENGTH},
	{"outer checksum", {.gue = -1}, 11, 0x12, false, DECODE_OUTER_CHECKSUM},
	{"outer address", {.gue = -1}, 19, 99, false, DECODE_OUTER_CHECKSUM},
	{"more fragments", {.gue = -1}, 6, 0x20, true, DECODE_OUTER_FRAGMENT},
	{"fragment offset", {.gue = -1}, 7, 1, true, DECODE_OUTER_FRAGMENT},
	{"don't fragment is fine", {.gue = -1}, 6, 0x40, true, DECODE_OK},
	{"time to live", {.gue = -1}, 8, 0, true, DECODE_OUTER_TTL},
	{"hop limit", {.gue = -1, .outer6 = true}, 7, 0, false, DECODE_OUTER_TTL},
	{"IPv6 length: one more", {.gue = -1, .outer6 = true}, 5, 74, false, DECODE_OUTER_LENGTH},
	{"IPv6 length: one less", {.gue = -1, .outer6 = true}, 5, 72, false, DECODE_INNER_LENGTH},
	{"v6 announced, v4 inside", {.gue = -1}, 9, 41, true, DECODE_INNER_VERSION},
	{"v4 announced, v6 inside", {.inner6 = true, .gue = -1}, 9, 4, true, DECODE_INNER_VERSION},
	{"TCP outside", {.gue = -1}, 9, 6, true, DECODE_NOT_ENCAPSULATED},
	{"GRE outside", {.gue = -1}, 9, 47, true, DECODE_NOT_ENCAPSULATED},
	{"ICMP", {.gue = -1}, 9, 1, true, DECODE_ICMP},
	{"ICMPv6", {.gue = -1, .outer6 = true}, 6, 58, false, DECODE_ICMP},
	{"ICMPv6 in IPv4", {.gue = -1}, 9, 58, true, DECODE_NOT_ENCAPSULATED},
	{"UDP: another port", {.gue = 1}, 23, 0, false, DECODE_UDP_PORT},
	{"UDP: a low source port", {.gue = 1}, 20, 4, false, DECODE_UDP_PORT},
	{"UDP: one byte more", {.gue = 1}, 25, 82, false, DECODE_UDP_LENGTH},
	{"UDP: one byte less", {.gue = 1}, 25, 80, false, DECODE_UDP_LENGTH},
	{"UDP: checksum", {.gue = 1, .udp_sum = true}, 27, 0x77, false, DECODE_UDP_CHECKSUM},
	{"UDP: checksum, v6",
	 {.gue = 1, .outer6 = true, .udp_sum = true},
	 47,
	 0x77,
	 false,
	 DECODE_UDP_CHECKSUM},
	{"UDP: checksum over the last byte",
	 {.gue = 1, .udp_sum = true},
	 100,
	 0,
	 false,
	 DECODE_UDP_CHECKSUM},
	{"GUE 0: a control message", {.gue = 0}, 28, 0x20, false, DECODE_GUE_HEADER},
	{"GUE 0: optional fields", {.gue = 0}, 28, 1, false, DECODE_GUE_HEADER},
	{"GUE 0: flags", {.gue = 0}, 31, 1, false, DECODE_GUE_HEADER},
	{"GUE 0: TCP follows", {.gue = 0}, 29, 6, false, DECODE_GUE_HEADER},
	{"GUE 0: v6 announced", {.gue = 0}, 29, 41, false, DECODE_INNER_VERSION},
	{"GUE 1: version 5", {.gue = 1}, 28, 0x55, false, DECODE_INNER_VERSION},
	{"GUE 2", {.gue = 1}, 28, 0x85, false, DECODE_GUE_HEADER},
	{"inner length", {.gue = -1}, 23, 74, false, DECODE_INNER_LENGTH},
	{"inner checksum", {.gue = -1}, 28, 1, false, DECODE_INNER_CHECKSUM},
	{"inner options", {.gue = -1}, 20, 0x46, false, DECODE_INNER_L4},
	{"inner TCP header longer than it", {.gue = -1}, 52, 0xf0, false, DECODE_INNER_L4},
	{"inner TCP header of 4 bytes", {.gue = -1}, 52, 0x10, false, DECODE_INNER_L4},
	{"inner TCP header of 16 bytes", {.gue = -1}, 52, 0x40, false, DECODE_INNER_L4},
	{"inner port", {.gue = -1}, 43, 81, false, DECODE_INNER_L4_CHECKSUM},
	{"last byte of the payload", {.gue = -1}, 92, 0, false, DECODE_INNER_L4_CHECKSUM},
	{"inner ICMP", {.gue = -1, .proto = IP_ICMP}, 8, 64, false, DECODE_INNER_L4},
};

static void test_bad(void **state)
{
	uint8_t frame[512];

	(void)state;
	for (size_t r = 0; r < ROWS(bad_rows); r++) {
		uint32_t n = frame_make(&bad_rows[r].shape, frame);
		uint8_t *ip = frame + L2;
		struct decoded d;
		struct inner inner;

		if (bad_rows[r].result != DECODE_INNER_L4) /* ICMP is bad as it is */
			row_assert(bad_rows[r].name, ip[bad_rows[r].at] != bad_rows[r].value);
		ip[bad_rows[r].at] = bad_rows[r].value;
		if (bad_rows[r].mend) {
			uint32_t head = (ip[0] & 15U) * 4;

			frame_put16(ip + 10, 0);
			frame_put16(ip + 10, (uint16_t)~frame_sum(0, ip, head));
		}
		if (decode(frame, n, &d, &inner) != bad_rows[r].result)
			fail_msg("row '%s': %s, not %s", bad_rows[r].name,
				 decode_result_word(decode(frame, n, &d, &inner)),
				 decode_result_word(bad_rows[r].result));
	}
}

static void test_link(void **state)
{
	const struct shape shape = {.gue = 1};
	struct decode_rules plain = {.plain = true};
	struct frame_spec spec = {
		.dst = "198.51.100.80", .proto = IP_UDP, .dport = 53, .payload_bytes = 7};
	struct frame f;
	uint8_t frame[512];
	uint32_t n = frame_make(&shape, frame);
	struct decoded d;
	struct inner inner;

	(void)state;
	frame[5] = 9;
	assert_int_equal(decode(frame, n, &d, &inner), DECODE_DST_MAC);
	frame[0] = 0xff;
	assert_int_equal(decode(frame, n, &d, &inner), DECODE_OTHER);
	frame_make(&shape, frame);
	frame_put16(frame + 12, 0x0806);
	assert_int_equal(decode(frame, n, &d, &inner), DECODE_OTHER);

	frame_build(&spec, &f);
	memcpy(f.bytes, rules.mac, 6);
	assert_int_equal(decode_outer(&rules, f.bytes, f.n, &d), DECODE_UDP_PORT);
	assert_int_equal(decode_outer(&plain, f.bytes, f.n, &d), DECODE_OK);
	assert_int_equal(d.kind, KIND_PLAIN);
	assert_int_equal(decode_inner(&d, &inner), DECODE_OK);
	assert_int_equal(inner.payload_bytes, 7);
}

/* Cut anywhere, a frame is never taken for a whole one, and no byte behind its end is read (which
 * the sanitizers watch). */
static void test_cut(void **state)
{
	(void)state;
	for (size_t r = 0; r < ROWS(good_rows); r++) {
		uint8_t whole[512];
		uint32_t n = frame_make(&good_rows[r].shape, whole) - good_rows[r].shape.pad;

		for (uint32_t cut = 0; cut < n; cut++) {
			uint8_t *frame = test_malloc(cut > 0 ? cut : 1);
			struct decoded d;
			struct inner inner;

			memcpy(frame, whole, cut);
			row_assert(good_rows[r].name, decode(frame, cut, &d, &inner) != DECODE_OK);
			test_free(frame);
		}
	}
}

/* Random bytes behind sound starts: whatever is said, nothing is read behind the end. */
static void test_random(void **state)
{
	uint64_t seed = 9;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint8_t frame[512];
		uint32_t row = random_below(&seed, ROWS(good_rows));
		uint32_t n = frame_make(&good_rows[row].shape, frame);
		uint8_t *copy;
		struct decoded d;
		struct inner inner;

		for (uint32_t hits = 1 + random_below(&seed, 3); hits > 0; hits--)
			frame[12 + random_below(&seed, 60)] = (uint8_t)random_next(&seed);
		n = random_below(&seed, 4) ? n : random_below(&seed, n + 1);
		copy = test_malloc(n + 1);
		memcpy(copy, frame, n);
		if (decode(copy, n, &d, &inner) == DECODE_OK)
			assert_true(inner.payload + inner.payload_bytes <= copy + n);
		test_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
		cmocka_unit_test(test_link),   cmocka_unit_test(test_cut),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
