/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events a client wants, and how far it has come. On the control thread.
 */
#include "event_follow.h"

#include "methods.h"

#include <string.h>

static void put_name(json_t **object, const char *key, const char *name)
{
	if (name[0])
		methods_put_text(object, key, name);
	else
		methods_put(object, key, json_null());
}

json_t *event_json(const struct event_entry *event)
{
	json_t *object = json_object();

	methods_put_number(&object, "id", event->id);
	methods_put_number(&object, "when_us", (uint64_t)event->when_us);
	methods_put_text(&object, "kind", event_kind_name(event->kind));
	methods_put_text(&object, "who", event->who);
	put_name(&object, "service", event->service);
	put_name(&object, "backend", event->backend);
	methods_put_text(&object, "text", event->text);
	return object;
}

static bool wanted(const struct event_follow *follow, const struct event_entry *event)
{
	return event->when_us >= follow->since_us &&
	       (!follow->service[0] || strcmp(follow->service, event->service) == 0) &&
	       (!follow->backend[0] || strcmp(follow->backend, event->backend) == 0) &&
	       (!follow->of_kind || follow->kind == event->kind);
}

const struct event_entry *event_follow_next(struct event_follow *follow, uint64_t *lost)
{
	const struct event_entry *event;

	if (follow->next < events_first()) {
		*lost += events_first() - follow->next;
		follow->next = events_first();
	}
	while ((event = events_get(follow->next))) {
		follow->next++;
		if (wanted(follow, event))
			return event;
	}
	return NULL;
}

static json_t *notification(const char *method, json_t *params)
{
	json_t *object = json_object();

	methods_put_text(&object, "jsonrpc", "2.0");
	methods_put_text(&object, "method", method);
	methods_put(&object, "params", params);
	return object;
}

json_t *event_follow_notify(struct event_follow *follow)
{
	struct event_follow ahead = *follow;
	const struct event_entry *event;
	uint64_t lost = 0;
	json_t *params, *object;

	event = event_follow_next(&ahead, &lost);
	if (lost > 0) { /* first that, then what comes behind the gap */
		follow->next = events_first();
		params = json_object();
		methods_put_number(&params, "lost", lost);
		object = notification("events.lost", params);
	} else {
		follow->next = ahead.next;
		if (!event)
			return NULL;
		object = notification("event", event_json(event));
	}
	follow->on = object != NULL;
	return object;
}
