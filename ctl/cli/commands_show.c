/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that look at what runs. Called through the table in commands.c.
 */
#include "commands.h"
#include "top.h"
#include "top_list.h"

static const struct command_arg of_service[] = {
	{"SERVICE", VALUE_SERVICE, .optional = true, .help = "only this one's"},
	{.word = NULL},
};

static const struct command_arg of_hosts[] = {
	{"ADDRESS", VALUE_HOST, .optional = true, .help = "only this one"},
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

static const struct command_arg of_top[] = {
	{"SERVICE", VALUE_SERVICE, .optional = true, .own = true, .help = "its backends"},
	{"--backends", VALUE_NONE, .optional = true, .own = true,
	 .help = "the backends of all services, instead of the services"},
	{"--sort", VALUE_WORD, .optional = true, .own = true, .words = top_sort_words,
	 .help = "by packets, if not given"},
	{"--filter", VALUE_TEXT, .optional = true, .own = true,
	 .help = "only services and backends that have it in their name"},
	{"--interval", VALUE_TIME, .optional = true, .own = true,
	 .help = "between two looks; 2s if not given"},
	{"--once", VALUE_NONE, .optional = true, .own = true,
	 .help = "prints the rates of one interval, and ends; with --json too"},
	{.word = NULL},
};

const struct command commands_show[] = {
	{"top", of_top, .run = top_run,
	 .help = "live: packets and bits a second, drops, flow table, load of the cores",
	 .text = "Keys: p b d n sort by packets, bits, drops, name; Enter shows a service's "
		 "backends, Esc goes back; / filters; h lists all keys; q quits. The load of a "
		 "core: with dpdk, of its looks at the ports those that brought packets; with xdp, "
		 "of its time what the kernel spent in softirqs.",
	 .examples = "top\ntop web --sort bits\n--json top --once --interval 5s"},
	{"show services", NULL, "services.list", show_services,
	 .help = "the services and what they are made of"},
	{"show backends", of_service, "backends.list", show_backends,
	 .help = "the backends: weight, share of the slots, packets, next hop",
	 .examples = "show backends\nshow backends web\n--json show backends web"},
	{"show hosts", of_hosts, "hosts.list", show_hosts,
	 .help = "backends by address, over all services: how many are in which state"},
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
	{"show capture", NULL, "capture.show", show_capture,
	 .help = "the latest capture, and how much all have copied and missed"},
	{"show generation", NULL, "generation.show", show_generation,
	 .help = "the generation that packets see, and how full its memory is"},
	{"show dataplane", NULL, "dataplane.show", show_dataplane,
	 .help = "the fast path, its ports and its workers"},
	{.words = NULL},
};
