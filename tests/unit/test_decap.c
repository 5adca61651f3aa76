/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebpf/decap.bpf.c in the kernel (BPF_PROG_TEST_RUN), in named rows: each encapsulation taken
 * off, every lie in a header noticed, ECN by RFC 6040, cut and random packets. All of it twice:
 * as on a kernel with frames of several buffers, and as on one without. Skipped without CAP_BPF.
 */
#include "decap_frames.h"
#include "decap_program.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { RANDOM_PACKETS = 20000, JUMBO_BYTES = 9000 };

/* Runs a packet; what holds for every packet is checked here. */
static void run(struct program *p, const uint8_t *packet, size_t bytes, struct outcome *out)
{
	assert_int_equal(program_run(p, packet, bytes, 0, out), 0);
	assert_int_equal(out->action, verdict_actions[out->verdict]);
	if (is_decapsulated(out->verdict)) {
		assert_true(out->bytes < bytes);
	} else if (out->action == XDP_PASS) {
		assert_int_equal(out->bytes, bytes);
		assert_memory_equal(out->data, packet, bytes);
	}
}

static void run_row(struct program *p, const char *name, const struct frame *f,
		    enum decap_verdict expected, struct outcome *out)
{
	run(p, f->data, f->bytes, out);
	if (out->verdict != expected)
		fail_msg("row %s: %s, not %s", name, verdict_names[out->verdict],
			 verdict_names[expected]);
}

/* The frame that the stack should see: built without the outer headers. */
static void expect_inner(const char *name, struct frame_spec spec, unsigned int inner_ecn,
			 const struct outcome *out)
{
	struct frame expected;

	spec.encap = ENCAP_NONE;
	spec.inner_ecn = inner_ecn;
	frame_build(&expected, &spec);
	if (out->bytes != expected.bytes || memcmp(out->data, expected.data, expected.bytes) != 0)
		fail_msg("row %s: other bytes than the inner packet's", name);
}

static void test_every_kind(void **state)
{
	static const struct {
		const char *name;
		struct frame_spec spec;
	} rows[] = {
		{"plain", {.padding_bytes = 0}},
		{"802.1Q tag", {.vlan = 0x8100}},
		{"802.1ad tag", {.vlan = 0x88a8}},
		{"outer IPv4 options", {.outer_options_bytes = 40}},
		{"inner IPv4 options", {.inner_options_bytes = 12}},
		{"GUE private data", {.gue_private_bytes = 8}},
		{"GUE private data, at most", {.gue_private_bytes = 124}},
		{"Ethernet padding", {.padding_bytes = 7}},
		{"outer UDP checksum is not looked at", {.udp_checksum = 0xdead}},
		{"all together",
		 {.vlan = 0x8100,
		  .outer_options_bytes = 8,
		  .padding_bytes = 3,
		  .inner_options_bytes = 40,
		  .gue_private_bytes = 4}},
	};
	struct outcome out;

	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t k = 0; k < COUNT(frame_kinds); k++) {
			struct frame_spec spec = rows[i].spec;
			struct frame f;
			char name[128];

			snprintf(name, sizeof(name), "%s, %s", rows[i].name, frame_kinds[k].name);
			frame_kind_apply(&spec, &frame_kinds[k]);
			frame_build(&f, &spec);
			run_row(*state, name, &f, DECAP_decapsulated, &out);
			expect_inner(name, spec, 0, &out);
		}
	}
}

/* One field of an otherwise good packet is changed. */
static void test_lies(void **state)
{
	static const struct {
		const char *name, *kind;
		enum frame_part part;
		unsigned int at;
		uint16_t value;
		int width_bytes; /* of the field */
		enum decap_verdict verdict;
	} rows[] = {
		{"ARP", "ipip 4in4", PART_LINK, 12, 0x0806, 2, DECAP_not_tunnel},
		{"two tags", "ipip 4in4", PART_LINK, 12, 0x8100, 2, DECAP_not_tunnel},
		{"TCP", "ipip 4in4", PART_OUTER, 9, 6, 1, DECAP_not_tunnel},
		{"TCP, v6", "ipip 4in6", PART_OUTER, 6, 6, 1, DECAP_not_tunnel},
		{"hop-by-hop options", "ipip 4in6", PART_OUTER, 6, 0, 1, DECAP_not_tunnel},
		{"other port", "gue1 4in4", PART_UDP, 2, 6081, 2, DECAP_not_tunnel},
		{"other port, v6", "gue0 6in6", PART_UDP, 2, 0, 2, DECAP_not_tunnel},
		{"outer version 5", "ipip 4in4", PART_OUTER, 0, 0x55, 1, DECAP_bad_outer},
		{"outer IHL 4", "ipip 4in4", PART_OUTER, 0, 0x44, 1, DECAP_bad_outer},
		{"outer length 19", "gue1 4in4", PART_OUTER, 2, 19, 2, DECAP_bad_outer},
		{"outer length 65535", "gue1 4in4", PART_OUTER, 2, 65535, 2, DECAP_bad_outer},
		{"outer v6 version 4", "ipip 6in6", PART_OUTER, 0, 0x40, 1, DECAP_bad_outer},
		{"outer v6 length 65535", "ipip 6in6", PART_OUTER, 4, 65535, 2, DECAP_bad_outer},
		{"first fragment", "ipip 4in4", PART_OUTER, 6, 0x2000, 2, DECAP_outer_fragment},
		{"last fragment", "gue1 6in4", PART_OUTER, 6, 0x0001, 2, DECAP_outer_fragment},
		{"v6 fragment", "gue1 6in6", PART_OUTER, 6, 44, 1, DECAP_outer_fragment},
		{"UDP length 0", "gue1 4in4", PART_UDP, 4, 0, 2, DECAP_bad_udp},
		{"UDP length 7", "gue1 4in6", PART_UDP, 4, 7, 2, DECAP_bad_udp},
		{"UDP length 65535", "gue0 4in4", PART_UDP, 4, 65535, 2, DECAP_bad_udp},
		{"UDP length cuts GUE", "gue0 4in4", PART_UDP, 4, 11, 2, DECAP_bad_gue},
		{"UDP length 8", "gue1 6in6", PART_UDP, 4, 8, 2, DECAP_bad_gue},
		{"UDP length cuts inner header", "gue1 4in4", PART_UDP, 4, 27, 2, DECAP_bad_inner},
		{"UDP length cuts v6 header", "gue1 6in4", PART_UDP, 4, 47, 2, DECAP_bad_inner},
		{"UDP length cuts inner packet", "gue0 4in4", PART_UDP, 4, 33, 2, DECAP_bad_inner},
		{"GUE hlen beyond packet", "gue0 4in4", PART_GUE, 0, 0x1f, 1, DECAP_bad_gue},
		{"GUE control", "gue0 4in4", PART_GUE, 0, 0x20, 1, DECAP_gue_control},
		{"GUE flags", "gue0 6in4", PART_GUE, 2, 0x0001, 2, DECAP_gue_unknown},
		{"GUE proto 59", "gue0 4in6", PART_GUE, 1, 59, 1, DECAP_gue_unknown},
		{"GUE proto 41, inner v4", "gue0 4in4", PART_GUE, 1, 41, 1, DECAP_bad_inner},
		{"GUE variant 2", "gue0 4in4", PART_GUE, 0, 0x80, 1, DECAP_gue_unknown},
		{"GUE variant 3", "gue1 6in6", PART_GUE, 0, 0xc0, 1, DECAP_gue_unknown},
		{"GUE variant 1, version 5", "gue1 4in4", PART_GUE, 0, 0x55, 1, DECAP_bad_inner},
		{"GUE variant 1, version 7", "gue1 6in4", PART_GUE, 0, 0x70, 1, DECAP_bad_inner},
		{"proto 41, inner v4", "ipip 4in4", PART_OUTER, 9, 41, 1, DECAP_bad_inner},
		{"next 4, inner v6", "ipip 6in6", PART_OUTER, 6, 4, 1, DECAP_bad_inner},
		{"inner IHL 4", "ipip 4in4", PART_INNER, 0, 0x44, 1, DECAP_bad_inner},
		{"inner IHL 15", "ipip 4in4", PART_INNER, 0, 0x4f, 1, DECAP_bad_inner},
		{"inner length 19", "ipip 4in6", PART_INNER, 2, 19, 2, DECAP_bad_inner},
		{"inner length 65535", "gue1 4in4", PART_INNER, 2, 65535, 2, DECAP_bad_inner},
		{"inner v6 version 5", "ipip 6in4", PART_INNER, 0, 0x50, 1, DECAP_bad_inner},
		{"inner v6 length 65535", "gue0 6in6", PART_INNER, 4, 65535, 2, DECAP_bad_inner},
		{"inner shorter than outer", "ipip 4in4", PART_INNER, 2, 20, 2, DECAP_decapsulated},
		{"inner v6 shorter", "gue1 6in6", PART_INNER, 4, 0, 2, DECAP_decapsulated},
	};
	struct outcome out;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct frame_spec spec = {.vlan = 0};
		struct frame f;
		uint8_t *at;

		frame_kind_apply(&spec, frame_kind_find(rows[i].kind));
		frame_build(&f, &spec);
		at = f.data + f.offsets[rows[i].part] + rows[i].at;
		if (rows[i].width_bytes == 2)
			*at++ = (uint8_t)(rows[i].value >> 8);
		*at = (uint8_t)rows[i].value;
		run_row(*state, rows[i].name, &f, rows[i].verdict, &out);
	}
}

/* RFC 6040 §4.2, figure 4, written down: [inner][outer]; -1: dropped. */
static void test_ecn(void **state)
{
	static const int inner_becomes[4][4] = {
		/* outer:   not-ECT  ECT(1)  ECT(0)  CE */
		/* not-ECT */ {0, 0, 0, -1},
		/* ECT(1)  */ {1, 1, 1, 3},
		/* ECT(0)  */ {2, 1, 2, 3},
		/* CE      */ {3, 3, 3, 3},
	};
	struct outcome out;

	for (size_t k = 0; k < COUNT(frame_kinds); k++) {
		for (unsigned int i = 0; i < 16; i++) {
			struct frame_spec spec = {.inner_ecn = i / 4, .outer_ecn = i % 4};
			int becomes = inner_becomes[spec.inner_ecn][spec.outer_ecn];
			enum decap_verdict expected = DECAP_decapsulated_ecn;
			struct frame f;
			char name[128];

			snprintf(name, sizeof(name), "%s, inner ECN %u, outer ECN %u",
				 frame_kinds[k].name, spec.inner_ecn, spec.outer_ecn);
			frame_kind_apply(&spec, &frame_kinds[k]);
			frame_build(&f, &spec);
			if (becomes < 0)
				expected = DECAP_ecn_not_capable;
			else if (becomes == (int)spec.inner_ecn)
				expected = DECAP_decapsulated;
			run_row(*state, name, &f, expected, &out);
			if (becomes >= 0)
				expect_inner(name, spec, (unsigned int)becomes, &out);
		}
	}
}

/* Cut at every length, with the outer headers as they were, then with their lengths corrected. */
static void test_cut(void **state)
{
	struct outcome out;

	for (size_t k = 0; k < COUNT(frame_kinds); k++) {
		struct frame_spec spec = {.vlan = 0x8100,
					  .outer_options_bytes = 4,
					  .gue_private_bytes = 8,
					  .inner_options_bytes = 4};
		struct frame whole;

		frame_kind_apply(&spec, &frame_kinds[k]);
		frame_build(&whole, &spec);
		for (size_t bytes = ETH_HLEN; bytes < whole.bytes; bytes++) {
			struct frame honest = whole;

			run(*state, whole.data, bytes, &out);
			assert_true(out.verdict == DECAP_bad_outer ||
				    out.verdict == DECAP_short_frame);
			frame_outer_cut(&honest, &spec, bytes);
			run(*state, honest.data, bytes, &out);
			assert_false(is_decapsulated(out.verdict));
		}
	}
}

static void test_random(void **state)
{
	struct outcome out;
	uint32_t taken[DECAP_VERDICT_COUNT] = {0};
	unsigned int seed = 1;

	for (int i = 0; i < RANDOM_PACKETS; i++) {
		struct frame_spec spec = {.vlan = rand_r(&seed) % 4 == 0 ? 0x8100 : 0};
		struct frame f;

		frame_kind_apply(&spec, &frame_kinds[(size_t)rand_r(&seed) % COUNT(frame_kinds)]);
		frame_build(&f, &spec);
		for (int n = rand_r(&seed) % 4; n >= 0; n--)
			f.data[(size_t)rand_r(&seed) % f.bytes] = (uint8_t)rand_r(&seed);
		run(*state, f.data, f.bytes, &out);
		taken[out.verdict]++;
	}
	/* The mutations reach every verdict but those that they cannot. */
	assert_in_range(taken[DECAP_decapsulated], RANDOM_PACKETS / 10, RANDOM_PACKETS);
	for (int v = 0; v < DECAP_VERDICT_COUNT; v++)
		if (v != DECAP_short_frame && v != DECAP_split_headers && v != DECAP_no_room)
			assert_int_not_equal(taken[v], 0);
}

/* A frame of 9,000 bytes, over several buffers; then one whose headers are split. */
static void test_buffers(void **state)
{
	struct program *p = *state;
	struct frame_spec spec = {.payload_bytes = JUMBO_BYTES};
	struct outcome out;
	struct frame f;

	for (size_t k = 0; k < COUNT(frame_kinds); k++) {
		frame_kind_apply(&spec, &frame_kinds[k]);
		frame_build(&f, &spec);
		run_row(p, "jumbo", &f, DECAP_decapsulated, &out);
		expect_inner("jumbo", spec, 0, &out);
		for (size_t linear = ETH_HLEN; linear < f.offsets[PART_INNER]; linear++) {
			int err = program_run(p, f.data, f.bytes, linear, &out);

			if (err == -EINVAL) {
				print_message("split headers: this kernel's test run has none\n");
				skip();
			}
			assert_int_equal(err, 0);
			assert_int_equal(out.verdict, DECAP_split_headers);
			assert_int_equal(out.action, XDP_PASS);
			assert_memory_equal(out.data, f.data, f.bytes);
		}
	}
}

static void test_port(void **state)
{
	static const struct frame_spec spec = {
		.encap = ENCAP_GUE1,
		.outer_family = 4,
		.inner_family = 4,
	};
	struct outcome out;
	void *other = NULL;
	struct frame f;

	assert_int_equal(program_open(&other, false, DECAP_GUE_PORT + 1), 0);
	frame_build(&f, &spec);
	run_row(other, "to the usual port", &f, DECAP_not_tunnel, &out);
	f.data[f.offsets[PART_UDP] + 3]++;
	run_row(other, "to the port that was set", &f, DECAP_decapsulated, &out);
	program_close(&other);
}

static int open_with_frags(void **state)
{
	return program_open(state, true, DECAP_GUE_PORT);
}

static int open_without_frags(void **state)
{
	return program_open(state, false, DECAP_GUE_PORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind), cmocka_unit_test(test_lies),
		cmocka_unit_test(test_ecn),        cmocka_unit_test(test_cut),
		cmocka_unit_test(test_random),     cmocka_unit_test(test_port),
	};
	const struct CMUnitTest buffers[] = {cmocka_unit_test(test_buffers)};
	void *probe = NULL;
	int err, failed;

	err = program_open(&probe, false, DECAP_GUE_PORT);
	if (err == -EPERM) {
		print_message("skip: loading BPF programs needs root (CAP_BPF, CAP_NET_ADMIN)\n");
		return 77;
	}
	if (err == 0)
		program_close(&probe);
	failed = cmocka_run_group_tests_name("decap, frames of one buffer", tests,
					     open_without_frags, program_close);
	failed += cmocka_run_group_tests_name("decap, frames of several buffers", tests,
					      open_with_frags, program_close);
	failed += cmocka_run_group_tests_name("decap, more than one buffer", buffers,
					      open_with_frags, program_close);
	return failed;
}
