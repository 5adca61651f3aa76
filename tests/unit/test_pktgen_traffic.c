/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traffic that the generator makes: frames that hold, flows with a beginning and an end, the
 * same for the same seed, and each packet known again. Frames are read here by plain offsets, with
 * the byte functions of the parity tests.
 */
#include "../parity/frames.h"
#include "../pktgen/traffic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	FLOWS = 50,
	PACKETS = 20000,
	FIN = 1,
	SYN = 2,
	PSH = 8,
	ACK = 16,
};

static const uint8_t client_mac[6] = {2, 0, 0, 0, 0, 1}, balancer_mac[6] = {2, 0, 0, 0, 0, 2};

struct world {
	struct targets targets;
	struct traffic traffic;
};

/* What a packet says of itself. */
struct seen {
	uint32_t l4, payload_bytes;
	uint8_t proto, flags;
	uint32_t seq, ack;
};

static void world_make(struct world *w, const char *const *targets, const char *sizes,
		       uint32_t flow_packets, bool shuffled, uint64_t seed)
{
	struct traffic_settings settings = {
		.targets = &w->targets,
		.flows = FLOWS,
		.flow_packets = flow_packets,
		.shuffled = shuffled,
		.seed = seed,
	};
	struct prefix prefix;

	memset(w, 0, sizeof(*w));
	for (; *targets; targets++)
		assert_int_equal(targets_add(&w->targets, *targets), 0);
	assert_int_equal(targets_wheel(&w->targets), 0);
	assert_true(prefix_parse("198.18.0.0/28", &prefix));
	settings.clients4 = clients_of(&prefix);
	assert_true(prefix_parse("2001:2::/120", &prefix));
	settings.clients6 = clients_of(&prefix);
	assert_true(sizes_parse(&settings.sizes, sizes));
	assert_int_equal(traffic_create(&w->traffic, &settings), 0);
	traffic_set_macs(&w->traffic, balancer_mac, client_mac);
}

static void world_free(struct world *w)
{
	traffic_destroy(&w->traffic);
	targets_free(&w->targets);
}

/* Asserts everything that the headers must say; returns what differs from packet to packet. */
static struct seen frame_check(const uint8_t *frame, uint32_t bytes)
{
	bool v6 = frame_get16(frame + 12) == 0x86dd;
	const uint8_t *ip = frame + 14;
	struct seen s = {.l4 = v6 ? 54 : 34, .proto = ip[v6 ? 6 : 9]};
	uint32_t l4_bytes = bytes - s.l4;
	const uint8_t *l4 = frame + s.l4;
	uint16_t sum;

	assert_memory_equal(frame, balancer_mac, 6);
	assert_memory_equal(frame + 6, client_mac, 6);
	if (v6) {
		assert_int_equal(ip[0], 0x60);
		assert_int_equal(frame_get16(ip + 4), l4_bytes);
		sum = frame_pseudo_sum(ip + 8, ip + 24, 16, s.proto, l4_bytes);
	} else {
		assert_int_equal(ip[0], 0x45);
		assert_int_equal(frame_get16(ip + 2), bytes - 14);
		assert_int_equal(frame_sum(0, ip, 20), 0xffff);
		sum = frame_pseudo_sum(ip + 12, ip + 16, 4, s.proto, l4_bytes);
	}
	assert_int_equal(frame_sum(sum, l4, l4_bytes), 0xffff);
	if (s.proto == IP_TCP) {
		assert_int_equal(l4[12], 5 << 4);
		s.flags = l4[13];
		s.seq = (uint32_t)frame_get16(l4 + 4) << 16 | frame_get16(l4 + 6);
		s.ack = (uint32_t)frame_get16(l4 + 8) << 16 | frame_get16(l4 + 10);
		s.payload_bytes = l4_bytes - 20;
	} else {
		assert_int_equal(s.proto, IP_UDP);
		assert_int_equal(frame_get16(l4 + 4), l4_bytes);
		assert_int_not_equal(frame_get16(l4 + 6), 0);
		s.payload_bytes = l4_bytes - 8;
	}
	return s;
}

/* What a flow must say next: a plain TCP client. */
struct oracle {
	uint64_t flow;
	bool begun;
	int packets; /* of this flow */
	uint32_t seq, ack;
};

static void order_check(struct oracle *o, uint64_t flow, const struct seen *s, int flow_packets)
{
	if (o->flow != flow || !o->begun) {
		if (o->begun)
			assert_int_equal(o->packets, flow_packets); /* the one before was whole */
		*o = (struct oracle){.flow = flow, .begun = true, .seq = s->seq};
	}
	o->packets++;
	if (s->proto != IP_TCP)
		return;
	assert_int_equal(s->seq, o->seq);
	o->seq += s->payload_bytes;
	if (o->packets == 1) {
		assert_int_equal(s->flags, SYN);
		o->seq++;
	} else if (o->packets == 2) {
		assert_int_equal(s->flags, ACK);
		o->ack = s->ack;
	} else if (o->packets < flow_packets - 1) {
		assert_int_equal(s->flags, PSH | ACK);
		assert_int_equal(s->ack, o->ack);
	} else if (o->packets == flow_packets - 1) {
		assert_int_equal(s->flags, FIN | ACK);
		o->seq++;
	} else {
		assert_int_equal(s->flags, ACK);
		assert_int_equal(s->ack, o->ack + 1);
	}
}

static const char *const mix[] = {"198.51.100.1:80/tcp*2", "198.51.100.9:53/udp@2",
				  "[2001:db8::1]:443/tcp", "[2001:db8::9]:443/udp", NULL};

static const struct {
	const char *name;
	const char *sizes;
	int flow_packets;
	bool shuffled;
} order_rows[] = {
	{"the shortest flows", "64", 4, false},
	{"five packets", "64", 5, false},
	{"ten, shuffled", "64", 10, true},
	{"odd sizes", "65,67,101,777", 7, true},
	{"imix", "imix", 6, false},
	{"large", "9018", 9, false},
};

/* Each packet that is made is decoded again, and is the one it says. */
static void order_row(size_t r)
{
	struct oracle oracles[FLOWS] = {0};
	static uint8_t frame[FRAME_MAX_BYTES];
	struct world w;

	world_make(&w, mix, order_rows[r].sizes, (uint32_t)order_rows[r].flow_packets,
		   order_rows[r].shuffled, 3);
	for (uint64_t number = 0; number < PACKETS; number++) {
		struct source_packet packet = traffic_next(&w.traffic);
		struct decode_rules rules = {.plain = true};
		struct source_match match;
		struct decoded d;
		struct inner inner;
		struct seen s;

		row_assert(order_rows[r].name, packet.expected && packet.bytes >= 60);
		traffic_write(&w.traffic, &packet, number, frame);
		s = frame_check(frame, packet.bytes);
		row_assert(order_rows[r].name,
			   decode_outer(&rules, frame, packet.bytes, &d) == DECODE_OK);
		row_assert(order_rows[r].name, decode_inner(&d, &inner) == DECODE_OK);
		row_assert(order_rows[r].name, traffic_match(&w.traffic, &inner, &match));
		row_assert(order_rows[r].name, match.number == number);
		row_assert(order_rows[r].name, match.place == packet.place);
		row_assert(order_rows[r].name, match.target == packet.target);
		order_check(&oracles[match.place], match.place + (uint64_t)match.life * FLOWS, &s,
			    order_rows[r].flow_packets);
	}
	world_free(&w);
}

static void test_order(void **state)
{
	(void)state;
	for (size_t r = 0; r < ROWS(order_rows); r++)
		order_row(r);
}

static void packets_of_seed(uint64_t seed, bool renewals, uint8_t **bytes, size_t *n)
{
	struct world w;

	*bytes = malloc(2000 * 1600);
	*n = 0;
	world_make(&w, mix, "imix", 0, true, seed);
	for (uint64_t number = 0; number < 2000; number++) {
		struct source_packet packet = traffic_next(&w.traffic);

		traffic_write(&w.traffic, &packet, number, *bytes + *n);
		*n += packet.bytes;
		if (renewals && number % 10 == 0)
			traffic_renew(&w.traffic);
	}
	world_free(&w);
}

static void test_seed(void **state)
{
	uint8_t *one, *again, *other;
	size_t one_n, again_n, other_n;

	(void)state;
	packets_of_seed(1, true, &one, &one_n);
	packets_of_seed(1, true, &again, &again_n);
	packets_of_seed(2, true, &other, &other_n);
	assert_int_equal(one_n, again_n);
	assert_memory_equal(one, again, one_n);
	assert_true(one_n != other_n || memcmp(one, other, one_n) != 0);
	free(one);
	free(again);
	free(other);
}

static void rounds_write(struct traffic *t, int rounds)
{
	static uint8_t frame[FRAME_MAX_BYTES];

	for (int i = 0; i < rounds * FLOWS; i++) {
		struct source_packet packet = traffic_next(t);

		traffic_write(t, &packet, (uint64_t)i, frame);
	}
}

/*
 * Flows that are renewed come from the place's next life, and each flow is renewed in its turn. One
 * counts as opened with its first packet.
 */
static void test_renewal(void **state)
{
	struct world w;

	(void)state;
	world_make(&w, mix, "64", 0, false, 1);
	assert_int_equal(w.traffic.flows_opened, 0);
	rounds_write(&w.traffic, 1);
	assert_int_equal(w.traffic.flows_opened, FLOWS);
	for (int i = 0; i < FLOWS; i++)
		traffic_renew(&w.traffic);
	/* TCP after its SYN: ACK, FIN, ACK; UDP: one more. Then all have ended. */
	rounds_write(&w.traffic, 3);
	for (int i = 0; i < FLOWS; i++)
		assert_int_equal(w.traffic.connections[i].life, 1);
	assert_in_range(w.traffic.flows_opened, FLOWS + 1, 2 * FLOWS - 1);
	rounds_write(&w.traffic, 1);
	assert_int_equal(w.traffic.flows_opened, 2 * FLOWS);
	world_free(&w);
}

/* Shares: of 6 flows 1, 1, 2, 1, 1. */
static void test_shares(void **state)
{
	uint32_t n[5] = {0};
	struct world w;

	(void)state;
	world_make(&w, mix, "64", 0, false, 1);
	for (uint64_t flow = 0; flow < 600; flow++)
		n[targets_of_flow(&w.targets, flow)]++;
	assert_int_equal(w.targets.n, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(n[i], i == 2 ? 200 : 100);
	world_free(&w);
}

static void test_clients(void **state)
{
	static const char *const prefixes[] = {"198.18.0.0/15",  "10.0.0.0/8",  "192.0.2.7",
					       "192.0.2.254/31", "2001:2::/48", "2001:db8::5"};
	uint64_t seed = 5;

	(void)state;
	for (size_t i = 0; i < ROWS(prefixes); i++) {
		struct prefix prefix;
		struct clients clients;

		assert_true(prefix_parse(prefixes[i], &prefix));
		clients = clients_of(&prefix);
		for (int n = 0; n < 10000; n++) {
			uint64_t flow = random_next(&seed) % clients_flows_max(&clients), back;
			struct address address;
			uint16_t port;

			flow = n == 0 ? clients_flows_max(&clients) - 1 : flow;
			clients_endpoint(&clients, flow, &address, &port);
			row_assert(prefixes[i],
				   prefix_contains(&prefix, address.bytes, address.v6));
			row_assert(prefixes[i], port >= CLIENT_PORT_MIN);
			row_assert(prefixes[i], clients_flow(&clients, address.bytes, port, &back));
			row_assert(prefixes[i], back == flow);
			row_assert(prefixes[i],
				   !clients_flow(&clients, address.bytes, 1023, &back));
			address.bytes[0] ^= 0x80;
			row_assert(prefixes[i],
				   !clients_flow(&clients, address.bytes, port, &back));
		}
	}
}

static void test_probe(void **state)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	struct decode_rules rules = {.plain = true};
	struct world w;

	(void)state;
	world_make(&w, mix, "64", 0, false, 1);
	for (uint32_t target = 0; target < w.targets.n; target++) {
		uint32_t bytes = traffic_probe(&w.traffic, target, 63, 4711 + target, frame);
		struct source_match match;
		struct decoded d;
		struct inner inner;
		uint64_t number;

		frame_check(frame, bytes);
		assert_int_equal(decode_outer(&rules, frame, bytes, &d), DECODE_OK);
		assert_int_equal(decode_inner(&d, &inner), DECODE_OK);
		assert_true(traffic_is_probe(&inner, &number));
		assert_int_equal(number, 4711 + target);
		assert_false(traffic_match(&w.traffic, &inner, &match));
	}
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),   cmocka_unit_test(test_seed),
		cmocka_unit_test(test_renewal), cmocka_unit_test(test_shares),
		cmocka_unit_test(test_clients), cmocka_unit_test(test_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
