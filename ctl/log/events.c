/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of events. Control thread.
 */
#include "events.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"

enum {
	LINE_MAX_BYTES = 2048, /* as a line of the log */
	REQUEST_MAX = 256,
	MINUTE_US = 60000000,
	FIELDS_MAX = 5 * 20 + 2 * EVENT_NAME_MAX + EVENT_NAME_MAX + EVENT_WHO_MAX + REQUEST_MAX,
};

static struct event_entry ring[EVENTS_MAX]; /* the event `id` stands at id % EVENTS_MAX */
static uint64_t next_id = 1;
static uint64_t counts[EVENT_N_KINDS];
static struct event_entry unkept;
static uint32_t shares; /* that have begun, one in the other */
static uint32_t share_left, share_beyond;
static int64_t minute_us; /* when the one began in which `unasked` were kept */
static uint32_t unasked;
static LIST_HEAD(, events_listener) listeners = LIST_HEAD_INITIALIZER(listeners);

const char *const event_kind_words[] = {
#define X(id, word, text) [EVENT_##id] = word,
	EVENT_KINDS(X)
#undef X
		NULL,
};

/* Whoever reads a line may trust that it is one. */
static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static void copy(char *to, size_t to_bytes, const char *from)
{
	snprintf(to, to_bytes, "%s", from ? from : "");
	clean(to);
}

/* Appends "NAME=value\n", cut if it must be. */
static void field_add(char fields[FIELDS_MAX], size_t *used, const char *name, const char *value,
		      size_t value_max)
{
	if (!value[0])
		return;
	*used += (size_t)snprintf(fields + *used, FIELDS_MAX - *used, "%s=%.*s\n", name,
				  (int)value_max, value);
}

/* What asked for it stands behind who did: "cli uid 0 (root) pid 4711: backend.set {...}". */
static void log_event(enum fast_path_log level, const struct event_entry *e, const char *who)
{
	bool told = strcmp(who, "daemon") != 0;
	const char *request = strstr(who, ": ");
	char line[LINE_MAX_BYTES], fields[FIELDS_MAX];
	size_t used = 0;

	snprintf(line, sizeof(line), "%s%s%s%s%s%s%s%s%s%s", e->service[0] ? "service " : "",
		 e->service, e->service[0] ? ": " : "", e->backend[0] ? "backend " : "", e->backend,
		 e->backend[0] ? ": " : "", e->text, told ? " (" : "", told ? who : "",
		 told ? ")" : "");
	clean(line);
	field_add(fields, &used, "SLUICE_KIND", event_kind_name(e->kind), EVENT_NAME_MAX);
	field_add(fields, &used, "SLUICE_SERVICE", e->service, EVENT_NAME_MAX);
	field_add(fields, &used, "SLUICE_BACKEND", e->backend, EVENT_NAME_MAX);
	field_add(fields, &used, "SLUICE_WHO", e->who, EVENT_WHO_MAX);
	if (request) {
		char copy[REQUEST_MAX];

		snprintf(copy, sizeof(copy), "%s", request + 2);
		clean(copy);
		field_add(fields, &used, "SLUICE_REQUEST", copy, REQUEST_MAX);
	}
	log_fields(level, fields, line);
}

static bool came_by_itself(enum event_kind kind, const char *who)
{
	switch (kind) {
	case EVENT_HEALTH:
	case EVENT_NEXT_HOP:
	case EVENT_TRANSITION:
	case EVENT_DRAIN:
	case EVENT_GENERATION:
		return strcmp(who, "health") == 0 || strncmp(who, "kernel", 6) == 0 ||
		       strcmp(who, "daemon") == 0;
	default:
		return false;
	}
}

/* Whether one more of what came by itself has room in this minute. */
static bool minute_takes(void)
{
	int64_t now_us = clock_now_us();

	if (minute_us == 0 || now_us - minute_us >= MINUTE_US) {
		minute_us = now_us;
		unasked = 0;
	}
	if (unasked == EVENTS_UNASKED_MAX)
		events_add(EVENT_DAEMON, "daemon", NULL, NULL,
			   "%u events within a minute came by themselves: of further ones the log "
			   "tells alone",
			   unasked);
	return unasked++ < EVENTS_UNASKED_MAX;
}

static void add(enum fast_path_log level, enum event_kind kind, const char *who,
		const char *service, const char *backend, const char *format, va_list args)
{
	bool in_share = shares == 0 || share_left > 0;
	bool kept = in_share && (!came_by_itself(kind, who) || minute_takes());
	struct event_entry *e = kept ? &ring[next_id % EVENTS_MAX] : &unkept;
	struct events_listener *listener, *after;
	char *asked;

	e->id = next_id;
	e->when_us = clock_us(CLOCK_REALTIME);
	e->kind = kind;
	copy(e->who, sizeof(e->who), who);
	asked = strstr(e->who, ": ");
	if (asked)
		*asked = 0;
	copy(e->service, sizeof(e->service), service);
	copy(e->backend, sizeof(e->backend), backend);
	vsnprintf(e->text, sizeof(e->text), format, args);
	clean(e->text);
	counts[kind]++;
	log_event(level, e, who);
	if (!kept) {
		share_beyond += !in_share;
		return;
	}
	if (shares > 0)
		share_left--;
	next_id++;
	for (listener = LIST_FIRST(&listeners); listener; listener = after) {
		after = LIST_NEXT(listener, link);
		listener->added(listener->ctx);
	}
}

void events_add(enum event_kind kind, const char *who, const char *service, const char *backend,
		const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(FAST_PATH_LOG_INFO, kind, who, service, backend, format, args);
	va_end(args);
}

void events_warn(enum event_kind kind, const char *who, const char *service, const char *backend,
		 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(FAST_PATH_LOG_WARNING, kind, who, service, backend, format, args);
	va_end(args);
}

void events_share_begin(uint32_t max)
{
	if (shares++ > 0)
		return;
	share_left = max;
	share_beyond = 0;
}

void events_share_end(const char *who)
{
	if (--shares > 0)
		return;
	if (share_beyond > 0)
		events_add(EVENT_CONFIG, who, NULL, NULL, "%u more events: the log has them",
			   share_beyond);
	share_beyond = 0;
}

uint64_t events_next(void)
{
	return next_id;
}

uint64_t events_first(void)
{
	return next_id > EVENTS_MAX ? next_id - EVENTS_MAX : 1;
}

const struct event_entry *events_get(uint64_t id)
{
	return id >= events_first() && id < next_id ? &ring[id % EVENTS_MAX] : NULL;
}

uint64_t events_count(enum event_kind kind)
{
	return counts[kind];
}

void events_listen(struct events_listener *listener)
{
	LIST_INSERT_HEAD(&listeners, listener, link);
}

void events_unlisten(struct events_listener *listener)
{
	LIST_REMOVE(listener, link);
}
