/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control server: accepts clients, bounds their number, and gets out of the way. Called by
 * main.c and from the event loop, on the control thread.
 */
#include "control.h"

#include "control_client.h"
#include "control_socket.h"
#include "events.h"
#include "log.h"
#include "rpc.h"
#include "shortage.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct control {
	struct control_room room;
	struct control_socket socket;
	char group[64];
	struct evconnlistener *listener;
	struct event *again;  /* after a pause in accepting */
	struct event *second; /* each: look_after() */
	bool failing;         /* the last attempt to accept failed, and the log says so */
	struct events_listener events;
};

/* Without memory or a client that listens there is nobody to tell. */
static void refuse(const struct control *control, int fd)
{
	char text[96], *line;
	json_t *answer;

	snprintf(text, sizeof(text), "%u clients are connected already; try again later",
		 control->room.config.clients_max);
	answer = rpc_error_answer(RPC_BUSY, text);
	line = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (line && send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_MORE) >= 0)
		send(fd, "\n", 1, MSG_NOSIGNAL);
	free(line);
	json_decref(answer);
	close(fd);
}

static uid_t user_of(int fd)
{
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t bytes = sizeof(cred);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &bytes);
	return cred.uid;
}

static void client_came(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
			int addr_bytes, void *ctx)
{
	struct control *control = ctx;

	control->failing = false;
	control->room.stats.accepted++;
	if (control->room.stats.clients >= control->room.config.clients_max &&
	    !control_clients_make_room(&control->room, user_of(fd))) {
		control->room.stats.refused++;
		log_warning("control: a client is refused: %u are connected",
			    control->room.stats.clients);
		refuse(control, fd);
	} else if (control_client_new(&control->room, fd) < 0) {
		log_error("control: out of memory, a client is closed");
	}
}

/* Most often there are no file descriptors left. The client stays in the queue, and the socket
 * readable: without a pause the loop would spin. */
static void accept_failed(struct evconnlistener *listener, void *ctx)
{
	static const struct timeval pause = {.tv_usec = 100000};
	struct control *control = ctx;

	const int error = EVUTIL_SOCKET_ERROR();

	if (!control->failing)
		log_error("control: clients can't be accepted: %s", strerror(error));
	control->failing = true;
	shortage_note(SHORTAGE_CONTROL, error);
	evconnlistener_disable(listener);
	event_add(control->again, &pause);
}

static void accept_again(evutil_socket_t fd, short events, void *ctx)
{
	static const struct timeval pause = {.tv_usec = 100000};
	struct control *control = ctx;

	if (evconnlistener_enable(control->listener) != 0)
		event_add(control->again, &pause);
}

/*
 * Where the kernel had no memory to watch a socket for (epoll_ctl(2): ENOMEM, ENOSPC), libevent leaves the client as it
 * is, unheard. Looking after all of them once a second needs nothing that could be missing.
 */
static void look_after(evutil_socket_t fd, short events, void *ctx)
{
	struct control *control = ctx;

	control_clients_rearm(&control->room);
}

static void event_added(void *ctx)
{
	control_clients_tell(ctx);
}

int control_new(struct event_base *base, const struct control_config *config,
		const struct daemon_api *api, struct control **out, char error[CONTROL_ERROR_MAX])
{
	static const struct timeval second = {.tv_sec = 1};
	struct control *control = calloc(1, sizeof(*control));
	int rc = -ENOMEM;

	snprintf(error, CONTROL_ERROR_MAX, "control socket %s: out of memory", config->path);
	if (!control)
		return rc;
	control->room = (struct control_room){.base = base, .config = *config, .api = *api};
	LIST_INIT(&control->room.clients);
	rc = control_socket_open(&control->socket, config, error);
	if (rc < 0)
		goto err_free;
	control->room.config.path = control->socket.path;
	snprintf(control->group, sizeof(control->group), "%s", config->group);
	control->room.config.group = control->group;
	rc = -ENOMEM;
	control->again = evtimer_new(base, accept_again, control);
	control->second = event_new(base, -1, EV_PERSIST, look_after, control);
	if (!control->again || !control->second || event_add(control->second, &second) != 0)
		goto err_event;
	control->listener = evconnlistener_new(base, client_came, control,
					       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0,
					       control->socket.fd);
	if (!control->listener)
		goto err_event;
	evconnlistener_set_error_cb(control->listener, accept_failed);
	control->events = (struct events_listener){.added = event_added, .ctx = &control->room};
	events_listen(&control->events);
	signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error to write(2), not our end */
	*out = control;
	return 0;

err_event:
	if (control->again)
		event_free(control->again);
	if (control->second)
		event_free(control->second);
	control_socket_remove(&control->socket);
	close(control->socket.fd);
err_free:
	free(control);
	return rc;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	events_unlisten(&control->events);
	control_socket_remove(&control->socket);
	evconnlistener_free(control->listener);
	event_free(control->again);
	event_free(control->second);
	control_clients_free(&control->room);
	free(control);
}

struct control_stats control_stats(const struct control *control)
{
	return control->room.stats;
}
