/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that runs the programs of exec checks: it is killed, and there is another; what was
 * under way ends, with what it had started; and nothing is left when the daemon ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "exec_helper.h"
#include "log.h"

enum { PATIENCE_MS = 20000 };

static struct event_base *base;
static struct exec_helper *helper;

static struct {
	bool ended;
	enum exec_end end;
	int code;
} told;

static void on_end(struct exec_run *run, enum exec_end end, int code)
{
	told.ended = true;
	told.end = end;
	told.code = code;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void step(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	nanosleep(&pause, NULL);
}

static bool start(struct exec_run *run, const char *args, uint32_t args_bytes)
{
	*run = (struct exec_run){.ended = on_end};
	memset(&told, 0, sizeof(told));
	return exec_helper_start(helper, run, 60000, args, args_bytes, "A=b", 4) == 0;
}

static void wait_end(void)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (!told.ended && now_ms() < end)
		step();
	assert_true(told.ended);
}

/* A child of `parent` with that name; 0: there is none. */
static pid_t child_of(pid_t parent, const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	assert_non_null(proc);
	while (!found && (entry = readdir(proc))) {
		char path[300], comm[32] = "", state;
		int pid, ppid;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fscanf(file, "%d (%31[^)]) %c %d", &pid, comm, &state, &ppid) == 4 &&
		    ppid == parent && state != 'Z' && strcmp(comm, name) == 0)
			found = pid;
		fclose(file);
	}
	closedir(proc);
	return found;
}

static pid_t wait_child_of(pid_t parent, const char *name)
{
	int64_t end = now_ms() + PATIENCE_MS;
	pid_t pid;

	while (!(pid = child_of(parent, name)) && now_ms() < end)
		step();
	assert_true(pid > 0);
	return pid;
}

static int setup(void **state)
{
	log_set_level(FAST_PATH_LOG_ERROR);
	base = event_base_new();
	return base && exec_helper_new(base, "nobody", &helper) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	exec_helper_free(helper);
	event_base_free(base);
	errno = 0;
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : -1;
}

/* Until one is run: what is asked for while it dies may end with it. */
static void runs(void)
{
	int64_t end = now_ms() + PATIENCE_MS;
	struct exec_run run;

	do {
		assert_true(start(&run, "/bin/true", 10));
		wait_end();
	} while (told.end == EXEC_NO_HELPER && now_ms() < end);
	assert_int_equal(told.end, EXEC_EXITED);
	assert_int_equal(told.code, 0);
}

static void test_killed(void **state)
{
	const pid_t keeper = wait_child_of(getpid(), "sluiced-keeper");
	struct exec_run run;

	for (int round = 0; round < 3; round++) {
		const pid_t process = wait_child_of(keeper, "sluiced-exec");
		pid_t program;
		int64_t end;

		runs();
		assert_true(start(&run,
				  "/bin/sleep\0"
				  "600",
				  15));
		program = wait_child_of(process, "sleep");
		assert_int_equal(kill(process, SIGKILL), 0);
		wait_end();
		assert_int_equal(told.end, EXEC_NO_HELPER);
		assert_int_equal(told.code, EPIPE);
		assert_int_not_equal(wait_child_of(keeper, "sluiced-exec"), process);
		end = now_ms() + PATIENCE_MS;
		while (kill(program, 0) == 0 && now_ms() < end)
			step();
		assert_int_equal(kill(program, 0), -1);
	}
	runs();
}

/* The daemon ends while the process is dead, or before that is known. */
static void test_end_while_dead(void **state)
{
	const pid_t keeper = wait_child_of(getpid(), "sluiced-keeper");

	kill(wait_child_of(keeper, "sluiced-exec"), SIGKILL);
	/* teardown() waits for the keeper, and finds no child. */
}

static void test_end_while_running(void **state)
{
	const pid_t keeper = wait_child_of(getpid(), "sluiced-keeper");
	struct exec_run run;

	assert_true(start(&run,
			  "/bin/sleep\0"
			  "600",
			  15));
	wait_child_of(wait_child_of(keeper, "sluiced-exec"), "sleep");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_killed),
		TEST(test_end_while_dead),
		TEST(test_end_while_running),
	};

	if (geteuid() != 0) {
		puts("1..0 # SKIP not root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
