/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread after the other is sent a signal, and waited for.
 */
#include "other_threads.h"

#include "sluice/module.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	THREADS_MAX = 4096,
	WAIT_STEP_NS = 50000,
	WAIT_MAX_S = 3, /* a thread needs to be scheduled once */
};

static void (*to_run)(void);
static atomic_int ran_tid; /* of the thread that ran it last */

static void on_signal(int number)
{
	int saved = errno;

	to_run();
	atomic_store(&ran_tid, (int)syscall(SYS_gettid));
	errno = saved;
}

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* 1: the thread ran it; 0: it has ended; -ETIMEDOUT. */
static int one_run(int tid)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP_NS};
	const time_t end_s = now_s() + WAIT_MAX_S;

	atomic_store(&ran_tid, 0);
	if (syscall(SYS_tgkill, getpid(), tid, FAST_PATH_SIGNAL) < 0)
		return errno == ESRCH ? 0 : -errno;
	for (int i = 0; now_s() <= end_s; i++) {
		if (atomic_load(&ran_tid) == tid)
			return 1;
		/* A thread that ended before it could: there is nobody left to run it. */
		if (i % 64 == 63 && syscall(SYS_tgkill, getpid(), tid, 0) < 0 && errno == ESRCH)
			return 0;
		nanosleep(&step, NULL);
	}
	return -ETIMEDOUT;
}

static bool known(const int *tids, int n, int tid)
{
	for (int i = 0; i < n; i++)
		if (tids[i] == tid)
			return true;
	return false;
}

/* A look at all threads: those that are not among tids[0..*n) run it, and are added. Returns how
 * many ran it, or -errno with *tid. */
static int pass(int *tids, int *n, int *tid)
{
	const int self = (int)syscall(SYS_gettid);
	DIR *folder = opendir("/proc/self/task");
	const struct dirent *entry;
	int ran = 0;

	if (!folder)
		return -errno;
	while (ran >= 0 && (entry = readdir(folder))) {
		int rc;

		*tid = atoi(entry->d_name);
		if (*tid <= 0 || *tid == self || known(tids, *n, *tid))
			continue;
		rc = *n < THREADS_MAX ? one_run(*tid) : -E2BIG;
		if (rc >= 0)
			tids[(*n)++] = *tid;
		ran = rc < 0 ? rc : ran + rc;
	}
	closedir(folder);
	return ran;
}

int other_threads_run(void (*run)(void), int *tid)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
	int *tids, n = 0, ran, sum = 0;

	if (sigaction(FAST_PATH_SIGNAL, NULL, &before) < 0)
		return -errno;
	if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		return -EBUSY;
	tids = calloc(THREADS_MAX, sizeof(*tids));
	if (!tids)
		return -ENOMEM;
	to_run = run;
	sigfillset(&action.sa_mask);
	sigaction(FAST_PATH_SIGNAL, &action, NULL);
	do { /* a thread that has not run it yet may have made another meanwhile */
		ran = pass(tids, &n, tid);
		sum += ran;
	} while (ran > 0);
	sigaction(FAST_PATH_SIGNAL, &before, NULL);
	free(tids);
	return ran < 0 ? ran : sum;
}
