/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a config file and what it includes into one text. It knows of libconfig's syntax what it
 * takes to find an @include and a number: strings, comments, names. Comments are left out.
 * Called by config.c, on the control thread.
 */
#include "config_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"
#include "config_number.h"

#define FILE_MEND "; name it with --config, or make it: conf/sluice.conf has every key"

/* One file on its way into the text. */
struct scan {
	struct config_text *out;
	struct config_report *report;
	const char *at; /* next byte; a 0 ends the file */
	uint32_t file;
	uint32_t line;
	uint32_t depth;
};

static void file_scan(struct config_text *out, char *path, uint32_t depth, const char *by,
		      uint32_t by_line, struct config_report *report);

static void fault_here(struct scan *s, uint32_t line, const char *text)
{
	config_report_add(s->report, s->out->files[s->file], line, "", "%s", text);
}

/* Room for `more` bytes and a 0. Without memory there is no daemon. */
static void text_append(struct config_text *out, const char *bytes, size_t more)
{
	if (out->bytes + more >= out->room) {
		out->room = 2 * (out->bytes + more) + 4096;
		out->text = realloc(out->text, out->room);
		if (!out->text)
			abort();
	}
	memcpy(out->text + out->bytes, bytes, more);
	out->bytes += more;
	out->text[out->bytes] = '\0';
}

/* Ends the text's line; the next one is a certain line of a certain file. */
static void line_begin(struct config_text *out, uint32_t file, uint32_t line)
{
	if (out->lines_n > 0)
		text_append(out, "\n", 1);
	if (out->lines_n == out->lines_room) {
		out->lines_room = 2 * out->lines_room + 256;
		out->lines = reallocarray(out->lines, out->lines_room, sizeof(*out->lines));
		if (!out->lines)
			abort();
	}
	out->lines[out->lines_n++] = (struct config_line){.file = file, .line = line};
}

/* The next `n_bytes`, as they are. */
static void copy(struct scan *s, size_t n_bytes)
{
	const char *end = s->at + n_bytes;

	for (;;) {
		const char *newline = memchr(s->at, '\n', (size_t)(end - s->at));

		text_append(s->out, s->at, (size_t)((newline ? newline : end) - s->at));
		if (!newline)
			break;
		line_begin(s->out, s->file, ++s->line);
		s->at = newline + 1;
	}
	s->at = end;
}

/* s->at is on the quote. */
static void string_scan(struct scan *s)
{
	uint32_t line = s->line;
	size_t i = 1;

	while (s->at[i] && s->at[i] != '"')
		i += s->at[i] == '\\' && s->at[i + 1] ? 2 : 1;
	if (!s->at[i])
		fault_here(s, line, "syntax error: no \" ends the string that begins here");
	copy(s, s->at[i] ? i + 1 : i);
}

static void comment_scan(struct scan *s)
{
	uint32_t line = s->line;
	const char *end = strstr(s->at + 2, "*/");

	if (!end)
		fault_here(s, line, "syntax error: no */ ends the comment that begins here");
	for (; *s->at && s->at != end; s->at++) {
		if (*s->at == '\n')
			line_begin(s->out, s->file, ++s->line);
	}
	if (end)
		s->at += 2;
	text_append(s->out, " ", 1);
}

/* A number; with an L behind it, if it needs one to be read whole. */
static void number_scan(struct scan *s)
{
	enum config_number kind;
	size_t n_bytes = config_number_length(s->at, &kind);

	if (kind == CONFIG_NUMBER_TOO_BIG)
		config_report_add(s->report, s->out->files[s->file], s->line, "",
				  "%.*s is beyond 64 bits", (int)(n_bytes < 64 ? n_bytes : 64),
				  s->at);
	copy(s, n_bytes);
	if (kind == CONFIG_NUMBER_LONG)
		text_append(s->out, "L", 1);
}

/*
 * If s->at, the start of a line, is an @include: its file name, allocated, with s->at behind it.
 * What is no well-formed one is left for libconfig to refuse.
 */
static char *include_name(struct scan *s)
{
	const char *p = s->at + strspn(s->at, " \t");
	char *name, *end;

	if (strncmp(p, "@include", 8) != 0 || (p[8] != ' ' && p[8] != '\t'))
		return NULL;
	p += 8;
	p += strspn(p, " \t");
	if (*p++ != '"')
		return NULL;
	end = name = calloc(1, strcspn(p, "\n") + 1);
	if (!name)
		abort();
	while (*p && *p != '"' && *p != '\n') {
		if (*p == '\\' && (p[1] == '\\' || p[1] == '"'))
			p++;
		*end++ = *p++;
	}
	if (*p != '"') {
		free(name);
		return NULL;
	}
	s->at = p + 1;
	return name;
}

/* Names are relative to the folder of the first file. */
static char *include_path(const struct config_text *out, const char *name)
{
	const char *slash = strrchr(out->files[0], '/');
	int folder_bytes = slash && *name != '/' ? (int)(slash - out->files[0]) + 1 : 0;
	char *path;

	if (asprintf(&path, "%.*s%s", folder_bytes, out->files[0], name) < 0)
		abort();
	return path;
}

/* Everything up to the end of the line or of what began on it. */
static void line_scan(struct scan *s)
{
	char *name = include_name(s);

	if (name) {
		file_scan(s->out, include_path(s->out, name), s->depth + 1, s->out->files[s->file],
			  s->line, s->report);
		free(name);
		line_begin(s->out, s->file, s->line);
	}
	while (*s->at && *s->at != '\n') {
		if (*s->at == '"')
			string_scan(s);
		else if (*s->at == '#' || strncmp(s->at, "//", 2) == 0)
			s->at += strcspn(s->at, "\n");
		else if (strncmp(s->at, "/*", 2) == 0)
			comment_scan(s);
		else if (isalpha((unsigned char)*s->at) || *s->at == '*')
			copy(s, strspn(s->at, CONFIG_NAME_CHARS));
		else if (config_number_begins(s->at))
			number_scan(s);
		else
			copy(s, 1);
	}
	if (*s->at)
		copy(s, 1);
}

/* Puts a file in, `path` being taken over. `by` and `by_line` include it; NULL, 0: nobody. */
static void file_scan(struct config_text *out, char *path, uint32_t depth, const char *by,
		      uint32_t by_line, struct config_report *report)
{
	struct scan s = {.out = out, .report = report, .line = 1, .depth = depth};
	const char *at_file = by ? by : path;
	size_t room = out->bytes < CONFIG_BYTES_MAX ? CONFIG_BYTES_MAX - out->bytes : 0, bytes;
	char *data = NULL;
	int err;

	if (depth > CONFIG_DEPTH_MAX || out->files_n == CONFIG_FILES_MAX) {
		config_report_add(report, at_file, by_line, "",
				  "@include \"%s\": more than %d files deep, or %d in all", path,
				  CONFIG_DEPTH_MAX, CONFIG_FILES_MAX);
		free(path);
		return;
	}
	s.file = out->files_n++;
	out->files[s.file] = path;
	err = config_file_read(path, room, &data, &bytes);
	if (err) {
		config_report_add(report, at_file, by_line, "", "%s%s%scannot be read: %s%s",
				  by ? "@include \"" : "", by ? path : "", by ? "\" " : "",
				  strerror(-err), by || err != -ENOENT ? "" : FILE_MEND);
		return;
	}
	line_begin(out, s.file, 1);
	for (s.at = data; *s.at;)
		line_scan(&s);
	if (s.at != data + bytes)
		fault_here(&s, s.line, "a zero byte: this is no text");
	free(data);
}

bool config_text_read(struct config_text *text, const char *path, struct config_report *report)
{
	char *copied = strdup(path);

	if (!copied)
		abort();
	text_append(text, "", 0);
	file_scan(text, copied, 0, NULL, 0, report);
	return report->faults_n == 0;
}

void config_text_free(struct config_text *text)
{
	for (uint32_t i = 0; i < text->files_n; i++)
		free(text->files[i]);
	free(text->lines);
	free(text->text);
}

const char *config_text_place(const struct config_text *text, uint32_t text_line, uint32_t *line)
{
	size_t i = text_line > 0 ? text_line - 1 : 0;

	if (i >= text->lines_n)
		i = text->lines_n - 1;
	*line = text->lines[i].line;
	return text->files[text->lines[i].file];
}
