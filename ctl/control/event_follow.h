/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events a client wants, and how far it has come: of events.list for one answer, of
 * events.follow for as long as it is connected. Used by methods_events.c and control_client.c, on
 * the control thread.
 */
#ifndef SLUICE_CONTROL_EVENT_FOLLOW_H
#define SLUICE_CONTROL_EVENT_FOLLOW_H

#include "events.h"

#include <jansson.h>

struct event_follow {
	bool on;
	uint64_t next;                                         /* id of the event to look at next */
	int64_t since_us;                                      /* older ones are passed over */
	char service[EVENT_NAME_MAX], backend[EVENT_NAME_MAX]; /* "": any */
	bool of_kind;
	enum event_kind kind; /* if of_kind */
};

/* An event as the protocol has it. NULL: no memory. */
json_t *event_json(const struct event_entry *event);

/*
 * The next event that the client wants, and moves on behind it. NULL: there is none by now. *lost
 * grows by how many were forgotten before anybody could look at them.
 */
const struct event_entry *event_follow_next(struct event_follow *follow, uint64_t *lost);

/* The notification to send next; NULL: there is none by now, or no memory (then follow->on is
 * false). */
json_t *event_follow_notify(struct event_follow *follow);

#endif
