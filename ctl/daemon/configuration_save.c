/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force as the text of a file, and into the file itself. Control thread; a thread reads
 * and writes the file for a save (save_read()).
 */
#include "configuration_task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_file.h"
#include "config_json.h"
#include "config_print.h"
#include "events.h"
#include "state_file.h"

enum {
	FILE_BYTES_MAX = 64 << 20,
};

int configuration_text(struct configuration *c, bool effective, bool secrets, char **text)
{
	size_t bytes;
	json_t *tree;

	if (!effective)
		return secrets ? config_file_read(c->path, FILE_BYTES_MAX, text, &bytes) : -EACCES;
	tree = config_json_settings(&c->settings);
	if (!secrets)
		json_object_del(tree, "seed");
	*text = config_print(tree);
	json_decref(tree);
	return *text ? 0 : -ENOMEM;
}

int configuration_diff(struct configuration *c, struct model_diff *diff)
{
	struct model asked = *c->file;

	/* What waits for a restart is nobody's run-time change. */
	asked.settings = c->settings;
	return model_diff(&asked, publisher_model(c->publisher), diff);
}

struct save {
	struct task task;
	struct model *file; /* as it is now */
	char *error;
	daemon_saved_fn *done;
	void *ctx;
	char who[];
};

static struct save *save_of(struct task *task)
{
	return (struct save *)task;
}

/* ---- on the thread ---- */

/* Whether the file is still what was loaded. 0, or -errno with s->error. */
static int check_unedited(struct save *s)
{
	char *why = malloc(CONFIG_ERROR_MAX);
	struct model *file = why ? config_reload(s->task.path, s->task.was, why) : NULL;
	struct model_diff diff = {.n = 0};
	int err = -EINVAL;

	if (!file)
		s->error = why;
	else if (model_diff(s->task.was, file, &diff) != 0)
		err = -ENOMEM;
	else if (diff.n > 0)
		s->error = strdup("the file was edited since it was loaded: reload first, or what "
				  "was edited would be lost");
	else
		err = 0;
	model_diff_free(&diff);
	if (file)
		free(why);
	model_free(file);
	return err;
}

/* The new text of the file. NULL: no memory. */
static char *file_text(const struct task *t)
{
	struct model services = *t->now;
	char *text, *whole;
	json_t *tree;

	services.settings = t->was->settings;
	tree = config_json_model(&services);
	text = config_print(tree);
	json_decref(tree);
	if (!text)
		return NULL;
	if (asprintf(&whole,
		     "# Written by `sluicectl save`; the file before it, with its comments, is "
		     "%s.bak.\n# docs/config.md describes every key.\n%s",
		     t->path, text) < 0)
		whole = NULL;
	free(text);
	return whole;
}

static int file_write(struct save *s, const char *text)
{
	int err = state_file_write(s->task.path, text, true);

	if (!err)
		return 0;
	if (asprintf(&s->error,
		     "%s: %s: put what `sluicectl show config --effective` prints there by "
		     "hand, and reload",
		     s->task.path,
		     err == -ELOOP ? "it or its folder is a symbolic link, and none is followed"
				   : strerror(-err)) < 0)
		s->error = NULL;
	return err == -EINVAL ? -EIO : err;
}

static int save_read(struct task *t)
{
	struct save *s = save_of(t);
	char *text, *why;
	int err;

	if (config_has_includes(t->path)) {
		s->error =
			strdup("the file includes others, and would be written as one: put what "
			       "`show config --effective` prints in its place by hand, and reload");
		return -EINVAL;
	}
	err = check_unedited(s);
	if (err)
		return err;
	text = file_text(t);
	if (!text)
		return -ENOMEM;
	err = task_is_over(t) ? -ECANCELED : file_write(s, text);
	free(text);
	if (err)
		return err;
	why = malloc(CONFIG_ERROR_MAX);
	s->file = why ? config_reload(t->path, t->now, why) : NULL;
	free(why);
	return s->file ? 0 : -ENOMEM;
}

/* ---- on the loop ---- */

/* What was changed since it began is a run-time change over the file as it is written. */
static void save_take(struct task *t, int err)
{
	struct save *s = save_of(t);

	if (!err) {
		model_free(t->c->file);
		t->c->file = s->file;
		s->file = NULL;
		configuration_keep(t->c);
		events_add(EVENT_CONFIG, s->who, NULL, NULL, "saved what is in force to %s",
			   t->path);
	}
	task_end(t, err);
}

static void save_end(struct task *t, int err)
{
	struct save *s = save_of(t);

	model_free(s->file);
	if (err == -ECANCELED && !s->error)
		s->error = strdup("the daemon ends");
	s->done(s->ctx, err, s->error);
	free(s);
}

void configuration_save(struct configuration *c, const char *who, daemon_saved_fn *done,
			void *done_ctx)
{
	static const struct task_ops ops = {.read = save_read, .take = save_take, .end = save_end};
	size_t who_bytes = strlen(who) + 1;
	struct save *s = calloc(1, sizeof(*s) + who_bytes);

	if (!s) {
		done(done_ctx, -ENOMEM, NULL);
		return;
	}
	s->done = done;
	s->ctx = done_ctx;
	memcpy(s->who, who, who_bytes);
	task_add(c, &s->task, &ops);
}
