/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the publisher tells of flows: previews and lists. Packets are sent by the tables that lie in
 * the arena.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "b1_flows.h"

static struct daemon_preview preview(const struct fixture *f, struct model *next)
{
	struct daemon_preview rows[2];

	assert_non_null(next);
	assert_int_equal(publisher_preview(f->publisher, next, rows, 2), 1);
	model_free(next);
	assert_string_equal(rows[0].service, "web");
	return rows[0];
}

static void test_preview(void **state)
{
	struct fixture *f = *state;
	struct backend_conf b4 = {.name = "b4", .weight = 100, .addr = addr("192.0.2.4")};
	struct daemon_preview row;
	struct daemon_generation generation;
	struct model_error error;
	const struct service *s;
	uint32_t n, slots_b1;
	struct model *same;

	start_spec(f, world_spec("web", VIP, 3));
	n = b1_sends(true);
	world_weight(f, "b1", 50);
	b1_sends(false);
	publisher_generation(f->publisher, &generation);
	s = world_service(VIP);
	slots_b1 = world_slots_of(s, 1);

	row = preview(f, model_backend_add(world_model(f), "web", &b4, &error));
	assert_int_equal(row.slots, s->slots);
	assert_in_range(row.slots_moved, s->slots * 25 / 100, s->slots * 50 / 100);
	assert_int_equal(row.flows_cut, 0);
	assert_true(row.flows_touched <= path.flows_n);
	row = preview(f, model_backend_drain(world_model(f), "web", "b1", 0, &error));
	assert_true(row.slots_moved >= slots_b1);
	assert_int_equal(row.flows_cut, 0);
	row = preview(f,
		      model_backend_admin(world_model(f), "web", "b1", BACKEND_DISABLED, &error));
	assert_true(row.slots_moved >= slots_b1);
	assert_true(row.flows_cut > 0 && row.flows_cut <= n);
	assert_true(row.flows_touched >= row.flows_cut);
	row = preview(f, model_service_remove(world_model(f), "web", &error));
	assert_int_equal(row.slots, 0);
	assert_int_equal(row.slots_moved, s->slots);
	assert_int_equal(row.flows_cut, path.flows_n);
	same = model_backend_weight(world_model(f), "web", "b2", 100, &error);
	assert_int_equal(publisher_preview(f->publisher, same, &row, 1), 0);
	model_free(same);
	/* Nothing was changed by all that. */
	assert_int_equal(path.published, generation.number);
	publisher_generation(f->publisher, &generation);
	assert_int_equal(path.published, generation.number);
}

struct seen {
	uint32_t n;
	uint32_t of_b1;
	struct daemon_flow last;
};

/* Between two steps another generation comes, and what was in force goes. */
static void test_preview_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct daemon_preview_walk *walk;
	struct daemon_preview row;
	struct model_error error;
	struct model *next;
	uint32_t n;

	start_spec(f, world_spec("web", VIP, 3));
	n = b1_sends(true);
	world_drain(f, "b1", 0);
	b1_sends(false);
	path.step_flows = 4;
	next = model_backend_admin(world_model(f), "web", "b1", BACKEND_DISABLED, &error);
	assert_int_equal(publisher_preview_begin(f->publisher, next, &walk), 0);
	model_free(next);
	assert_int_equal(publisher_preview_next(walk), 1);
	world_weight(f, "b2", 7);
	world_weight(f, "b2", 8);
	while (publisher_preview_next(walk) > 0)
		;
	assert_true(publisher_preview_row(walk, 0, &row));
	assert_false(publisher_preview_row(walk, 1, &row));
	assert_string_equal(row.service, "web");
	assert_int_equal(row.flows_cut, n);
	publisher_preview_end(walk);
}

static void see(void *ctx, const struct daemon_flow *told)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->of_b1 += told->backend && strcmp(told->backend->name, "b1") == 0;
	seen->last = *told;
}

/* All steps. */
static uint64_t flows_read(struct fixture *f, const struct daemon_flow_filter *filter,
			   struct seen *seen)
{
	struct daemon_flow_walk *walk = publisher_flows_begin(f->publisher, filter);
	uint64_t matching;
	int rc;

	assert_non_null(walk);
	do
		rc = publisher_flows_next(walk, see, seen, &matching);
	while (rc > 0);
	assert_int_equal(rc, 0);
	publisher_flows_end(walk);
	return matching;
}

static void test_flows(void **state)
{
	struct fixture *f = *state;
	struct daemon_flow_filter filter = {.limit = 1000};
	struct seen seen = {0};
	uint32_t n;

	start_spec(f, world_spec("web", VIP, 3));
	n = b1_sends(true);
	world_drain(f, "b1", 0);
	b1_sends(false);
	path.now_us += 7LL * SECOND_US;
	assert_int_equal(flows_read(f, &filter, &seen), path.flows_n);
	assert_int_equal(seen.n, path.flows_n);
	assert_int_equal(seen.of_b1, n);
	assert_string_equal(seen.last.service->name, "web");
	assert_int_equal(seen.last.idle_s, 7);
	assert_int_equal(seen.last.state, MEMORY_TCP_ONCE);
	assert_int_equal(seen.last.worker, (path.flows_n - 1) % 2);
	filter.service = model_find(world_model(f), "web");
	filter.backend = service_conf_find(filter.service, "b1");
	filter.limit = 3;
	seen.n = 0;
	assert_int_equal(flows_read(f, &filter, &seen), n);
	assert_int_equal(seen.n, 3);
	filter.backend = service_conf_find(filter.service, "b2");
	assert_int_equal(flows_read(f, &filter, &seen), 0);
}

/* Between two steps the service gets another version, and goes. */
static void test_flows_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct daemon_flow_filter filter = {.limit = 1000};
	struct daemon_flow_walk *walk;
	struct seen seen = {0};
	struct model_error error;
	uint64_t matching;

	start_spec(f, world_spec("web", VIP, 3));
	b1_sends(true);
	world_drain(f, "b1", 0);
	b1_sends(false);
	assert_true(path.flows_n > 12);
	path.step_flows = 4;
	filter.service = model_find(world_model(f), "web");
	filter.backend = service_conf_find(filter.service, "b1");
	walk = publisher_flows_begin(f->publisher, &filter);
	assert_int_equal(publisher_flows_next(walk, see, &seen, &matching), 1);
	assert_int_equal(matching, 4);
	world_weight(f, "b2", 7);
	assert_ptr_not_equal(filter.service, model_find(world_model(f), "web"));
	assert_int_equal(publisher_flows_next(walk, see, &seen, &matching), 1);
	assert_int_equal(matching, 8);
	assert_ptr_equal(seen.last.service, model_find(world_model(f), "web"));
	world_apply(f, model_service_remove(world_model(f), "web", &error));
	assert_int_equal(publisher_flows_next(walk, see, &seen, &matching), 1);
	assert_int_equal(matching, 8);
	publisher_flows_end(walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
		WORLD_TEST(test_preview),
		WORLD_TEST(test_preview_meanwhile),
		WORLD_TEST(test_flows),
		WORLD_TEST(test_flows_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
