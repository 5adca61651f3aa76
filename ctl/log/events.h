/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened: a process-wide, bounded list of events for people who ask later (`sluicectl
 * events`) and for those who watch. What is worth an event is worth a line in the log, so adding
 * one writes it there too; say nothing twice. Control thread only.
 *
 * Ids of those kept count from 1, without gaps. When EVENTS_MAX are kept, each new one takes the oldest's place:
 * a reader who comes back with the last id that it saw can tell how many it missed.
 */
#ifndef SLUICE_EVENTS_H
#define SLUICE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "words.h"

enum {
	EVENTS_MAX = 4096,
	EVENTS_UNASKED_MAX = 512, /* a minute, of what nobody asked for: see events_add() */
	EVENT_NAME_MAX = 64,      /* as MODEL_NAME_MAX */
	EVENT_WHO_MAX = 96,
	EVENT_TEXT_MAX = 320,
};

/* X(identifier, word for programs, what it tells of) */
#define EVENT_KINDS(X)                                                                      \
	X(DAEMON, "daemon", "sluiced itself: started, ready, ending, its log level")        \
	X(CONFIG, "config", "a configuration was loaded, reloaded, refused or saved")       \
	X(SERVICE, "service", "a service was added, changed or removed")                    \
	X(BACKEND, "backend", "a backend was added, changed, enabled, disabled or removed") \
	X(HEALTH, "health", "a health check changed its mind about a backend")              \
	X(NEXT_HOP, "next-hop", "the kernel's way to a backend was found, lost or changed") \
	X(TRANSITION, "transition", "a service's flows move: begun, over, settled")         \
	X(DRAIN, "drain", "a backend's drain came to its end")                              \
	X(GENERATION, "generation", "packets see new tables")                               \
	X(PORT, "port", "a port's link came or went, its device was taken away or is back")

enum event_kind {
#define X(id, word, text) EVENT_##id,
	EVENT_KINDS(X)
#undef X
		EVENT_N_KINDS,
};

/* Strings are one line each, without control characters. */
struct event_entry {
	uint64_t id;
	int64_t when_us; /* since the epoch */
	enum event_kind kind;
	char who[EVENT_WHO_MAX];
	char service[EVENT_NAME_MAX]; /* "": none in particular */
	char backend[EVENT_NAME_MAX]; /* of `service`; "": none in particular */
	char text[EVENT_TEXT_MAX];
};

/*
 * Adds an event, and a line to the log, at the level info: "service web: backend b1: <text> (who)".
 * `who` caused it: "config", "cli uid 1000 (ann) pid 4711", "SIGHUP uid 0 (root) pid 1", "health", "kernel", or "daemon" for
 * what it did by itself, which the log leaves out. What follows ": " in it is what was asked for,
 * and stands in the log alone: "cli uid 0 (root) pid 4711: backend.set {...}". `service`,
 * `backend`: NULL or "" for none. What doesn't fit is cut.
 *
 * Of health, next hops, transitions, drains and generations that came by themselves ("health", "kernel ...",
 * "daemon") EVENTS_UNASKED_MAX a minute are kept, and one that says that there were more. The rest is counted
 * and written to the log, with its fields. So thousands of backends that flap don't push out who changed what.
 */
__attribute__((format(printf, 5, 6))) void events_add(enum event_kind kind, const char *who,
						      const char *service, const char *backend,
						      const char *format, ...);

/* The same, as a warning: something that somebody should look at. */
__attribute__((format(printf, 5, 6))) void events_warn(enum event_kind kind, const char *who,
						       const char *service, const char *backend,
						       const char *format, ...);

/*
 * Until events_share_end() at most `max` events are kept: those beyond are counted and written to the
 * log, with their fields, but take no other's place in the list. For what may be thousands at once, such
 * as a large reload, so that it pushes nothing else out. The end adds one event that says how many
 * there were. Within another share nothing begins or ends.
 */
void events_share_begin(uint32_t max);
void events_share_end(const char *who);

/* The id that the next event gets, so one more than the events since the start. */
uint64_t events_next(void);

/* The oldest that is still kept; events_next(): none is. */
uint64_t events_first(void);

/* NULL: forgotten, or not there yet. Valid until an event is added. */
const struct event_entry *events_get(uint64_t id);

/* How many events of the kind there were since the start, kept or not. */
uint64_t events_count(enum event_kind kind);

/* Who wants to know of new events; the caller's memory until events_unlisten(). */
struct events_listener {
	void (*added)(void *ctx); /* called by events_add(); may not add events itself */
	void *ctx;
	LIST_ENTRY(events_listener) link;
};

void events_listen(struct events_listener *listener);
void events_unlisten(struct events_listener *listener);

ENUM_DECLARE(event_kind); /* "next-hop" */

#endif
