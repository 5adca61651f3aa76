/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of the process that runs programs. Control thread.
 */
#include "exec_helper.h"

#include <errno.h>
#include <event2/event.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec_wire.h"
#include "keeper.h"
#include "log.h"
#include "shortage.h"

struct exec_helper {
	struct event *event;
	struct event *again; /* ends a rest from reading */
	int fd;              /* -1: the process is gone */
	pid_t pid;
	uint32_t serial;
	struct exec_run *runs[EXEC_RUNS_MAX]; /* by the lower half of their ids */
};

static void end_all(struct exec_helper *h)
{
	for (uint32_t i = 0; i < EXEC_RUNS_MAX; i++) {
		struct exec_run *run = h->runs[i];

		h->runs[i] = NULL;
		if (run)
			run->ended(run, EXEC_NO_HELPER, EPIPE);
	}
}

static void on_reply(evutil_socket_t fd, short events, void *ctx)
{
	static const struct timeval pause = {.tv_usec = 50000};
	struct exec_helper *h = ctx;
	struct exec_reply reply;
	struct exec_run *run;
	uint32_t slot;
	ssize_t n = recv(fd, &reply, sizeof(reply), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && errno != ECONNRESET && errno != EPIPE) {
		const int error = errno;

		if (error == EAGAIN || error == EINTR)
			return;
		/* The answer waits in the socket, which stays readable: without a rest the loop
		 * would do nothing else. */
		shortage_note(SHORTAGE_HEALTH, error);
		if (event_add(h->again, &pause) == 0)
			event_del(h->event);
		return;
	}
	if (n == sizeof(reply) && reply.id == EXEC_ID_LOST) {
		log_warning("the process that runs exec checks died (%s): it is started again",
			    reply.code ? strsignal(reply.code) : "by itself");
		end_all(h);
		return;
	}
	if (n != sizeof(reply)) {
		log_error("the process that runs exec checks is gone: restart sluiced");
		event_del(h->event);
		close(h->fd);
		h->fd = -1;
		end_all(h);
		return;
	}
	slot = (uint32_t)reply.id;
	run = slot < EXEC_RUNS_MAX ? h->runs[slot] : NULL;
	if (!run || run->id != reply.id)
		return; /* cancelled when it had ended */
	h->runs[slot] = NULL;
	run->ended(run, (enum exec_end)reply.end, reply.code);
}

static void on_again(evutil_socket_t fd, short events, void *ctx)
{
	static const struct timeval pause = {.tv_usec = 50000};
	struct exec_helper *h = ctx;

	(void)fd;
	(void)events;
	if (h->fd >= 0 && event_add(h->event, NULL) != 0)
		event_add(h->again, &pause);
}

int exec_helper_new(struct event_base *base, const char *user, struct exec_helper **helper)
{
	const struct passwd *entry = getpwnam(user);
	struct exec_identity identity;
	struct exec_helper *h;
	int fds[2];

	if (!entry)
		return -ENOENT;
	identity = (struct exec_identity){.uid = entry->pw_uid, .gid = entry->pw_gid};
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		goto err_free;
	h->pid = fork();
	if (h->pid == 0)
		keeper_run(fds[1], &(struct keeper_job){
					   .ctx = &identity,
					   .run = exec_process_run,
					   .lost = exec_process_lost,
					   .rights_drop = exec_rights_drop,
				   });
	close(fds[1]);
	h->fd = fds[0];
	if (h->pid < 0)
		goto err_close;
	h->event = event_new(base, h->fd, EV_READ | EV_PERSIST, on_reply, h);
	h->again = evtimer_new(base, on_again, h);
	if (!h->event || !h->again || event_add(h->event, NULL) != 0) {
		exec_helper_free(h);
		return -ENOMEM;
	}
	*helper = h;
	return 0;

err_close:
	close(fds[0]);
err_free:
	free(h);
	return -errno;
}

void exec_helper_free(struct exec_helper *h)
{
	if (!h)
		return;
	if (h->event)
		event_free(h->event);
	if (h->again)
		event_free(h->again);
	if (h->fd >= 0)
		close(h->fd);
	waitpid(h->pid, NULL, 0); /* it ends at once */
	free(h);
}

int exec_helper_start(struct exec_helper *h, struct exec_run *run, uint32_t timeout_ms,
		      const char *args, uint32_t args_bytes, const char *env, uint32_t env_bytes)
{
	struct exec_request request = {
		.timeout_ms = timeout_ms,
		.args_bytes = args_bytes,
		.env_bytes = env_bytes,
	};
	uint32_t slot = 0;

	if (h->fd < 0)
		return -EPIPE;
	if (args_bytes + env_bytes > sizeof(request.texts))
		return -E2BIG;
	while (slot < EXEC_RUNS_MAX && h->runs[slot])
		slot++;
	if (slot == EXEC_RUNS_MAX)
		return -EAGAIN;
	request.id = (uint64_t)++h->serial << 32 | slot;
	memcpy(request.texts, args, args_bytes);
	memcpy(request.texts + args_bytes, env, env_bytes);
	if (send(h->fd, &request, offsetof(struct exec_request, texts) + args_bytes + env_bytes,
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	run->id = request.id;
	h->runs[slot] = run;
	return 0;
}

void exec_helper_cancel(struct exec_helper *h, struct exec_run *run)
{
	struct exec_request request = {.id = run->id};
	uint32_t slot = (uint32_t)run->id;

	if (slot >= EXEC_RUNS_MAX || h->runs[slot] != run)
		return;
	h->runs[slot] = NULL;
	/* If that doesn't go out, its timeout does it. */
	if (h->fd >= 0)
		send(h->fd, &request, offsetof(struct exec_request, texts),
		     MSG_DONTWAIT | MSG_NOSIGNAL);
}
