/* SPDX-License-Identifier: Apache-2.0
 *
 * sluicectl's commands, and finding the one that is meant. Called by main.c.
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

const struct command commands[] = {
	{"show services", "", "services.list", show_services,
	 "the services and what they are made of"},
	{"show backends", "[SERVICE]", "backends.list", show_backends,
	 "the backends: weight, share of the slots, packets, next hop"},
	{"show counters", "[SERVICE]", "counters.list", show_counters,
	 "what happened to packets: one row a verdict; rows of 0 only with --all"},
	{"show flows", "[--service SERVICE] [--backend BACKEND] [--limit N]", "flows.list",
	 show_flows,
	 "remembered flows: those that the lookup table alone does not tell; 20 at most"},
	{"show transitions", "", "transitions.list", show_transitions,
	 "the services whose last change is not over yet"},
	{"show memory", "", "memory.show", show_memory,
	 "how full the table of remembered flows is, and what it counted"},
	{"show generation", "", "generation.show", show_generation,
	 "the generation that packets see, and how full its memory is"},
	{"show dataplane", "", "dataplane.show", show_dataplane,
	 "the fast path, its ports and its workers"},
	{"service add",
	 "NAME VIP:PORT/PROTO [encap ENCAP] [slots N] [scheduler SCHEDULER] [hash HASH] "
	 "[transition TIME] [slow-start TIME]",
	 "service.add", show_change,
	 "adds a service; IPv6 as [2001:db8::1]:80/tcp; PORT may be all; ENCAP ipip, gue or gue0; "
	 "SCHEDULER maglev, rr, wrr, random or least-conn; HASH flow or source; TIME 90, 90s, 10m, "
	 "1h"},
	{"service remove", "SERVICE [--dry-run]", "service.remove", show_change,
	 "removes a service with its backends"},
	{"backend add", "SERVICE NAME ADDRESS [weight N] [--dry-run]", "backend.add", show_change,
	 "adds a backend to a service; weight 100 if not given"},
	{"backend remove", "SERVICE BACKEND [--dry-run]", "backend.remove", show_change,
	 "removes a backend; its flows break: drain it before"},
	{"backend set", "SERVICE BACKEND weight N [--dry-run]", "backend.set", show_change,
	 "sets a backend's weight, 0 to 65535; 0 takes no new flows"},
	{"backend enable", "SERVICE BACKEND [--dry-run]", "backend.enable", show_change,
	 "lets a backend take flows"},
	{"backend disable", "SERVICE BACKEND [--dry-run]", "backend.disable", show_change,
	 "sends a backend nothing more; its flows break"},
	{"backend drain", "SERVICE BACKEND [--timeout TIME] [--wait] [--dry-run]", "backend.drain",
	 show_change,
	 "gives a backend no new flows, and disables it after --timeout; --wait shows how many "
	 "remembered flows are left, until none is (status 0) or the timeout cuts them (status 1)"},
	{"backend undrain", "SERVICE BACKEND [--dry-run]", "backend.undrain", show_change,
	 "lets a draining backend take new flows again"},
	{"version", "", "version", show_version, "what runs, and since when"},
	{.words = NULL},
};

/* Whether the command's first words are those in argv: all of argv's, or all of the command's. */
static int words_matched(const struct command *command, int argc, char *const argv[])
{
	const char *word = command->words;
	int n = 0;

	while (n < argc && *word) {
		size_t length = strcspn(word, " ");

		if (strlen(argv[n]) != length || memcmp(argv[n], word, length) != 0)
			return -1;
		word += length;
		word += *word == ' ';
		n++;
	}
	return n;
}

int command_words(const struct command *command)
{
	int n = 1;

	for (const char *c = command->words; *c; c++)
		n += *c == ' ';
	return n;
}

const struct command *command_find(int argc, char *const argv[], char error[COMMAND_ERROR_MAX])
{
	char nouns[COMMAND_ERROR_MAX] = "";
	size_t length = 0;

	if (argc == 0) {
		snprintf(error, COMMAND_ERROR_MAX, "no command; sluicectl help lists them");
		return NULL;
	}
	for (const struct command *c = commands; c->words; c++) {
		int matched = words_matched(c, argc, argv);

		if (matched == command_words(c))
			return c;
		/* "show", or "show foo": what could follow the first word? */
		if (words_matched(c, 1, argv) == 1 && length < sizeof(nouns))
			length += (size_t)snprintf(nouns + length, sizeof(nouns) - length, "%s%s",
						   length ? ", " : "", strchr(c->words, ' ') + 1);
	}
	if (length > 0)
		snprintf(error, COMMAND_ERROR_MAX, "%.64s what? one of: %.400s", argv[0], nouns);
	else
		snprintf(error, COMMAND_ERROR_MAX,
			 "no command \"%.64s\"; sluicectl help lists them", argv[0]);
	return NULL;
}

int command_help(int argc, char *const argv[], FILE *out)
{
	int n = 0;

	for (const struct command *c = commands; c->words; c++) {
		if (argc > 0 && words_matched(c, argc, argv) <= 0)
			continue;
		fprintf(out, "  %s%s%s\n      %s\n", c->words, c->args[0] ? " " : "", c->args,
			c->help);
		n++;
	}
	return n;
}
