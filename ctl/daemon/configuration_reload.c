/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the file again, tells what differs from what is in force, and puts it in force whole or not
 * at all. A thread reads and judges (reload_read()); all else is on the control thread, the preview in
 * steps.
 */
#include "clock.h"
#include "configuration_task.h"

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
	/* Something else may come into force while the file is read: then it is compared with that. The
	 * last time on the loop, where nothing comes between. */
	TRIES_MAX = 3,
};

struct reload {
	struct task task;
	struct model *file, *next; /* as it is now, and with the run-time changes over it */
	struct daemon_reload out;
	struct daemon_preview_walk *walk;
	daemon_reloaded_fn *done;
	void *ctx;
	uint32_t tries;
	bool check;
	bool alone;      /* it goes into force by itself: with others it failed */
	bool file_stays; /* is not read once more */
	char error[CONFIG_ERROR_MAX];
	char who[];
};

static struct reload *reload_of(struct task *task)
{
	return (struct reload *)task;
}

/* ---- on the thread ---- */

/* What it would make of what is in force. */
static int reload_compare(struct reload *r)
{
	struct model asked = *r->next;

	/* The settings that the file asks for, though a restart only puts them in force. */
	asked.settings = r->file->settings;
	return model_diff(r->task.now, &asked, &r->out.diff);
}

static void reload_forget(struct reload *r)
{
	for (uint32_t i = 0; i < r->out.lost_n; i++)
		free(r->out.lost[i]);
	free(r->out.lost);
	r->out.lost = NULL;
	r->out.lost_n = 0;
	model_diff_free(&r->out.diff);
	model_free(r->next);
	r->next = NULL;
	if (!r->file_stays) {
		model_free(r->file);
		r->file = NULL;
	}
}

/* Reads the file, puts the run-time changes over it, and compares. -EINVAL with r->error. */
static int reload_read(struct task *t)
{
	struct reload *r = reload_of(t);
	char why[CONFIG_ERROR_MAX];
	json_t *overlay;

	reload_forget(r);
	if (!r->file)
		r->file = config_reload(t->path, t->now, r->error);
	if (!r->file)
		return -EINVAL;
	if (task_is_over(t))
		return -ECANCELED;
	overlay = overlay_make(t->was, t->now);
	if (!overlay)
		return -ENOMEM;
	r->next = overlay_apply(r->file, &t->now->settings, overlay, daemon_reload_lose, &r->out,
				why);
	json_decref(overlay);
	if (!r->next) {
		snprintf(r->error, sizeof(r->error), "%s: with the settings in force: %.*s",
			 t->path, (int)(sizeof(r->error) - 256), why);
		return -EINVAL;
	}
	if (task_is_over(t))
		return -ECANCELED;
	model_share(r->next, t->now);
	return reload_compare(r);
}

/* ---- on the loop ---- */

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
	for (uint32_t i = 0; i < out->rows_n && i < MODEL_EVENTS_MAX; i++) {
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

/* daemon_done_fn */
static void applied(void *ctx, int rc, const struct model_error *error);

static void reload_submit(struct reload *r)
{
	struct model *next = r->next;

	r->next = NULL;
	publisher_submit(r->task.c->publisher, next, r->who, r->alone, applied, r);
}

/* Once more, on what is in force by now. */
static void reload_catch_up(struct reload *r)
{
	int err;

	if (++r->tries < TRIES_MAX) {
		task_again(&r->task);
		return;
	}
	r->file_stays = true;
	err = task_read_here(&r->task);
	if (err)
		task_end(&r->task, err);
	else
		reload_submit(r);
}

static void reload_done(struct reload *r)
{
	struct configuration *c = r->task.c;

	model_free(c->file);
	c->file = r->file;
	r->file = NULL;
	configuration_keep(c);
	task_end(&r->task, 0);
}

static void applied(void *ctx, int rc, const struct model_error *error)
{
	struct reload *r = ctx;

	if (rc == 0) {
		reload_done(r);
	} else if (rc == -EAGAIN && !r->alone) {
		r->alone = true;
		r->tries = TRIES_MAX;
		reload_catch_up(r);
	} else {
		snprintf(r->error, sizeof(r->error), "%s", error->text);
		task_end(&r->task, rc == -EINVAL ? -EIO : rc);
	}
}

/* The preview is over. */
static void reload_apply(struct reload *r)
{
	if (r->check)
		task_end(&r->task, 0);
	else if (!task_is_current(&r->task))
		reload_catch_up(r);
	else if (is_due(&r->out))
		reload_submit(r);
	else
		reload_done(r);
}

/* Of the preview, which has ended. 0 or -ENOMEM. */
static int rows_take(struct reload *r)
{
	struct daemon_preview row;
	uint32_t n = 0;

	while (publisher_preview_row(r->walk, n, &row))
		n++;
	free(r->out.rows);
	r->out.rows_n = 0;
	r->out.rows = calloc(n + 1, sizeof(*r->out.rows));
	if (!r->out.rows)
		return -ENOMEM;
	while (publisher_preview_row(r->walk, r->out.rows_n, &r->out.rows[r->out.rows_n]))
		r->out.rows_n++;
	return 0;
}

static void reload_step(struct task *t)
{
	struct reload *r = reload_of(t);
	int rc = publisher_preview_next(r->walk);

	if (rc > 0) {
		task_step(t);
		return;
	}
	if (rc == 0)
		rc = rows_take(r);
	publisher_preview_end(r->walk);
	r->walk = NULL;
	if (rc < 0)
		task_end(t, rc);
	else
		reload_apply(r);
}

static void reload_take(struct task *t, int err)
{
	struct reload *r = reload_of(t);

	/* A refused file is so whatever is in force. */
	if (!err && !task_is_current(t) && ++r->tries < TRIES_MAX) {
		task_again(t);
		return;
	}
	if (!err)
		err = publisher_preview_begin(t->c->publisher, r->next, &r->walk);
	if (err)
		task_end(t, err);
	else
		task_step(t);
}

static void reload_end(struct task *t, int err)
{
	struct reload *r = reload_of(t);

	if (!r->check)
		events_share_begin(RELOAD_EVENTS_MAX);
	if (err) {
		r->out.error = strdup(*r->error           ? r->error
				      : err == -ECANCELED ? "the daemon ends"
							  : strerror(-err));
		if (!r->check && r->out.error)
			tell_refused(&r->out, r->who);
	} else if (!r->check) {
		tell(&r->out, r->who);
	}
	if (!r->check) {
		events_share_end(r->who);
		reload_note(&t->c->reloads, err);
	}
	publisher_preview_end(r->walk);
	model_free(r->file);
	model_free(r->next);
	r->done(r->ctx, err, &r->out);
	free(r);
}

void configuration_reload(struct configuration *c, const char *who, bool check,
			  daemon_reloaded_fn *done, void *done_ctx)
{
	static const struct task_ops ops = {reload_read, reload_take, reload_step, reload_end};
	struct daemon_reload none = {.rows_n = 0};
	size_t who_bytes = strlen(who) + 1;
	struct reload *r = calloc(1, sizeof(*r) + who_bytes);

	if (!r) {
		done(done_ctx, -ENOMEM, &none);
		return;
	}
	r->check = check;
	r->done = done;
	r->ctx = done_ctx;
	memcpy(r->who, who, who_bytes);
	task_add(c, &r->task, &ops);
}
