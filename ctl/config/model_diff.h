/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tells two models apart, as data and in words. It knows every key that the config file has
 * (config_form.h), so one that is added there is told here. It stands above ctl/model for that.
 * Control thread.
 */
#ifndef SLUICE_MODEL_DIFF_H
#define SLUICE_MODEL_DIFF_H

#include "model.h"

enum {
	MODEL_CHANGE_KEY_MAX = 64,
	MODEL_CHANGE_VALUE_MAX = 128,
	MODEL_CHANGE_WORDS_MAX = MODEL_CHANGE_KEY_MAX + 2 * MODEL_CHANGE_VALUE_MAX + 16,
};

enum model_change_kind {
	MODEL_CHANGE_SETTING, /* only a restart puts it in force */
	MODEL_CHANGE_SERVICE_ADDED,
	MODEL_CHANGE_SERVICE_REMOVED,
	MODEL_CHANGE_SERVICE, /* a key of it */
	MODEL_CHANGE_BACKEND_ADDED,
	MODEL_CHANGE_BACKEND_REMOVED,
	MODEL_CHANGE_BACKEND, /* a key of it */
};

struct model_change {
	enum model_change_kind kind;
	char service[MODEL_NAME_MAX];   /* "" for a setting */
	char backend[MODEL_NAME_MAX];   /* "" but for a backend's */
	char key[MODEL_CHANGE_KEY_MAX]; /* "weight", "dataplane.cores"; "" for added and removed */
	char before[MODEL_CHANGE_VALUE_MAX]; /* as a file has it, without quotes, cut to fit; */
	char after[MODEL_CHANGE_VALUE_MAX];  /* "" where the key has no value, and for secrets
					      * (config_json.h);
					      * of what is added or removed: what it is */
};

/* In the order of the later model; what is gone comes behind the rest of its kind. */
struct model_diff {
	struct model_change *changes;
	uint32_t n, room;
};

/*
 * Services that both share by pointer, at the same place, cost nothing. The order of
 * services and backends counts for nothing. Returns 0, or -ENOMEM with *diff empty. To be freed.
 */
int model_diff(const struct model *before, const struct model *after, struct model_diff *diff);
void model_diff_free(struct model_diff *diff);

/* Whether it has a setting that only a restart changes. */
bool model_diff_has_settings(const struct model_diff *diff);

/* "weight 100 -> 50", "added (10.0.0.14, weight 100)": without whose it is. Returns buf. */
const char *model_change_words(const struct model_change *change, char buf[MODEL_CHANGE_WORDS_MAX]);

/*
 * The next line for people, from change *at on, which moves on to the one behind: a setting, or
 * all that changes in a service:
 *   dataplane.cores: [ 1 ] -> [ 1, 2 ]: takes effect at a restart
 *   service web: backend b4 added (10.0.0.14, weight 100), b1 weight 100 -> 50
 * To be freed. NULL: there is none, or no memory.
 */
char *model_diff_line(const struct model_diff *diff, uint32_t *at);

#endif
