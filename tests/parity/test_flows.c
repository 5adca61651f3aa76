/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parity where what is remembered of a flow decides: conversations of a few packets each, in slots
 * that changed and with schedulers that don't hash, through every path that was built in, as one
 * batch. The rows say to which backend each packet goes; the bytes are the oracle's. All flows of a
 * conversation have one and the same slot by their hash, so that who falls back to it is seen.
 */
#include "difference.h"
#include "oracle.h"
#include "paths.h"
#include "rows.h"
#include "rows_quic.h"
#include "sluice/packet.h"
#include "sluice/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
	STEPS_MAX = 16,
	ADDRESS_MAX = 40,
	SYN = 0x02,
	ACK = 0x10,
	FIN = 0x11,
	RST = 0x04,
	ERROR = 0, /* an ICMP error about a packet of the vip's */
};

struct step {
	char client; /* 'a' on; 0: the conversation has ended */
	uint8_t kind;
	uint8_t backend;
};

struct conversation {
	const char *name;
	const char *vip;
	struct step steps[STEPS_MAX];
};

/* clang-format off */
static const struct conversation conversations[] = {
	{"moved: older flows stay, new ones go to the new backend", MOVED4,
	 {{'a', ACK, 0}, {'b', SYN, 1}, {'a', ACK, 0}, {'b', ACK, 1}, {'a', SYN, 0}, {'b', SYN, 1}}},
	{"moved: closing, then the next connection", MOVED4,
	 {{'c', ACK, 0}, {'c', FIN, 0}, {'c', ACK, 0}, {'c', SYN, 1}, {'c', ACK, 1}}},
	{"moved: icmp errors go where the flow is", MOVED4,
	 {{'d', ERROR, 0}, {'d', SYN, 1}, {'d', ERROR, 1}, {'e', ERROR, 0}, {'e', ACK, 0},
	  {'e', ERROR, 0}}},
	{"moved: reset, then the next connection, ipv6", MOVED6,
	 {{'a', ACK, 0}, {'b', SYN, 1}, {'a', RST, 0}, {'b', ACK, 1}, {'a', SYN, 1}, {'a', ACK, 1},
	  {'a', ERROR, 1}, {'c', ERROR, 0}}},
	{"in turn: each flow its own, an icmp error of none draws nothing", TURNS4,
	 {{'a', SYN, 0}, {'a', ACK, 0}, {'b', ERROR, FIXTURE_FLOW_SLOT}, {'b', SYN, 1},
	  {'a', SYN, 0}, {'b', ERROR, 1}, {'a', FIN, 0}, {'a', ERROR, 0}, {'a', SYN, 2},
	  {'a', ACK, 2}, {'c', ERROR, FIXTURE_FLOW_SLOT}, {'c', ACK, 3}, {'d', SYN, 4},
	  {'b', RST, 1}, {'b', SYN, 0}}},
	{"by chance: the next connection draws, an icmp error of none doesn't", CHANCE4,
	 {{'a', SYN, 1}, {'a', ACK, 1}, {'b', ERROR, 0}, {'a', FIN, 1}, {'a', SYN, 1},
	  {'a', ACK, 1}, {'a', ERROR, 1}, {'b', ACK, 1}}},
	{"least conn: the next connection draws, an icmp error of none doesn't", LEAST4,
	 {{'a', SYN, 1}, {'a', ACK, 1}, {'b', ERROR, 0}, {'a', RST, 1}, {'a', SYN, 1},
	  {'a', ACK, 1}, {'a', ERROR, 1}, {'b', ACK, 1}}},
#define ANOTHER_WAY                                                                               \
	{{'a', ACK, 2}, {'b', SYN, 1}, {'a', ACK, 2}, {'b', ACK, 1}, {'a', SYN, 2}, {'c', ERROR, 2}, \
	 {'c', FIN, 2}, {'c', ACK, 2}, {'c', SYN, 1}, {'c', ERROR, 1}, {'d', ERROR, 2}, {'d', SYN, 1}, \
	 {'d', RST, 1}, {'d', ACK, 1}}
	{"another length: older flows stay, new ones go by today's", LONGER4, ANOTHER_WAY},
	{"another length, ipv6", LONGER6, ANOTHER_WAY},
	{"from flow to source", SOURCE4, ANOTHER_WAY},
	{"from flow to source, ipv6", SOURCE6, ANOTHER_WAY},
	{"from source to flow", FLOWS4, ANOTHER_WAY},
	{"from source to flow, ipv6", FLOWS6, ANOTHER_WAY},
#define DRAWN                                                                                       \
	{{'a', ACK, 4}, {'b', SYN, 0}, {'c', ERROR, 4}, {'c', ACK, 4}, {'d', SYN, 1}, {'a', ACK, 4},  \
	 {'b', ACK, 0}, {'a', SYN, 4}, {'a', FIN, 4}, {'a', SYN, 2}, {'a', ERROR, 2}, {'e', FIN, 4},  \
	 {'e', SYN, 3}}
	{"from flow to in turn: older flows draw nothing", DRAWN4, DRAWN},
	{"from source to in turn, ipv6", DRAWN6, DRAWN},
};
/* clang-format on */

static struct fixture *fixture;
static struct paths paths;

static int setup(void **state)
{
	(void)state;
	fixture = fixture_new_flows();
	return paths_open(&paths, fixture);
}

static int teardown(void **state)
{
	(void)state;
	paths_close(&paths);
	fixture_free(fixture);
	return 0;
}

static uint32_t service_of(const char *vip)
{
	uint32_t i = 0;

	while (strcmp(fixture->services[i].vip, vip) != 0)
		i++;
	return i;
}

static void frame_make(const char *vip, uint8_t kind, const char *client, struct frame *frame)
{
	bool v6 = strchr(vip, ':') != NULL;
	struct frame_spec sent = {
		.src = vip, .dst = client, .proto = IP_TCP, .sport = 80, .dport = CLIENT_PORT};
	struct frame_spec spec = {TCP(vip, 80), .src = client, .flags = kind, .payload_bytes = 10};

	if (kind == ERROR && v6)
		spec = (struct frame_spec){ERROR6(vip, 1, 4), .quote = &sent};
	else if (kind == ERROR)
		spec = (struct frame_spec){ERROR4(vip, 3, 1), .quote = &sent};
	frame_build(&spec, frame);
}

/* Whether a flow has the slot by its source that a previous way has for the flows here. */
static bool has_way_slot(uint32_t service, const struct frame *frame)
{
	struct cursor c = {(void *)(uintptr_t)frame->bytes, frame->bytes + frame->n, frame->n};
	struct packet p;

	if (!(fixture->services[service].flows.flags & SERVICE_WAY_SOURCE))
		return true;
	assert_int_equal(packet_parse(&c, &p), VERDICT_forward);
	return service_slot_of(FIXTURE_WAY_SLOTS, flow_hash_source(&p.flow, &fixture->key)) ==
	       FIXTURE_WAY_SOURCE_SLOT;
}

/* The client's address: the number `name` - 'a' of those whose flows have FIXTURE_FLOW_SLOT. */
static void client_address(uint32_t service, char name, char client[ADDRESS_MAX])
{
	const struct fixture_service *s = &fixture->services[service];
	bool v6 = strchr(s->vip, ':') != NULL;
	static struct frame frame;
	int found = -1;

	for (uint32_t i = 1; i < 1 << 24; i++) {
		struct view view;

		snprintf(client, ADDRESS_MAX, v6 ? "2001:db8:c::%x:%02x%02x" : "10.%u.%u.%u",
			 i >> 16, i >> 8 & 255, i & 255);
		frame_make(s->vip, ACK, client, &frame);
		assert_int_equal(view_read(&frame, &view), VERDICT_forward);
		if ((oracle_hash(fixture, &view) >> 32) * s->slots >> 32 == FIXTURE_FLOW_SLOT &&
		    has_way_slot(service, &frame) && ++found == name - 'a')
			return;
	}
	fail_msg("%s has no %d flows with slot %d", s->name, name - 'a' + 1, FIXTURE_FLOW_SLOT);
}

static void step_expect(uint32_t service, uint32_t backend, const struct frame *frame,
			struct parity_result *expected)
{
	struct view view;

	assert_int_equal(view_read(frame, &view), VERDICT_forward);
	expected->verdict = view.error ? VERDICT_icmp_forward : VERDICT_forward;
	expected->fate = PARITY_SENT;
	expected->row = 1 + service;
	oracle_encap(fixture, frame, &view, service, backend, oracle_hash(fixture, &view),
		     expected);
}

static void test_conversations(void **state)
{
	static struct parity_result expected[STEPS_MAX], got[STEPS_MAX];
	static struct frame frames[STEPS_MAX];
	uint32_t differences = 0;
	char what[160], client[ADDRESS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		const struct conversation *c = &conversations[i];
		uint32_t service = service_of(c->vip), n = 0;

		for (; n < STEPS_MAX && c->steps[n].client; n++) {
			client_address(service, c->steps[n].client, client);
			frame_make(c->vip, c->steps[n].kind, client, &frames[n]);
			step_expect(service, c->steps[n].backend, &frames[n], &expected[n]);
		}
		for (uint32_t p = 0; p < paths.n; p++) {
			paths.at[p]->run(frames, n, got);
			for (uint32_t k = 0; k < n; k++) {
				snprintf(what, sizeof(what), "%s: %s: packet %u", paths.at[p]->name,
					 c->name, k + 1);
				differences +=
					!result_same(what, &frames[k], &expected[k], &got[k]);
			}
		}
	}
	assert_int_equal(differences, 0);
}

/*
 * In a slot that moved, a datagram of an unknown flow goes to the new backend if it opens one, else to
 * the old.
 */
static void test_datagrams(void **state)
{
	static const char *const vips[] = {MOVED_UDP4, MOVED_UDP6};
	static struct parity_result expected[2], got[2];
	static struct frame frames[2];
	uint32_t differences = 0;
	char what[160], client[ADDRESS_MAX];

	(void)state;
	for (uint32_t i = 0; i < QUIC_ROWS; i++) {
		for (uint32_t k = 0; k < 2; k++) {
			snprintf(client, sizeof(client), k ? "2001:db8:c::%x" : "10.7.7.%u", i + 1);
			quic_frame_build(&quic_rows[i], client, vips[k], &frames[k]);
			step_expect(service_of(vips[k]), quic_rows[i].opens, &frames[k],
				    &expected[k]);
		}
		for (uint32_t p = 0; p < paths.n; p++) {
			paths.at[p]->run(frames, 2, got);
			for (uint32_t k = 0; k < 2; k++) {
				snprintf(what, sizeof(what), "%s: %s, ipv%d", paths.at[p]->name,
					 quic_rows[i].name, k ? 6 : 4);
				differences +=
					!result_same(what, &frames[k], &expected[k], &got[k]);
			}
		}
	}
	assert_int_equal(differences, 0);
}

static void test_paths(void **state)
{
	(void)state;
	if (paths.missing_n > 0)
		skip();
	assert_true(paths.n > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_conversations),
		cmocka_unit_test(test_datagrams),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
