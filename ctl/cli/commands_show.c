/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that look at what runs. Called through the table in commands.c.
 */
#include "commands.h"

static const struct command_arg of_service[] = {
	{"SERVICE", VALUE_SERVICE, .optional = true, .help = "only this one's"},
	{.word = NULL},
};

static const struct command_arg of_counters[] = {
	{"SERVICE", VALUE_SERVICE, .optional = true, .help = "only this one's"},
	{"--all", VALUE_NONE, .optional = true, .own = true, .help = "with the rows of 0"},
	{.word = NULL},
};

static const struct command_arg of_flows[] = {
	{"--service", VALUE_SERVICE, .optional = true, .help = "only this one's"},
	{"--backend", VALUE_BACKEND, .optional = true, .help = "only this one's"},
	{"--limit", VALUE_INTEGER, .optional = true, .help = "at most so many; 20 if not given"},
	{.word = NULL},
};

const struct command commands_show[] = {
	{"show services", NULL, "services.list", show_services,
	 .help = "the services and what they are made of"},
	{"show backends", of_service, "backends.list", show_backends,
	 .help = "the backends: weight, share of the slots, packets, next hop",
	 .examples = "show backends\nshow backends web\n--json show backends web"},
	{"show counters", of_counters, "counters.list", show_counters,
	 .help = "what happened to packets, by verdict",
	 .text = "Each packet that came is counted once, with what became of it: under its "
		 "service, else under the vip that it was for, else under neither. Verdicts that "
		 "no packet had are left out.",
	 .examples = "show counters\nshow counters web --all"},
	{"show flows", of_flows, "flows.list", show_flows,
	 .help = "remembered flows: those that the lookup table alone doesn't tell",
	 .text = "Addresses are not kept: a flow is told by its hash.",
	 .examples = "show flows --service web --backend b1 --limit 50"},
	{"show transitions", NULL, "transitions.list", show_transitions,
	 .help = "the services whose last change is not over yet"},
	{"show memory", NULL, "memory.show", show_memory,
	 .help = "how full the table of remembered flows is, and what it counted"},
	{"show generation", NULL, "generation.show", show_generation,
	 .help = "the generation that packets see, and how full its memory is"},
	{"show dataplane", NULL, "dataplane.show", show_dataplane,
	 .help = "the fast path, its ports and its workers"},
	{.words = NULL},
};
