/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's transfers in libevent's loop: the multi interface with sockets and timer of its own
 * told to us. Used by probe_http.c; control thread.
 */
#ifndef SLUICE_HEALTH_HTTP_LOOP_H
#define SLUICE_HEALTH_HTTP_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>

struct event_base;
struct http_loop;

/* NULL: no memory. */
struct http_loop *http_loop_new(struct event_base *base);

/* No transfer may be under way. */
void http_loop_free(struct http_loop *loop); /* NULL is allowed */

/* A transfer ended. CURLOPT_PRIVATE of the handle is what is called, and with what. */
struct http_transfer {
	void (*ended)(struct http_transfer *transfer, CURLcode result);
	bool deaf; /* its socket could not be waited for: what came of it says nothing */
};

/* Begins; 0, or -ENOMEM. */
int http_loop_add(struct http_loop *loop, CURL *handle);

/* Ends without a call; harmless when it isn't under way. */
void http_loop_remove(struct http_loop *loop, CURL *handle);

#endif
