/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees as libconfig's text. Groups of plain values within a list take a line each. Pure
 * functions, any thread.
 */
#include "config_print.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static void string_print(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void scalar_print(FILE *out, const json_t *value)
{
	if (json_is_string(value))
		string_print(out, json_string_value(value));
	else if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%f", json_real_value(value));
	else
		fputs(json_is_true(value) ? "true" : "false", out);
}

static bool is_scalar(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static bool is_flat(const json_t *value)
{
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)value, key, member)
		if (!is_scalar(member))
			return false;
	return true;
}

static void indent(FILE *out, int depth)
{
	for (int i = 0; i < depth; i++)
		fputc('\t', out);
}

static void value_print(FILE *out, const json_t *value, int depth);

/* `depth` < 0: all on one line. */
static void members_print(FILE *out, const json_t *object, int depth)
{
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)object, key, member) {
		indent(out, depth);
		fprintf(out, "%s = ", key);
		value_print(out, member, depth);
		fputs(depth < 0 ? "; " : ";\n", out);
	}
}

/* A group in a list. */
static void element_print(FILE *out, const json_t *element, int depth)
{
	indent(out, depth < 0 ? 0 : depth + 1);
	value_print(out, element, depth < 0 || is_flat(element) ? -1 : depth + 1);
}

static void list_print(FILE *out, const json_t *list, int depth)
{
	bool groups = json_is_object(json_array_get(list, 0));
	const char *separator = depth < 0 ? ", " : ",\n";
	size_t i;
	json_t *element;

	if (!groups) { /* nothing, or numbers */
		fputs(json_array_size(list) ? "[ " : "(", out);
		json_array_foreach ((json_t *)list, i, element) {
			fputs(i ? ", " : "", out);
			scalar_print(out, element);
		}
		fputs(json_array_size(list) ? " ]" : ")", out);
		return;
	}
	fputs(depth < 0 ? "( " : "(\n", out);
	json_array_foreach ((json_t *)list, i, element) {
		fputs(i ? separator : "", out);
		element_print(out, element, depth);
	}
	fputs(depth < 0 ? " " : "\n", out);
	indent(out, depth);
	fputc(')', out);
}

static void value_print(FILE *out, const json_t *value, int depth)
{
	if (json_is_array(value)) {
		list_print(out, value, depth);
	} else if (json_is_object(value)) {
		fputs(depth < 0 ? "{ " : "{\n", out);
		members_print(out, value, depth < 0 ? depth : depth + 1);
		indent(out, depth);
		fputc('}', out);
	} else {
		scalar_print(out, value);
	}
}

/* What `out`, of `text`, has got. */
static char *text_take(FILE *out, char **text)
{
	bool failed = ferror(out);

	if (fclose(out) == 0 && !failed)
		return *text;
	free(*text);
	return NULL;
}

char *config_print(const json_t *root)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = root ? open_memstream(&text, &bytes) : NULL;

	if (!out)
		return NULL;
	members_print(out, root, 0);
	return text_take(out, &text);
}

char *config_print_row(const char *name, const json_t *row, size_t number)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return NULL;
	if (number == 0)
		fprintf(out, row ? "%s = (\n" : "%s = ()", name);
	else
		fputs(row ? ",\n" : "\n)", out);
	if (row)
		element_print(out, row, 0);
	else
		fputs(";\n", out);
	return text_take(out, &text);
}

char *config_print_value(const json_t *value, int bare)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return NULL;
	if (bare && json_is_string(value))
		fputs(json_string_value(value), out);
	else
		value_print(out, value, -1);
	return text_take(out, &text);
}
