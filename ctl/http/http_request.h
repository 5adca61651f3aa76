/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the head of an HTTP/1 request: its first line, and of its headers those that a server of a
 * few read-only pages needs (RFC 9112). Pure; used by http_server.c, on the control thread.
 */
#ifndef SLUICE_HTTP_REQUEST_H
#define SLUICE_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum {
	HTTP_HEAD_MAX_BYTES = 8192, /* first line and headers */
	HTTP_PATH_MAX = 256,
	HTTP_QUERY_MAX = 512,
	HTTP_ACCEPT_MAX = 512,
	HTTP_HOST_MAX = 272, /* a name (RFC 1035: 253), a port */
};

struct http_request {
	char path[HTTP_PATH_MAX];     /* without what follows "?" */
	char query[HTTP_QUERY_MAX];   /* that, still with its %; "" if there is none */
	char accept[HTTP_ACCEPT_MAX]; /* "" if it is missing; cut if it is longer */
	char host[HTTP_HOST_MAX];     /* as it came, with a port; "" if it is missing or empty */
	bool head;                    /* HEAD: as GET, without the content */
	bool old;                     /* HTTP/1.0 */
	bool keeps;                   /* the connection stays for another request */
};

/* How many bytes of `bytes` are the head, with the blank line that ends it; 0: it has not come
 * whole. Lines end with \r\n; a bare \n will do. */
size_t http_head_length(const char *bytes, size_t n_bytes);

/*
 * Reads a head, of http_head_length(). Returns 200, or the status to refuse it with, and the
 * connection is to be closed then:
 * 400: it is no request, or has no Host, or two (HTTP/1.1), or one that is too long;
 * 405: neither GET nor HEAD; 413: it has content; 414: the path, or query, is too long;
 * 505: neither HTTP/1.1 nor 1.0.
 */
int http_request_parse(const char *bytes, size_t n_bytes, struct http_request *request);

#endif
