/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue that receive side scaling gives a packet: against the vectors that Microsoft published
 * for it ("Verifying the RSS Hash Calculation"), with their key.
 */
#include "rss.h"
#include "sluice/packet.h"

#include "../parity/frames.h"

#include <rte_ethdev.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t KEY[] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* A table of 128 in which queue q stands at place q: the hash's low 7 bits come out. */
static void device(struct rss *rss, uint64_t hashes)
{
	*rss = (struct rss){.hashes = hashes, .table_n = 128};
	memcpy(rss->key, KEY, sizeof(KEY));
	for (uint16_t i = 0; i < rss->table_n; i++)
		rss->queues[i] = i;
}

static void parse(const struct frame_spec *spec, struct packet *packet)
{
	static struct frame frame;
	struct cursor c;

	frame_build(spec, &frame);
	c = (struct cursor){frame.bytes, frame.bytes + frame.n, frame.n};
	(void)packet_parse(&c, packet);
}

static void test_vectors(void **state)
{
	static const struct {
		const char *src, *dst;
		uint16_t sport, dport;
		uint32_t with_ports, without;
	} rows[] = {
		{"66.9.149.187", "161.142.100.80", 2794, 1766, 0x51ccc178, 0x323e8fc2},
		{"199.92.111.2", "65.69.140.83", 14230, 4739, 0xc626b0ea, 0xd718262a},
		{"24.19.198.95", "12.22.207.184", 12898, 38024, 0x5c2b394a, 0xd2d0a5de},
		{"38.27.205.30", "209.142.163.6", 48228, 2217, 0xafc7327f, 0x82989176},
		{"153.39.163.191", "202.188.127.2", 44251, 1303, 0x10e828a2, 0x5d1809c5},
		{"3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x40207d3d, 0x2cc18cd5},
		{"3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0xdde51bbf, 0x0f0c461c},
	};
	struct rss by_ports, by_addresses;

	(void)state;
	device(&by_ports, RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP);
	device(&by_addresses, RTE_ETH_RSS_IP);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_spec spec = {
			.src = rows[i].src,
			.dst = rows[i].dst,
			.proto = IP_TCP,
			.sport = rows[i].sport,
			.dport = rows[i].dport,
		};
		struct packet packet;

		print_message("# row: %s\n", rows[i].src);
		parse(&spec, &packet);
		assert_int_equal(rss_queue(&by_ports, &packet), rows[i].with_ports & 127);
		assert_int_equal(rss_queue(&by_addresses, &packet), rows[i].without & 127);
		/* Ports of UDP aren't hashed by either device. */
		spec.proto = IP_UDP;
		parse(&spec, &packet);
		assert_int_equal(rss_queue(&by_ports, &packet), rows[i].without & 127);
	}
}

static void test_not_hashed(void **state)
{
	const struct frame_spec sent = {.src = "203.0.113.1",
					.dst = "192.0.2.1",
					.proto = IP_TCP,
					.sport = 80,
					.dport = 4000};
	const struct frame_spec error = {.src = "198.51.100.1",
					 .dst = "203.0.113.1",
					 .proto = IP_ICMP,
					 .type = 3,
					 .code = 4,
					 .quote = &sent};
	struct packet packet;
	struct rss rss;

	(void)state;
	device(&rss, RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP);
	parse(&error, &packet);
	assert_true(packet.flags & PACKET_ICMP_ERROR);
	assert_int_equal(rss_queue(&rss, &packet), -ENOENT);
	device(&rss, RTE_ETH_RSS_NONFRAG_IPV6_TCP);
	parse(&sent, &packet);
	assert_int_equal(rss_queue(&rss, &packet), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_not_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
