/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.list, events.follow and log.set_level. Called by rpc.c, on the control thread.
 */
#include "clock.h"
#include "methods.h"

#include "event_follow.h"
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	LIST_DEFAULT = 100,
	LIST_MAX = EVENTS_MAX,
};

/* A name that is too long is nobody's. False: the call is refused. */
static bool read_name(struct rpc_call *call, const char *param, char out[EVENT_NAME_MAX])
{
	const char *name = rpc_string(call->params, param);

	if (!name)
		return true;
	if (!name[0] || strlen(name) >= EVENT_NAME_MAX) {
		rpc_refuse(call, RPC_INVALID, "%s: \"%.64s\" is no name", param, name);
		return false;
	}
	snprintf(out, EVENT_NAME_MAX, "%s", name);
	return true;
}

static bool read_kind(struct rpc_call *call, struct event_follow *follow)
{
	const char *name = rpc_string(call->params, "kind");
	int kind = name ? enum_parse(event_kind_words, name) : 0;
	char all[ENUM_LIST_MAX];

	follow->kind = (enum event_kind)kind;
	follow->of_kind = name && kind >= 0;
	if (kind < 0)
		rpc_refuse(call, RPC_INVALID, "kind: \"%.64s\" is none of: %s", name,
			   enum_list(event_kind_words, " ", " ", all, sizeof(all)));
	return kind >= 0;
}

/* From which event on; *given says whether the call names it. */
static bool read_since(struct rpc_call *call, struct event_follow *follow, bool *given)
{
	const json_t *since = json_object_get(call->params, "since");
	json_int_t id = json_integer_value(since);
	uint32_t since_s = UINT32_MAX;

	if (!rpc_integer(call, call->params, "", "since_s", 0, 1U << 30, &since_s))
		return false;
	*given = since || since_s != UINT32_MAX;
	if (since_s != UINT32_MAX)
		follow->since_us = clock_us(CLOCK_REALTIME) - since_s * 1000000LL;
	follow->next = events_first();
	if (!since)
		return true;
	if (id < 0 || (uint64_t)id >= events_next()) {
		rpc_refuse(call, RPC_INVALID,
			   "since: %lld is not in 0-%llu: the daemon has not had so many events "
			   "since it started",
			   (long long)id, (unsigned long long)events_next() - 1);
		return false;
	}
	follow->next = (uint64_t)id + 1;
	return true;
}

static bool read_filter(struct rpc_call *call, struct event_follow *follow, bool *since)
{
	return read_name(call, "service", follow->service) &&
	       read_name(call, "backend", follow->backend) && read_kind(call, follow) &&
	       read_since(call, follow, since);
}

/* How many events `follow` would still hand out. */
static uint64_t count(struct event_follow follow)
{
	uint64_t n = 0, lost = 0;

	while (event_follow_next(&follow, &lost))
		n++;
	return n;
}

static json_t *events_list(struct rpc_call *call)
{
	struct event_follow follow = {.on = false};
	uint32_t limit = LIST_MAX;
	uint64_t lost = 0, skip = 0;
	const struct event_entry *event;
	json_t *result, *list;
	bool since;

	if (!read_filter(call, &follow, &since))
		return NULL;
	if (!since)
		limit = LIST_DEFAULT;
	if (!rpc_integer(call, call->params, "", "limit", 0, LIST_MAX, &limit))
		return NULL;
	if (!since) { /* the latest, rather than the first */
		skip = count(follow);
		skip = skip > limit ? skip - limit : 0;
	}
	for (; skip > 0; skip--)
		event_follow_next(&follow, &lost);
	list = json_array();
	for (uint32_t i = 0; i < limit && (event = event_follow_next(&follow, &lost)); i++)
		methods_append(&list, event_json(event));
	result = json_object();
	methods_put_number(&result, "last", follow.next - 1);
	methods_put_number(&result, "lost", lost);
	methods_put(&result, "events", list);
	return result;
}

static json_t *events_follow(struct rpc_call *call)
{
	struct event_follow follow = {.on = true};
	json_t *result;
	bool since;

	if (!call->peer.follow)
		return rpc_refuse(call, RPC_FAILED, "events can be followed on a connection only");
	if (!read_filter(call, &follow, &since))
		return NULL;
	if (!since)
		follow.next = events_next();
	result = json_object();
	methods_put_number(&result, "last", follow.next - 1);
	if (result)
		*call->peer.follow = follow;
	return result;
}

static json_t *log_set_level_method(struct rpc_call *call)
{
	const char *name = rpc_string(call->params, "level");
	int level = name ? enum_parse(log_level_words, name) : 0;
	enum fast_path_log before = log_level();
	char who[128], all[ENUM_LIST_MAX];
	json_t *result;

	if (level < 0)
		return rpc_refuse(call, RPC_INVALID, "level: \"%.64s\" is none of: %s", name,
				  enum_list(log_level_words, " ", " ", all, sizeof(all)));
	if (name) {
		methods_who(call, who, sizeof(who));
		log_set_level((enum fast_path_log)level);
		events_add(EVENT_DAEMON, who, NULL, NULL, "log level %s -> %s",
			   log_level_name(before), name);
	}
	result = json_object();
	methods_put_text(&result, "level", log_level_name(log_level()));
	methods_put_text(&result, "before", log_level_name(before));
	return result;
}

#define FILTER                                                                               \
	{"since", RPC_INTEGER, false, "those behind the event with this id; 0: all", NULL},  \
		{"since_s", RPC_INTEGER, false, "those of the last so many seconds", NULL},  \
		{"service", RPC_STRING, false, "only this one's", NULL},                     \
		{"backend", RPC_STRING, false, "only those of backends of this name", NULL}, \
	{                                                                                    \
		"kind", RPC_STRING, false, "only these", NULL                                \
	}

static const struct rpc_param list_params[] = {
	FILTER,
	{"limit", RPC_INTEGER, false,
	 "at most so many, 0 to 4096; without since or since_s 100 if missing", NULL},
	{.name = NULL},
};

static const struct rpc_param follow_params[] = {
	FILTER,
	{.name = NULL},
};

static const struct rpc_param level_params[] = {
	{"level", RPC_STRING, false, "error, warning, info or debug; stays if missing", NULL},
	{.name = NULL},
};

const struct rpc_method methods_events[] = {
	{"events.list", events_list, false, list_params,
	 "lists what happened: what changed, when, by whom"},
	{"events.follow", events_follow, false, follow_params,
	 "sends a notification for each event, as it happens"},
	{"log.set_level", log_set_level_method, true, level_params,
	 "sets how much the log has, until sluiced restarts"},
	{.name = NULL},
};
