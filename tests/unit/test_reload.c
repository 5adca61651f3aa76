/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reloads and saves, which a thread reads and judges: what else happens meanwhile, and in which order
 * they go. The file that takes long to read is a pipe that nobody has written yet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "config_fixture.h"
#include "configuration.h"
#include "publisher_world.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "clock.h"

#define FILE_TEXT(b1_weight)                                                                      \
	"seed = \"5f1c0de5a17e50f7b0a7ba5e0ddba11a\";\n"                                          \
	"dataplane = { mode = \"xdp\"; ports = ( { interface = \"lo\"; } ); };\n"                 \
	"outer = { source_v4 = \"192.0.2.254\"; };\n"                                             \
	"control = { socket = \"/run/none.sock\"; state = \"\"; };\n"                             \
	"services = ( { name = \"web\"; vip = \"198.51.100.1\"; port = 80; protocol = \"tcp\";\n" \
	"  backends = ( { name = \"b1\"; address = \"192.0.2.1\"; weight = " b1_weight "; },\n"   \
	"    { name = \"b2\"; address = \"192.0.2.2\"; } ); } );\n"

enum { PATIENCE_US = 20 * SECOND_US };

static struct configuration *configuration;

/* What became of one. */
struct asked {
	bool over;
	int rc;
	uint32_t differences, rows, lost;
	char error[256];
	unsigned int turn; /* which of all it was */
};

static unsigned int turns;

static void reloaded(void *ctx, int rc, struct daemon_reload *reload)
{
	struct asked *asked = ctx;

	*asked = (struct asked){.over = true,
				.rc = rc,
				.differences = reload->diff.n,
				.rows = reload->rows_n,
				.lost = reload->lost_n,
				.turn = ++turns};
	snprintf(asked->error, sizeof(asked->error), "%s", reload->error ? reload->error : "");
	daemon_reload_free(reload);
}

static void saved(void *ctx, int rc, char *error)
{
	struct asked *asked = ctx;

	*asked = (struct asked){.over = true, .rc = rc, .turn = ++turns};
	snprintf(asked->error, sizeof(asked->error), "%s", error ? error : "");
	free(error);
}

static void loop_for(struct fixture *f, int64_t us, const bool *until)
{
	for (int64_t end_us = clock_now_us() + us; !(until && *until) && clock_now_us() < end_us;) {
		event_base_loop(f->base, EVLOOP_NONBLOCK);
		usleep(200);
	}
}

static void wait_for(struct fixture *f, struct asked *asked)
{
	loop_for(f, PATIENCE_US, &asked->over);
	assert_true(asked->over);
}

static int setup(void **state)
{
	struct model *file, *start;
	struct fixture *f;

	turns = 0;
	if (world_setup(state) != 0)
		return -1;
	f = *state;
	unlink(config_path);
	file_write("sluice.conf", FILE_TEXT("100"));
	file = config_load(config_path, config_error);
	assert_non_null(file);
	assert_int_equal(
		configuration_new(f->base, config_path, f->publisher, file, &configuration, &start),
		0);
	world_apply(f, start);
	configuration_attach(configuration, f->publisher);
	return 0;
}

static int teardown(void **state)
{
	configuration_free(configuration);
	configuration = NULL;
	return world_teardown(state);
}

static uint32_t weight(const struct fixture *f, uint32_t i)
{
	return model_find(world_model(f), "web")->backends[i].weight;
}

/* ---- a file that takes long ---- */

static const char *pipe_text;
static int pipe_times;
static useconds_t pipe_us; /* from the text to its end */

static int pipe_make(void)
{
	return unlink(config_path) == 0 && mkfifo(config_path, 0600) == 0 ? 0 : -errno;
}

/* Whoever reads next finds another pipe: else both texts might be one to it. */
static void *pipe_write(void *ctx)
{
	for (int i = 0; i < pipe_times; i++) {
		FILE *file = fopen(config_path, "w");

		if (!file || pipe_make() != 0)
			return ctx;
		fputs(pipe_text, file);
		fflush(file);
		usleep(pipe_us);
		fclose(file);
	}
	return ctx;
}

/* ---- tests ---- */

static void test_in_force(void **state)
{
	struct fixture *f = *state;
	struct asked asked = {.over = false};
	struct daemon_reloads reloads;

	file_write("sluice.conf", FILE_TEXT("50"));
	configuration_reload(configuration, "test", true, reloaded, &asked);
	wait_for(f, &asked);
	assert_int_equal(asked.rc, 0);
	assert_int_equal(asked.differences, 1);
	assert_int_equal(asked.rows, 1);
	assert_int_equal(weight(f, 0), 100);

	asked.over = false;
	configuration_reload(configuration, "test", false, reloaded, &asked);
	wait_for(f, &asked);
	assert_int_equal(asked.rc, 0);
	assert_int_equal(asked.differences, 1);
	assert_int_equal(asked.rows, 1);
	assert_int_equal(weight(f, 0), 50);

	asked.over = false;
	file_write("sluice.conf", FILE_TEXT("70000"));
	configuration_reload(configuration, "test", false, reloaded, &asked);
	wait_for(f, &asked);
	assert_int_equal(asked.rc, -EINVAL);
	assert_non_null(
		strstr(asked.error, "sluice.conf:6: services[0].backends[0].weight: 70000"));
	assert_int_equal(weight(f, 0), 50);
	configuration_reloads(configuration, &reloads);
	assert_int_equal(reloads.done, 1);
	assert_int_equal(reloads.refused, 1);
	assert_true(reloads.last_failed);
}

/* A change that comes while the file is read is kept, and is no later than without. */
static void test_change_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct asked asked = {.over = false};
	pthread_t writer;

	assert_int_equal(pipe_make(), 0);
	configuration_reload(configuration, "test", false, reloaded, &asked);
	loop_for(f, 50000, NULL);
	assert_false(asked.over);
	world_weight(f, "b2", 7);
	assert_int_equal(weight(f, 1), 7);
	pipe_text = FILE_TEXT("50");
	pipe_times = 2; /* it is read once more, over what is in force by then */
	assert_int_equal(pthread_create(&writer, NULL, pipe_write, NULL), 0);
	wait_for(f, &asked);
	pthread_cancel(writer); /* where it wasn't read twice */
	pthread_join(writer, NULL);
	assert_int_equal(asked.rc, 0);
	assert_int_equal(asked.differences, 1);
	assert_int_equal(asked.lost, 0);
	assert_int_equal(weight(f, 0), 50);
	assert_int_equal(weight(f, 1), 7);
}

/* Where changes don't end, the last try is made at one go: it isn't known how often the file is read. */
static void test_changes_without_end(void **state)
{
	struct fixture *f = *state;
	struct asked asked = {.over = false};
	struct model_error error;
	pthread_t writer;

	assert_int_equal(pipe_make(), 0);
	pipe_text = FILE_TEXT("50");
	pipe_times = 3;
	pipe_us = 30000;
	configuration_reload(configuration, "test", false, reloaded, &asked);
	assert_int_equal(pthread_create(&writer, NULL, pipe_write, NULL), 0);
	for (uint32_t n = 1; !asked.over && n < 10000; n++) {
		/* As a client would: over all that was asked for before. */
		world_apply(f, model_backend_weight(publisher_newest(f->publisher), "web", "b2", n,
						    &error));
		loop_for(f, 5000, &asked.over);
	}
	pthread_cancel(writer); /* nobody reads any more */
	pthread_join(writer, NULL);
	pipe_us = 0;
	assert_true(asked.over);
	assert_int_equal(asked.rc, 0);
	assert_int_equal(weight(f, 0), 50);
	assert_true(weight(f, 1) != 100);
}

/* One after the other, in the order in which they were asked for; each reads the file when it is its
 * turn. */
static void test_order(void **state)
{
	struct fixture *f = *state;
	struct asked asked[4] = {{.over = false}};
	pthread_t writer;

	assert_int_equal(pipe_make(), 0);
	pipe_text = FILE_TEXT("50");
	pipe_times = 3;
	configuration_reload(configuration, "test", false, reloaded, &asked[0]);
	configuration_reload(configuration, "test", true, reloaded, &asked[1]);
	configuration_reload(configuration, "test", false, reloaded, &asked[2]);
	configuration_reload(configuration, "test", true, reloaded, &asked[3]);
	loop_for(f, 20000, NULL);
	assert_int_equal(turns, 0);
	assert_int_equal(pthread_create(&writer, NULL, pipe_write, NULL), 0);
	wait_for(f, &asked[2]);
	pthread_join(writer, NULL);
	assert_false(asked[3].over);
	pipe_text = FILE_TEXT("60");
	pipe_times = 1;
	assert_int_equal(pthread_create(&writer, NULL, pipe_write, NULL), 0);
	wait_for(f, &asked[3]);
	pthread_join(writer, NULL);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(asked[i].rc, 0);
		assert_int_equal(asked[i].turn, i + 1);
		assert_int_equal(asked[i].differences, i == 0 || i == 3);
	}
	assert_int_equal(weight(f, 0), 50);
}

static void test_save(void **state)
{
	struct fixture *f = *state;
	struct asked asked = {.over = false}, behind = {.over = false};
	struct model *file;

	world_weight(f, "b2", 9);
	configuration_save(configuration, "test", saved, &asked);
	configuration_reload(configuration, "test", true, reloaded, &behind);
	wait_for(f, &behind);
	assert_int_equal(asked.rc, 0);
	assert_int_equal(asked.turn, 1);
	assert_int_equal(behind.differences, 0);
	file = config_load(config_path, config_error);
	assert_non_null(file);
	assert_int_equal(file->services[0]->backends[1].weight, 9);
	model_free(file);

	asked.over = false;
	file_write("sluice.conf", FILE_TEXT("50"));
	configuration_save(configuration, "test", saved, &asked);
	wait_for(f, &asked);
	assert_int_equal(asked.rc, -EINVAL);
	assert_non_null(strstr(asked.error, "edited since"));
}

/* The daemon ends within a second, though a disk hangs. */
static void test_end(void **state)
{
	struct fixture *f = *state;
	struct asked hangs = {.over = false}, waits = {.over = false};
	int64_t began_us;

	assert_int_equal(pipe_make(), 0);
	configuration_reload(configuration, "test", false, reloaded, &hangs);
	configuration_reload(configuration, "test", false, reloaded, &waits);
	loop_for(f, 20000, NULL);
	began_us = clock_now_us();
	configuration_free(configuration);
	configuration = NULL;
	assert_true(clock_now_us() - began_us < SECOND_US);
	assert_false(hangs.over);
	assert_int_equal(waits.rc, -ECANCELED);
	assert_int_equal(weight(f, 0), 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_in_force),
		TEST(test_change_meanwhile),
		TEST(test_changes_without_end),
		TEST(test_order),
		TEST(test_save),
		TEST(test_end),
	};

	return cmocka_run_group_tests_name("reload", tests, folder_make, folder_remove);
}
