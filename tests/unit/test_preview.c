/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a dry run says is what happens: seeded random changes of every kind, of a service in a
 * steady state, in a transition or after one, are previewed, made, and then every flow sends a
 * packet. Flows are a list with the backend that each is at. The shares of flows that aren't
 * remembered are estimates: of so many flows they differ by chance, for which four standard
 * deviations are allowed. While a service settles, slots with a mark have fewer such flows than
 * others, which nobody counts: then none and all are compared only.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "named_rows.h"
#include "world_packets.h"

#define VIP "198.51.100.1"

enum {
	FLOWS = 3000,
	TRIALS = 150,
	ADDRESSES = 9,
};

struct trial {
	struct fixture *f;
	uint64_t seed, random;
	uint64_t hash[FLOWS];
	uint8_t home[FLOWS]; /* 0: none */
	bool remembered[FLOWS];
};

static struct trial t;
static struct {
	uint32_t ways, cut, moved, kept; /* what happened, so that a test of nothing shows */
} seen;

static uint32_t below(uint32_t n)
{
	return random_below(&t.random, n);
}

static const struct service_conf *web(void)
{
	return model_find(world_model(t.f), "web");
}

/* Its scheduler, hash and slots. */
static void way_vary(struct service_conf *spec)
{
	static const uint32_t slots_n[] = {251, 251, 509, 1021};

	spec->scheduler = (uint8_t)(below(2) ? SCHEDULER_MAGLEV : below(SCHEDULER_LEAST_CONN + 1));
	spec->hash_source = spec->scheduler == SCHEDULER_MAGLEV && below(3) == 0;
	spec->slots = slots_n[below(4)];
}

static void backend_vary(struct backend_conf *b)
{
	switch (below(6)) {
	case 0:
		b->admin = BACKEND_DISABLED;
		break;
	case 1:
		b->admin = BACKEND_DRAINING;
		break;
	case 2:
		b->admin = BACKEND_ENABLED;
		break;
	default:
		b->weight = 10 + below(200);
	}
}

/* The service with other backends and another way; each of it, or nothing, may stay as it is. */
static struct service_conf *spec_vary(bool may_be_the_same)
{
	const struct service_conf *s = web();
	uint32_t n = s->backends_n, to = n;
	struct service_conf *spec;

	if (below(4) == 0)
		to = 2 + below(ADDRESSES - 1);
	spec = world_spec("web", VIP, to);
	memcpy(spec->backends, s->backends, (to < n ? to : n) * sizeof(spec->backends[0]));
	spec->scheduler = s->scheduler;
	spec->hash_source = s->hash_source;
	spec->slots = s->slots;
	spec->transition_s = s->transition_s;
	if (below(2))
		way_vary(spec);
	for (uint32_t i = 0; i < to && below(2); i++)
		backend_vary(&spec->backends[below(to)]);
	if (!may_be_the_same)
		spec->backends[0].weight = s->backends[0].weight + 1;
	return spec;
}

static struct model *model_of(struct service_conf *spec)
{
	return world_with(model_new(&t.f->settings), spec);
}

static void open_one(uint32_t i)
{
	t.home[i] = world_send(VIP, t.hash[i], true);
	if (t.home[i] != 0)
		assert_int_equal(world_send(VIP, t.hash[i], false), t.home[i]);
}

static void open_all(void)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		t.hash[i] = random_next(&t.random);
		open_one(i);
	}
}

/* Each flow sends, or ends, and a new one takes its place. */
static void some_time(uint32_t seconds)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct memory_entry *entry = world_flow(t.hash[i]);

		if (t.home[i] == 0)
			continue;
		if (below(4) == 0) {
			if (entry)
				world_forget(entry);
			t.hash[i] = random_next(&t.random);
			open_one(i);
		} else {
			t.home[i] = world_send(VIP, t.hash[i], false);
		}
	}
	world_wait(t.f, seconds);
}

/* Clients whose backend died come again, by the same port: flows lie in all slots alike. */
static void bury(void)
{
	const struct service_conf *s = web();

	for (uint32_t i = 0; i < FLOWS; i++) {
		bool lives = false;

		for (uint32_t k = 0; k < s->backends_n; k++)
			lives = lives || (s->backends[k].addr.bytes[3] == t.home[i] &&
					  s->backends[k].admin != BACKEND_DISABLED);
		if (!lives)
			open_one(i);
	}
}

static void fail_at(const char *what, double got, double said)
{
	fail_msg("seed %llu: %s: %f, but the dry run said %f", (unsigned long long)t.seed, what,
		 got, said);
}

/* What comes of `next` beside what was said. `moved_said`: of flows that aren't remembered. */
static void change_and_compare(struct model *next, const struct daemon_preview *said,
			       double moved_said, bool settles)
{
	uint32_t n = 0, moved = 0, cut = 0;
	double got, chance;

	for (uint32_t i = 0; i < FLOWS; i++)
		t.remembered[i] = world_flow(t.hash[i]) != NULL;
	world_apply(t.f, next);
	for (uint32_t i = 0; i < FLOWS; i++) {
		bool goes;

		if (t.home[i] == 0)
			continue;
		goes = world_send(VIP, t.hash[i], false) != t.home[i];
		if (t.remembered[i]) {
			cut += goes;
			continue;
		}
		n++;
		moved += goes;
	}
	/* One that is cut may come where it was: it was drawn, or its address has another index. */
	if (cut > said->flows_cut || (cut == 0 && said->flows_cut > 20))
		fail_at("remembered flows that broke", cut, (double)said->flows_cut);
	seen.cut += cut;
	seen.moved += moved;
	seen.kept += n - moved;
	if (n < 100)
		return;
	got = (double)moved / n;
	chance = settles && moved_said > 0 && moved_said < 1
			 ? 1
			 : 4 * sqrt(moved_said * (1 - moved_said) / (n < 700 ? n : 700));
	if (fabs(got - moved_said) > chance + 0.002)
		fail_at("share of flows that moved", got, moved_said);
}

/* The slots, by address, before and after. */
static void slots_compare(const uint8_t *before, uint32_t before_n, uint16_t before_flags,
			  const struct daemon_preview *said)
{
	const uint16_t kind = SERVICE_HASH_SOURCE | SERVICE_REMEMBERS;
	const struct service *s = world_service(VIP);
	bool drawn = s->flags & SERVICE_REMEMBERS && before_flags & SERVICE_REMEMBERS;
	uint32_t moved = 0;

	assert_int_equal(said->slots, s->slots);
	if (drawn) {
		assert_int_equal(said->slots_moved, 0);
		return;
	}
	if (before_n != s->slots || ((before_flags ^ s->flags) & kind) != 0) {
		assert_int_equal(said->slots_moved, s->slots);
		seen.ways++;
		return;
	}
	for (uint32_t i = 0; i < s->slots; i++)
		moved += world_name(s, world_slots(s)[i]) != before[i];
	if (moved != said->slots_moved)
		fail_at("slots that moved", moved, said->slots_moved);
}

/* `waits`: with a transition; else without one, as the dry run told of both. */
static void try_one(uint64_t seed, bool waits)
{
	static uint8_t before[1 << 16];
	struct daemon_preview said;
	struct service_conf *spec;
	const struct service *s;
	struct model *next;
	uint32_t before_n;
	uint16_t before_flags;
	bool settles;
	int rows;

	world_setup((void **)&t.f);
	t.seed = seed;
	t.random = seed;
	spec = world_spec("web", VIP, 2 + below(4));
	way_vary(spec);
	world_apply(t.f, model_of(spec));
	open_all();
	for (uint32_t i = below(4); i > 0; i--) {
		world_apply(t.f, model_of(spec_vary(true)));
		bury();
		some_time(below(3) == 0 ? 400 : below(50));
	}
	bury();
	s = world_service(VIP);
	before_n = s->slots;
	before_flags = s->flags;
	settles = !(s->flags & SERVICE_WAY) && world_changed(s) != world_previous_n(s);
	for (uint32_t i = 0; i < before_n; i++)
		before[i] = world_name(s, world_slots(s)[i]);
	spec = spec_vary(false);
	next = model_of(service_conf_ref(spec));
	rows = publisher_preview(t.f->publisher, next, &said, 1);
	assert_int_equal(rows, 1);
	if (!waits) {
		model_free(next);
		spec->transition_s = 0;
		next = model_of(service_conf_ref(spec));
	}
	change_and_compare(next, &said, waits ? said.moved_with : said.moved_without, settles);
	slots_compare(before, before_n, before_flags, &said);
	service_conf_unref(spec);
	world_teardown((void **)&t.f);
}

static void test_all(void **state)
{
	const char *text = getenv("SEED");
	uint64_t first = text ? strtoull(text, NULL, 0) : 1;

	(void)state;
	for (uint64_t seed = first; seed < first + TRIALS; seed++) {
		try_one(seed, true);
		try_one(seed, false);
	}
	print_message(
		"# %u other ways, %u remembered flows broke; of the others %u moved, %u stayed\n",
		seen.ways, seen.cut, seen.moved, seen.kept);
	assert_true(seen.ways > TRIALS / 4 && seen.cut > TRIALS && seen.moved > 100 * TRIALS &&
		    seen.kept > 100 * TRIALS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
