/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of sluicectl's commands: that its rows are whole, and help shows all of them; and the
 * words that "did you mean" finds.
 */
#include <setjmp.h>
#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command_help.h"
#include "near.h"

static void check_arg(const struct command *command, const struct command_arg *arg)
{
	bool option = arg->word[0] == '-', place = isupper((unsigned char)arg->word[0]);

	print_message("# row: %s: %s\n", command->words, arg->word);
	assert_non_null(arg->help);
	assert_true(strlen(arg->word) < COMMAND_NAME_MAX - 2);
	if (option)
		assert_true(strncmp(arg->word, "--", 2) == 0 && arg->word[2]);
	if (option)
		assert_ptr_equal(command_option(command->args, arg->word), arg);
	/* Options of all commands are taken out before. */
	assert_null(command_option(command_options, arg->word));
	assert_int_equal(arg->value == VALUE_WORD, arg->words != NULL);
	if (arg->value == VALUE_NONE)
		assert_true(option && arg->optional);
	if (place && arg->optional) {
		/* By its place: none that must be there may follow. */
		for (const struct command_arg *next = arg + 1; next->word; next++)
			assert_true(next->optional || !isupper((unsigned char)next->word[0]));
	}
}

static void test_table(void **state)
{
	const struct command *c, *other;

	for (size_t i = 0; (c = command_at(i)); i++) {
		size_t args_n = 0;

		print_message("# row: %s\n", c->words);
		assert_non_null(c->help);
		assert_true(islower((unsigned char)c->help[0]));
		assert_null(strchr(c->help, '\n'));
		assert_true(c->run || (c->method && c->show));
		for (size_t j = 0; j < i && (other = command_at(j)); j++)
			assert_string_not_equal(other->words, c->words);
		for (const struct command_arg *arg = c->args; arg && arg->word; arg++, args_n++)
			check_arg(c, arg);
		assert_true(args_n <= COMMAND_ARGS_MAX);
	}
}

enum { WORDS_MAX = 24 };

/* Each example is a line that its command reads. */
static void test_examples(void **state)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++) {
		char *text = strdup(c->examples ? c->examples : ""), *rest = NULL;

		for (char *line = strtok_r(text, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest)) {
			char *words[WORDS_MAX], *blank = NULL, error[COMMAND_ERROR_MAX];
			struct command_line parsed;
			int n = 0, skip = command_words(c);

			/* Quoted arguments and pipes are the shell's: only plain lines here. */
			if (strpbrk(line, "'\"|<>"))
				continue;
			print_message("# row: %s\n", line);
			for (char *w = strtok_r(line, " ", &blank); w && n < WORDS_MAX;
			     w = strtok_r(NULL, " ", &blank)) {
				if (!command_option(command_options, w))
					words[n++] = w;
			}
			assert_ptr_equal(command_find(n, words, error), c);
			if (command_parse(c, n - skip, words + skip, &parsed, error) != 0)
				fail_msg("%s", error);
			command_line_free(&parsed);
		}
		free(text);
	}
}

static char *help_text(int argc, char *const argv[], int *n)
{
	char *text = NULL;
	size_t text_bytes;
	FILE *out = open_memstream(&text, &text_bytes);

	assert_non_null(out);
	if (argc > 0)
		*n = help_commands(argc, argv, out);
	else
		help_all(out);
	fclose(out);
	return text;
}

/* No line is longer than a terminal, and the words are there. */
static void check_help(char *text, const char *const *wanted)
{
	char *rest = NULL;

	for (; *wanted; wanted++) {
		if (!strstr(text, *wanted))
			fail_msg("no \"%s\" in: %s", *wanted, text);
	}
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		/* An example is one line, for copying. */
		if (strlen(line) > 80 && strncmp(line, "  sluicectl", 11) != 0)
			fail_msg("%zu columns: %s", strlen(line), line);
	}
	free(text);
}

static void test_help(void **state)
{
	const struct command *c;
	int n;

	for (size_t i = 0; (c = command_at(i)); i++) {
		char words[64], *argv[4], *rest = NULL;
		int argc = 0;

		print_message("# row: help %s\n", c->words);
		if (!c->hidden)
			check_help(
				help_text(0, NULL, &n),
				(const char *[]){c->words, c->help[0] ? "Exit status" : "", NULL});
		snprintf(words, sizeof(words), "%s", c->words);
		for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
			argv[argc++] = w;
		check_help(help_text(argc, argv, &n),
			   (const char *[]){"usage: sluicectl ", c->words,
					    c->args ? c->args->word : "", NULL});
		assert_int_equal(n, 1);
	}
	check_help(
		help_text(1, (char *[]){"backend"}, &n),
		(const char *[]){"backend add", "backend undrain", "sluicectl help backend", NULL});
	assert_true(n > 1);
	free(help_text(1, (char *[]){"nonsense"}, &n));
	assert_int_equal(n, 0);
}

static void test_help_json(void **state)
{
	json_t *all = help_json(), *commands = json_object_get(all, "commands"), *row;
	size_t i;

	assert_true(json_array_size(commands) > 10);
	json_array_foreach (commands, i, row) {
		const char *words = json_string_value(json_object_get(row, "words"));
		char copy[64], *second, error[COMMAND_ERROR_MAX];

		assert_non_null(words);
		snprintf(copy, sizeof(copy), "%s", words);
		second = strchr(copy, ' ');
		if (second)
			*second++ = 0;
		assert_non_null(command_find(second ? 2 : 1, (char *[]){copy, second}, error));
	}
	assert_int_equal(json_array_size(json_object_get(all, "exit_statuses")), 4);
	json_decref(all);
}

static void test_near(void **state)
{
	static const struct {
		const char *name, *word;
		const char *candidates[4];
		const char *best;
	} rows[] = {
		{"a letter missing", "bakends", {"services", "backends"}, "backends"},
		{"two swapped", "shwo", {"service", "show"}, "show"},
		{"short, swapped", "geu", {"ipip", "gue", "gue0"}, "gue"},
		{"short names: one digit", "b9", {"b1", "web"}, "b1"},
		{"one letter is near to none", "b", {"x", "y"}, NULL},
		{"the beginning of a long name",
		 "web",
		 {"dns", "web-frontend-eu"},
		 "web-frontend-eu"},
		{"the nearest of some", "wbe1", {"web2", "web1"}, "web1"},
		{"another word", "frobnicate", {"services", "backends"}, NULL},
		{"nothing", "", {"services"}, NULL},
		{"a case", "WEB", {"dns"}, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct near near = near_to(rows[i].word);

		print_message("# row: %s\n", rows[i].name);
		for (int j = 0; j < 4 && rows[i].candidates[j]; j++)
			near_try(&near, rows[i].candidates[j]);
		if (rows[i].best)
			assert_string_equal(near.best, rows[i].best);
		else
			assert_null(near.best);
	}
	assert_int_equal(near_distance("kitten", "sitting"), 3);
	assert_int_equal(near_distance("ab", "ba"), 1);
	assert_int_equal(near_distance("", "abc"), 3);
	assert_int_equal(near_distance("abc", ""), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table), cmocka_unit_test(test_examples),
		cmocka_unit_test(test_help),  cmocka_unit_test(test_help_json),
		cmocka_unit_test(test_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
