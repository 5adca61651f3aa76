/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that a fuzz target's input is made of, from the tables that read them, a word a line:
 *   words config   the file's keys, and what they may be chosen to be
 *   words rpc      the methods and their parameters
 *   words state    the file's keys and what they may be chosen to be, as JSON has them
 * run.sh makes dictionaries of them, and holds the corpus against them. A program of its own.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config_form.h"
#include "rpc.h"

static void config_words(const struct config_key *keys)
{
	for (const struct config_key *key = keys; key->name; key++) {
		puts(key->name);
		for (size_t i = 0; key->choices && key->choices[i]; i++)
			printf("\"%s\"\n", key->choices[i]);
		if (key->keys)
			config_words(key->keys);
	}
}

static void param_words(const struct rpc_param *params)
{
	for (const struct rpc_param *param = params; param->name; param++) {
		printf("\"%s\"\n", param->name);
		if (param->fields)
			param_words(param->fields);
	}
}

static void rpc_words(void)
{
	const struct rpc_method *method;

	for (size_t i = 0; (method = rpc_method_at(i)); i++) {
		printf("\"%s\"\n", method->name);
		param_words(method->params);
	}
}

static void state_words(const struct config_key *keys)
{
	for (const struct config_key *key = keys; key->name; key++) {
		printf("\"%s\"\n", key->name);
		for (size_t i = 0; key->choices && key->choices[i]; i++)
			printf("\"%s\"\n", key->choices[i]);
		if (key->keys)
			state_words(key->keys);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "config") == 0) {
		config_words(config_root_keys);
		config_words(config_health_keys);
		config_words(config_health_override_keys);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "rpc") == 0) {
		rpc_words();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "state") == 0) {
		state_words(config_root_keys);
		state_words(config_health_keys);
		state_words(config_health_override_keys);
		return 0;
	}
	fprintf(stderr, "usage: words config | rpc | state\n");
	return 2;
}
