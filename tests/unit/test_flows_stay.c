/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No flow moves that a living backend holds: seeded random sequences of changes (of backends,
 * scheduler, hash and number of slots), time and restarts of the daemon, against a list of all flows
 * with the backend that each began with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "named_rows.h"
#include "world_packets.h"

#define VIP "198.51.100.1"

enum {
	FLOWS = 500,
	ADDRESSES = 8, /* 192.0.2.1 to .8, of which some are backends */
};

struct flow_known {
	uint64_t hash;
	uint8_t home; /* 0: it could not begin */
};

struct life {
	struct fixture *f;
	uint64_t random;
	struct flow_known flows[FLOWS];
	uint32_t moved, broken, checked, ways;
};

static const struct service_conf *web(const struct life *l)
{
	return model_find(world_model(l->f), "web");
}

static bool lives(const struct life *l, uint8_t home)
{
	const struct service_conf *s = web(l);

	for (uint32_t i = 0; i < s->backends_n; i++)
		if (s->backends[i].addr.bytes[3] == home)
			return s->backends[i].admin != BACKEND_DISABLED;
	return false;
}

static void open_flow(struct life *l, struct flow_known *flow)
{
	flow->hash = random_next(&l->random);
	flow->home = world_send(VIP, flow->hash, true);
	/* Half-open, it would be forgotten after 10 s. */
	if (flow->home != 0)
		assert_int_equal(world_send(VIP, flow->hash, false), flow->home);
}

static void all_send(struct life *l, const char *when)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow_known *flow = &l->flows[i];
		uint8_t went;

		if (flow->home == 0)
			continue;
		went = world_send(VIP, flow->hash, false);
		l->checked++;
		if (went != flow->home)
			fail_msg("%s: a flow moved from %u to %u", when, flow->home, went);
	}
}

/* Those of backends that died are others from now on. */
static void bury(struct life *l)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		if (l->flows[i].home != 0 && lives(l, l->flows[i].home))
			continue;
		l->broken++;
		open_flow(l, &l->flows[i]);
	}
}

/* A copy of the service's configuration, for the caller to change. */
static struct service_conf *web_copy(const struct life *l)
{
	const struct service_conf *s = web(l);
	struct service_conf *spec = service_conf_new(s->backends_n);

	memcpy(spec, s, sizeof(*s) + s->backends_n * sizeof(s->backends[0]));
	spec->index = NULL;
	spec->refs = 1;
	return spec;
}

/* Another scheduler, hash or length of the lookup table, or several at once. */
static void way_vary(struct life *l, struct service_conf *spec)
{
	static const enum scheduler schedulers[] = {
		SCHEDULER_MAGLEV, SCHEDULER_MAGLEV, SCHEDULER_MAGLEV,     SCHEDULER_RR,
		SCHEDULER_WRR,    SCHEDULER_RANDOM, SCHEDULER_LEAST_CONN,
	};
	static const uint32_t slots_n[] = {251, 251, 509, 1021};

	if (random_below(&l->random, 2))
		spec->scheduler = (uint8_t)schedulers[random_below(&l->random, ROWS(schedulers))];
	if (random_below(&l->random, 2))
		spec->hash_source = random_below(&l->random, 2);
	if (spec->scheduler != SCHEDULER_MAGLEV)
		spec->hash_source = false;
	if (random_below(&l->random, 2))
		spec->slots = slots_n[random_below(&l->random, ROWS(slots_n))];
	l->ways++;
}

static void way_change(struct life *l)
{
	struct service_conf *spec = web_copy(l);
	struct model_error error;
	struct model *next;

	way_vary(l, spec);
	next = model_service_set(world_model(l->f), spec, &error);
	if (!next)
		fail_msg("%s", error.text);
	world_apply(l->f, next);
	service_conf_unref(spec);
}

static void any_change(struct life *l)
{
	const struct service_conf *s = web(l);
	const struct backend_conf *b = &s->backends[random_below(&l->random, s->backends_n)];
	char name[MODEL_NAME_MAX];
	uint8_t address;

	snprintf(name, sizeof(name), "%s", b->name);
	if (l->ways > 0 && random_below(&l->random, 4) == 0)
		way_change(l);
	s = web(l);
	switch (random_below(&l->random, 8)) {
	case 0: /* each address has one name */
		address = (uint8_t)(1 + random_below(&l->random, ADDRESSES));
		snprintf(name, sizeof(name), "b%u", address);
		if (!service_conf_find(s, name))
			world_add(l->f, name, address);
		break;
	case 1:
		if (s->backends_n > 2 && random_below(&l->random, 3) == 0)
			world_remove(l->f, name);
		break;
	case 2:
		world_admin(l->f, name, BACKEND_ENABLED);
		break;
	case 3:
		if (random_below(&l->random, 3) == 0)
			world_admin(l->f, name, BACKEND_DISABLED);
		break;
	case 4:
		world_drain(l->f, name, 0);
		break;
	default:
		world_weight(l->f, name, random_below(&l->random, 4) * 50);
	}
	bury(l);
}

static void restart(struct life *l)
{
	struct service_conf *spec = web_copy(l);

	if (l->ways > 0 && random_below(&l->random, 2))
		way_vary(l, spec);
	/* In the file they may stand in any order. */
	for (uint32_t i = 1; i < spec->backends_n; i++) {
		uint32_t k = random_below(&l->random, i + 1);
		struct backend_conf swap = spec->backends[i];

		spec->backends[i] = spec->backends[k];
		spec->backends[k] = swap;
	}
	world_restart(l->f);
	world_apply(l->f, world_with(world_with(model_new(&l->f->settings),
						world_spec("another", "198.51.100.2", 1)),
				     spec));
}

static void live(struct fixture *f, uint64_t seed, bool restarts, bool ways, uint32_t slow_start_s)
{
	static struct life l;
	struct service_conf *spec = world_spec("web", VIP, 4);

	l = (struct life){.f = f, .random = seed, .ways = ways};
	spec->slow_start_s = slow_start_s;
	world_apply(f, world_with(model_new(&f->settings), spec));
	for (uint32_t i = 0; i < FLOWS; i++)
		open_flow(&l, &l.flows[i]);
	for (uint32_t round = 0; round < 60; round++) {
		uint32_t changes = 1 + random_below(&l.random, 3);

		for (uint32_t i = 0; i < changes; i++) {
			any_change(&l);
			world_wait(f, random_below(&l.random, 20));
			if (restarts && random_below(&l.random, 6) == 0)
				restart(&l);
		}
		all_send(&l, "in a transition");
		if (slow_start_s > 0) { /* its steps are changes, too */
			world_wait(f, slow_start_s);
			all_send(&l, "after a slow start");
		}
		world_wait(f, random_below(&l.random, 2) * 330);
		all_send(&l, "some time later");
		for (uint32_t i = 0; i < FLOWS / 10; i++) {
			struct flow_known *flow = &l.flows[random_below(&l.random, FLOWS)];
			struct memory_entry *entry = world_flow(flow->hash);

			if (entry)
				world_forget(entry); /* it ended, and was silent */
			open_flow(&l, flow);
		}
	}
	assert_true(l.checked > 30000);
	assert_true(l.broken > 100);
	assert_true(!ways || l.ways > 15);
}

static void test_changes(void **state)
{
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct fixture *f;

		world_setup((void **)&f);
		print_message("# seed %llu\n", (unsigned long long)seed);
		live(f, seed, false, seed > 6, seed % 2 ? 0 : 30);
		world_teardown((void **)&f);
	}
	*state = NULL;
}

static void test_restarts(void **state)
{
	for (uint64_t seed = 31; seed <= 50; seed++) {
		struct fixture *f;

		world_setup((void **)&f);
		print_message("# seed %llu\n", (unsigned long long)seed);
		live(f, seed, true, seed > 36, 0);
		world_teardown((void **)&f);
	}
	*state = NULL;
}

/* With the same configuration: the same slots, marks and previous choices, under the same row. */
static void test_restart_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint16_t slots[251], previous[251];
	const struct service *s;
	struct service_conf *spec;
	uint32_t id;

	world_apply(f, world_with(world_with(model_new(&f->settings),
					     world_spec("another", "198.51.100.2", 1)),
				  world_spec("web", VIP, 2)));
	world_weight(f, "b1", 10);
	world_add(f, "b3", 3);
	world_remove(f, "b2");
	s = world_service(VIP);
	assert_int_equal(s->slots, 251);
	assert_int_not_equal(s->previous_off, 0);
	id = s->id;
	memcpy(slots, world_slots(s), sizeof(slots));
	memcpy(previous, world_previous(s), sizeof(previous));

	spec = world_spec("web", VIP, 2);
	spec->backends[1].weight = 10; /* b3 is the first now */
	snprintf(spec->backends[0].name, sizeof(spec->backends[0].name), "b3");
	snprintf(spec->backends[1].name, sizeof(spec->backends[1].name), "b1");
	spec->backends[0].addr = addr("192.0.2.3");
	spec->backends[1].addr = addr("192.0.2.1");
	world_restart(f);
	world_apply(f, world_with(model_new(&f->settings), spec));
	s = world_service(VIP);
	assert_int_equal(s->id, id);
	assert_memory_equal(world_slots(s), slots, sizeof(slots));
	assert_memory_equal(world_previous(s), previous, sizeof(previous));
	assert_int_equal(world_generation()->number, path.published);
	world_wait(f, 303);
	assert_int_equal(world_service(VIP)->previous_off, 0);
}

/* With another seed every flow has another hash: nothing of what was can be gone on from. */
static void test_restart_with_another_seed(void **state)
{
	struct fixture *f = *state;

	world_apply(f, world_with(model_new(&f->settings), world_spec("web", VIP, 3)));
	world_weight(f, "b1", 10);
	assert_true(world_changed(world_service(VIP)) > 0);
	f->settings.seed.k[0]++;
	world_restart(f);
	world_apply(f, world_with(model_new(&f->settings), world_spec("web", VIP, 3)));
	assert_int_equal(world_changed(world_service(VIP)), 0);
	assert_int_equal(world_service(VIP)->previous_off, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test_setup_teardown(test_restart_changes_nothing, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_restart_with_another_seed, world_setup,
						world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
