/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's transfers in libevent's loop. Control thread.
 */
#include "http_loop.h"

#include "shortage.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

struct http_loop {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
};

static void tell_ended(struct http_loop *loop)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(loop->multi, &left))) {
		CURL *handle = message->easy_handle;
		CURLcode result = message->data.result;
		struct http_transfer *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(handle, CURLINFO_PRIVATE, (char **)&transfer);
		curl_multi_remove_handle(loop->multi, handle);
		transfer->ended(transfer, result);
	}
}

static void act(struct http_loop *loop, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(loop->multi, fd, what, &running);
	tell_ended(loop);
}

static void on_socket(evutil_socket_t fd, short events, void *ctx)
{
	act(ctx, fd,
	    (events & EV_READ ? CURL_CSELECT_IN : 0) | (events & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static void deaf_note(CURL *handle)
{
	struct http_transfer *transfer = NULL;

	shortage_note(SHORTAGE_TIMER, ENOMEM);
	curl_easy_getinfo(handle, CURLINFO_PRIVATE, (char **)&transfer);
	if (transfer)
		transfer->deaf = true;
}

static int socket_told(CURL *handle, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct http_loop *loop = ctx;
	struct event *event = socket_ctx;
	short events = EV_PERSIST;

	if (event)
		event_free(event);
	event = NULL;
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	if (what != CURL_POLL_REMOVE) {
		event = event_new(loop->base, fd, events, on_socket, loop);
		/* Without it the transfer times out, for which its server is not to blame. */
		if (!event || event_add(event, NULL) != 0)
			deaf_note(handle);
	}
	curl_multi_assign(loop->multi, fd, event);
	return 0;
}

static int timer_told(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http_loop *loop = ctx;
	struct timeval timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_usec = timeout_ms % 1000 * 1000,
	};

	(void)multi;
	if (timeout_ms < 0)
		evtimer_del(loop->timer);
	else
		evtimer_add(loop->timer, &timeout);
	return 0;
}

struct http_loop *http_loop_new(struct event_base *base)
{
	struct http_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->base = base;
	loop->timer = evtimer_new(base, on_timer, loop);
	/* libevent's random numbers and sockets need nothing of libcurl's own but TLS. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		loop->multi = curl_multi_init();
	if (!loop->timer || !loop->multi) {
		http_loop_free(loop);
		return NULL;
	}
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, socket_told);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, timer_told);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	return loop;
}

void http_loop_free(struct http_loop *loop)
{
	if (!loop)
		return;
	if (loop->multi)
		curl_multi_cleanup(loop->multi);
	curl_global_cleanup();
	if (loop->timer)
		event_free(loop->timer);
	free(loop);
}

int http_loop_add(struct http_loop *loop, CURL *handle)
{
	return curl_multi_add_handle(loop->multi, handle) == CURLM_OK ? 0 : -ENOMEM;
}

void http_loop_remove(struct http_loop *loop, CURL *handle)
{
	curl_multi_remove_handle(loop->multi, handle);
}
