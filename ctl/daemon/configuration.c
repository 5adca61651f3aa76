/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps run-time changes in the state file, and takes them up at the start. Control thread; the
 * file is written by a thread of its own (state_writer.h).
 */
#include "clock.h"
#include "configuration_internal.h"
#include "configuration_task.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "log.h"
#include "overlay.h"
#include "shortage.h"
#include "state_file.h"
#include "state_writer.h"

enum {
	/* From a change to the write that has it: what comes meanwhile goes into the same. */
	KEEP_DELAY_US = 20000,
	/* Making a text takes at most a tenth of the control thread's time. */
	KEEP_SHARE = 10,
	/* After a failure it is tried again, at first so soon, then at most so seldom. */
	RETRY_FIRST_US = 1000000,
	RETRY_MAX_US = 10000000,
};

/* ---- writing ---- */

/* state_written_fn */
static void written(void *ctx, int rc)
{
	struct configuration *c = ctx;

	if (rc != 0) {
		c->failures++;
		shortage_note(SHORTAGE_STATE, rc);
		json_decref(c->written); /* all of it is to be written */
		c->written = NULL;
		c->pending = true;
		c->retry_wait_us = c->error == 0 ? RETRY_FIRST_US : 2 * c->retry_wait_us;
		if (c->retry_wait_us > RETRY_MAX_US)
			c->retry_wait_us = RETRY_MAX_US;
		c->retry_us = clock_now_us() + c->retry_wait_us;
	} else {
		/* A change since then has its timer, or lies with the writer. */
		c->pending =
			evtimer_pending(c->timer, NULL) || !state_writer_is_idle(c->writer, NULL);
		c->written_us = clock_us(CLOCK_REALTIME);
	}
	if (rc != 0 && rc != c->error)
		events_warn(
			EVENT_CONFIG, "daemon", NULL, NULL,
			"run-time changes can't be kept over a restart: %s: %s; tried again; see "
			"to the disk and the folder's rights, or set control.state",
			c->state_path, strerror(-rc));
	else if (rc == 0 && c->error != 0)
		events_add(EVENT_CONFIG, "daemon", NULL, NULL,
			   "run-time changes are kept again: %s", c->state_path);
	c->error = rc;
}

/* NULL: no memory. */
static char *state_text(const struct configuration *c, json_t *overlay, json_t *notes)
{
	json_t *state = json_pack("{s:i, s:s, s:O}", "version", STATE_VERSION, "config", c->path,
				  "services", overlay);
	json_t *stamped = NULL;
	char *text;

	if (state && json_object_size(notes) > 0) {
		stamped = publisher_notes_stamp(c->publisher, notes);
		if (!stamped || json_object_set_new(state, "notes", stamped) != 0) {
			json_decref(state);
			return NULL;
		}
	}
	text = state ? json_dumps(state, JSON_INDENT(1)) : NULL;

	json_decref(state);
	return text;
}

static void keep_now(struct configuration *c)
{
	int64_t began_us = clock_now_us();
	json_t *overlay = overlay_make(c->file, publisher_model(c->publisher));
	json_t *notes = publisher_notes(c->publisher), *state;
	char *text = NULL;

	state = overlay && notes ? json_pack("[O, O]", overlay, notes) : NULL;
	if (!state) {
		written(c, -ENOMEM);
		goto out;
	}
	if (c->written && json_equal(c->written, state)) {
		c->pending = !state_writer_is_idle(c->writer, NULL);
		goto out;
	}
	if (json_array_size(overlay) + json_object_size(notes) > 0) {
		text = state_text(c, overlay, notes);
		if (!text) {
			written(c, -ENOMEM);
			goto out;
		}
	}
	json_decref(c->written);
	c->written = json_incref(state);
	state_writer_put(c->writer, text);
	c->took_us = clock_now_us() - began_us;
out:
	json_decref(state);
	json_decref(overlay);
	json_decref(notes);
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	keep_now(ctx);
}

/* A timer of its own that is always set, so that nothing has to be had for it when all is short. */
static void on_retry(evutil_socket_t fd, short events, void *ctx)
{
	struct configuration *c = ctx;
	int rc;

	(void)fd;
	(void)events;
	if (!c->writer || !c->publisher || !c->pending || evtimer_pending(c->timer, NULL) ||
	    !state_writer_is_idle(c->writer, &rc))
		return;
	if (c->written) /* the word of it got lost */
		written(c, rc);
	else if (clock_now_us() >= c->retry_us)
		keep_now(c);
}

void configuration_keep(struct configuration *c)
{
	int64_t delay_us = KEEP_SHARE * c->took_us;
	struct timeval delay;

	if (!c->writer)
		return;
	c->pending = true;
	if (evtimer_pending(c->timer, NULL))
		return;
	if (delay_us < KEEP_DELAY_US)
		delay_us = KEEP_DELAY_US;
	delay.tv_sec = delay_us / 1000000;
	delay.tv_usec = delay_us % 1000000;
	if (evtimer_add(c->timer, &delay) != 0)
		keep_now(c);
}

void configuration_changed(struct configuration *c)
{
	if (c->publisher)
		configuration_keep(c);
}

/* ---- life ---- */

static void lost(void *ctx, const char *text)
{
	(void)ctx;
	events_warn(EVENT_CONFIG, "config", NULL, NULL, "%s", text);
}

/* What the state file has: an array, empty if there is nothing; and the notes, or NULL. NULL: it
 * can't be read now. */
static json_t *state_take(const struct configuration *c, json_t **notes)
{
	json_t *state, *services;
	char error[256] = "";
	int err = state_file_read(c->state_path, &state, error);

	if (err && shortage_note(SHORTAGE_STATE, err)) {
		/* To go on without would be to write over it. */
		log_error("run-time changes can't be read now: %s: %s", c->state_path,
			  strerror(-err));
		return NULL;
	}
	if (err == -EINVAL)
		events_warn(EVENT_CONFIG, "daemon", NULL, NULL,
			    "run-time changes are lost: %s can't be read: %s; it is kept as %s.bad",
			    c->state_path, error, c->state_path);
	else if (err && err != -ENOENT)
		events_warn(EVENT_CONFIG, "daemon", NULL, NULL,
			    "run-time changes are lost: %s can't be read: %s; it is kept as %s.bad",
			    c->state_path, strerror(-err), c->state_path);
	services = json_incref(json_object_get(state, "services"));
	*notes = json_incref(json_object_get(state, "notes"));
	json_decref(state);
	return services ? services : json_array();
}

/* The file's services, with the state over them. NULL: no memory. */
static struct model *start_make(const struct configuration *c, struct publisher *publisher)
{
	json_t *notes = NULL, *overlay = *c->state_path ? state_take(c, &notes) : json_array();
	char *error = malloc(CONFIG_ERROR_MAX);
	struct model *start = NULL;

	/* Before changes are laid over it: they were made to services with these tables. */
	publisher_go_on(publisher, notes, c->file);
	json_decref(notes);
	if (overlay && error)
		start = overlay_apply(c->file, &c->settings, overlay, lost, NULL, error);
	if (start)
		model_share(start, c->file);
	if (start && json_array_size(overlay) > 0)
		log_info("%zu services are not as in the file: run-time changes of %s",
			 json_array_size(overlay), c->state_path);
	json_decref(overlay);
	free(error);
	return start;
}

int configuration_new(struct event_base *base, const char *path, struct publisher *publisher,
		      struct model *file, struct configuration **configuration,
		      struct model **start)
{
	static const struct timeval each_second = {.tv_sec = 1};
	struct configuration *c = calloc(1, sizeof(*c));
	int err;

	*configuration = c;
	if (!c) {
		model_free(file);
		return -ENOMEM;
	}
	c->path = path;
	c->file = file;
	c->settings = file->settings;
	c->state_path = c->settings.state_path;
	c->timer = evtimer_new(base, on_timer, c);
	c->retry = event_new(base, -1, EV_PERSIST, on_retry, c);
	*start = start_make(c, publisher);
	if (!c->timer || !c->retry || event_add(c->retry, &each_second) != 0 || !*start)
		return -ENOMEM;
	err = tasks_open(c, base);
	if (err)
		return err;
	if (!*c->state_path)
		return 0;
	err = state_writer_new(base, c->state_path, written, c, &c->writer);
	if (err)
		log_error("run-time changes can't be kept over a restart: %s", strerror(-err));
	return 0;
}

struct model *configuration_plain(const struct configuration *c)
{
	char *error = malloc(CONFIG_ERROR_MAX);
	json_t *nothing = json_array();
	struct model *plain = NULL;

	if (error && nothing)
		plain = overlay_apply(c->file, &c->settings, nothing, lost, NULL, error);
	json_decref(nothing);
	free(error);
	return plain;
}

void configuration_attach(struct configuration *c, struct publisher *publisher)
{
	c->publisher = publisher;
	configuration_keep(c);
}

void configuration_free(struct configuration *c)
{
	int rc;

	if (!c)
		return;
	tasks_close(c);
	if (c->writer && c->publisher && publisher_model(c->publisher))
		keep_now(c);
	rc = state_writer_free(c->writer);
	if (rc != 0)
		written(c, rc);
	if (c->timer)
		event_free(c->timer);
	if (c->retry)
		event_free(c->retry);
	json_decref(c->written);
	model_free(c->file);
	free(c);
}

void configuration_state(const struct configuration *c, struct daemon_state *out)
{
	*out = (struct daemon_state){
		.path = c->writer ? c->state_path : "",
		.failures = c->failures,
		.error = c->error,
		.pending = c->writer && c->pending,
		.written_us = c->written_us,
	};
}

void configuration_reloads(const struct configuration *c, struct daemon_reloads *out)
{
	*out = c->reloads;
}
