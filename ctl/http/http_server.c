/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: where it listens, and whom it takes. Control thread.
 */
#include "http_connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "shortage.h"

enum {
	ACCEPT_PAUSE_MS = 200, /* when no file descriptor is free */
};

static void listeners_disable(struct http_server *server)
{
	for (uint32_t i = 0; i < server->listeners_n; i++)
		evconnlistener_disable(server->listeners[i]);
}

/* Where the kernel refuses to watch one, a little later again. */
static void listeners_enable(struct http_server *server)
{
	static const struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};

	for (uint32_t i = 0; i < server->listeners_n; i++)
		if (evconnlistener_enable(server->listeners[i]) != 0)
			event_add(server->again, &pause);
}

/* ---- connections ---- */

/* Who shares places: an IPv6 host has a /64 of addresses, or can have (RFC 6177). */
static struct ip_addr peer_of(const struct sockaddr *addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
	struct ip_addr peer;

	if (addr->sa_family != AF_INET6)
		return ip_from_bytes(IP_V4, &v4->sin_addr);
	peer = ip_from_bytes(IP_V6, &v6->sin6_addr);
	memset(peer.bytes + 8, 0, 8);
	return peer;
}

static void client_came(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
			int addr_bytes, void *ctx)
{
	const struct ip_addr peer = peer_of(addr);

	connection_new(ctx, fd, &peer);
}

static void accept_again(evutil_socket_t fd, short events, void *ctx)
{
	struct http_server *server = ctx;

	listeners_enable(server);
}

static void accept_failed(struct evconnlistener *listener, void *ctx)
{
	static const struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
	struct http_server *server = ctx;

	const int error = EVUTIL_SOCKET_ERROR();

	shortage_note(SHORTAGE_HTTP, error);
	log_error("http: clients can't be accepted: %s", evutil_socket_error_to_string(error));
	listeners_disable(server);
	event_add(server->again, &pause);
}

static int socket_open(const struct ip_addr *addr, uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is_v4 = addr->family == IP_V4;
	const int on = 1;
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	memcpy(&v4.sin_addr, addr->bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, addr->bytes, sizeof(v6.sin6_addr));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!is_v4) /* "::" and "0.0.0.0" side by side */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
		 is_v4 ? sizeof(v4) : sizeof(v6)) == 0 &&
	    listen(fd, SOMAXCONN) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int http_server_listen(struct http_server *server, const struct ip_addr *addr, uint16_t port,
		       char error[HTTP_ERROR_MAX])
{
	int fd = server->listeners_n < LISTENERS_MAX ? socket_open(addr, port) : -ENOBUFS;
	struct evconnlistener *listener;
	char text[IP_TEXT_MAX];

	if (fd < 0) {
		snprintf(error, HTTP_ERROR_MAX, "%s port %u: %s", ip_format(addr, text), port,
			 strerror(-fd));
		return fd;
	}
	listener = evconnlistener_new(server->base, client_came, server,
				      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener) {
		close(fd);
		snprintf(error, HTTP_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, accept_failed);
	server->listeners[server->listeners_n++] = listener;
	return 0;
}

struct http_server *http_server_new(struct event_base *base,
				    const struct http_server_config *config, http_route_fn *route,
				    void *ctx)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->base = base;
	server->config = *config;
	server->route = route;
	server->ctx = ctx;
	LIST_INIT(&server->connections);
	signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error to write(2), not our end */
	server->again = evtimer_new(base, accept_again, server);
	if (server->again)
		return server;
	free(server);
	return NULL;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	for (uint32_t i = 0; i < server->listeners_n; i++)
		evconnlistener_free(server->listeners[i]);
	server->listeners_n = 0;
	connections_free(server);
	event_free(server->again);
	free(server);
}

/* ---- a page that is one text ---- */

static int text_piece(void *ctx, struct evbuffer *out)
{
	return evbuffer_add(out, ctx, strlen(ctx)) == 0 ? 0 : -ENOMEM;
}

void http_page_text(struct http_page *page, int status, const char *type, const char *text)
{
	page->status = status;
	page->type = type;
	page->piece = text_piece;
	page->end = free;
	page->ctx = strdup(text);
	if (!page->ctx)
		page->ctx = calloc(1, 1);
}
