/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server for a few read-only pages: GET and HEAD, no content in requests, all of a
 * client's bounded. Not libevent's evhttp, which can't bound how many connections it takes, and
 * would leave none to others; nor libmicrohttpd (docs/architecture.md). A page may be long: it is made piece by piece, as the client reads,
 * so that nothing else waits for it. Runs in the event loop, on the control thread.
 */
#ifndef SLUICE_HTTP_SERVER_H
#define SLUICE_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "http_request.h"
#include "ip.h"

struct evbuffer;
struct event_base;
struct http_server;

enum {
	HTTP_CONNECTIONS_MAX = 32,
	HTTP_ADDRESS_MAX = 16,       /* of those, of one address; all of an IPv6 /64 are one */
	HTTP_KEPT_MAX = 8,           /* beside those, for pages that must always be had */
	HTTP_PIECE_BYTES = 64 << 10, /* about as long as a piece should be */
	HTTP_ERROR_MAX = 256,
};

struct http_page {
	int status; /* 200, 404, 421, 503 */
	const char *type;
	const char *headers; /* further ones, each ended by \r\n; NULL: none */
	/*
	 * Appends the next piece to `out`, in a few milliseconds. Returns 1: there is more; 0: that
	 * was all; -errno: it can't go on, and the connection breaks.
	 */
	int (*piece)(void *ctx, struct evbuffer *out);
	void (*end)(void *ctx); /* called once, however it ended; NULL: nothing is to be freed */
	void *ctx;
};

/*
 * Who gets a place. A connection that waits for a request is idle. One that comes when its address has
 * address_max takes the place of the one of these that was idle the longest; one that comes when all
 * connections_max are taken, of the one that was idle the longest of the address with the most idle ones.
 * Where none is idle, it gets one of the kept_max further places, where pages that `kept` names are
 * answered, all else with 503, and which ends with its answer; of these too the one that was idle the
 * longest makes room. So whoever holds connections, however many, and whatever they do, others are
 * answered.
 */

/* Fills *page in, which is zeroed but for status 200. */
typedef void http_route_fn(void *ctx, const struct http_request *request, struct http_page *page);

/* Whether a page at this path is short, and must always be had. */
typedef bool http_kept_fn(const char *path);

struct http_server_config {
	uint32_t connections_max, address_max, kept_max;
	http_kept_fn *kept; /* NULL: none is */
	uint32_t request_s; /* a request's head comes within so long, from the connection, or from
			     * the answer before */
	uint32_t write_s;   /* a client that reads nothing for so long is closed */
};

#define HTTP_SERVER_CONFIG_DEFAULT                                                        \
	{                                                                                 \
		.connections_max = HTTP_CONNECTIONS_MAX, .address_max = HTTP_ADDRESS_MAX, \
		.kept_max = HTTP_KEPT_MAX, .request_s = 30, .write_s = 10                 \
	}

/* Ignores SIGPIPE, process-wide. NULL: no memory. */
struct http_server *http_server_new(struct event_base *base,
				    const struct http_server_config *config, http_route_fn *route,
				    void *ctx);

/*
 * Takes connections at addr:port from now on. Returns 0, or, with a text for people in `error`,
 * -errno of the socket: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES ...
 */
int http_server_listen(struct http_server *server, const struct ip_addr *addr, uint16_t port,
		       char error[HTTP_ERROR_MAX]);

void http_server_free(struct http_server *server); /* NULL is allowed */

/* For a page that is one piece of text, copied. */
void http_page_text(struct http_page *page, int status, const char *type, const char *text);

#endif
