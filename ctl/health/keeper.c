/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a process again if it dies: killed for want of memory, or by a fault of its own. A process
 * of its own, with one thread.
 */
#include "keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

enum {
	PAUSE_MIN_MS = 100,
	PAUSE_MAX_MS = 5000,
	UNKNOWN =
		-1, /* how it ended: neither by exit() nor by a signal, for the macros of wait(2) */
	LIVED_MS = 10000, /* who lived so long gets the short pause again */
};

/*
 * Waits for `pid` to end. What it leaves behind comes to us: programs that it ran, which are killed
 * with all of their process groups.
 */
static int wait_for(pid_t pid)
{
	int status = 0;

	for (;;) {
		siginfo_t info = {0};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0) {
			if (errno == EINTR)
				continue;
			return UNKNOWN; /* not that it went well */
		}
		if (info.si_pid != pid)
			kill(-info.si_pid, SIGKILL);
		if (waitpid(info.si_pid, &status, 0) == pid)
			return status;
	}
}

/* False: the daemon has ended meanwhile. */
static bool pause_for(int fd, int ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = 0};
	int n = poll(&poll_fd, 1, ms);

	if (n < 0) /* can't be asked, which says nothing of the daemon */
		usleep((useconds_t)ms * 1000);
	return n <= 0;
}

void keeper_run(int fd, const struct keeper_job *job)
{
	int pause_ms = PAUSE_MIN_MS;
	sigset_t all;

	prctl(PR_SET_NAME, "sluiced-keeper");
	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(1);
	close_range(4, ~0U, 0);
	fd = 3;
	/* Those that end the daemon, too: this ends when the daemon has. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	job->rights_drop();
	for (;;) {
		const int64_t began_us = clock_now_us();
		const pid_t pid = fork();
		int status;

		if (pid == 0) {
			job->run(fd, job->ctx);
			_exit(1);
		}
		status = pid > 0 ? wait_for(pid) : -1;
		if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			_exit(0); /* the daemon has ended */
		if (pid > 0)
			job->lost(fd, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		if (clock_now_us() - began_us >= 1000LL * LIVED_MS)
			pause_ms = PAUSE_MIN_MS;
		if (!pause_for(fd, pause_ms))
			_exit(0);
		pause_ms = 2 * pause_ms < PAUSE_MAX_MS ? 2 * pause_ms : PAUSE_MAX_MS;
	}
}
