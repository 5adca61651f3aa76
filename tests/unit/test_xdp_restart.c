/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sluice-xdp.so remembers of flows over a restart of its daemon, on two veths (xdp_lab.h): a
 * daemon that goes on with the tables goes on with the flows, and one that can't says why. Skipped
 * without root.
 */
#include "xdp_module_world.h"

#include "program.h"
#include "sluice/memory.h"
#include "sluice/service.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	ENTRIES_MAX = 16,
	ROOM_AT = XDP_ARENA_BYTES - 4096, /* where the fixture lays nothing out */
};

static struct generation *generation(void)
{
	const struct arena_head *head = (const struct arena_head *)started.arena;

	return (struct generation *)((uint8_t *)started.arena + head->current);
}

static void publish_new(void)
{
	struct arena_head *head = (struct arena_head *)started.arena;
	struct fixture *fixture = fixture_new();
	uint32_t offset = fixture_lay(fixture, started.arena, started.arena_bytes);

	fixture_free(fixture);
	for (int state = 0; state < MEMORY_STATES; state++)
		generation()->idle_s[state] = 600;
	head->current = 0; /* the fixture has stored it, which is the module's to do */
	path->publish(offset);
	path->quiesce();
}

static struct service *service_of_way(unsigned int way)
{
	char vip[32];
	struct flow f = {.last = flow_last(0, be16_from(80), PROTO_TCP, FLOW_BYTES_V4)};
	uint32_t addr;

	snprintf(vip, sizeof(vip), WAYS4, FIXTURE_WAYS_FIRST + way);
	assert_int_equal(inet_pton(AF_INET, vip, &addr), 1);
	f.addrs[0] = (uint64_t)addr << 32;
	return (struct service *)(uintptr_t)service_find(started.arena, generation(), &f);
}

/* A transition away from the way's one backend, which still lives, to none. */
static void way_change(unsigned int way)
{
	struct service *s = service_of_way(way);
	uint8_t *arena = (uint8_t *)started.arena;
	uint16_t *slots = (uint16_t *)(arena + s->slots_off);

	memset(arena + ROOM_AT, 0, s->slots * sizeof(*slots)); /* backend 0 */
	for (uint32_t i = 0; i < s->slots; i++)
		slots[i] = SLOT_NONE | SLOT_CHANGED;
	s->backends = 1;
	((struct backend *)(arena + s->backends_off))->flags |= BACKEND_LIVES;
	s->previous_off = ROOM_AT;
}

struct walked {
	uint32_t n;
	struct memory_entry entries[ENTRIES_MAX];
};

static void walked_add(void *ctx, uint32_t worker, const struct memory_entry *entry)
{
	struct walked *w = ctx;

	assert_int_equal(worker, 0);
	assert_true(w->n < ENTRIES_MAX);
	w->entries[w->n++] = *entry;
}

static void walk(struct walked *w)
{
	struct fast_path_walk at = {0};
	int rc;

	w->n = 0;
	do
		rc = path->memory_walk(&at, walked_add, w);
	while (rc > 0);
	assert_int_equal(rc, 0);
}

static struct memory_counters counters(void)
{
	struct memory_counters c;

	assert_int_equal(path->memory_read(&c), 0);
	return c;
}

static int begin(void **state)
{
	before_each(state);
	start_well(false);
	publish_new();
	return 0;
}

static void test_steady(void **state)
{
	struct walked w;

	assert_int_equal(lab_lost(&lab, 10), 0);
	walk(&w);
	assert_int_equal(w.n, 0);
	assert_int_equal(counters().lookups, 0);
}

static void test_kept(void **state)
{
	struct walked before, after;
	struct memory_counters c;

	way_change(0);
	way_change(1);
	assert_true(lab_exchange(&lab, 0, 0));
	assert_true(lab_exchange(&lab, 0, 0));
	/* Now only memory tells where it is; of the other way, there is none. */
	service_of_way(0)->previous_off = service_of_way(1)->previous_off = 0;
	assert_true(lab_exchange(&lab, 0, 0));
	assert_false(lab_exchange(&lab, 1, 1));
	walk(&before);
	assert_int_equal(before.n, 1);
	assert_int_equal(memory_state(&before.entries[0].memory), MEMORY_TCP);
	stop(false);
	assert_true(lab_exchange(&lab, 0, 0));
	start_well(true);
	walk(&after);
	assert_int_equal(after.n, 1);
	assert_int_equal(after.entries[0].hash, before.entries[0].hash);
	assert_int_equal(after.entries[0].memory.service, service_of_way(0)->id);
	assert_true(lab_exchange(&lab, 0, 0));
	c = counters();
	assert_int_equal(c.inserts, 1);
	assert_int_equal(c.entries, 1);
	assert_int_equal(c.lookups, 6);
	assert_int_equal(c.hits, 4);
}

static void test_clock(void **state)
{
	struct timespec now;
	struct walked w;

	way_change(0);
	assert_true(lab_exchange(&lab, 0, 0));
	walk(&w);
	assert_int_equal(w.n, 1);
	assert_in_range(memory_idle_s(&w.entries[0].memory, path->memory_now_s()), 0, 2);
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_in_range((uint32_t)now.tv_sec - path->memory_now_s(), 0, 1);
	/* Nothing comes before its time, and goes with it. */
	for (int i = 0; i < MEMORY_STATES; i++)
		generation()->idle_s[i] = 1;
	for (int i = 0; i < 40 && w.n > 0; i++) {
		usleep(100000);
		walk(&w);
	}
	assert_int_equal(w.n, 0);
	assert_int_equal(counters().expired, 1);
	assert_int_equal(counters().entries, 0);
}

static void test_size_changed(void **state)
{
	uint64_t capacity = counters().capacity;

	stop(false);
	config.flows_max = 1 << 17;
	start_well(false);
	assert_non_null(strstr(logged, "half_open has another size"));
	assert_int_equal(lab_lost(&lab, 10), 0); /* the old one goes on meanwhile */
	publish_new();
	assert_int_equal(lab_lost(&lab, 10), 0);
	assert_int_equal(capacity, 2 * PROGRAM_FLOWS_MIN);
	assert_int_equal(counters().capacity, 1 << 17);
}

/* An older daemon's tables: other layouts, and no maps of flows. */
static void test_older_layout(void **state)
{
	((struct arena_head *)started.arena)->layout = ARENA_LAYOUT_OLDEST - 1;
	stop(false);
	assert_int_equal(unlink(LAB_PINS "/half_open") | unlink(LAB_PINS "/established") |
				 unlink(LAB_PINS "/memory_counts"),
			 0);
	start_well(false);
	assert_non_null(strstr(logged, "arena holds no generation of this build's layout"));
	assert_int_equal(lab_lost(&lab, 10), 0);
	publish_new();
	assert_int_equal(lab_lost(&lab, 10), 0);
	stop(false);
	start_well(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, after_each)
		ROW(test_steady),       ROW(test_kept),         ROW(test_clock),
		ROW(test_size_changed), ROW(test_older_layout),
	};

	return world_run("xdp restart", tests, sizeof(tests) / sizeof(tests[0]));
}
