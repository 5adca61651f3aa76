/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When checks are made, and what stays known of a backend: when the model changes, when it flaps,
 * when sluiced stands still.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"
#include "files.h"
#include "health_world.h"
#include "named_rows.h"

static void test_changes_of_the_model(void **state)
{
	struct health_conf conf = world_conf(HEALTH_TCP);
	struct model_error error;
	struct health_report before;

	(void)state;
	world_follow(world_model(&conf, 2));
	world_becomes(0, HEALTH_UP, "tcp");
	evconnlistener_disable(world.listener);
	conf.timing.port = world.closed_port;
	world.down[0] = '\0';
	world_follow(world_model(&conf, 2)); /* another check, of a backend that is known */
	assert_int_equal(world_report(0).state, HEALTH_UP);
	world_becomes(0, HEALTH_DOWN, "refused");
	world_becomes(1, HEALTH_DOWN, "refused");
	before = world_report(0);
	world_follow(model_backend_weight(world.model, "web", "b1", 7, &error));
	assert_int_equal(world_report(0).state, HEALTH_DOWN);
	assert_int_equal(world_report(0).since_us, before.since_us);
	world_follow(model_backend_admin(world.model, "web", "b2", BACKEND_DISABLED, &error));
	assert_int_equal(world_report(1).state, HEALTH_DOWN);
	world_follow(model_backend_remove(world.model, "web", "b1", &error));
	assert_string_equal(world.model->services[0]->backends[0].name, "b2");
	assert_int_equal(world_report(0).state, HEALTH_DOWN);
	assert_int_equal(strlen(world.down), strlen("b1- b2- "));
	/* No longer checked: up. */
	conf.type = HEALTH_NO_CHECK;
	world_follow(world_model(&conf, 2));
	assert_int_equal(world_report(0).state, HEALTH_NONE);
	assert_int_equal(strlen(world.down), strlen("b1- b2- b2+ "));
	assert_non_null(strstr(world.down, "b2+ "));
}

static void test_kept_out(void **state)
{
	struct health_conf conf = world_conf(HEALTH_TCP);

	(void)state;
	world.kept_out = "b2";
	conf.timing.rise = 3;
	world_follow(world_model(&conf, 2));
	assert_int_equal(world_report(1).state, HEALTH_UNKNOWN);
	assert_string_equal(world_report(1).reason, "no result yet; kept out as before");
	world_becomes(1, HEALTH_UP, "tcp connect");
	assert_non_null(strstr(world.down, "b2+ "));
}

/* What is known of a backend doesn't hang on what it and its service are called. */
static void test_renamed(void **state)
{
	struct health_conf conf = world_conf(HEALTH_TCP);
	struct service_conf *s;
	struct model *named;

	(void)state;
	conf.timing.port = world.closed_port;
	world_follow(world_model(&conf, 1));
	world_becomes(0, HEALTH_DOWN, "refused");
	named = world_model(&conf, 1);
	s = service_conf_ref(named->services[0]);
	memcpy(s->name, "www", sizeof("www"));
	memcpy(s->backends[0].name, "other", sizeof("other"));
	model_free(named);
	s->backends[0].addr.bytes[0] = 10; /* as world_model() does, for the model's sake */
	named = model_build(&world.settings, &s, 1, NULL, NULL);
	named->services[0]->backends[0].addr.bytes[0] = 127;
	service_conf_unref(s);
	world_follow(named);
	assert_int_equal(world_report(0).state, HEALTH_DOWN);
}

static void test_override(void **state)
{
	struct health_conf conf = world_conf(HEALTH_TCP);
	struct model *model = world_model(&conf, 3);

	(void)state;
	model->services[0]->backends[0].health.off = true;
	model->services[0]->backends[1].health.timing.port = world.closed_port;
	model->services[0]->backends[1].health.timing.fall = 3;
	world_follow(model);
	world_becomes(1, HEALTH_DOWN, "refused, 3 of 3");
	assert_int_equal(world_report(0).state, HEALTH_NONE);
}

static void run_for(uint32_t ms)
{
	struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(world.base, &time);
	event_base_dispatch(world.base);
}

static void spread_check(void)
{
	uint32_t total = 0;

	memset(world.due_n, 0, sizeof(world.due_n));
	run_for(2000);
	/* 40 each if they were exactly even. */
	for (int tenth = 0; tenth < 10; tenth++) {
		assert_in_range(world.due_n[tenth], 5, 100);
		total += world.due_n[tenth];
	}
	assert_in_range(total, 300, 600);
}

/*
 * 200 backends that went down at once: each comes back to a place of its own in the interval, and
 * none has its turn with all others.
 */
static void test_spread(void **state)
{
	struct health_conf conf = world_conf(HEALTH_TCP);

	(void)state;
	conf.timing.interval_ms = 1000;
	conf.timing.port = world.closed_port;
	world_follow(world_model(&conf, 200));
	for (uint32_t i = 0; i < 200; i++)
		world_becomes(i, HEALTH_DOWN, "refused");
	spread_check();
	/* The daemon stands still for longer than an interval: all are due at once then. */
	usleep(2500000);
	run_for(1500);
	spread_check();
}

/* How many checks of one backend begin in `time_ms`, from its first on, with nothing in doubt. */
static uint32_t begun_in(struct health_conf *conf, uint32_t time_ms)
{
	world_follow(world_model(conf, 1));
	world_becomes(0, HEALTH_UP, "tcp");
	world.began_n = 0;
	run_for(time_ms);
	return world.began_n;
}

/* A jitter shortens intervals, by half of what it may on average: 100 ms become 75. */
static void test_jitter(void **state)
{
	struct health_conf conf = world_conf(HEALTH_TCP);
	uint32_t even, uneven;

	(void)state;
	conf.timing.interval_ms = 100;
	conf.timing.timeout_ms = 100;
	conf.timing.jitter_percent = 0;
	even = begun_in(&conf, 3000);
	conf.timing.jitter_percent = 50;
	uneven = begun_in(&conf, 3000);
	/* 30 and 40; fewer where this machine stood still. */
	assert_in_range(even, 15, 31);
	assert_in_range(uneven, even + 4, 48);
}

/* An hour goes by between two checks of a backend that is sure, and no time before it is. */
static void test_fast_while_in_doubt(void **state)
{
	struct health_conf conf = world_conf(HEALTH_TCP);

	(void)state;
	conf.timing.interval_ms = HEALTH_MS_MAX;
	conf.timing.fall = 4;
	conf.timing.port = world.closed_port;
	world_follow(world_model(&conf, 1));
	world_becomes(0, HEALTH_DOWN, "refused, 4 of 4");
	conf.timing.port = world.tcp_port;
	assert_int_equal(begun_in(&conf, 300), 0);
}

static void test_flapping_is_told(void **state)
{
	struct health_conf conf = world_conf(HEALTH_TCP);
	struct model *model;

	(void)state;
	conf.timing.rise = conf.timing.fall = 1;
	conf.flap_count = 1;
	conf.flap_hold_s = 2;
	world_follow(world_model(&conf, 1));
	world_becomes(0, HEALTH_UP, "tcp");
	conf.timing.port = world.closed_port;
	model = world_model(&conf, 1);
	world_follow(model);
	world_becomes(0, HEALTH_DOWN, "flapping: held down until ");
	conf.timing.port = world.tcp_port;
	world_follow(world_model(&conf, 1));
	world_becomes(0, HEALTH_DOWN, "1 times down in 600 s; tcp connect");
	world_becomes(0, HEALTH_UP, "tcp connect");
}

/* The loop stands still, as where a turn of it waits for the kernel. */
static void stand_still(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	(void)ctx;
	usleep((TIMEOUT_MS + TIMEOUT_MS / 3) * 1000);
}

/* While a check is under way, each fifth time that one begins: it counts for nothing. */
static void test_stands_still(void **state)
{
	static const struct timeval time = {.tv_sec = 1, .tv_usec = 500000};
	static const enum health_type types[] = {HEALTH_TCP, HEALTH_HTTP, HEALTH_UDP};
	struct health_conf conf;

	(void)state;
	world.stand_still = event_new(world.base, -1, 0, stand_still, NULL);
	for (size_t i = 0; i < ROWS(types); i++) {
		world.answer = types[i] == HEALTH_HTTP ? HTTP("200 OK", "") : "pong";
		conf = world_conf(types[i]);
		conf.timing.fall = 1;
		if (types[i] == HEALTH_UDP)
			assert_true(health_bytes_parse("ping", &conf.send));
		world_follow(world_model(&conf, 1));
		world_becomes(0, HEALTH_UP, "");
		world.down[0] = '\0';
		world.stands_still = true;
		event_base_loopexit(world.base, &time);
		event_base_dispatch(world.base);
		world.stands_still = false;
		if (world.down[0] || world_report(0).state != HEALTH_UP)
			fail_msg("%zu: %s (%s)", i, world.down, world_report(0).reason);
	}
	event_free(world.stand_still);
}

/* Fewer files than checks: they take turns, nobody is left out, and no more are under way at once. */
static void test_files_are_few(void **state)
{
	static const uint32_t max = 2;
	static const struct timeval step = {.tv_usec = 20000};
	struct health_conf conf = world_conf(HEALTH_HTTP);
	struct health_totals totals;

	(void)state;
	world.answer = NULL; /* each takes the whole of its timeout, */
	checker_files_set(world.checker, max);
	world_follow(world_model(&conf, 6));
	for (int i = 0; i < 20; i++) {
		event_base_loopexit(world.base, &step);
		event_base_dispatch(world.base);
		checker_totals(world.checker, &totals);
		assert_true(totals.with_file <= max);
	}
	assert_int_equal(totals.with_file, max);
	assert_true(totals.waiting > 0);
	for (uint32_t i = 0; i < 6; i++) /* and is found down all the same */
		world_becomes(i, HEALTH_DOWN, "timed out");
	checker_totals(world.checker, &totals);
	assert_true(totals.queued >= 6);
	/* Those that have a file go, and those that wait, too. */
	conf.type = HEALTH_NO_CHECK;
	world_follow(world_model(&conf, 6));
	checker_totals(world.checker, &totals);
	assert_int_equal(totals.with_file, 0);
	assert_int_equal(totals.waiting, 0);
}

enum {
	ECHOES = 30000,
};

static uint32_t answered_n;

static void answered(struct echo_wait *wait)
{
	(void)wait;
	answered_n++;
}

/* As many answers as come while the loop does something else are there when it looks. */
static void test_many_echoes(void **state)
{
	static const struct timeval time = {.tv_sec = 2};
	struct echo_wait *waits = calloc(ECHOES, sizeof(*waits));
	struct echo *echo = echo_new(world.base);

	(void)state;
	assert_non_null(waits);
	assert_non_null(echo);
	answered_n = 0;
	for (uint32_t i = 0; i < ECHOES; i++) {
		const uint8_t addr[4] = {127, 1, (uint8_t)(i / 250), (uint8_t)(1 + i % 250)};

		waits[i].addr = ip_from_bytes(IP_V4, addr);
		waits[i].answered = answered;
		if (echo_send(echo, &waits[i]) == -EACCES)
			skip(); /* neither raw sockets nor pings are allowed here */
	}
	event_base_loopexit(world.base, &time);
	event_base_dispatch(world.base);
	assert_int_equal(answered_n, ECHOES);
	assert_int_equal(echo_dropped(echo), 0);
	for (uint32_t i = 0; i < ECHOES; i++)
		echo_forget(echo, &waits[i]);
	echo_free(echo);
	free(waits);
}

static void stand_briefly(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	(void)ctx;
	usleep(TIMEOUT_MS / 8 * 1000);
}

/* The checker's socket for echoes holds 2 or 3 answers from now on. */
static void echo_room_take(void)
{
	const int bytes = 1;
	int found = 0;

	for (int fd = 3; fd < 1024; fd++) {
		int type = 0, protocol = 0;
		socklen_t n = sizeof(int);

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 ||
		    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &n) != 0 ||
		    protocol != IPPROTO_ICMP)
			continue;
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
		found++;
	}
	assert_int_equal(found, 1);
}

/* A socket that holds 3 answers: the kernel's count of the others is seen, so that they count for nothing. */
static void test_lost_answers_are_no_failures(void **state)
{
	struct health_conf conf = world_conf(HEALTH_ICMP);
	struct health_totals totals;

	(void)state;
	world_follow(world_model(&conf, 100));
	world_becomes(0, HEALTH_UP, "");
	run_for(3 * TIMEOUT_MS);
	echo_room_take();
	world.down[0] = '\0';
	world.stand_still = event_new(world.base, -1, 0, stand_briefly, NULL);
	for (int i = 0; i < 10; i++) {
		event_active(world.stand_still, 0, 0);
		run_for(TIMEOUT_MS);
	}
	event_free(world.stand_still);
	checker_totals(world.checker, &totals);
	assert_true(totals.lost_answers > 0);
	assert_true(totals.not_made > 0);
	assert_string_equal(world.down, "");
}

/*
 * All backends fail at once: of a rate of 100 a second no more than 100 checks begin, whatever 200 fast
 * intervals of 20 ms would ask for (10,000), and those that hurry leave room for the others.
 */
static void test_doubt_of_all(void **state)
{
	struct health_conf conf;
	struct health_totals before, after;

	(void)state;
	checker_free(world.checker);
	world.settings.health_rate = 100;
	assert_int_equal(checker_new(world.base, &world.settings, &world.ops, &world.checker), 0);
	conf = world_conf(HEALTH_TCP);
	conf.timing.interval_ms = conf.timing.timeout_ms = 1000;
	conf.timing.fall = 100;
	conf.timing.port = world.closed_port;
	world_follow(world_model(&conf, 200));
	run_for(3000);
	checker_totals(world.checker, &before);
	run_for(2000);
	checker_totals(world.checker, &after);
	/* 200, less where this machine stood still. */
	assert_in_range(after.begun - before.begun, 60, 225);
	assert_true(after.unhurried > before.unhurried);
	assert_true(after.paced > before.paced);
	assert_true(health_late_quantile_us(&after, &before, 0.5) > 250000);
	assert_int_equal(after.not_made, 0);
}

static void test_files_shares(void **state)
{
	static const struct {
		const char *name;
		uint64_t limit, used;
		uint32_t probes, clients;
	} rows[] = {
		{"as the unit sets it", 524288, 50, 524288 - 50 - FILES_RESERVED - 256, 256},
		{"300", 300, 44, 80, 80},
		{"none free", 64, 60, FILES_PROBES_MIN, FILES_CLIENTS_MIN},
		{"more in use than allowed", 64, 200, FILES_PROBES_MIN, FILES_CLIENTS_MIN},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct files_budget budget = files_share(rows[i].limit, rows[i].used);

		print_message("# row: %s\n", rows[i].name);
		assert_int_equal(budget.probes, rows[i].probes);
		assert_int_equal(budget.clients, rows[i].clients);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_changes_of_the_model),
		TEST(test_kept_out),
		TEST(test_renamed),
		TEST(test_override),
		TEST(test_spread),
		TEST(test_flapping_is_told),
		TEST(test_jitter),
		TEST(test_fast_while_in_doubt),
		TEST(test_stands_still),
		TEST(test_files_are_few),
		TEST(test_many_echoes),
		TEST(test_lost_answers_are_no_failures),
		TEST(test_doubt_of_all),
		cmocka_unit_test(test_files_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
