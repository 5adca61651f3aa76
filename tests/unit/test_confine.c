/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The confinement, of a child process with threads that poll, sleep and wait: what each thread
 * still has afterwards, by /proc, and what the kernel refuses. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "confine.h"

#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BIT(capability) (1ULL << (capability))

enum {
	NOBODY = 65534,
};

struct row {
	const char *name;
	struct confinement what;
	uint64_t kept; /* by the control thread */
	uid_t uid;
};

static const uint64_t net = BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW);

/* ---- in the child: no cmocka, and _exit() at the end ---- */

static const char *row_name;

#define CHECK(condition)                                                                      \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			printf("# row %s: line %d: %s: %s\n", row_name, __LINE__, #condition, \
			       strerror(errno));                                              \
			fflush(stdout);                                                       \
			_exit(1);                                                             \
		}                                                                             \
	} while (0)

static volatile int go_on = 1;

static void *busy(void *arg)
{
	while (go_on)
		;
	return NULL;
}

static void *sleepy(void *arg)
{
	const struct timespec step = {.tv_nsec = 1000000};

	while (go_on)
		nanosleep(&step, NULL);
	return NULL;
}

/* Poll is never begun again by itself. */
static void *waiting(void *arg)
{
	while (go_on)
		poll(NULL, 0, 20);
	return NULL;
}

/* Signals are blocked, as in a fast path's threads, but the one for this. */
static void *shy(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGRTMAX - 1);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	return sleepy(arg);
}

static void threads_start(void)
{
	static void *(*const bodies[])(void *) = {busy, sleepy, waiting, shy};
	pthread_t thread;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		CHECK(pthread_create(&thread, NULL, bodies[i], NULL) == 0);
}

static uint64_t status_number(const char *text, const char *key, int base)
{
	const char *at = strstr(text, key);

	CHECK(at);
	return strtoull(at + strlen(key), NULL, base);
}

static void check_thread(const struct row *row, const char *tid, uint64_t had)
{
	bool control = atoi(tid) == getpid();
	uint64_t kept = control ? row->kept & had : 0;
	char path[64], text[8192];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	file = fopen(path, "r");
	CHECK(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	CHECK(status_number(text, "CapEff:\t", 16) == kept);
	CHECK(status_number(text, "CapPrm:\t", 16) == kept);
	CHECK(status_number(text, "CapInh:\t", 16) == 0);
	CHECK(status_number(text, "CapAmb:\t", 16) == 0);
	CHECK(!(had & BIT(CAP_SETPCAP)) || status_number(text, "CapBnd:\t", 16) == 0);
	CHECK(status_number(text, "NoNewPrivs:\t", 10) == 1);
	CHECK(status_number(text, "Seccomp:\t", 10) == 2);
	CHECK(status_number(text, "Uid:\t", 10) == row->uid);
	CHECK(strstr(text, row->uid ? "Groups:\t65534 \n" : "Groups:\t"));
}

static void check_threads(const struct row *row, uint64_t had)
{
	DIR *folder = opendir("/proc/self/task");
	const struct dirent *entry;
	int n = 0;

	CHECK(folder);
	while ((entry = readdir(folder))) {
		if (atoi(entry->d_name) <= 0)
			continue;
		check_thread(row, entry->d_name, had);
		n++;
	}
	closedir(folder);
	CHECK(n == 5);
}

static void check_calls(const struct row *row)
{
	union bpf_attr attr = {0};
	char *const argv[] = {"true", NULL};
	pthread_t thread;
	int status;
	pid_t pid;

	CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM);
	CHECK(unshare(CLONE_NEWUSER) == -1 && errno == EPERM);
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) == -1 && errno == EPERM);
	CHECK(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) >= 0);
	CHECK(pthread_create(&thread, NULL, waiting, NULL) == 0);
	/* Refused by the filter, or let through to say what is wrong with its arguments. */
	CHECK(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) == -1 &&
	      (errno == EPERM) == !row->what.bpf);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execv("/bin/true", argv);
		_exit(errno == EPERM ? 100 : 101);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 100);
}

static uint64_t permitted(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	CHECK(syscall(SYS_capget, &header, data) == 0);
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

static void child_run(const struct row *row)
{
	char error[CONFINE_ERROR_MAX];
	uint64_t had = permitted();
	int rc;

	threads_start();
	rc = confine(&row->what, error);
	if (rc != 0)
		printf("# %s\n", error);
	CHECK(rc == 0);
	check_threads(row, had);
	check_calls(row);
	fflush(stdout);
	_exit(0);
}

/* ---- */

static void run_row(const struct row *row)
{
	int status;
	pid_t pid;

	print_message("# row: %s\n", row->name);
	row_name = row->name;
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child_run(row);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_confine(void **state)
{
	const struct row rows[] = {
		{"dpdk", {.user = ""}, net, 0},
		{"xdp", {.user = "", .bpf = true}, net | BIT(CAP_BPF), 0},
		{"a user", {.user = "nobody"}, net, NOBODY},
		{"a user, xdp", {.user = "nobody", .bpf = true}, net | BIT(CAP_BPF), NOBODY},
	};

	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i]);
}

/* A thread that blocks the signal can't be confined, and that is no success. */
static void *deaf(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	*(volatile int *)arg = 1;
	return sleepy(NULL);
}

static void test_deaf_thread(void **state)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct confinement what = {.user = ""};
		char error[CONFINE_ERROR_MAX];
		volatile int is_deaf = 0;
		pthread_t thread;

		row_name = "a deaf thread";
		CHECK(pthread_create(&thread, NULL, deaf, (void *)&is_deaf) == 0);
		while (!is_deaf)
			sched_yield();
		CHECK(confine(&what, error) == -ETIMEDOUT);
		CHECK(strstr(error, "can't be confined"));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_check(void **state)
{
	const struct confinement none = {.user = ""}, root = {.user = "root"},
				 nobody = {.user = "no-such-user-here"};
	char error[CONFINE_ERROR_MAX];

	assert_int_equal(confine_check(&none, error), 0);
	assert_int_equal(confine_check(&root, error), 0);
	assert_int_equal(confine_check(&nobody, error), -ENOENT);
	assert_non_null(strstr(error, "security.user: there is no user no-such-user-here: make it "
				      "(useradd --system"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confine),
		cmocka_unit_test(test_deaf_thread),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
