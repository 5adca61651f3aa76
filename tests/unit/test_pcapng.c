/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What captures are made of: base64 against the vectors of RFC 4648 and all lengths of bytes; blocks
 * of pcapng by a reader that follows the draft as plainly as can be.
 */
#include <setjmp.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>

#include "base64.h"
#include "pcapng.h"

static void test_base64(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};
	static const char *const refused[] = {
		"A", "AB", "ABC", "A===", "====", "AB=C", "AB==ABCD", "AB C", "AB-_", "ABCDE"};
	uint8_t bytes[300], back[300];
	char text[404];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].bytes);

		base64_encode((const uint8_t *)rows[i].bytes, n, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(base64_text_length(n), strlen(text));
		assert_int_equal(base64_decode(text, strlen(text), back), n);
		assert_memory_equal(back, rows[i].bytes, n);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		print_message("# row: %s\n", refused[i]);
		assert_int_equal(base64_decode(refused[i], strlen(refused[i]), back), -EINVAL);
	}
	for (size_t n = 0; n < sizeof(bytes); n++) {
		bytes[n] = (uint8_t)(n * 167 + 13);
		base64_encode(bytes, n, text);
		assert_int_equal(base64_decode(text, strlen(text), back), n);
		assert_memory_equal(back, bytes, n);
	}
}

static uint32_t word_at(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* The value of an option behind `at`; NULL: there is none before the end of options. */
static const uint8_t *option_find(const uint8_t *at, uint16_t code, uint16_t *length)
{
	for (;;) {
		uint16_t head[2];

		memcpy(head, at, sizeof(head));
		*length = head[1];
		if (head[0] == code)
			return at + 4;
		if (head[0] == 0)
			return NULL;
		at += 4 + (head[1] + 3U) / 4 * 4;
	}
}

static void check_text(const uint8_t *options, uint16_t code, const char *want)
{
	uint16_t length;
	const uint8_t *text = option_find(options, code, &length);

	assert_non_null(text);
	assert_int_equal(length, strlen(want));
	assert_memory_equal(text, want, length);
}

/* The next block, whose two lengths are the same, and a multiple of 4. */
static const uint8_t *block_next(struct evbuffer *buffer, uint32_t type, uint32_t *length)
{
	static uint8_t bytes[8192];

	assert_int_equal(evbuffer_remove(buffer, bytes, 8), 8);
	*length = word_at(bytes + 4);
	assert_int_equal(word_at(bytes), type);
	assert_true(*length % 4 == 0 && *length >= 12 && *length <= sizeof(bytes));
	assert_int_equal(evbuffer_remove(buffer, bytes + 8, *length - 8), *length - 8);
	assert_int_equal(word_at(bytes + *length - 4), *length);
	return bytes;
}

static void test_head(void **state)
{
	struct evbuffer *buffer = evbuffer_new();
	const uint8_t *block;
	uint16_t option_length;
	uint32_t length;

	assert_int_equal(pcapng_head(buffer, "sluiced", "web", 512), 0);
	block = block_next(buffer, 0x0a0d0d0a, &length);
	assert_int_equal(word_at(block + 8), 0x1a2b3c4d);
	assert_int_equal(word_at(block + 12), 1); /* version 1.0 */
	check_text(block + 24, 1, "service web");
	check_text(block + 24, 4, "sluiced");
	for (int i = 0; i < 2; i++) {
		block = block_next(buffer, 1, &length);
		assert_int_equal(word_at(block + 8), 1); /* Ethernet */
		assert_int_equal(word_at(block + 12), 512);
		check_text(block + 16, 2, i == PCAPNG_IN ? "in" : "out");
		assert_int_equal(*option_find(block + 16, 9, &option_length), 9);
	}
	assert_int_equal(evbuffer_get_length(buffer), 0);
	evbuffer_free(buffer);
}

static void test_packets(void **state)
{
	static const uint64_t time_ns = 1700000000123456789;
	struct evbuffer *buffer = evbuffer_new();
	uint8_t bytes[2048];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31);
	for (uint32_t n = 0; n <= sizeof(bytes); n += n < 16 ? 1 : 127) {
		const struct pcapng_packet packet = {.interface = n & 1,
						     .time_ns = time_ns,
						     .id = 77ULL << 40 | n,
						     .frame_bytes = 9000,
						     .bytes_n = n,
						     .bytes = bytes,
						     .comment = "verdict forward"};
		uint32_t length, options = 28 + (n + 3) / 4 * 4;
		uint16_t option_length;
		const uint8_t *block;

		assert_int_equal(pcapng_packet(buffer, &packet), 0);
		block = block_next(buffer, 6, &length);
		assert_int_equal(word_at(block + 8), n & 1);
		assert_int_equal((uint64_t)word_at(block + 12) << 32 | word_at(block + 16),
				 time_ns);
		assert_int_equal(word_at(block + 20), n);
		assert_int_equal(word_at(block + 24), 9000);
		assert_memory_equal(block + 28, bytes, n);
		check_text(block + options, 1, "verdict forward");
		assert_int_equal(word_at(option_find(block + options, 2, &option_length)),
				 n & 1 ? 2 : 1); /* outbound, inbound */
		assert_memory_equal(option_find(block + options, 5, &option_length), &packet.id, 8);
	}
	assert_int_equal(evbuffer_get_length(buffer), 0);
	evbuffer_free(buffer);
}

static void test_tail(void **state)
{
	struct evbuffer *buffer = evbuffer_new();
	uint64_t written = 12, missed = 1ULL << 33;
	const uint8_t *block;
	uint16_t option_length;
	uint32_t length;

	assert_int_equal(pcapng_tail(buffer, 5, written, missed), 0);
	block = block_next(buffer, 5, &length);
	assert_int_equal(word_at(block + 8), PCAPNG_IN);
	assert_memory_equal(option_find(block + 20, 4, &option_length), &written, 8);
	assert_memory_equal(option_find(block + 20, 5, &option_length), &missed, 8);
	evbuffer_free(buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
