/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that runs the programs of exec checks: kept alive by keeper.c, it has one thread,
 * and nothing but a socket to the daemon.
 */
#include "clock.h"
#include "exec_wire.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	TEXTS_MAX = EXEC_TEXTS_MAX / 2 + 1, /* each has a letter and a 0 */
};

struct child {
	pid_t pid; /* 0: none */
	bool timed_out, cancelled;
	uint64_t id;
	int64_t deadline_ms;
};

static const struct timespec pause_time = {.tv_nsec = 10000000}; /* where a call fails for now */
static struct child children[EXEC_RUNS_MAX];
static int *start_errors; /* of children, shared with them */
static int daemon_fd;

static void reply(uint64_t id, enum exec_end end, int code)
{
	struct exec_reply message = {.id = id, .end = (int32_t)end, .code = code};

	/* It waits: the daemon reads all that it asked for. */
	while (send(daemon_fd, &message, sizeof(message), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

/* ---- a child ---- */

static int become(const struct exec_identity *identity)
{
	if (geteuid() == identity->uid && getegid() == identity->gid)
		return 0;
	if (setgroups(0, NULL) != 0 || setgid(identity->gid) != 0 || setuid(identity->uid) != 0)
		return errno;
	return 0;
}

static int files_close(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return errno;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			return errno;
	return close_range(3, ~0U, 0) == 0 ? 0 : errno;
}

/* Texts one after the other, as a list that ends with NULL. */
static void list_make(char *texts, uint32_t bytes, char *list[TEXTS_MAX])
{
	uint32_t n = 0;

	for (uint32_t at = 0; at < bytes && n + 1 < TEXTS_MAX; n++) {
		list[n] = texts + at;
		at += (uint32_t)strlen(texts + at) + 1;
	}
	list[n] = NULL;
}

__attribute__((noreturn)) static void child_run(struct exec_request *request,
						const struct exec_identity *identity, int *error)
{
	static char *args[TEXTS_MAX], *env[TEXTS_MAX];
	sigset_t none;

	list_make(request->texts, request->args_bytes, args);
	list_make(request->texts + request->args_bytes, request->env_bytes, env);
	sigemptyset(&none);
	setpgid(0, 0);
	*error = files_close();
	if (*error == 0)
		*error = become(identity);
	if (*error == 0) {
		/* Only now: it is forgotten when the user changes. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (chdir("/") == 0)
			execve(args[0], args, env);
		*error = errno;
	}
	_exit(127);
}

/* ---- requests ---- */

static struct child *child_free_one(void)
{
	for (int i = 0; i < EXEC_RUNS_MAX; i++)
		if (children[i].pid == 0)
			return &children[i];
	return NULL;
}

static void start(struct exec_request *request, const struct exec_identity *identity)
{
	struct child *child = child_free_one();
	int *error;

	if (!child) {
		reply(request->id, EXEC_NO_HELPER, EAGAIN);
		return;
	}
	error = &start_errors[child - children];
	*error = 0;
	*child = (struct child){
		.id = request->id,
		.deadline_ms = clock_now_us() / 1000 + request->timeout_ms,
		.pid = fork(),
	};
	if (child->pid == 0)
		child_run(request, identity, error);
	if (child->pid < 0) {
		child->pid = 0;
		reply(request->id, EXEC_NO_HELPER, errno);
		return;
	}
	setpgid(child->pid, child->pid); /* whoever comes first */
}

static void cancel(uint64_t id)
{
	for (int i = 0; i < EXEC_RUNS_MAX; i++) {
		if (children[i].pid == 0 || children[i].id != id)
			continue;
		children[i].cancelled = true;
		kill(-children[i].pid, SIGKILL);
	}
}

/* False: the daemon is gone. */
static bool request_read(const struct exec_identity *identity)
{
	static struct exec_request request;
	ssize_t n = recv(daemon_fd, &request, sizeof(request), MSG_DONTWAIT);

	/* Only an end of file says that the daemon is gone; what waits is read when it can be. */
	if (n < 0 && errno != ECONNRESET) {
		if (errno != EAGAIN && errno != EINTR)
			nanosleep(&pause_time, NULL);
		return true;
	}
	if (n < (ssize_t)offsetof(struct exec_request, texts))
		return false;
	if (request.timeout_ms == 0)
		cancel(request.id);
	else
		start(&request, identity);
	return true;
}

/* ---- ends ---- */

static void child_ended(struct child *child, int status)
{
	int error = start_errors[child - children];

	if (child->cancelled)
		;
	else if (error != 0)
		reply(child->id, EXEC_NOT_STARTED, error);
	else if (child->timed_out)
		reply(child->id, EXEC_TIMED_OUT, 0);
	else if (WIFSIGNALED(status))
		reply(child->id, EXEC_SIGNALLED, WTERMSIG(status));
	else
		reply(child->id, EXEC_EXITED, WEXITSTATUS(status));
	child->pid = 0;
}

static void children_reap(void)
{
	siginfo_t info = {0};
	int status;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
		pid_t pid = info.si_pid;

		/* Before its number can be another's: whom it left behind. */
		kill(-pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid)
			return;
		for (int i = 0; i < EXEC_RUNS_MAX; i++)
			if (children[i].pid == pid)
				child_ended(&children[i], status);
		info.si_pid = 0;
	}
}

/* Milliseconds to the next deadline; -1: there is none. */
static int deadlines_look(void)
{
	int64_t now = clock_now_us() / 1000, next = -1;

	for (int i = 0; i < EXEC_RUNS_MAX; i++) {
		struct child *child = &children[i];

		if (child->pid == 0 || child->timed_out)
			continue;
		if (child->deadline_ms <= now) {
			child->timed_out = true;
			kill(-child->pid, SIGKILL);
		} else if (next < 0 || child->deadline_ms - now < next) {
			next = child->deadline_ms - now;
		}
	}
	return (int)next;
}

void exec_rights_drop(void)
{
	capng_clear(CAPNG_SELECT_CAPS);
	capng_updatev(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_SETUID,
		      CAP_SETGID, CAP_KILL, -1);
	/* Where it had less, a program that can't be run will say so. */
	capng_apply(CAPNG_SELECT_CAPS);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void children_kill(void)
{
	for (int i = 0; i < EXEC_RUNS_MAX; i++)
		if (children[i].pid != 0)
			kill(-children[i].pid, SIGKILL);
}

void exec_process_lost(int fd, int signal_number)
{
	const struct exec_reply message = {
		.id = EXEC_ID_LOST,
		.end = EXEC_NO_HELPER,
		.code = signal_number,
	};

	while (send(fd, &message, sizeof(message), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

void exec_process_run(int fd, const void *ctx)
{
	const struct exec_identity *identity = ctx;
	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	struct signalfd_siginfo info;
	sigset_t set;

	prctl(PR_SET_NAME, "sluiced-exec");
	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(1);
	close_range(4, ~0U, 0);
	daemon_fd = 3;
	/* Those that end the daemon, too: this process ends when the daemon has. */
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	fds[0].fd = daemon_fd;
	fds[1].fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	start_errors = mmap(NULL, EXEC_RUNS_MAX * sizeof(*start_errors), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fds[1].fd < 0 || start_errors == MAP_FAILED)
		_exit(1);
	exec_rights_drop();
	for (bool connected = true; connected;) {
		if (poll(fds, 2, deadlines_look()) < 0 && errno != EINTR) {
			nanosleep(&pause_time, NULL); /* no memory: it looks at all again */
			fds[0].revents = POLLIN;
		}
		while (read(fds[1].fd, &info, sizeof(info)) > 0)
			;
		children_reap();
		if (fds[0].revents != 0)
			connected = request_read(identity);
	}
	children_kill();
	_exit(0);
}
