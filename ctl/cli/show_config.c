/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `show config`, `reload` and `save` print. Called through the table in commands.c.
 */
#include "show.h"

#include <string.h>

static void lines_print(const struct show *show, const char *prefix, const json_t *lines)
{
	json_t *line;
	size_t i;

	json_array_foreach ((json_t *)lines, i, line)
		fprintf(show->out, "%s%s\n", prefix, json_string_value(line));
}

/* All but the text is comments, so that the whole is a file. */
void show_config(const struct show *show, const json_t *result)
{
	const json_t *words = json_object_get(result, "words");
	bool effective = json_is_true(json_object_get(result, "effective"));
	const char *text = show_text(result, "text");

	fprintf(show->out, effective ? "# in force; the file is %s\n" : "# %s\n",
		show_text(result, "path"));
	if (json_array_size(words) > 0) {
		fprintf(show->out, effective ? "# changed at run time, as below:\n"
					     : "# changed at run time, and not as below:\n");
		lines_print(show, "#   ", words);
	}
	if (effective && !json_is_true(json_object_get(result, "seed")))
		fprintf(show->out, "# the seed is shown to root alone; sluiced needs one\n");
	if (strcmp(show_text(result, "state_error"), "-") != 0)
		fprintf(show->out, "# run-time changes are NOT kept over a restart: %s: %s\n",
			show_text(result, "state_path"), show_text(result, "state_error"));
	fputs(text, show->out);
	if (*text && text[strlen(text) - 1] != '\n')
		fputc('\n', show->out);
}

/* show->all: every difference. */
void show_reload(const struct show *show, const json_t *result)
{
	bool applied = json_is_true(json_object_get(result, "applied"));
	const json_t *lost = json_object_get(result, "lost");
	size_t n = json_array_size(json_object_get(result, "changes"));

	if (show->all)
		lines_print(show, "  ", json_object_get(result, "words"));
	if (json_array_size(lost) > 0) {
		fprintf(show->out, "%s:\n",
			applied ? "run-time changes that are lost"
				: "run-time changes that would be lost");
		lines_print(show, "  ", lost);
	}
	if (n == 0)
		fprintf(show->out, "the file is right; nothing differs from what is in force\n");
	else if (applied)
		fprintf(show->out,
			"reloaded: %zu difference%s, generation %" JSON_INTEGER_FORMAT "\n", n,
			n == 1 ? "" : "s", show_number(result, "generation"));
	else
		fprintf(show->out, "the file is right; %zu difference%s, and nothing has changed\n",
			n, n == 1 ? "" : "s");
}

void show_save(const struct show *show, const json_t *result)
{
	fprintf(show->out, "saved: %s; the file before it is %s.bak\n", show_text(result, "path"),
		show_text(result, "path"));
}
