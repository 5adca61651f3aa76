// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the file again, tells what differs from what is in force, and puts it in force whole or not
 * at all. Control thread.
 */
#include "clock.h"
#include "configuration_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "log.h"
#include "model_events.h"
#include "overlay.h"
#include "shortage.h"

enum {
	RELOAD_EVENTS_MAX = 512, /* of the 4,096 that are kept */
};

/* What a reload is made of. */
struct attempt {
	struct model *file, *next;
	char error[CONFIG_ERROR_MAX];
};

/* Reads the file, and puts the run-time changes over it. 0, -EINVAL with a->error, or -ENOMEM. */
static int attempt_load(const struct configuration *c, struct attempt *a, struct daemon_reload *out)
{
	const struct model *now = publisher_model(c->publisher);
	json_t *overlay = overlay_make(c->file, now);
	char why[CONFIG_ERROR_MAX];

	if (!overlay)
		return -ENOMEM;
	a->file = config_reload(c->path, now, a->error);
	if (a->file)
		a->next = overlay_apply(a->file, &c->settings, overlay, daemon_reload_lose, out, why);
	json_decref(overlay);
	if (a->file && !a->next)
		snprintf(a->error, sizeof(a->error), "%s: with the settings in force: %.*s", c->path,
			 (int)(sizeof(a->error) - 256), why);
	if (!a->next)
		return -EINVAL;
	model_share(a->next, now);
	return 0;
}

/* What it would do. 0 or -errno. */
static int attempt_compare(const struct configuration *c, const struct attempt *a,
			   struct daemon_reload *out)
{
	const struct model *now = publisher_model(c->publisher);
	uint32_t max = now->services_n + a->next->services_n + 1;
	struct model asked = *a->next;
	int n, err;

	/* The settings that the file asks for, though a restart only puts them in force. */
	asked.settings = a->file->settings;
	err = model_diff(now, &asked, &out->diff);
	if (err)
		return err;
	out->rows = calloc(max, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	n = publisher_preview(c->publisher, a->next, out->rows, max);
	if (n < 0)
		return n;
	out->rows_n = (uint32_t)n;
	return 0;
}

/* Whether a generation is to be made: settings wait for a restart. */
static bool is_due(const struct daemon_reload *out)
{
	return out->diff.n > 0 && out->diff.changes[out->diff.n - 1].kind != MODEL_CHANGE_SETTING;
}

/* What it did: each difference, and what moves for it. */
static void tell(const struct daemon_reload *out, const char *who)
{
	for (uint32_t i = 0; i < out->lost_n; i++)
		events_warn(EVENT_CONFIG, who, NULL, NULL, "run-time change lost: %s",
			    out->lost[i]);
	model_events_tell(&out->diff, who);
	for (uint32_t i = 0; i < out->rows_n; i++) {
		const struct daemon_preview *row = &out->rows[i];

		if (row->slots > 0 && row->slots_moved > 0)
			events_add(EVENT_CONFIG, who, row->service, NULL,
				   "reload: %.1f %% of slots move",
				   100.0 * row->slots_moved / row->slots);
	}
	events_add(EVENT_CONFIG, who, NULL, NULL, "reloaded: %u differences", out->diff.n);
}

static void tell_refused(const struct daemon_reload *out, const char *who)
{
	char *copy = strdup(out->error), *rest = copy, *line;

	events_warn(EVENT_CONFIG, who, NULL, NULL, "reload refused, nothing has changed");
	while (rest && (line = strsep(&rest, "\n")))
		log_error("%s", line);
	free(copy);
}

/* Puts a->next in force, which is taken over. */
static int attempt_apply(struct configuration *c, struct attempt *a, const char *who,
			 const struct daemon_reload *out)
{
	struct model_error error = {.text = ""};
	int err = 0;

	if (is_due(out)) {
		err = publisher_apply(c->publisher, a->next, who, &error);
		a->next = NULL;
	}
	if (err) {
		snprintf(a->error, sizeof(a->error), "%s", error.text);
		return err == -EINVAL ? -EIO : err;
	}
	model_free(c->file);
	c->file = a->file;
	a->file = NULL;
	configuration_keep(c);
	return 0;
}

static void reload_note(struct daemon_reloads *reloads, int err)
{
	shortage_note(SHORTAGE_CONFIG, err);
	reloads->last_failed = err != 0;
	if (err == 0) {
		reloads->done++;
		reloads->done_us = clock_us(CLOCK_REALTIME);
	} else if (err == -EINVAL) {
		reloads->refused++;
	} else {
		reloads->failed++;
	}
}

int configuration_reload(struct configuration *c, const char *who, bool check,
			 struct daemon_reload *out)
{
	struct attempt *a = calloc(1, sizeof(*a));
	int err;

	*out = (struct daemon_reload){.rows_n = 0};
	if (!a)
		return -ENOMEM;
	publisher_flush(c->publisher);
	err = attempt_load(c, a, out);
	if (!err)
		err = attempt_compare(c, a, out);
	if (!check)
		events_share_begin(RELOAD_EVENTS_MAX);
	if (!err && !check)
		err = attempt_apply(c, a, who, out);
	if (err) {
		out->error = strdup(*a->error ? a->error : strerror(-err));
		if (!check && out->error)
			tell_refused(out, who);
	} else if (!check) {
		tell(out, who);
	}
	if (!check) {
		events_share_end(who);
		reload_note(&c->reloads, err);
	}
	model_free(a->file);
	model_free(a->next);
	free(a);
	return err;
}
