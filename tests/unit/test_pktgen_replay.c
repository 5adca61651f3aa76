/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files, and packets known again by their bytes.
 */
#include "../parity/frames.h"
#include "../pktgen/ledger.h"
#include "../pktgen/replay.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "named_rows.h"

static char path[] = "/tmp/pktgen-replay-XXXXXX";

struct file {
	uint8_t bytes[65536];
	size_t n;
	bool big_endian;
};

static void put32(struct file *f, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		f->bytes[f->n++] = (uint8_t)(value >> 8 * (f->big_endian ? 3 - i : i));
}

static void file_begin(struct file *f, bool big_endian, uint32_t magic, uint32_t link)
{
	f->n = 0;
	f->big_endian = big_endian;
	put32(f, magic);
	put32(f, big_endian ? 2U << 16 | 4 : 4U << 16 | 2);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, link);
}

static void file_add(struct file *f, const struct frame_spec *spec, uint32_t missing)
{
	struct frame frame;

	frame_build(spec, &frame);
	put32(f, 1700000000);
	put32(f, 5);
	put32(f, frame.n);
	put32(f, frame.n + missing);
	memcpy(f->bytes + f->n, frame.bytes, frame.n);
	f->n += frame.n;
}

static void file_write(const struct file *f)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(f->bytes, 1, f->n, out), f->n);
	fclose(out);
}

/* Two flows; a packet twice in the same bytes; ARP, a fragment and an ICMP that don't come back. */
static const struct frame_spec specs[] = {
	{.dst = "198.51.100.1", .proto = IP_TCP, .dport = 80, .flags = 2},
	{.dst = "2001:db8::1", .proto = IP_UDP, .dport = 53, .payload_bytes = 30},
	{.dst = "198.51.100.1", .proto = IP_TCP, .dport = 80, .payload_bytes = 100},
	{.dst = "198.51.100.1", .proto = IP_TCP, .dport = 80, .payload_bytes = 100},
	{.dst = NULL, .ether_type = 0x0806, .payload_bytes = 46},
	{.dst = "198.51.100.1",
	 .proto = IP_UDP,
	 .dport = 80,
	 .fragment = V4_MF,
	 .payload_bytes = 64},
	{.dst = "198.51.100.1", .proto = IP_ICMP, .type = 8, .payload_bytes = 10},
	{.dst = "198.51.100.1", .proto = IP_TCP, .dport = 80, .pad_to = 60},
};
static const bool expected[] = {true, true, true, true, false, false, false, true};

static void test_files(void **state)
{
	static const struct {
		const char *name;
		bool big_endian;
		uint32_t magic, link;
		uint32_t cut, missing;
		int ret;
	} rows[] = {
		{"microseconds", false, 0xa1b2c3d4, 1, 0, 0, 0},
		{"nanoseconds", false, 0xa1b23c4d, 1, 0, 0, 0},
		{"big-endian", true, 0xa1b2c3d4, 1, 0, 0, 0},
		{"big-endian nanoseconds", true, 0xa1b23c4d, 1, 0, 0, 0},
		{"pcapng", false, 0x0a0d0d0a, 1, 0, 0, -EINVAL},
		{"raw IP", false, 0xa1b2c3d4, 101, 0, 0, -EINVAL},
		{"cut in the last packet", false, 0xa1b2c3d4, 1, 1, 0, -EINVAL},
		{"cut in a packet's header", false, 0xa1b2c3d4, 1, 60 + 5, 0, -EINVAL},
		{"captured in part", false, 0xa1b2c3d4, 1, 0, 10, -EMSGSIZE},
	};

	(void)state;
	for (size_t r = 0; r < ROWS(rows); r++) {
		static struct file f;
		struct replay replay;
		uint32_t packet;

		file_begin(&f, rows[r].big_endian, rows[r].magic, rows[r].link);
		for (size_t i = 0; i < ROWS(specs); i++)
			file_add(&f, &specs[i], i == 7 ? rows[r].missing : 0);
		f.n -= rows[r].cut;
		file_write(&f);
		row_assert(rows[r].name, replay_create(&replay, path, &packet) == rows[r].ret);
		if (rows[r].ret < 0) {
			row_assert(rows[r].name,
				   packet == (rows[r].cut || rows[r].missing ? 8 : 0));
			continue;
		}
		row_assert(rows[r].name, replay.n == 8 && replay.places == 2);
		replay_destroy(&replay);
	}
}

static void test_no_packets(void **state)
{
	static struct file f;
	struct replay replay;
	uint32_t packet;

	(void)state;
	file_begin(&f, false, 0xa1b2c3d4, 1);
	file_write(&f);
	assert_int_equal(replay_create(&replay, path, &packet), -ENODATA);
	file_add(&f, &specs[4], 0);
	file_write(&f);
	assert_int_equal(replay_create(&replay, path, &packet), -ENODATA);
	assert_int_equal(replay_create(&replay, "/tmp/no/such/file", &packet), -ENOENT);
}

/* Sends the file's packets; returns the decoded packet of each, which lies in `frames`. */
static void send_all(struct replay *replay, struct ledger *ledger, uint64_t tsc,
		     uint8_t frames[][256], struct decoded *decoded, uint64_t *numbers)
{
	const struct decode_rules rules = {.plain = true};

	for (size_t i = 0; i < ROWS(specs); i++) {
		struct source_packet packet = replay_next(replay);
		struct frame frame;

		assert_int_equal(packet.expected, expected[i]);
		numbers[i] = packet.expected ? ledger_number(ledger) : 0;
		replay_write(replay, &packet, numbers[i], frames[i]);
		frame_build(&specs[i], &frame);
		assert_int_equal(packet.bytes, frame.n);
		assert_memory_equal(frames[i], frame.bytes, frame.n); /* nothing is changed */
		if (!packet.expected)
			continue;
		ledger_sent(ledger, numbers[i], tsc);
		assert_int_equal(decode_outer(&rules, frames[i], packet.bytes, &decoded[i]),
				 DECODE_OK);
	}
}

static void test_matches(void **state)
{
	static uint8_t frames[ROWS(specs)][256];
	struct decoded decoded[ROWS(specs)];
	uint64_t numbers[ROWS(specs)], latency;
	struct source_match match;
	static struct file f;
	struct replay replay;
	struct ledger ledger;
	uint32_t packet;

	(void)state;
	file_begin(&f, false, 0xa1b2c3d4, 1);
	for (size_t i = 0; i < ROWS(specs); i++)
		file_add(&f, &specs[i], 0);
	file_write(&f);
	assert_int_equal(replay_create(&replay, path, &packet), 0);
	assert_int_equal(ledger_create(&ledger, replay.places), 0);

	send_all(&replay, &ledger, 100, frames, decoded, numbers);
	assert_int_equal(replay.loops, 1);
	/* In the order in which they went: also the two that are the same. */
	for (size_t i = 0; i < ROWS(specs); i++) {
		if (!expected[i])
			continue;
		assert_true(replay_match(&replay, &decoded[i], &ledger, 0, &match));
		assert_int_equal(match.number, numbers[i]);
		assert_int_equal(match.place, i == 1);
		assert_int_equal(ledger_return(&ledger, match.number, 110, &latency), RETURN_FIRST);
	}
	/* Again: the books say twice. */
	assert_true(replay_match(&replay, &decoded[0], &ledger, 0, &match));
	assert_int_equal(ledger_return(&ledger, match.number, 111, &latency), RETURN_DUPLICATE);

	/* The second time around all are lost; the third time's are not taken for them. */
	send_all(&replay, &ledger, 200, frames, decoded, numbers);
	send_all(&replay, &ledger, 300, frames, decoded, numbers);
	for (size_t i = 0; i < ROWS(specs); i++) {
		if (!expected[i])
			continue;
		assert_true(replay_match(&replay, &decoded[i], &ledger, 250, &match));
		assert_int_equal(match.number, numbers[i]);
		assert_int_equal(ledger_return(&ledger, match.number, 310, &latency), RETURN_FIRST);
		assert_int_equal(latency, 10);
	}
	/* One is lost, its flow goes on: the next time's is known for what it is at once. */
	send_all(&replay, &ledger, 400, frames, decoded, numbers);
	assert_true(replay_match(&replay, &decoded[7], &ledger, 0, &match));
	assert_int_equal(match.number, numbers[7]);
	assert_true(ledger_flow(&ledger, match.place, 0, match.number, 1));
	send_all(&replay, &ledger, 401, frames, decoded, numbers);
	assert_true(replay_match(&replay, &decoded[0], &ledger, 0, &match));
	assert_int_equal(match.number, numbers[0]);
	ledger_flow(&ledger, match.place, 0, match.number, 1);
	/* What comes when no younger one is under way is the one that was late. */
	assert_true(replay_match(&replay, &decoded[0], &ledger, 0, &match));
	assert_true(match.number < numbers[0]);
	ledger_flow(&ledger, match.place, 0, match.number, 1);
	assert_int_equal(ledger.reordered, 1);
	frames[2][60] ^= 1; /* another packet */
	assert_false(replay_match(&replay, &decoded[2], &ledger, 0, &match));
	ledger_destroy(&ledger);
	replay_destroy(&replay);
}

static int path_make(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int path_remove(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_no_packets),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, path_make, path_remove);
}
