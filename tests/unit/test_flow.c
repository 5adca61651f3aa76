/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow hash: golden vectors, a byte-oriented oracle on random flows, and how evenly structured
 * flows (ports and addresses that count up) spread over the slots of tables of several sizes.
 * Needs include/sluice and cmocka only, so that it can be built at any optimisation level: the
 * hash must be the same at all of them.
 */
#include "sluice/flow.h"
#include "sluice/service.h"

#include "flow_vectors.h"
#include "siphash_bytes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* The words as they lie in a packet, from the message's bytes. */
static struct flow flow_from_message(const uint8_t *message, uint32_t message_bytes)
{
	uint32_t addrs_bytes = message_bytes - 5;
	struct flow f = {0};
	be16 ports[2];

	memcpy(f.addrs, message, addrs_bytes);
	memcpy(ports, message + addrs_bytes, sizeof(ports));
	f.last = flow_last(ports[0], ports[1], message[message_bytes - 1],
			   message_bytes == 13 ? FLOW_BYTES_V4 : FLOW_BYTES_V6);
	return f;
}

/* A small generator of its own (xorshift64*), so that a seed means the same everywhere. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

static void test_golden(void **state)
{
	(void)state;
	assert_true(ROWS(flow_vectors) >= 40);
	for (size_t i = 0; i < ROWS(flow_vectors); i++) {
		const struct flow_vector *row = &flow_vectors[i];
		struct flow f = flow_from_message(row->message, row->message_bytes);
		struct flow_key key = {{row->key[0], row->key[1]}};
		uint64_t hash = flow_hash(&f, &key);

		if (hash != row->hash)
			fail_msg("%s: %016llx, expected %016llx", row->name,
				 (unsigned long long)hash, (unsigned long long)row->hash);
		assert_true(siphash_bytes_hash(row->key, row->message, row->message_bytes) ==
			    row->hash);
	}
}

static void test_random(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint32_t message_bytes = i % 2 ? 37 : 13;
		uint8_t message[40];
		struct flow_key key = {{random_next(&seed), random_next(&seed)}};
		struct flow f;

		for (size_t at = 0; at < sizeof(message); at += 8) {
			uint64_t word = random_next(&seed);

			memcpy(message + at, &word, sizeof(word));
		}
		f = flow_from_message(message, message_bytes);
		if (flow_hash(&f, &key) != siphash_bytes_hash(key.k, message, message_bytes))
			fail_msg("random flow %d: not the oracle's hash", i);
	}
}

/* What flow_last() was given comes back, and the family with it. */
static void test_fields(void **state)
{
	static const struct {
		const char *name;
		uint16_t src, dst;
		uint8_t proto;
		enum flow_bytes bytes;
		bool v4;
	} rows[] = {
		{"v4 tcp", 40000, 80, 6, FLOW_BYTES_V4, true},
		{"v6 tcp", 40000, 80, 6, FLOW_BYTES_V6, false},
		{"v4 zeros", 0, 0, 0, FLOW_BYTES_V4, true},
		{"v6 ones", 65535, 65535, 255, FLOW_BYTES_V6, false},
		{"v4 asymmetric bytes", 0x0102, 0x0304, 5, FLOW_BYTES_V4, true},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct flow f = {.last = flow_last(be16_from(rows[i].src), be16_from(rows[i].dst),
						   rows[i].proto, rows[i].bytes)};

		if (be16_to(flow_src_port(&f)) != rows[i].src ||
		    be16_to(flow_dst_port(&f)) != rows[i].dst || flow_proto(&f) != rows[i].proto ||
		    flow_is_v4(&f) != rows[i].v4)
			fail_msg("%s: a field did not come back", rows[i].name);
	}
}

/* Families of flows as clients and generators make them. `i` counts up from 0. */
static struct flow flow_v4(uint32_t src, uint16_t src_port)
{
	struct flow f = {
		.addrs = {be32_from(src) | (uint64_t)be32_from(0xcb007101) << 32},
		.last = flow_last(be16_from(src_port), be16_from(80), PROTO_TCP, FLOW_BYTES_V4),
	};

	return f;
}

static struct flow flow_ports_v4(uint32_t i)
{
	return flow_v4(0xc0000200 + i / 60000, (uint16_t)(1024 + i % 60000));
}

static struct flow flow_addrs_v4(uint32_t i)
{
	return flow_v4(0x0a000000 + i, 40000);
}

static struct flow flow_even_ports_v4(uint32_t i)
{
	return flow_v4(0xc0000200 + i / 32000, (uint16_t)(1024 + i % 32000 * 2));
}

static struct flow flow_subnets_v4(uint32_t i)
{
	return flow_v4(0x0a000001 + (i << 8), 40000);
}

static struct flow flow_addrs_v6(uint32_t i)
{
	struct flow f = {
		.addrs = {0x0c000000b80d0120ULL, (uint64_t)be32_from(i) << 32,
			  0x0f000000b80d0120ULL, 1ULL << 56},
		.last = flow_last(be16_from(40000), be16_from(80), PROTO_TCP, FLOW_BYTES_V6),
	};

	return f;
}

static struct flow flow_ports_v6(uint32_t i)
{
	struct flow f = flow_addrs_v6(i / 60000);

	f.last = flow_last(be16_from((uint16_t)(1024 + i % 60000)), be16_from(80), PROTO_TCP,
			   FLOW_BYTES_V6);
	return f;
}

/*
 * Chi-squared of n flows over the slots, per degree of freedom: 1 for a random spread, with a
 * standard deviation of sqrt(2 / df).
 */
static double spread_measure(struct flow (*flow_at)(uint32_t), uint32_t n, uint32_t slots)
{
	static const struct flow_key key = {{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}};
	struct service service = {.slots = slots};
	uint32_t *counts = calloc(slots, sizeof(*counts));
	double expected = (double)n / slots, chi2 = 0;

	assert_non_null(counts);
	for (uint32_t i = 0; i < n; i++) {
		struct flow f = flow_at(i);
		uint32_t slot = service_slot(&service, flow_hash(&f, &key));

		assert_true(slot < slots);
		counts[slot]++;
	}
	for (uint32_t i = 0; i < slots; i++)
		chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
	free(counts);
	return chi2 / (slots - 1);
}

static void test_spread(void **state)
{
	static const struct {
		const char *name;
		struct flow (*flow_at)(uint32_t);
	} families[] = {
		{"v4 ports", flow_ports_v4},     {"v4 even ports", flow_even_ports_v4},
		{"v4 addresses", flow_addrs_v4}, {"v4 one host in each /24", flow_subnets_v4},
		{"v6 ports", flow_ports_v6},     {"v6 addresses", flow_addrs_v6},
	};
	static const uint32_t slots[] = {7, 251, 1009, 16381, 65537};

	(void)state;
	for (size_t i = 0; i < ROWS(families); i++) {
		for (size_t k = 0; k < ROWS(slots); k++) {
			/* Enough that a slot expects 8 flows, the least for chi-squared is 5. */
			uint32_t n = slots[k] * 8 < 65536 ? 65536 : slots[k] * 8;
			double measured = spread_measure(families[i].flow_at, n, slots[k]);
			double sigma = sqrt(2.0 / (slots[k] - 1));

			print_message("# %s over %u slots: chi2/df %.3f\n", families[i].name,
				      slots[k], measured);
			if (fabs(measured - 1) > 4 * sigma)
				fail_msg("%s over %u slots: chi2/df %.3f, beyond 1 +- %.3f",
					 families[i].name, slots[k], measured, 4 * sigma);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
