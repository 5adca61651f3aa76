/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists in pieces of a row. On the control thread.
 */
#include "listing.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	json_t *members;                 /* NULL: they are out */
	const struct listing_list *list; /* that rows are of */
	uint32_t rows_n;                 /* of it, so far */
	void *ctx;
	void (*end)(void *ctx);
};

static int append(const char *bytes, size_t n_bytes, void *out)
{
	return evbuffer_add(out, bytes, n_bytes);
}

static int members_put(struct listing *l, struct evbuffer *out)
{
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach (l->members, key, value) {
		if (evbuffer_add_printf(out, "\"%s\":", key) < 0 ||
		    json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0 ||
		    evbuffer_add(out, ",", 1) != 0)
			rc = -ENOMEM;
	}
	json_decref(l->members);
	l->members = NULL;
	return evbuffer_add_printf(out, "\"%s\":%c", l->list->name, l->list->text ? '"' : '[') < 0
		       ? -ENOMEM
		       : rc;
}

/* A string without its quotes. Takes the row over. */
static int text_put(json_t *row, struct evbuffer *out)
{
	char *quoted = row ? json_dumps(row, JSON_ENCODE_ANY) : NULL;
	int rc = quoted ? evbuffer_add(out, quoted + 1, strlen(quoted) - 2) : -1;

	free(quoted);
	json_decref(row);
	return rc == 0 ? 0 : -ENOMEM;
}

/* Takes the row over. */
static int row_put(struct listing *l, json_t *row, struct evbuffer *out)
{
	int rc = 0;

	if (!row || (l->rows_n++ > 0 && evbuffer_add(out, ",", 1) != 0) ||
	    json_dump_callback(row, append, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		rc = -ENOMEM;
	json_decref(row);
	return rc;
}

static int value_put(struct listing *l, struct evbuffer *out)
{
	json_t *value = l->list->value(l->ctx);
	int rc = 0;

	if (!value || evbuffer_add_printf(out, ",\"%s\":", l->list->name) < 0 ||
	    json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		rc = -ENOMEM;
	json_decref(value);
	return rc;
}

static int list_close(struct listing *l, struct evbuffer *out)
{
	int rc = evbuffer_add(out, l->list->text ? "\"" : "]", 1) != 0 ? -ENOMEM : 0;

	l->rows_n = 0;
	l->list++;
	for (; rc == 0 && l->list->name && l->list->value; l->list++)
		rc = value_put(l, out);
	if (rc < 0 || !l->list->name)
		return rc;
	return evbuffer_add_printf(out, ",\"%s\":%c", l->list->name, l->list->text ? '"' : '[') < 0
		       ? -ENOMEM
		       : 1;
}

static int piece(void *ctx, struct evbuffer *out)
{
	struct listing *l = ctx;
	json_t *row = NULL;
	int rc = l->members ? members_put(l, out) : 0;

	if (rc == 0)
		rc = l->list->next(l->ctx, &row);
	if (rc == 0)
		return list_close(l, out);
	if (rc == LISTING_NONE_YET)
		return 1;
	if (rc > 0)
		rc = l->list->text ? text_put(row, out) : row_put(l, row, out);
	return rc == 0 ? 1 : rc;
}

static void listing_free(void *ctx)
{
	struct listing *l = ctx;

	json_decref(l->members);
	l->end(l->ctx);
	free(l);
}

json_t *listing_answer(struct rpc_call *call, json_t *members, const struct listing_list *lists,
		       void *ctx, void (*end)(void *ctx))
{
	struct listing *l = members ? calloc(1, sizeof(*l)) : NULL;

	if (!l) {
		json_decref(members);
		end(ctx);
		return NULL;
	}
	*l = (struct listing){.members = members, .list = lists, .ctx = ctx, .end = end};
	return rpc_in_pieces(call,
			     &(struct rpc_pieces){.piece = piece, .end = listing_free, .ctx = l});
}

/* ---- services ---- */

bool service_walk_begin(struct service_walk *walk, const struct daemon_api *api,
			const struct service_conf *only, uint32_t from, uint32_t limit)
{
	const struct model *model = api->model(api->ctx);
	uint32_t n = only ? 1 : from < model->services_n ? model->services_n - from : 0;

	n = n < limit ? n : limit;
	*walk = (struct service_walk){.api = api};
	walk->services = calloc(n + 1U, sizeof(struct service_conf *));
	if (!walk->services)
		return false;
	for (; walk->n < n; walk->n++)
		walk->services[walk->n] = service_conf_ref(only ? model_find(model, only->name)
								: model->services[from + walk->n]);
	return true;
}

const struct service_conf *service_walk_next(struct service_walk *walk)
{
	const struct model *model = walk->api->model(walk->api->ctx);
	const struct service_conf *now = NULL;

	while (!now && walk->next < walk->n)
		now = model_find(model, walk->services[walk->next++]->name);
	return now;
}

void service_walk_end(struct service_walk *walk)
{
	for (uint32_t i = 0; i < walk->n; i++)
		service_conf_unref(walk->services[i]);
	free(walk->services);
}
