/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of datagrams in fragments: the rules of sluice/fragment.h in rows, and the DPDK
 * worker's table compared with a plain list of all that was put, on random input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fragment_table.h"
#include "named_rows.h"

enum {
	ENTRIES = 64,
	KEYS = 200,
	PUTS = 20000,
	SEED = 20261122,
};

static const struct flow_key key = {{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}};

static struct packet packet_of(bool v6, uint8_t proto, uint8_t flags)
{
	struct packet p = {.proto = proto, .flags = (uint8_t)(flags | (v6 ? PACKET_V6 : 0))};

	p.flow = (struct flow){
		.addrs = {1, v6 ? 2 : 0, v6 ? 3 : 0, v6 ? 4 : 0},
		.last = flow_last(0x1234, 0x5678, proto, v6 ? FLOW_BYTES_V6 : FLOW_BYTES_V4),
	};
	return p;
}

static void test_part(void **state)
{
	static const struct {
		const char *name;
		bool v6;
		uint8_t proto;
		bool no_ports;
		enum fragment_part part;
	} rows[] = {
		{"v4 tcp, first", false, PROTO_TCP, false, FRAGMENT_FIRST},
		{"v4 udp, first", false, PROTO_UDP, false, FRAGMENT_FIRST},
		{"v4 icmp, first", false, PROTO_ICMP, false, FRAGMENT_OTHER},
		{"v4 tcp, later", false, PROTO_TCP, true, FRAGMENT_LATER},
		{"v4 udp, later", false, PROTO_UDP, true, FRAGMENT_LATER},
		{"v4 icmp, later", false, PROTO_ICMP, true, FRAGMENT_OTHER},
		{"v6 udp, first", true, PROTO_UDP, false, FRAGMENT_FIRST},
		{"v6 icmp, first", true, PROTO_ICMPV6, false, FRAGMENT_OTHER},
		{"v6 udp, later", true, PROTO_UDP, true, FRAGMENT_LATER},
		{"v6, later, of whatever", true, PROTO_DEST_OPTS, true, FRAGMENT_LATER},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct packet p = packet_of(rows[i].v6, rows[i].proto,
					    rows[i].no_ports ? PACKET_NO_PORTS : 0);

		row_assert(rows[i].name, fragment_part(&p) == rows[i].part);
	}
}

static uint64_t key_of(const struct packet *p, uint32_t id)
{
	return fragment_key(&p->flow, id, &key);
}

/* What tells datagrams apart, and what doesn't: ports, which later fragments lack. */
static void test_key(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const struct packet p = packet_of(v6, PROTO_UDP, 0);
		struct packet other = p;
		uint64_t k = key_of(&p, 7);

		assert_int_not_equal(k, key_of(&p, 8));
		assert_int_not_equal(k, key_of(&p, 7 | 1U << 31));
		other.flow.last &= ~0xffffffffULL;
		assert_int_equal(k, key_of(&other, 7));
		for (int word = 0; word < (v6 ? 4 : 1); word++) {
			other = p;
			other.flow.addrs[word] ^= 1ULL << 40;
			assert_int_not_equal(k, key_of(&other, 7));
		}
		other = packet_of(v6, PROTO_TCP, 0);
		assert_int_equal(k == key_of(&other, 7), v6);
		/* Never the flow's own hash, whatever the identification. */
		assert_int_not_equal(flow_hash(&p.flow, &key), key_of(&p, (uint32_t)p.flow.last));
	}
}

static void test_join(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const struct packet first = packet_of(v6, PROTO_TCP, 0);
		struct packet later =
			packet_of(v6, v6 ? PROTO_DEST_OPTS : PROTO_TCP, PACKET_NO_PORTS);
		struct fragment f = fragment_make(&first.flow, 0x12345678);

		later.flow.last &= ~0xffffffffULL;
		packet_join(&later, &f);
		assert_memory_equal(&later.flow, &first.flow, sizeof(first.flow));
		assert_int_equal(later.proto, PROTO_TCP);
		assert_true(later.flags & PACKET_NO_PORTS);
	}
}

static void test_life(void **state)
{
	static const struct {
		const char *name;
		uint32_t seen_s, now_s;
		bool lives;
	} rows[] = {
		{"the same second", 100, 100, true},
		{"the last second", 100, 100 + FRAGMENT_LIFE_S, true},
		{"a second too late", 100, 101 + FRAGMENT_LIFE_S, false},
		{"seen by a clock ahead", 101, 100, true},
		{"over 2^24 s, in time", (1U << 24) - 2, (1U << 24) + 2, true},
		{"over 2^24 s, too late", (1U << 24) - 2, (1U << 24) + FRAGMENT_LIFE_S, false},
		{"over 2^32 s", UINT32_MAX - 1, 2, true},
	};
	const struct packet p = packet_of(false, PROTO_UDP, 0);
	const struct fragment none = {0};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct fragment f = fragment_make(&p.flow, rows[i].seen_s);

		row_assert(rows[i].name, fragment_lives(&f, rows[i].now_s) == rows[i].lives);
	}
	assert_false(fragment_lives(&none, 0));
}

/* All that was put, in order. */
static struct {
	uint64_t key;
	struct fragment fragment;
} list[PUTS];

/*
 * The newest of the key's, unless it is too old, or as many others of its set have come since as
 * a set has places.
 */
static const struct fragment *list_find(uint32_t n, uint64_t k, uint32_t now_s)
{
	uint64_t newer[FRAGMENT_SET_ENTRIES];
	uint32_t newer_n = 0;

	while (n-- > 0) {
		bool known = false;

		if (list[n].key == k)
			return fragment_lives(&list[n].fragment, now_s) ? &list[n].fragment : NULL;
		if ((list[n].key ^ k) % (ENTRIES / FRAGMENT_SET_ENTRIES) != 0)
			continue;
		for (uint32_t i = 0; i < newer_n; i++)
			known |= newer[i] == list[n].key;
		if (known)
			continue;
		newer[newer_n++] = list[n].key;
		if (newer_n == FRAGMENT_SET_ENTRIES)
			return NULL;
	}
	return NULL;
}

static void test_oracle(void **state)
{
	uint64_t seed = SEED, keys[KEYS];
	uint32_t now_s = 1000, found_n = 0, lost_n = 0;
	struct fragment_table table;

	(void)state;
	assert_int_equal(fragment_table_create(&table, ENTRIES), 0);
	for (int i = 0; i < KEYS; i++)
		keys[i] = random_next(&seed);
	for (uint32_t n = 0; n < PUTS; n++) {
		uint64_t asked = keys[random_below(&seed, KEYS)];
		const struct fragment *got, *expected;

		now_s += random_below(&seed, 20) == 0;
		list[n].key = keys[random_below(&seed, KEYS)];
		list[n].fragment = (struct fragment){(uint32_t)random_next(&seed),
						     memory_stamp(now_s, FRAGMENT_UDP)};
		fragment_table_put(&table, list[n].key, list[n].fragment);
		got = fragment_table_find(&table, asked, now_s);
		expected = list_find(n + 1, asked, now_s);
		assert_int_equal(got != NULL, expected != NULL);
		if (got)
			assert_memory_equal(got, expected, sizeof(*got));
		found_n += got != NULL;
		lost_n += got == NULL;
	}
	/* Else it was not looked at. */
	assert_true(found_n > PUTS / 10 && lost_n > PUTS / 10);
	fragment_table_destroy(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part),   cmocka_unit_test(test_key),
		cmocka_unit_test(test_join),   cmocka_unit_test(test_life),
		cmocka_unit_test(test_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
