/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection waits for a request's head, then for its client to read the page, then for the next
 * request. Control thread.
 */
#include "http_connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LINGER_S = 2, /* a client that is being closed may send for so long, to come to read why */
};

struct connection {
	LIST_ENTRY(connection) link;
	struct http_server *server;
	struct bufferevent *bev;
	struct event *deadline; /* of a request's head, or of lingering */
	struct event *turn;     /* the next, of a page whose last piece was nothing */
	struct http_page page;  /* while `busy` */
	struct ip_addr peer;    /* who shares places with it */
	uint64_t idled;         /* since when it is idle, in the server's count */
	bool kept;              /* it has a place of those that are kept */
	bool busy;
	bool lingers; /* it has all it will get, and what it still sends is thrown away */
	bool chunked, closes, silent; /* of the answer: silent: without its content */
	bool last;                    /* the page is made; what is left is to be read */
};

static void page_end(struct connection *c)
{
	if (c->busy && c->page.end)
		c->page.end(c->page.ctx);
	c->busy = false;
}

static void connection_free(struct connection *c)
{
	page_end(c);
	LIST_REMOVE(c, link);
	event_free(c->deadline);
	event_free(c->turn);
	bufferevent_free(c->bev);
	free(c);
}

/* ---- the answer ---- */

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 304:
		return "Not Modified";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 413:
		return "Content Too Large";
	case 421:
		return "Misdirected Request";
	case 414:
		return "URI Too Long";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	}
	return "Error";
}

static void deadline_set(struct connection *c, uint32_t seconds)
{
	const struct timeval after = {.tv_sec = seconds};

	event_add(c->deadline, &after);
}

static void head_send(struct connection *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	evbuffer_add_printf(out,
			    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\n"
			    "X-Content-Type-Options: nosniff\r\n%s%s%s%s\r\n",
			    c->page.status, reason(c->page.status), c->page.type,
			    c->page.headers ? c->page.headers : "",
			    c->page.status == 405 ? "Allow: GET, HEAD\r\n" : "",
			    c->chunked ? "Transfer-Encoding: chunked\r\n" : "",
			    c->closes ? "Connection: close\r\n" : "");
}

/* One piece; the next comes when this one has been sent, and others had a turn. -errno: the
 * connection is to break. */
static int piece_send(struct connection *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev), *piece = evbuffer_new();
	int more;

	if (!piece)
		return -ENOMEM;
	more = c->page.piece(c->page.ctx, piece);
	if (c->chunked && evbuffer_get_length(piece) > 0) {
		evbuffer_add_printf(out, "%zx\r\n", evbuffer_get_length(piece));
		evbuffer_add_buffer(out, piece);
		evbuffer_add(out, "\r\n", 2);
	} else {
		evbuffer_add_buffer(out, piece);
	}
	evbuffer_free(piece);
	if (more == 0 && c->chunked)
		evbuffer_add(out, "0\r\n\r\n", 5);
	c->last = more == 0;
	return more < 0 ? more : 0;
}

static void serve(struct connection *c);

/* Closing with input unread would take back what the client has not read yet. */
static void linger(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	c->lingers = true;
	c->idled = ++c->server->idled;
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	evbuffer_drain(in, evbuffer_get_length(in));
	deadline_set(c, LINGER_S);
}

/* What was sent is read. May free the connection. */
static void answer_go_on(struct connection *c)
{
	static const struct timeval now;
	bool empty = evbuffer_get_length(bufferevent_get_output(c->bev)) == 0;

	if (!c->last && !c->silent) {
		if (piece_send(c) < 0) {
			connection_free(c);
		} else if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
			/* A piece of nothing: it is still reading its figures. By a timer, for
			 * libevent runs 32 deferred callbacks before it looks at anything else. */
			event_add(c->turn, &now);
		}
		return;
	}
	if (!empty)
		return;
	page_end(c);
	if (c->closes) {
		linger(c);
		return;
	}
	c->idled = ++c->server->idled;
	deadline_set(c, c->server->config.request_s);
	serve(c);
}

static void answer(struct connection *c, int status, const struct http_request *request)
{
	c->page = (struct http_page){.status = status, .type = "text/plain; charset=utf-8"};
	if (status == 200 && c->kept &&
	    !(c->server->config.kept && c->server->config.kept(request->path))) {
		http_page_text(&c->page, 503, "text/plain; charset=utf-8",
			       "503: all connections are taken; try again later\n");
	} else if (status == 200) {
		c->server->route(c->server->ctx, request, &c->page);
	} else {
		char text[64];

		snprintf(text, sizeof(text), "%d %s\n", status, reason(status));
		http_page_text(&c->page, status, "text/plain; charset=utf-8", text);
	}
	c->busy = true;
	c->silent = request->head;
	c->closes = !request->keeps || request->old || c->kept;
	c->chunked = !request->old && !c->silent;
	c->last = false;
	event_del(c->deadline);
	head_send(c);
}

/* ---- the request ---- */

/* Looks for a request in what came. */
static void serve(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct http_request request = {.keeps = false};
	size_t n_bytes = evbuffer_get_length(in), head_bytes = 0;
	const char *bytes;

	if (c->busy || n_bytes == 0)
		return;
	n_bytes = n_bytes < HTTP_HEAD_MAX_BYTES ? n_bytes : HTTP_HEAD_MAX_BYTES;
	bytes = (const char *)evbuffer_pullup(in, (ev_ssize_t)n_bytes);
	if (bytes)
		head_bytes = http_head_length(bytes, n_bytes);
	if (head_bytes > 0) {
		answer(c, http_request_parse(bytes, head_bytes, &request), &request);
		evbuffer_drain(in, head_bytes);
	} else if (n_bytes == HTTP_HEAD_MAX_BYTES) {
		answer(c, 431, &request);
		evbuffer_drain(in, evbuffer_get_length(in));
	}
}

static void input_came(struct bufferevent *bev, void *ctx)
{
	struct connection *c = ctx;

	if (c->lingers)
		evbuffer_drain(bufferevent_get_input(bev),
			       evbuffer_get_length(bufferevent_get_input(bev)));
	else
		serve(c);
}

static void output_went(struct bufferevent *bev, void *ctx)
{
	struct connection *c = ctx;

	if (c->busy)
		answer_go_on(c);
}

/* Who has sent all it will may still read; a page ends with the connection then. */
static void line_ended(struct bufferevent *bev, short events, void *ctx)
{
	struct connection *c = ctx;

	if (events & BEV_EVENT_EOF && c->busy && !(events & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)))
		c->closes = true;
	else
		connection_free(c);
}

static void deadline_came(evutil_socket_t fd, short events, void *ctx)
{
	connection_free(ctx);
}

static void turn_came(evutil_socket_t fd, short events, void *ctx)
{
	struct connection *c = ctx;

	if (c->busy)
		answer_go_on(c);
}

/* ---- who gets a place ---- */

static bool is_idle(const struct connection *c)
{
	return !c->busy;
}

/* How many have a place that is kept, or not; `peer` not NULL: of this address. */
static uint32_t places(const struct http_server *server, bool kept, const struct ip_addr *peer)
{
	const struct connection *c;
	uint32_t n = 0;

	LIST_FOREACH (c, &server->connections, link)
		n += c->kept == kept && (!peer || ip_equal(&c->peer, peer));
	return n;
}

static uint32_t idle_of(const struct http_server *server, const struct ip_addr *peer)
{
	const struct connection *c;
	uint32_t n = 0;

	LIST_FOREACH (c, &server->connections, link)
		n += !c->kept && is_idle(c) && ip_equal(&c->peer, peer);
	return n;
}

/*
 * Who was idle the longest, of those of `peer`; NULL: of the address with the most idle ones. NULL: none is idle.
 * There are a few dozens of connections: each is looked at.
 */
static struct connection *idle_longest(const struct http_server *server, bool kept,
				       const struct ip_addr *peer)
{
	struct connection *c, *found = NULL;
	uint32_t most = 0;

	LIST_FOREACH (c, &server->connections, link) {
		uint32_t n;

		if (c->kept != kept || !is_idle(c) || (peer && !ip_equal(&c->peer, peer)))
			continue;
		n = peer || kept ? 1 : idle_of(server, &c->peer);
		if (!found || n > most || (n == most && c->idled < found->idled))
			found = c;
		most = n > most ? n : most;
	}
	return found;
}

/* A place for one more of `peer`, of one that is idle if need be. False: there is none, nor among the kept. */
static bool place_take(struct http_server *server, const struct ip_addr *peer, bool *kept)
{
	const struct http_server_config *config = &server->config;
	struct connection *idle = NULL;
	bool full = true;

	*kept = false;
	if (places(server, false, peer) >= config->address_max)
		idle = idle_longest(server, false, peer);
	else if (places(server, false, NULL) >= config->connections_max)
		idle = idle_longest(server, false, NULL);
	else
		full = false;
	if (full && !idle) {
		*kept = true;
		full = places(server, true, NULL) >= config->kept_max;
		idle = full ? idle_longest(server, true, NULL) : NULL;
	}
	if (idle)
		connection_free(idle);
	return !full || idle;
}

void connection_new(struct http_server *server, int fd, const struct ip_addr *peer)
{
	const struct timeval write = {.tv_sec = server->config.write_s};
	struct connection *c = NULL;
	bool kept;

	if (!place_take(server, peer, &kept))
		goto err_close;
	c = calloc(1, sizeof(*c));
	if (!c)
		goto err_close;
	c->server = server;
	c->peer = *peer;
	c->kept = kept;
	c->idled = ++server->idled;
	c->deadline = evtimer_new(server->base, deadline_came, c);
	c->turn = evtimer_new(server->base, turn_came, c);
	if (!c->deadline || !c->turn)
		goto err_free;
	c->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev)
		goto err_free;
	bufferevent_setcb(c->bev, input_came, output_went, line_ended, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, HTTP_HEAD_MAX_BYTES);
	bufferevent_set_timeouts(c->bev, NULL, &write);
	deadline_set(c, server->config.request_s);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	LIST_INSERT_HEAD(&server->connections, c, link);
	return;

err_free:
	if (c->deadline)
		event_free(c->deadline);
	if (c->turn)
		event_free(c->turn);
	free(c);
err_close:
	close(fd);
}

void connections_free(struct http_server *server)
{
	while (!LIST_EMPTY(&server->connections))
		connection_free(LIST_FIRST(&server->connections));
}
