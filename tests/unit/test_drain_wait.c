/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `backend drain --wait`: what each look says, and the looking itself, against a daemon of a few
 * scripted answers on a real socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drain_wait.h"

#define NOW_US         1700000000000000
#define BACKENDS(rest) "{\"backends\":[{\"service\":\"web\",\"name\":\"b0\"}," rest "]}"
#define WEB_B1(rest)   BACKENDS("{\"service\":\"web\",\"name\":\"b1\"," rest "}")
#define RUNNING(flows, deadline)                                                   \
	WEB_B1("\"state\":\"draining\",\"flows\":" #flows ",\"drain\":{\"state\":" \
	       "\"running\",\"quiet_s\":4,\"deadline_us\":" deadline "}")
#define DONE WEB_B1("\"state\":\"draining\",\"flows\":0,\"drain\":{\"state\":\"done\"}")
#define TIMED_OUT                                                                         \
	WEB_B1("\"state\":\"disabled\",\"drain\":{\"state\":\"timed_out\",\"flows_cut\":" \
	       "12}")

static void test_looks(void **state)
{
	static const struct {
		const char *name, *result, *line;
		enum drain_end end;
	} rows[] = {
		{"running", RUNNING(153, "null"),
		 "web b1: 153 remembered flows left, last packet 4s ago", DRAIN_ON},
		{"running, with a timeout", RUNNING(1, "1700000595100000"),
		 "web b1: 1 remembered flow left, last packet 4s ago, timeout in 9m56s", DRAIN_ON},
		{"running, and the timeout is over", RUNNING(0, "1699999999000000"),
		 "web b1: 0 remembered flows left, last packet 4s ago, timeout in 0s", DRAIN_ON},
		{"done", DONE, "web b1: drained: no remembered flow is left", DRAIN_EMPTY},
		{"timed out", TIMED_OUT,
		 "web b1: timed out: disabled, which cut 12 remembered flows", DRAIN_CUT},
		{"enabled", WEB_B1("\"state\":\"enabled\",\"drain\":null"),
		 "web b1: drains no longer: somebody made it enabled", DRAIN_BROKEN},
		{"removed", "{\"backends\":[{\"service\":\"api\",\"name\":\"b1\"}]}",
		 "web b1: was removed meanwhile", DRAIN_BROKEN},
		{"nothing", "{}", "web b1: was removed meanwhile", DRAIN_BROKEN},
		{"no objects", BACKENDS("3"), "web b1: was removed meanwhile", DRAIN_BROKEN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *result = json_loads(rows[i].result, 0, NULL);
		char line[DRAIN_LINE_MAX];

		print_message("# row: %s\n", rows[i].name);
		assert_non_null(result);
		assert_int_equal(drain_look(result, "web", "b1", NOW_US, line), rows[i].end);
		assert_string_equal(line, rows[i].line);
		json_decref(result);
	}
}

#define HOST(rest) "{\"hosts\":[{\"address\":\"10.0.0.11\",\"backends\":5," rest "}]}"

static void test_host_looks(void **state)
{
	static const struct {
		const char *name, *result, *line;
		enum drain_end end;
	} rows[] = {
		{"running",
		 HOST("\"draining\":5,\"drained\":3,\"enabled\":0,\"flows\":153,\"quiet_s\":4,"
		      "\"deadline_us\":1700000595100000"),
		 "10.0.0.11: 2 of 5 backends drain, 153 remembered flows left, last packet 4s ago, "
		 "timeout in 9m56s",
		 DRAIN_ON},
		{"running, and one was enabled meanwhile",
		 HOST("\"draining\":1,\"drained\":0,\"enabled\":4,\"flows\":1,\"quiet_s\":0"),
		 "10.0.0.11: 1 of 5 backends drains, 1 remembered flow left, last packet 0s ago",
		 DRAIN_ON},
		{"done", HOST("\"draining\":5,\"drained\":5,\"enabled\":0"),
		 "10.0.0.11: drained: no remembered flow is left", DRAIN_EMPTY},
		{"done, and the rest is disabled",
		 HOST("\"draining\":3,\"drained\":3,\"disabled\":2,\"timed_out\":0"),
		 "10.0.0.11: drained: no remembered flow is left", DRAIN_EMPTY},
		{"timed out", HOST("\"draining\":2,\"drained\":2,\"timed_out\":3,\"flows_cut\":12"),
		 "10.0.0.11: timed out: disabled, which cut 12 remembered flows", DRAIN_CUT},
		{"enabled", HOST("\"draining\":4,\"drained\":4,\"enabled\":1"),
		 "10.0.0.11: drains no longer: somebody enabled 1 backend", DRAIN_BROKEN},
		{"removed", "{\"hosts\":[]}", "10.0.0.11: its backends were removed meanwhile",
		 DRAIN_BROKEN},
		{"nothing", "{}", "10.0.0.11: its backends were removed meanwhile", DRAIN_BROKEN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *result = json_loads(rows[i].result, 0, NULL);
		char line[DRAIN_LINE_MAX];

		print_message("# row: %s\n", rows[i].name);
		assert_non_null(result);
		assert_int_equal(drain_look_host(result, "10.0.0.11", NOW_US, line), rows[i].end);
		assert_string_equal(line, rows[i].line);
		json_decref(result);
	}
}

static char folder[] = "/tmp/sluice-drain-XXXXXX", path[64];

static int folder_make(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/sock", folder);
	return 0;
}

static int folder_remove(void **state)
{
	unlink(path);
	return rmdir(folder);
}

/* Gives one answer a connection, in a process of its own, then listens no longer. */
static pid_t serve(const char *const answers[])
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	unlink(path);
	strcpy(addr.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 4), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0) {
		close(fd);
		return pid;
	}
	alarm(20);
	for (; *answers; answers++) {
		int client = accept(fd, NULL, NULL);
		char line[1024];

		if (client < 0 || read(client, line, sizeof(line)) <= 0 ||
		    !memmem(line, sizeof(line), "\"params\":{\"service\":\"web\"}", 26))
			_exit(1);
		dprintf(client, "{\"jsonrpc\":\"2.0\",%s,\"id\":1}\n", *answers);
		close(client);
	}
	_exit(0);
}

#define RESULT(result) "\"result\":" result

static void test_waits(void **state)
{
	static const struct {
		const char *name;
		const char *answers[5];
		bool terminal;
		int rc;
		const char *out, *line;
	} rows[] = {
		{"until no flow is left",
		 {RESULT(RUNNING(2, "null")), RESULT(RUNNING(1, "null")), RESULT(DONE), NULL},
		 false,
		 0,
		 "web b1: 2 remembered flows left, last packet 4s ago\n"
		 "web b1: 1 remembered flow left, last packet 4s ago\n"
		 "web b1: drained: no remembered flow is left\n",
		 "web b1: drained: no remembered flow is left"},
		{"on a terminal",
		 {RESULT(RUNNING(2, "null")), RESULT(DONE), NULL},
		 true,
		 0,
		 "\rweb b1: 2 remembered flows left, last packet 4s ago\033[K"
		 "\rweb b1: drained: no remembered flow is left\033[K\n",
		 "web b1: drained: no remembered flow is left"},
		{"until the timeout",
		 {RESULT(RUNNING(12, "null")), RESULT(TIMED_OUT), NULL},
		 false,
		 -ECANCELED,
		 "web b1: 12 remembered flows left, last packet 4s ago\n"
		 "web b1: timed out: disabled, which cut 12 remembered flows\n",
		 "web b1: timed out: disabled, which cut 12 remembered flows"},
		{"until the service is removed",
		 {RESULT(RUNNING(12, "null")),
		  "\"error\":{\"code\":-32002,\"message\":\"no service \\\"web\\\"\"}", NULL},
		 true,
		 -ESRCH,
		 "\rweb b1: 12 remembered flows left, last packet 4s ago\033[K\n",
		 "no service \"web\""},
		{"until the daemon ends",
		 {RESULT(RUNNING(12, "null")), NULL},
		 false,
		 -ECONNREFUSED,
		 "web b1: 12 remembered flows left, last packet 4s ago\n",
		 "nobody answers on "},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL, line[CLIENT_ERROR_MAX] = "";
		size_t text_bytes;
		FILE *out = open_memstream(&text, &text_bytes);
		const struct drain_watch watch = {.socket_path = path,
						  .service = "web",
						  .backend = "b1",
						  .interval_ms = 300,
						  .out = out,
						  .terminal = rows[i].terminal};
		json_t *result = NULL;
		int status, rc;
		pid_t pid;

		print_message("# row: %s\n", rows[i].name);
		assert_non_null(out);
		pid = serve(rows[i].answers);
		rc = drain_wait(&watch, &result, line);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		fclose(out);
		assert_int_equal(rc, rows[i].rc);
		assert_string_equal(text, rows[i].out);
		assert_memory_equal(line, rows[i].line, strlen(rows[i].line));
		assert_int_equal(result != NULL, rc == 0 || rc == -ECANCELED);
		json_decref(result);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_host_looks),
		cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
