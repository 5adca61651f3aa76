/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parity of fragments: datagrams in pieces, in every order, through every path that was built in. A
 * later fragment goes where its first did, with the same outer headers, or is dropped where nothing
 * is known of that. Expected bytes are the oracle's, with the first's flow.
 */
#include "difference.h"
#include "oracle.h"
#include "paths.h"
#include "rows.h"
#include "sluice/fragment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
	STEPS_MAX = 12,
	FLOOD = 40000,
	NEWEST = 1024,
	BY_HASH = 0,
	BACKEND = 1, /* BACKEND + n: number n */
	/* A later fragment of an unknown protocol, as IPv6's may be behind the first. */
	IP_NONE = 59,
};

enum kind {
	END,
	FIRST,
	LATER, /* more to come */
	LAST,
	PLAIN, /* the whole of a datagram */
	WAIT,  /* `id` seconds */
};

/* One fragment, or some time. */
struct step {
	enum kind kind;
	uint32_t id;
	uint16_t sport; /* of a FIRST or PLAIN */
	uint8_t like;   /* of a LATER or LAST: the number of its FIRST, from 1; 0: it's not known */
	uint8_t proto;  /* [the conversation's] */
	const char *src; /* [the client's] */
};

struct conversation {
	const char *name;
	const char *vip;
	uint16_t port;
	uint8_t proto;
	struct step steps[STEPS_MAX];
	uint8_t backends[STEPS_MAX]; /* of a FIRST or PLAIN: BY_HASH, BACKEND + n */
	const char *chain;           /* before a first fragment's transport header: letters */
};

/* clang-format off */
#define STEP(kind_, ...)          {.kind = (kind_), __VA_ARGS__}
#define FIRST_(id_, sport_)       STEP(FIRST, .id = (id_), .sport = (sport_))
#define PLAIN_(id_, sport_)       STEP(PLAIN, .id = (id_), .sport = (sport_))
#define LATER_(id_, like_)        STEP(LATER, .id = (id_), .like = (like_))
#define LAST_(id_, ...)           STEP(LAST, .id = (id_), .like = __VA_ARGS__)
#define WAIT_(seconds)            STEP(WAIT, .id = (seconds))

static const struct conversation conversations[] = {
	{.name = "v4: the second as the first",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(1, 1000), LATER_(1, 1), LAST_(1, 1)}},
	{.name = "v6: the second as the first",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(1, 1000), LATER_(1, 1), LAST_(1, 1)}},
	{.name = "v4 udp",
	 .vip = WEB4, .port = 53, .proto = IP_UDP,
	 .steps = {FIRST_(2, 1000), LAST_(2, 1)}},
	{.name = "v6 udp",
	 .vip = WEB6, .port = 53, .proto = IP_UDP,
	 .steps = {FIRST_(2, 1000), LAST_(2, 1)}},
	{.name = "v4: many at once, each its own",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(10, 2000), FIRST_(11, 2001), FIRST_(12, 2002), FIRST_(13, 2003),
	           LAST_(12, 3), LAST_(10, 1), LAST_(13, 4),
	           LAST_(11, 2), LAST_(10, 1)}},
	{.name = "v6: many at once, each its own",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(0x10, 2000), FIRST_(0x10010, 2001), FIRST_(0x1000010, 2002),
	           LAST_(0x10, 1), LAST_(0x10010, 2), LAST_(0x1000010, 3)}},
	{.name = "v4: the second without first, then behind it",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {LAST_(20, 0), FIRST_(20, 3000), LAST_(20, 2)}},
	{.name = "v6: the second without first, then behind it",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {LAST_(20, 0), FIRST_(20, 3000), LAST_(20, 2)}},
	{.name = "v4: another id",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(30, 3000), LAST_(31, 0), LAST_(30, 1)}},
	{.name = "v6: another id",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(30, 3000), LAST_(31, 0), LAST_(30 + 0x10000, 0), LAST_(30, 1)}},
	{.name = "v4: another protocol",
	 .vip = ALL4, .port = 53, .proto = IP_UDP,
	 .steps = {FIRST_(40, 3000), LAST_(40, 0, .proto = IP_TCP), LAST_(40, 0, .proto = IP_ICMP),
	           LAST_(40, 1)}},
	{.name = "v6: the protocol is the first's word",
	 .vip = ALL6, .port = 53, .proto = IP_UDP,
	 .steps = {FIRST_(40, 3000), LAST_(40, 1, .proto = IP_NONE), LAST_(40, 1)}},
	{.name = "v4: another sender",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(50, 3000), LAST_(50, 0, .src = "192.0.2.78"), LAST_(50, 1)}},
	{.name = "v6: another sender",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(50, 3000), LAST_(50, 0, .src = "2001:db8:c::78"), LAST_(50, 1)}},
	{.name = "v4: the id is used again, the newest counts",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(60, 3000), LAST_(60, 1), FIRST_(60, 3001), LAST_(60, 3)}},
	{.name = "v6: the id is used again, the newest counts",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(60, 3000), LAST_(60, 1), FIRST_(60, 3001), LAST_(60, 3)}},
	{.name = "v4: id 0",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {LAST_(0, 0), FIRST_(0, 3000), LAST_(0, 2)}},
	{.name = "v4: whole packets tell nothing",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {PLAIN_(70, 3000), LAST_(70, 0)}},
	{.name = "v6: whole packets tell nothing",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {PLAIN_(70, 3000), LAST_(70, 0)}},
	{.name = "v4: old, but not too old",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(80, 3000), WAIT_(FRAGMENT_LIFE_S - 1), LAST_(80, 1)}},
	{.name = "v4: older by 100 days, and by rounds of 2^24 s",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(82, 3000), WAIT_(8640000), LAST_(82, 0), FIRST_(83, 3000), WAIT_(1 << 24),
	           LAST_(83, 0), FIRST_(84, 3000), WAIT_((1 << 25) + 1), LAST_(84, 0)}},
	{.name = "v4: too old",
	 .vip = SPREAD4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(81, 3000), WAIT_(FRAGMENT_LIFE_S + 1), LAST_(81, 0), FIRST_(81, 3001),
	           LAST_(81, 4)}},
	{.name = "v6: older by 100 days, and by rounds of 2^24 s",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(82, 3000), WAIT_(8640000), LAST_(82, 0), FIRST_(83, 3000), WAIT_(1 << 24),
	           LAST_(83, 0), FIRST_(84, 3000), WAIT_((1 << 25) + 1), LAST_(84, 0)}},
	{.name = "v6: too old",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(81, 3000), WAIT_(FRAGMENT_LIFE_S + 1), LAST_(81, 0), FIRST_(81, 3001),
	           LAST_(81, 4)}},
	{.name = "v6: options before the first's ports",
	 .vip = SPREAD6, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(90, 3000), LAST_(90, 1)}, .chain = "d"},
	{.name = "v4: a service of all ports",
	 .vip = ALL4, .port = 7777, .proto = IP_TCP,
	 .steps = {FIRST_(100, 1), LAST_(100, 1)}},
	{.name = "v4: ... and one of its own",
	 .vip = ALL4, .port = 443, .proto = IP_TCP,
	 .steps = {FIRST_(101, 1), LAST_(101, 1)}},
	{.name = "v4: in a slot that moved, all where the flow is",
	 .vip = MOVED4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(110, 1), LAST_(110, 1), LAST_(110, 1)}, .backends = {BACKEND + 0}},
	{.name = "v6: in a slot that moved, all where the flow is",
	 .vip = MOVED6, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(110, 1), LAST_(110, 1), LAST_(110, 1)}, .backends = {BACKEND + 0}},
	{.name = "v4: in turn, by datagram and not by fragment",
	 .vip = TURNS4, .port = 80, .proto = IP_TCP,
	 .steps = {FIRST_(120, 1), LAST_(120, 1), FIRST_(121, 2), LAST_(120, 1),
	           LAST_(121, 3), PLAIN_(0, 3), PLAIN_(0, 1)},
	 .backends = {BACKEND + 0, 0, BACKEND + 1, 0, 0, BACKEND + 2, BACKEND + 0}},
};
/* clang-format on */

static struct fixture *fixture;
static struct paths paths;

static int setup(void **state)
{
	(void)state;
	fixture = fixture_new_fragments();
	return paths_open(&paths, fixture);
}

static int teardown(void **state)
{
	(void)state;
	paths_close(&paths);
	fixture_free(fixture);
	return 0;
}

static void frame_make(const struct conversation *c, const struct step *step, struct frame *frame)
{
	bool v6 = strchr(c->vip, ':') != NULL, behind = step->kind == LATER || step->kind == LAST;
	char chain[8] = "";
	struct frame_spec spec = {
		.src = step->src,
		.dst = c->vip,
		.proto = step->proto ? step->proto : c->proto,
		.sport = step->sport,
		.dport = c->port,
		.id = v6 ? 0 : (uint16_t)step->id,
		.id6 = step->id,
		.payload_bytes = 64,
	};

	if (behind)
		snprintf(chain, sizeof(chain), "%s", step->kind == LATER ? "m" : "l");
	else if (step->kind == FIRST)
		snprintf(chain, sizeof(chain), "f%s", c->chain ? c->chain : "");
	if (v6)
		spec.chain = *chain ? chain : NULL;
	else
		spec.fragment = step->kind == FIRST   ? V4_MF
				: step->kind == LATER ? V4_MF | 8
				: step->kind == LAST  ? 16
						      : 0;
	frame_build(&spec, frame);
}

static uint32_t service_of(const struct conversation *c)
{
	uint32_t all = fixture->services_n;

	for (uint32_t i = 0; i < fixture->services_n; i++) {
		const struct fixture_service *s = &fixture->services[i];

		if (strcmp(s->vip, c->vip) != 0 || s->proto != c->proto)
			continue;
		if (s->port == c->port)
			return i;
		if (s->port == 0)
			all = i;
	}
	assert_true(all < fixture->services_n);
	return all;
}

/* The counter row of a vip: behind the services, in the order in which they first appear. */
static uint32_t vip_row(const char *vip)
{
	uint32_t row = fixture->services_n;

	for (uint32_t i = 0; i < fixture->services_n; i++) {
		bool first = true;

		for (uint32_t k = 0; k < i; k++)
			first &= strcmp(fixture->services[k].vip, fixture->services[i].vip) != 0;
		row += first;
		if (strcmp(fixture->services[i].vip, vip) == 0)
			return row;
	}
	return 0;
}

/* Step `n` of a conversation, whose frame is frames[n]. */
static void step_expect(const struct conversation *c, uint32_t n, const struct frame *frames,
			struct parity_result *expected)
{
	const struct step *step = &c->steps[n];
	bool behind = step->kind == LATER || step->kind == LAST;
	uint32_t of = behind ? step->like - 1U : n, service = service_of(c), slot;
	const struct fixture_service *s = &fixture->services[service];
	struct view view, first;
	uint64_t hash;

	*expected = (struct parity_result){.fate = PARITY_DROPPED, .verdict = VERDICT_fragment};
	expected->row = vip_row(c->vip);
	if (behind && step->like == 0)
		return;
	(void)view_read(&frames[n], &view);
	assert_int_equal(view_read(&frames[of], &first), VERDICT_forward);
	hash = oracle_hash(fixture, &first);
	slot = (uint32_t)((hash >> 32) * s->slots >> 32);
	expected->verdict = VERDICT_forward;
	expected->fate = PARITY_SENT;
	expected->row = 1 + service;
	oracle_encap(fixture, &frames[n], &view, service,
		     c->backends[of] == BY_HASH ? fixture->slots[service][slot]
						: c->backends[of] - (uint32_t)BACKEND,
		     hash, expected);
}

/* The conversation's packets up to the next wait, from step *at on, through a path in one batch. */
static uint32_t batch_run(const struct parity_path *path, const struct conversation *c,
			  uint32_t *at)
{
	static struct parity_result expected, got[STEPS_MAX];
	static struct frame frames[STEPS_MAX];
	uint32_t first = *at, differences = 0;
	char what[160];

	for (uint32_t k = 0; k < STEPS_MAX; k++)
		frame_make(c, &c->steps[k], &frames[k]);
	while (*at < STEPS_MAX && c->steps[*at].kind != END && c->steps[*at].kind != WAIT)
		++*at;
	path->run(&frames[first], *at - first, got);
	for (uint32_t k = first; k < *at; k++) {
		step_expect(c, k, frames, &expected);
		snprintf(what, sizeof(what), "%s: %s: packet %u", path->name, c->name, k + 1);
		differences += !result_same(what, &frames[k], &expected, &got[k - first]);
	}
	return differences;
}

static void test_conversations(void **state)
{
	uint32_t differences = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		const struct conversation *c = &conversations[i];

		for (uint32_t p = 0; p < paths.n; p++) {
			for (uint32_t at = 0; at < STEPS_MAX && c->steps[at].kind != END;) {
				if (c->steps[at].kind == WAIT)
					paths.at[p]->wait(c->steps[at++].id);
				else
					differences += batch_run(paths.at[p], c, &at);
			}
		}
	}
	assert_int_equal(differences, 0);
}

/* However many datagrams are begun, the newest is known, and no more than there is room for. */
static void test_flood(void **state)
{
	static const struct conversation flood = {
		.name = "flood", .vip = SPREAD6, .port = 80, .proto = IP_TCP};
	static struct parity_result got[PARITY_BATCH_MAX];
	static struct frame frames[PARITY_BATCH_MAX];
	struct step step = {.kind = FIRST, .sport = 1000};

	(void)state;
	for (uint32_t p = 0; p < paths.n; p++) {
		const struct parity_path *path = paths.at[p];
		uint32_t known_n = 0;

		if (path == &path_core)
			continue; /* it keeps all */
		for (uint32_t i = 0; i < FLOOD; i += PARITY_BATCH_MAX) {
			step.kind = FIRST;
			for (uint32_t k = 0; k < PARITY_BATCH_MAX; k++) {
				step.id = 0xf0000000 + i + k;
				frame_make(&flood, &step, &frames[k]);
			}
			path->run(frames, PARITY_BATCH_MAX, got);
			step.kind = LAST;
			frame_make(&flood, &step, &frames[0]);
			path->run(frames, 1, got);
			if (got[0].verdict != VERDICT_forward)
				fail_msg("%s: of %u datagrams the newest is not known", path->name,
					 i + PARITY_BATCH_MAX);
		}
		step.kind = LAST;
		/* The newest first: these are asked for before they can be too old. */
		for (uint32_t i = FLOOD; i-- > 0;) {
			step.id = 0xf0000000 + i;
			frame_make(&flood, &step, &frames[0]);
			path->run(frames, 1, got);
			known_n += got[0].verdict == VERDICT_forward;
		}
		print_message("# %s: %u of %u are known\n", path->name, known_n, FLOOD);
		assert_in_range(known_n, NEWEST, FRAGMENT_ENTRIES);
	}
}

/* The identification of the outer header that a path gives to a packet of the vip's. */
static uint16_t outer_id(const struct parity_path *path, const struct step *step)
{
	static const struct conversation web = {.vip = WEB4, .port = 80, .proto = IP_TCP};
	static struct parity_result got;
	static struct frame frame;

	frame_make(&web, step, &frame);
	path->run(&frame, 1, &got);
	assert_int_equal(got.verdict, VERDICT_forward);
	return frame_get16(got.bytes + 14 + 4);
}

/*
 * Outer packets of one source, destination and protocol that a router may fragment: RFC 791 has
 * them told apart by the identification. Clients' own may be the same, and those of one
 * datagram's fragments are.
 */
static void test_outer_ids(void **state)
{
	static const struct step packets[] = {
		PLAIN_(7, 1000), STEP(PLAIN, .id = 7, .sport = 1000, .src = "192.0.2.78"),
		PLAIN_(8, 1000), FIRST_(9, 1000),
		LATER_(9, 1),    LAST_(9, 1),
	};
	enum { PACKETS = sizeof(packets) / sizeof(packets[0]) };
	uint16_t ids[PACKETS];

	(void)state;
	for (uint32_t p = 0; p < paths.n; p++)
		for (uint32_t i = 0; i < PACKETS; i++) {
			ids[i] = outer_id(paths.at[p], &packets[i]);
			for (uint32_t k = 0; k < i; k++)
				if (ids[k] == ids[i])
					fail_msg("%s: packets %u and %u have one outer id",
						 paths.at[p]->name, k, i);
		}
}

/*
 * An error may be sent about a first fragment, never about a later one, though its flow is known (RFC 1122
 * §3.2.2, RFC 4443 §2.4 e). The frames hold more than an error quotes.
 */
static const struct untold {
	const char *name;
	const char *vip;
	uint16_t port;
	uint8_t proto;
	uint16_t payload_bytes;
	enum verdict first, later;
} untold[] = {
	{"v4 tcp, too big", WEB4, 80, IP_TCP, 1460, VERDICT_too_big, VERDICT_too_big_dropped},
	{"v4 udp, too big", WEB4, 53, IP_UDP, 1472, VERDICT_too_big, VERDICT_too_big_dropped},
	{"v4 udp, unserved", REFUSE4, 53, IP_UDP, 600, VERDICT_unserved_reject,
	 VERDICT_unserved_drop},
	{"v4 udp, no backend", VACANT4, 53, IP_UDP, 600, VERDICT_no_backend_reject,
	 VERDICT_no_backend},
	{"v6 tcp, too big", WEB6, 80, IP_TCP, 1440, VERDICT_too_big, VERDICT_too_big_dropped},
	{"v6 udp, too big", WEB6, 53, IP_UDP, 1472, VERDICT_too_big, VERDICT_too_big_dropped},
	{"v6 udp, unserved", REFUSE6, 53, IP_UDP, 600, VERDICT_unserved_reject,
	 VERDICT_unserved_drop},
	{"v6 udp, no backend", VACANT6, 53, IP_UDP, 600, VERDICT_no_backend_reject,
	 VERDICT_no_backend},
};

enum { UNTOLD_LATER = 2 }; /* one in the middle, and the last */

static void untold_make(const struct untold *u, uint32_t id, struct frame *frames)
{
	static const char *const chains[] = {"f", "m", "l"};
	static const uint16_t words[] = {V4_MF, V4_MF | 8, 16};
	bool v6 = strchr(u->vip, ':') != NULL;

	for (uint32_t i = 0; i <= UNTOLD_LATER; i++) {
		struct frame_spec spec = {
			.dst = u->vip,
			.proto = u->proto,
			.sport = 5000,
			.dport = u->port,
			.id = v6 ? 0 : (uint16_t)id,
			.id6 = id,
			.chain = v6 ? chains[i] : NULL,
			.fragment = v6 ? 0 : words[i] | V4_DF,
			.payload_bytes = u->payload_bytes,
		};

		frame_build(&spec, &frames[i]);
	}
}

/* How many of the frames fare in another way than they must. */
static uint32_t untold_differences(const struct parity_path *path, const struct untold *u,
				   const struct frame *frames)
{
	static struct parity_result got[1 + UNTOLD_LATER];
	uint32_t differences = 0;

	path->run(frames, 1 + UNTOLD_LATER, got);
	for (uint32_t k = 0; k <= UNTOLD_LATER; k++) {
		enum verdict must = k == 0 ? u->first : u->later;

		if (got[k].verdict == must && (k == 0 || got[k].fate == PARITY_DROPPED))
			continue;
		print_error("%s: %s: fragment %u is %s\n", path->name, u->name, k + 1,
			    verdict_name(got[k].verdict));
		differences++;
	}
	return differences;
}

static void test_untold(void **state)
{
	static struct frame frames[1 + UNTOLD_LATER];
	uint32_t differences = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++) {
		untold_make(&untold[i], 7000 + (uint32_t)i, frames);
		for (uint32_t p = 0; p < paths.n; p++)
			differences += untold_differences(paths.at[p], &untold[i], frames);
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
		cmocka_unit_test(test_paths),     cmocka_unit_test(test_conversations),
		cmocka_unit_test(test_outer_ids), cmocka_unit_test(test_untold),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
