/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client of the control server. A client serves its turn (a few requests), waits (for input,
 * for its next turn, or for the client to read), or lingers: it has been told its last, and what
 * it still sends is thrown away. Called from the event loop, on the control thread.
 */
#include "control_client.h"

#include "clock.h"
#include "event_follow.h"
#include "log.h"
#include "reply_queue.h"
#include "user_name.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TURN_REQUESTS = 8,  /* handled before others get a turn */
	TURN_EVENTS = 64,   /* told before others get a turn */
	WAITING_MAX = 1024, /* changes that are not in force yet */
	/* Not read yet; beyond it a client that follows is told no more: the ring keeps them. */
	EVENTS_OUTPUT_MAX_BYTES = 64 << 10,
	/* The same for an answer that is made as it is read. */
	STREAM_OUTPUT_MAX_BYTES = 256 << 10,
};

struct control_client {
	LIST_ENTRY(control_client) link;
	struct control_room *room;
	struct bufferevent *bev;
	struct event *timer; /* the next turn; when lingering, the end */
	struct rpc_peer peer;
	struct event_follow follow;
	struct reply_queue replies;
	int64_t heard_us;      /* when it came, or its latest line */
	size_t searched_bytes; /* of the input, which hold no line break */
	bool ended;            /* the client sends nothing more */
	bool lingering;
};

static void client_free(struct control_client *client)
{
	reply_queue_clear(&client->replies);
	LIST_REMOVE(client, link);
	client->room->stats.clients--;
	event_free(client->timer);
	bufferevent_free(client->bev);
	free(client);
}

static size_t unread_bytes(const struct control_client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->bev));
}

/* Takes `answer` over. False: no memory. */
static bool send_answer(struct control_client *client, json_t *answer)
{
	return reply_write(answer, bufferevent_get_output(client->bev)) == 0;
}

/* An answer is ready. Goes on in a turn of its own: the client is not freed in here. */
static void answer_came(void *ctx)
{
	static const struct timeval now;
	struct control_client *client = ctx;

	if (!client->lingering)
		event_add(client->timer, &now);
}

/* Sends what is answered, up to the first line that isn't. 0; -errno: it can't be made. */
static int send_replies(struct control_client *client)
{
	static const struct timeval now;
	int rc = 0;

	if (unread_bytes(client) <= STREAM_OUTPUT_MAX_BYTES ||
	    !reply_queue_streams(&client->replies))
		rc = reply_queue_send(&client->replies, bufferevent_get_output(client->bev));
	if (rc > 0)
		event_add(client->timer, &now);
	return rc < 0 ? rc : 0;
}

/* The client is told `text`, and has linger_ms to read it. Closing at once, with input unread,
 * would make its next write fail, and many a client would not come to read. */
static void linger(struct control_client *client, enum rpc_error_code code, const char *text)
{
	const uint32_t ms = client->room->config.linger_ms;
	const struct timeval end = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	struct evbuffer *input = bufferevent_get_input(client->bev);

	client->lingering = true;
	send_answer(client, rpc_error_answer(code, text));
	evbuffer_drain(input, evbuffer_get_length(input));
	event_add(client->timer, &end);
}

/*
 * The next line of the input. Returns its length, or -EAGAIN: it has not come whole; -EMSGSIZE:
 * it is too long. The last line may do without its line break.
 */
static ssize_t line_length(struct control_client *client)
{
	struct evbuffer *input = bufferevent_get_input(client->bev);
	size_t n_bytes = evbuffer_get_length(input);
	struct evbuffer_ptr found;

	if (n_bytes > client->searched_bytes) {
		evbuffer_ptr_set(input, &found, client->searched_bytes, EVBUFFER_PTR_SET);
		found = evbuffer_search(input, "\n", 1, &found);
		if (found.pos >= 0)
			return found.pos;
		client->searched_bytes = n_bytes;
	}
	if (n_bytes > client->room->config.line_max_bytes)
		return -EMSGSIZE;
	return client->ended && n_bytes > 0 ? (ssize_t)n_bytes : -EAGAIN;
}

/* Returns 0, -ENOMEM, or -EAGAIN: the line has to wait for the answers before it. */
static int handle_line(struct control_client *client, size_t line_bytes)
{
	struct evbuffer *input = bufferevent_get_input(client->bev);
	const char *line =
		line_bytes > 0 ? (const char *)evbuffer_pullup(input, (ssize_t)line_bytes) : "";
	bool waiting = client->replies.waiting_n > 0;
	struct reply *reply;
	int rc;

	reply = line ? reply_queue_add(&client->replies) : NULL;
	if (!reply)
		return -ENOMEM;
	rc = rpc_answer(&client->room->api, &client->peer, line, line_bytes, waiting,
			reply_answered, reply);
	if (rc == -EAGAIN) {
		reply_queue_take_back(&client->replies, reply);
		return rc;
	}
	if (rc > 0)
		reply_queue_hold(&client->replies, reply);
	client->room->stats.requests++;
	client->heard_us = clock_now_us();
	evbuffer_drain(input, line_bytes + 1);
	client->searched_bytes = 0;
	return 0;
}

/* Tells a few events to a client that follows. */
static void tell_events(struct control_client *client)
{
	static const struct timeval now;
	json_t *line;

	for (int i = 0; i < TURN_EVENTS; i++) {
		if (unread_bytes(client) > EVENTS_OUTPUT_MAX_BYTES)
			return; /* goes on when the client has read all */
		line = event_follow_notify(&client->follow);
		if (!line)
			return;
		send_answer(client, line);
	}
	event_add(client->timer, &now);
}

static void too_long(struct control_client *client)
{
	const struct control_config *config = &client->room->config;
	char text[96];

	snprintf(text, sizeof(text), "a line is longer than %zu bytes; closing",
		 config->line_max_bytes);
	client->room->stats.long_lines++;
	linger(client, RPC_REQUEST, text);
}

/*
 * Handles the next line. Returns 0; -EAGAIN: none can be handled now; -ENOMEM; -EMSGSIZE: the
 * client lingers; -ENOTCONN: there will be none, and all is answered.
 */
static int serve_line(struct control_client *client)
{
	const struct control_config *config = &client->room->config;
	ssize_t length;

	/* Goes on when the client has read all, or when changes, or a reload, are in force. */
	if (unread_bytes(client) > config->output_max_bytes || client->replies.holder ||
	    client->replies.waiting_n >= WAITING_MAX)
		return -EAGAIN;
	length = line_length(client);
	if (length == -EMSGSIZE && client->replies.waiting_n == 0) {
		too_long(client);
		return -EMSGSIZE;
	}
	if (length >= 0)
		return handle_line(client, (size_t)length);
	return client->ended && unread_bytes(client) == 0 && client->replies.waiting_n == 0
		       ? -ENOTCONN
		       : -EAGAIN;
}

/* Sends answers, and handles a few lines. May free the client. */
static void serve(struct control_client *client)
{
	static const struct timeval now;
	int sent = send_replies(client), rc = 0;

	/* Not amid an answer. */
	if (sent == 0 && client->follow.on && !reply_queue_streams(&client->replies))
		tell_events(client);
	for (int i = 0; sent == 0 && rc == 0 && i < TURN_REQUESTS; i++) {
		rc = serve_line(client);
		/* Before linger() or the end says its own. */
		if (rc == 0)
			sent = send_replies(client);
	}
	if (rc == -ENOMEM)
		sent = rc;
	if (sent < 0)
		log_error("control: an answer can't be made: %s; the client is closed",
			  strerror(-sent));
	if (sent < 0 || rc == -ENOTCONN)
		client_free(client);
	else if (rc == 0)
		event_add(client->timer, &now);
}

static void input_came(struct bufferevent *bev, void *ctx)
{
	struct control_client *client = ctx;
	struct evbuffer *input = bufferevent_get_input(bev);

	if (client->lingering)
		evbuffer_drain(input, evbuffer_get_length(input));
	else
		serve(client);
}

static void output_went(struct bufferevent *bev, void *ctx)
{
	struct control_client *client = ctx;

	if (client->lingering) {
		shutdown(bufferevent_getfd(bev), SHUT_WR);
		if (client->ended)
			client_free(client);
	} else {
		serve(client);
	}
}

static void timer_fired(evutil_socket_t fd, short events, void *ctx)
{
	struct control_client *client = ctx;

	if (client->lingering)
		client_free(client);
	else
		serve(client);
}

static void line_ended(struct bufferevent *bev, short events, void *ctx)
{
	struct control_client *client = ctx;

	if (events & BEV_EVENT_TIMEOUT) {
		client->room->stats.slow++;
		log_warning(
			"control: uid %u pid %d: closed, for it did not read %zu bytes of answers",
			(unsigned int)client->peer.uid, (int)client->peer.pid,
			unread_bytes(client));
	}
	if (!(events & BEV_EVENT_EOF) || (client->lingering && unread_bytes(client) == 0)) {
		client_free(client);
		return;
	}
	client->ended = true;
	if (!client->lingering)
		serve(client);
}

static struct rpc_peer peer_of(int fd, bool reads_only)
{
	struct ucred cred = {.pid = 0, .uid = (uid_t)-1};
	struct rpc_peer peer = {.reads_only = reads_only};
	socklen_t cred_bytes = sizeof(cred);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_bytes);
	peer.uid = cred.uid;
	peer.pid = cred.pid;
	user_name(peer.uid, peer.user, sizeof(peer.user));
	return peer;
}

int control_client_new(struct control_room *room, int fd)
{
	const uint32_t ms = room->config.write_timeout_ms;
	const struct timeval write_timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	struct control_client *client = calloc(1, sizeof(*client));

	if (!client)
		goto err_close;
	client->room = room;
	reply_queue_init(&client->replies, answer_came, client);
	client->peer = peer_of(fd, room->config.reads_only);
	client->peer.follow = &client->follow;
	client->heard_us = clock_now_us();
	client->timer = evtimer_new(room->base, timer_fired, client);
	if (!client->timer)
		goto err_free;
	client->bev = bufferevent_socket_new(room->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client->bev)
		goto err_timer;
	bufferevent_setcb(client->bev, input_came, output_went, line_ended, client);
	bufferevent_set_timeouts(client->bev, NULL, &write_timeout);
	/* Room for one line that is too long: more is not read before that is dealt with. */
	bufferevent_setwatermark(client->bev, EV_READ, 0, room->config.line_max_bytes + 1);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	LIST_INSERT_HEAD(&room->clients, client, link);
	room->stats.clients++;
	return 0;

err_timer:
	event_free(client->timer);
err_free:
	free(client);
err_close:
	close(fd);
	return -ENOMEM;
}

static uint32_t clients_of(const struct control_room *room, uid_t uid)
{
	const struct control_client *client;
	uint32_t n = 0;

	LIST_FOREACH (client, &room->clients, link)
		n += client->peer.uid == uid;
	return n;
}

/* The user with the most. */
static uid_t most_of(const struct control_room *room, uint32_t *most)
{
	const struct control_client *client;
	uid_t uid = (uid_t)-1;

	*most = 0;
	LIST_FOREACH (client, &room->clients, link) {
		uint32_t n = clients_of(room, client->peer.uid);

		if (n > *most) {
			*most = n;
			uid = client->peer.uid;
		}
	}
	return uid;
}

/* How little is lost with it: 0 is silent, 1 follows events, 2 waits for an answer. */
static int use_of(const struct control_client *client)
{
	if (client->replies.waiting_n > 0 || unread_bytes(client) > 0)
		return 2;
	return client->follow.on ? 1 : 0;
}

bool control_clients_make_room(struct control_room *room, uid_t uid)
{
	struct control_client *client, *victim = NULL;
	uint32_t most;
	const uid_t whose = most_of(room, &most);
	const int use_max = whose != uid && most > room->config.clients_max / 2 ? 2 : 1;
	json_t *answer;
	char *line;

	LIST_FOREACH (client, &room->clients, link) {
		const int use = use_of(client);

		if (client->peer.uid != whose || client->lingering || use > use_max)
			continue;
		if (!victim || use < use_of(victim) ||
		    (use == use_of(victim) && client->heard_us < victim->heard_us))
			victim = client;
	}
	if (!victim)
		return false;
	answer =
		rpc_error_answer(RPC_BUSY, "closed to make room for others: of this user's clients "
					   "it was silent the longest");
	line = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	/* Straight: what waits in its buffer goes with it. */
	if (line && unread_bytes(victim) == 0 &&
	    send(bufferevent_getfd(victim->bev), line, strlen(line),
		 MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE) >= 0)
		send(bufferevent_getfd(victim->bev), "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(line);
	json_decref(answer);
	room->stats.evicted++;
	client_free(victim);
	return true;
}

void control_clients_tell(struct control_room *room)
{
	static const struct timeval now;
	struct control_client *client;

	LIST_FOREACH (client, &room->clients, link)
		if (client->follow.on && !client->lingering)
			event_add(client->timer, &now);
}

/* What is watched stays as it is, with the time that its timeout has left. */
void control_clients_rearm(struct control_room *room)
{
	struct control_client *client;

	LIST_FOREACH (client, &room->clients, link) {
		struct bufferevent *bev = client->bev;
		const short wanted = bufferevent_get_enabled(bev);

		if (wanted & EV_READ && !event_pending(&bev->ev_read, EV_READ, NULL))
			bufferevent_enable(bev, EV_READ);
		if (wanted & EV_WRITE && unread_bytes(client) > 0 &&
		    !event_pending(&bev->ev_write, EV_WRITE, NULL))
			bufferevent_enable(bev, EV_WRITE);
	}
}

void control_clients_free(struct control_room *room)
{
	while (!LIST_EMPTY(&room->clients))
		client_free(LIST_FIRST(&room->clients));
}
