// SPDX-License-Identifier: Apache-2.0
/*
 * What is in force as the text of a file, and into the file itself. Control thread; save blocks as
 * long as the disk does.
 */
#include "configuration_internal.h"

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

/* Whether the file is still what was loaded. 0, or -errno with *error. */
static int check_unedited(const struct configuration *c, char **error)
{
	char *why = malloc(CONFIG_ERROR_MAX);
	struct model *file = why ? config_reload(c->path, c->file, why) : NULL;
	struct model_diff diff = {.n = 0};
	int err = -EINVAL;

	if (!file)
		*error = why;
	else if (model_diff(c->file, file, &diff) != 0)
		err = -ENOMEM;
	else if (diff.n > 0)
		*error = strdup("the file was edited since it was loaded: reload first, or what "
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
static char *file_text(const struct configuration *c)
{
	struct model services = *publisher_model(c->publisher);
	char *text, *whole;
	json_t *tree;

	services.settings = c->file->settings;
	tree = config_json_model(&services);
	text = config_print(tree);
	json_decref(tree);
	if (!text)
		return NULL;
	if (asprintf(&whole,
		     "# Written by `sluicectl save`; the file before it, with its comments, is "
		     "%s.bak.\n# docs/config.md describes every key.\n%s",
		     c->path, text) < 0)
		whole = NULL;
	free(text);
	return whole;
}

int configuration_save(struct configuration *c, const char *who, char **error)
{
	char *text = NULL, *why = NULL;
	struct model *file;
	int err;

	*error = NULL;
	publisher_flush(c->publisher);
	if (config_has_includes(c->path)) {
		*error = strdup("the file includes others, and would be written as one: put what "
				"`show config --effective` prints in its place by hand, and reload");
		return -EINVAL;
	}
	err = check_unedited(c, error);
	if (err)
		return err;
	text = file_text(c);
	if (!text)
		return -ENOMEM;
	err = state_file_write(c->path, text, true);
	free(text);
	if (err) {
		if (asprintf(error,
			     "%s: %s: put what `sluicectl show config --effective` prints there by "
			     "hand, and reload",
			     c->path,
			     err == -ELOOP ? "it or its folder is a symbolic link, and none is followed" :
					     strerror(-err)) < 0)
			*error = NULL;
		return err == -EINVAL ? -EIO : err;
	}
	why = malloc(CONFIG_ERROR_MAX);
	file = why ? config_reload(c->path, publisher_model(c->publisher), why) : NULL;
	free(why);
	if (!file)
		return -ENOMEM;
	model_free(c->file);
	c->file = file;
	configuration_keep(c);
	events_add(EVENT_CONFIG, who, NULL, NULL, "saved what is in force to %s", c->path);
	return 0;
}
