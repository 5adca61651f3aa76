/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a batch of changes: one command a line, or JSON. Called through the table in commands.c.
 */
#include "apply_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORDS_MAX = 64,
};

/* ---- one command a line ---- */

/* The words of a line, in place; quotes '' and "" keep blanks in a word, # begins a comment.
 * Returns how many; -1: *wrong says why. */
static int words_split(char *line, char *words[WORDS_MAX], const char **wrong)
{
	int n = 0;
	char *to = line;

	for (;;) {
		char quote = 0;

		line += strspn(line, " \t\r");
		if (!*line || *line == '#')
			return n;
		if (n == WORDS_MAX - 1) {
			*wrong = "too many words";
			return -1;
		}
		words[n++] = to;
		for (; *line && (quote || !strchr(" \t\r", *line)); line++) {
			if (quote ? *line == quote : *line == '"' || *line == '\'')
				quote = quote ? 0 : *line;
			else
				*to++ = *line;
		}
		if (quote) {
			*wrong = "a quote is not closed";
			return -1;
		}
		if (*line)
			line++;
		*to++ = '\0';
	}
}

/* The change that a command stands for. NULL: `error`, without the line. */
static json_t *command_change(int argc, char *argv[], char error[COMMAND_ERROR_MAX])
{
	const struct command *command = command_find(argc, argv, error);
	struct command_line line;
	json_t *change;
	int words;

	if (!command)
		return NULL;
	words = command_words(command);
	if (!command->method || command->show != show_change) {
		snprintf(error, COMMAND_ERROR_MAX,
			 "\"%s\" changes no service and no backend: it can't be in a batch",
			 command->words);
		return NULL;
	}
	if (command_parse(command, argc - words, argv + words, &line, error) < 0)
		return NULL;
	if (json_object_size(line.own) > 0 || json_object_get(line.params, "dry_run")) {
		snprintf(error, COMMAND_ERROR_MAX,
			 "options such as --wait and --dry-run can't be in a batch");
		command_line_free(&line);
		return NULL;
	}
	change = json_pack("{s:s, s:O}", "method", command->method, "params", line.params);
	command_line_free(&line);
	return change;
}

static json_t *commands_read(char *text, char error[APPLY_ERROR_MAX])
{
	json_t *changes = json_array();
	char *line;

	for (int number = 1; (line = strsep(&text, "\n")); number++) {
		char *words[WORDS_MAX], why[COMMAND_ERROR_MAX] = "";
		const char *wrong = NULL;
		int n = words_split(line, words, &wrong);
		json_t *change;

		if (n == 0)
			continue;
		if (n > 0)
			words[n] = NULL;
		change = n > 0 ? command_change(n, words, why) : NULL;
		if (!change) {
			snprintf(error, APPLY_ERROR_MAX, "line %d: %s; nothing was asked for",
				 number, wrong ? wrong : why);
			json_decref(changes);
			return NULL;
		}
		json_object_set_new(change, "line", json_integer(number));
		json_array_append_new(changes, change);
	}
	return changes;
}

/* ---- JSON ---- */

/* The line on which the next element of a top-level array begins; *text moves on behind it. */
static int element_line(const char **text, int *line)
{
	int depth = 0, begins = *line;
	bool string = false;

	for (const char *c = *text; *c; c++) {
		*line += *c == '\n';
		if (string) {
			if (*c == '\\' && c[1])
				c++;
			else if (*c == '"')
				string = false;
		} else if (*c == '"') {
			string = true;
		} else if (*c == '{' || *c == '[') {
			if (depth++ == 0)
				begins = *line;
		} else if ((*c == '}' || *c == ']') && --depth <= 0) {
			*text = c + 1;
			return begins;
		}
	}
	return begins;
}

static json_t *json_read(const char *text, char error[APPLY_ERROR_MAX])
{
	const char *rest = strchr(text, '[');
	json_error_t where;
	json_t *changes = json_loads(text, JSON_REJECT_DUPLICATES, &where), *change;
	int line = 1;
	size_t i;

	if (!json_is_array(changes)) {
		snprintf(error, APPLY_ERROR_MAX, "line %d: %s; nothing was asked for",
			 changes ? 1 : where.line,
			 changes ? "an array of {\"method\": ..., \"params\": ...} is expected"
				 : where.text);
		json_decref(changes);
		return NULL;
	}
	for (const char *c = text; c < rest; c++)
		line += *c == '\n';
	rest++;
	json_array_foreach (changes, i, change) {
		int begins = element_line(&rest, &line);

		if (!json_is_object(change)) {
			snprintf(error, APPLY_ERROR_MAX,
				 "element %zu: an object with \"method\" and \"params\" is "
				 "expected; nothing was asked for",
				 i);
			json_decref(changes);
			return NULL;
		}
		if (!json_object_get(change, "line"))
			json_object_set_new(change, "line", json_integer(begins));
	}
	return changes;
}

json_t *apply_read(const char *text, char error[APPLY_ERROR_MAX])
{
	size_t blanks = strspn(text, " \t\r\n");
	json_t *changes;
	char *copy;

	if (text[blanks] == '[' || text[blanks] == '{')
		return json_read(text, error);
	copy = strdup(text);
	if (!copy) {
		snprintf(error, APPLY_ERROR_MAX, "out of memory");
		return NULL;
	}
	changes = commands_read(copy, error);
	free(copy);
	return changes;
}

/* ---- asking ---- */

/* All of a file, to be freed. NULL: said on stderr. */
static char *file_text(const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	char *text = malloc(APPLY_BYTES_MAX + 2);
	size_t bytes = 0;

	if (file && text) {
		bytes = fread(text, 1, APPLY_BYTES_MAX + 1, file);
		text[bytes] = '\0';
	}
	if (!file || !text || ferror(file))
		cli_error("%s: %s", path, strerror(errno));
	else if (bytes > APPLY_BYTES_MAX)
		cli_error("%s: longer than 1 MiB: apply it in parts", path);
	else if (strlen(text) != bytes)
		cli_error("%s: it is no text: there is a byte of 0 in it", path);
	else
		goto out;
	free(text);
	text = NULL;
out:
	if (file && !standard)
		fclose(file);
	return text;
}

enum cli_status apply_run(const struct cli *cli, const struct command_line *line)
{
	static const struct command ask = {"apply", NULL, "config.apply", show_change,
					   .help = "makes many changes"};
	struct command_line batch = {.command = &ask, .params = line->params, .own = line->own};
	char error[APPLY_ERROR_MAX];
	char *text = file_text(command_text(line, "file"));
	json_t *changes = NULL;
	enum cli_status status;

	if (!text)
		return CLI_FAILED;
	changes = apply_read(text, error);
	free(text);
	if (!changes) {
		cli_error("%s: %s", command_text(line, "file"), error);
		return CLI_USAGE;
	}
	if (json_array_size(changes) == 0) {
		cli_error("%s: there is no change in it", command_text(line, "file"));
		json_decref(changes);
		return CLI_USAGE;
	}
	json_object_set_new(batch.params, "changes", changes);
	status = cli_ask(cli, &batch);
	return status;
}
