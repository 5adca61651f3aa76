/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon that is started again and again, against its twin that never is: seeded random sequences
 * of changes, health and time. After each second both have the same slots, previous choices,
 * weights in force and admin states, and as much time left; where the tables could not be adopted,
 * all of that but what a transition leaves. The twin's history is recorded first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "named_rows.h"
#include "world_packets.h"

#define VIP "198.51.100.1"

enum {
	ADDRESSES = 8, /* 192.0.2.1 to .8, of which some are backends */
	STEPS = 400,
	SLOTS_MAX = 1021,
	TRANSITION_S = 60,
	SLOW_START_S = 20,
};

enum restarts {
	RESTARTS_NONE,
	RESTARTS_ADOPT,
	RESTARTS_BLANK, /* another layout, or a path that kept nothing */
};

/* What is there after a step. Backends by the last byte of their addresses. */
struct sight {
	uint32_t slots_n;
	uint8_t current[SLOTS_MAX], previous[SLOTS_MAX];
	bool in_transition;
	uint32_t ends_in_s;
	uint32_t weights[ADDRESSES + 1]; /* in force */
	uint8_t admin[ADDRESSES + 1];    /* enum backend_admin, and 1 more; 0: there is none */
	bool down[ADDRESSES + 1];
};

static struct sight twin[STEPS];

static const struct service_conf *web(const struct fixture *f)
{
	return model_find(world_model(f), "web");
}

static void look(struct fixture *f, struct sight *sight)
{
	const struct service_conf *conf = web(f);
	const struct service *s = world_service(VIP);
	struct daemon_backend rows[ADDRESSES];
	struct daemon_transition t;

	memset(sight, 0, sizeof(*sight));
	sight->slots_n = s->slots;
	assert_true(s->slots <= SLOTS_MAX);
	for (uint32_t i = 0; i < s->slots; i++) {
		sight->current[i] = world_name(s, world_slots(s)[i]);
		if (s->previous_off)
			sight->previous[i] = world_name(s, world_previous(s)[i]);
	}
	publisher_transition_read(f->publisher, conf, &t);
	sight->in_transition = t.state == TRANSITION_ACTIVE;
	sight->ends_in_s = sight->in_transition ? t.ends_in_s : 0;
	assert_int_equal(publisher_backends_read(f->publisher, conf, rows), 0);
	for (uint32_t i = 0; i < conf->backends_n; i++) {
		uint8_t name = conf->backends[i].addr.bytes[3];

		sight->weights[name] = rows[i].weight;
		sight->admin[name] = (uint8_t)(conf->backends[i].admin + 1);
		sight->down[name] = publisher_is_down(f->publisher, conf, i);
	}
}

static void any_change(struct fixture *f, uint64_t *random)
{
	const struct service_conf *s = web(f);
	uint32_t at = random_below(random, s->backends_n), dice = random_below(random, 10);
	uint32_t amount = random_below(random, 100);
	uint8_t address = (uint8_t)(1 + random_below(random, ADDRESSES));
	char name[MODEL_NAME_MAX];

	snprintf(name, sizeof(name), "%s", s->backends[at].name);
	switch (dice) {
	case 0:
		snprintf(name, sizeof(name), "b%u", address);
		if (!service_conf_find(s, name))
			world_add(f, name, address);
		break;
	case 1:
		if (s->backends_n > 3)
			world_remove(f, name);
		break;
	case 2:
	case 3:
		world_admin(f, name, BACKEND_ENABLED);
		break;
	case 4: /* what is disabled isn't checked */
		if (amount >= 30)
			break;
		publisher_health_set(f->publisher, "web", name, false);
		world_admin(f, name, BACKEND_DISABLED);
		break;
	case 5: /* and its timeout disables it */
		publisher_health_set(f->publisher, "web", name, false);
		world_drain(f, name, amount < 20 ? 0 : amount);
		break;
	case 6:
	case 7:
		if (s->backends[at].admin != BACKEND_ENABLED)
			break;
		publisher_health_set(f->publisher, "web", name, amount < 40);
		publisher_flush(f->publisher);
		break;
	default:
		world_weight(f, name, amount * 2);
	}
}

/* As the file would say it: it leaves the slots open. */
static struct model *file_of(struct fixture *f)
{
	const struct service_conf *s = web(f);
	struct service_conf *spec = service_conf_new(s->backends_n);

	memcpy(spec, s, sizeof(*s) + s->backends_n * sizeof(s->backends[0]));
	spec->index = NULL;
	spec->refs = 1;
	spec->slots = 0;
	spec->slots_chosen = false;
	return world_with(model_new(&f->settings), spec);
}

static void compare(const struct sight *now, const struct sight *want, uint64_t seed, uint32_t step,
		    bool adopts)
{
	const char *what = NULL;

	if (now->slots_n != want->slots_n)
		what = "the lookup table's length";
	else if (memcmp(now->weights, want->weights, sizeof(now->weights)) != 0)
		what = "weights";
	else if (memcmp(now->admin, want->admin, sizeof(now->admin)) != 0)
		what = "admin states";
	else if (memcmp(now->down, want->down, sizeof(now->down)) != 0)
		what = "who is down";
	else if (memcmp(now->current, want->current, sizeof(now->current)) != 0)
		what = "current choices";
	else if (adopts && memcmp(now->previous, want->previous, sizeof(now->previous)) != 0)
		what = "previous choices";
	else if (adopts &&
		 (now->in_transition != want->in_transition || now->ends_in_s != want->ends_in_s))
		what = "the transition's time";
	if (what)
		fail_msg("seed %llu, step %u: %s: not as without a restart",
			 (unsigned long long)seed, step, what);
}

static void live(uint64_t seed, enum restarts restarts)
{
	uint64_t random = seed, when = seed ^ 0x5a5a;
	struct service_conf *spec;
	struct fixture *f;
	uint32_t n = 0;

	world_setup((void **)&f);
	spec = world_spec("web", VIP, 4);
	spec->transition_s = TRANSITION_S;
	spec->slow_start_s = SLOW_START_S;
	spec->health = health_conf_default();
	spec->health.type = HEALTH_TCP;
	world_apply(f, world_with(model_new(&f->settings), spec));
	for (uint32_t step = 0; step < STEPS; step++) {
		static struct sight now;
		uint32_t seconds = random_below(&random, 4) == 0 ? random_below(&random, 40) : 1;

		if (random_below(&random, 3) == 0)
			any_change(f, &random);
		/* The clock goes on while no daemon runs. */
		if (restarts != RESTARTS_NONE && random_below(&when, 4) == 0) {
			world_go_on(f, NULL, restarts == RESTARTS_ADOPT, file_of(f));
			n++;
		}
		world_wait(f, seconds);
		look(f, restarts == RESTARTS_NONE ? &twin[step] : &now);
		if (restarts != RESTARTS_NONE)
			compare(&now, &twin[step], seed, step, restarts == RESTARTS_ADOPT);
	}
	assert_true(restarts == RESTARTS_NONE || n > STEPS / 8);
	world_teardown((void **)&f);
}

static void test_twin(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		uint32_t transitions = 0, slow = 0;

		live(seed, RESTARTS_NONE);
		for (uint32_t i = 0; i < STEPS; i++) {
			transitions += twin[i].in_transition;
			for (int b = 1; b <= ADDRESSES; b++)
				slow += twin[i].admin[b] == BACKEND_ENABLED + 1 &&
					twin[i].weights[b] > 0 && twin[i].weights[b] < 10;
		}
		assert_true(transitions > STEPS / 10 && transitions < STEPS);
		live(seed, RESTARTS_ADOPT);
		live(seed, RESTARTS_BLANK);
		print_message("# seed %llu: of %u steps %u in a transition, %u small weights\n",
			      (unsigned long long)seed, STEPS, transitions, slow);
	}
	*state = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
