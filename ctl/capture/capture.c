/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capture that is under way. Called by the methods of the control socket and by its own timer,
 * on the control thread.
 */
#include "capture.h"

#include "clock.h"
#include "log.h"
#include "path.h"
#include "pcapng.h"
#include "publisher.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	POLL_US = 5000,
	COMMENT_MAX = 256,
};

struct name {
	uint32_t row;
	char text[MODEL_NAME_MAX];
};

struct captures {
	const struct path *path;
	struct publisher *publisher;
	struct event *timer;
	struct evbuffer *buffer;
	struct daemon_capture state; /* state.end: CAPTURE_ON while the fast path copies */
	uint32_t packets_max;
	uint64_t bytes_max;
	int64_t ends_ms, asked_ms;
	uint64_t missed_buffer;                  /* frames beyond CAPTURE_BUFFER_BYTES */
	uint64_t last_in[FAST_PATH_WORKERS_MAX]; /* 1 + the packet whose frame came last; 0: none */
	struct name *names;                      /* of the service's backends, when it began */
	uint32_t names_n;
	int err;   /* of making blocks */
	bool held; /* the client has not read all yet */
};

static const char *name_of(const struct captures *c, uint32_t row)
{
	for (uint32_t i = 0; i < c->names_n; i++)
		if (c->names[i].row == row)
			return c->names[i].text;
	return NULL;
}

static void describe(const struct captures *c, const struct fast_path_captured *frame,
		     char text[COMMENT_MAX])
{
	const char *backend = frame->backend ? name_of(c, frame->backend) : NULL;

	snprintf(text, COMMENT_MAX, "service %s, %s%s%sverdict %s, worker %u", c->state.service,
		 frame->backend ? "backend " : "",
		 backend ? backend : (frame->backend ? "added since" : ""),
		 frame->backend ? ", " : "", verdict_name(frame->verdict), frame->worker);
}

/* Whether the frame belongs to one of the first packets_max packets. */
static bool frame_counts(struct captures *c, const struct fast_path_captured *frame)
{
	uint64_t *last = &c->last_in[frame->worker % FAST_PATH_WORKERS_MAX];

	if (frame->out)
		return *last == frame->packet + 1;
	*last = 0;
	if (c->state.packets >= c->packets_max)
		return false;
	*last = frame->packet + 1;
	return true;
}

static void frame_came(void *ctx, const struct fast_path_captured *frame)
{
	struct captures *c = ctx;
	struct pcapng_packet packet = {
		.interface = frame->out ? PCAPNG_OUT : PCAPNG_IN,
		.time_ns = frame->time_ns,
		.id = frame->packet,
		.frame_bytes = frame->frame_bytes,
		.bytes_n = frame->bytes_n,
		.bytes = frame->bytes,
	};
	char comment[COMMENT_MAX];

	if (!frame_counts(c, frame))
		return;
	if (evbuffer_get_length(c->buffer) + frame->bytes_n > CAPTURE_BUFFER_BYTES) {
		c->last_in[frame->worker % FAST_PATH_WORKERS_MAX] = 0;
		c->missed_buffer++;
		return;
	}
	describe(c, frame, comment);
	packet.comment = comment;
	if (pcapng_packet(c->buffer, &packet) != 0) {
		c->err = -ENOMEM;
		return;
	}
	c->state.packets += !frame->out;
	c->state.frames++;
}

static void finish(struct captures *c, enum daemon_capture_end end)
{
	const struct fast_path *module = c->path->module;

	if (c->state.end != CAPTURE_ON)
		return;
	module->capture_stop();
	c->state.end = end;
	c->state.captures_all++;
	c->state.packets_all += c->state.packets;
	c->state.missed_all += c->state.missed;
	(void)pcapng_tail(c->buffer, (uint64_t)clock_us(CLOCK_REALTIME) * 1000, c->state.frames,
			  c->state.missed);
	log_info("capture of %s: ended: %llu packets, %llu frames missed", c->state.service,
		 (unsigned long long)c->state.packets, (unsigned long long)c->state.missed);
}

/* Takes what there is, and sees whether it is enough. */
static void poll(struct captures *c)
{
	size_t before = evbuffer_get_length(c->buffer);
	uint64_t missed = 0;
	int err = c->path->module->capture_read(frame_came, c, &missed);

	c->state.missed = missed + c->missed_buffer;
	c->state.bytes += evbuffer_get_length(c->buffer) - before;
	if (err || c->err)
		finish(c, CAPTURE_FAILED);
	else if (!model_find(publisher_model(c->publisher), c->state.service))
		finish(c, CAPTURE_GONE); /* its row may be another's next */
	else if (c->state.packets >= c->packets_max)
		finish(c, CAPTURE_PACKETS);
	else if (c->state.bytes >= c->bytes_max)
		finish(c, CAPTURE_BYTES);
	else if (clock_now_us() / 1000 >= c->ends_ms)
		finish(c, CAPTURE_SECONDS);
}

static void let_go(struct captures *c)
{
	c->held = false;
	evbuffer_drain(c->buffer, evbuffer_get_length(c->buffer));
	event_del(c->timer);
}

static void timer_fired(evutil_socket_t fd, short events, void *ctx)
{
	struct captures *c = ctx;

	if (clock_now_us() / 1000 - c->asked_ms > CAPTURE_LEASE_MS) {
		finish(c, CAPTURE_STOPPED);
		let_go(c);
	} else if (c->state.end == CAPTURE_ON) {
		poll(c);
	}
}

struct captures *captures_new(struct event_base *base, const struct path *path,
			      struct publisher *publisher)
{
	struct captures *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->path = path;
	c->publisher = publisher;
	c->state.end = CAPTURE_STOPPED;
	c->buffer = evbuffer_new();
	c->timer = event_new(base, -1, EV_PERSIST, timer_fired, c);
	if (c->buffer && c->timer)
		return c;
	captures_free(c);
	return NULL;
}

void captures_free(struct captures *c)
{
	if (!c)
		return;
	if (c->state.end == CAPTURE_ON)
		c->path->module->capture_stop();
	if (c->timer)
		event_free(c->timer);
	if (c->buffer)
		evbuffer_free(c->buffer);
	free(c->names);
	free(c);
}

/* Rows and names of the service's backends; *filter gets the rows that are asked for. */
static int names_fill(struct captures *c, const struct daemon_capture_request *request,
		      struct fast_path_capture *filter)
{
	const struct service_conf *service = request->service;
	uint32_t *rows = calloc(service->backends_n + 1U, sizeof(*rows));
	int err = -ENOMEM;

	free(c->names);
	c->names_n = 0;
	c->names = calloc(service->backends_n + 1U, sizeof(*c->names));
	if (rows && c->names)
		err = publisher_rows(c->publisher, service, &filter->service, rows);
	for (uint32_t i = 0; i < service->backends_n && !err; i++) {
		c->names[c->names_n].row = rows[i];
		memcpy(c->names[c->names_n++].text, service->backends[i].name, MODEL_NAME_MAX);
		if (request->backend == &service->backends[i])
			filter->backend = rows[i];
	}
	free(rows);
	return err;
}

static void begin(struct captures *c, const struct daemon_capture_request *request)
{
	const struct daemon_capture old = c->state;

	c->state = (struct daemon_capture){
		.id = old.id + 1,
		.end = CAPTURE_ON,
		.captures_all = old.captures_all,
		.packets_all = old.packets_all,
		.missed_all = old.missed_all,
	};
	memcpy(c->state.service, request->service->name, MODEL_NAME_MAX);
	memset(c->last_in, 0, sizeof(c->last_in));
	c->packets_max = request->packets_max;
	c->bytes_max = request->bytes_max;
	c->asked_ms = clock_now_us() / 1000;
	c->ends_ms = c->asked_ms + request->seconds * 1000LL;
	c->missed_buffer = 0;
	c->err = 0;
	c->held = true;
}

int captures_start(struct captures *c, const struct daemon_capture_request *request, uint64_t *id)
{
	static const struct timeval period = {.tv_usec = POLL_US};
	struct fast_path_capture filter = {
		.verdict = request->verdict,
		.snap_bytes = request->snap_bytes,
		.seconds = request->seconds + 1,
	};
	int err;

	if (c->held || c->state.end == CAPTURE_ON)
		return -EBUSY;
	err = names_fill(c, request, &filter);
	if (!err)
		err = c->path->module->capture_start(&filter);
	if (err)
		return err;
	begin(c, request);
	c->err = pcapng_head(c->buffer, "sluiced", c->state.service, request->snap_bytes);
	c->state.bytes = evbuffer_get_length(c->buffer);
	event_add(c->timer, &period);
	*id = c->state.id;
	return 0;
}

int captures_read(struct captures *c, uint64_t id, struct daemon_capture_chunk *chunk)
{
	static uint8_t bytes[CAPTURE_CHUNK_BYTES];
	int n;

	if (!c->held || id != c->state.id)
		return -ENOENT;
	c->asked_ms = clock_now_us() / 1000;
	if (c->state.end == CAPTURE_ON)
		poll(c);
	n = evbuffer_remove(c->buffer, bytes, sizeof(bytes));
	*chunk = (struct daemon_capture_chunk){
		.capture = c->state,
		.bytes = bytes,
		.bytes_n = n > 0 ? (size_t)n : 0,
		.last = c->state.end != CAPTURE_ON && evbuffer_get_length(c->buffer) == 0,
	};
	if (chunk->last)
		let_go(c);
	return 0;
}

int captures_stop(struct captures *c, uint64_t id)
{
	if (!c->held || id != c->state.id)
		return -ENOENT;
	if (c->state.end == CAPTURE_ON)
		poll(c);
	finish(c, CAPTURE_STOPPED);
	return 0;
}

void captures_show(const struct captures *c, struct daemon_capture *out)
{
	*out = c->state;
}
