/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client of the HTTP server: its requests in, pages out. Used by http_server.c alone, which it
 * shares the server's struct with; control thread.
 */
#ifndef SLUICE_HTTP_CONNECTION_H
#define SLUICE_HTTP_CONNECTION_H

#include <sys/queue.h>

#include "http_server.h"

enum {
	LISTENERS_MAX = 16,
};

struct connection;

LIST_HEAD(connections, connection);

struct http_server {
	struct event_base *base;
	struct http_server_config config;
	http_route_fn *route;
	void *ctx;
	struct evconnlistener *listeners[LISTENERS_MAX];
	uint32_t listeners_n;
	struct connections connections; /* the kept ones, too */
	uint64_t idled;      /* of connections that became idle: tells which did before */
	struct event *again; /* after a pause in accepting */
};

/* Takes a connected, non-blocking socket over, in any case. It frees itself at its end. */
void connection_new(struct http_server *server, int fd, const struct ip_addr *peer);
void connections_free(struct http_server *server);

#endif
