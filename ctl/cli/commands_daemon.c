/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands about the daemon itself. Called through the table in commands.c.
 */
#include "commands.h"
#include "doctor_run.h"
#include "events.h"
#include "events_run.h"
#include "log.h"

static const struct command_arg of_doctor[] = {
	{"--config", VALUE_FILE, .optional = true, .own = true,
	 .help = "the daemon's configuration; else the running one's, else " CONFIG_PATH_DEFAULT},
	{"--peer", VALUE_FILE, .optional = true, .own = true,
	 .help = "compares with what \"sluicectl --json doctor\" printed on another node"},
	{.word = NULL},
};

static const struct command_arg of_events[] = {
	{"--follow", VALUE_NONE, .optional = true, .own = true, .letter = 'f',
	 .help = "goes on with what happens, until interrupted"},
	{"--service", VALUE_SERVICE, .optional = true, .help = "only this one's"},
	{"--backend", VALUE_BACKEND, .optional = true, .help = "only this one's"},
	{"--kind", VALUE_WORD, .optional = true, .words = event_kind_words,
	 .help = "only these: daemon, config, service, backend, health, next-hop, transition, "
		 "drain, generation or port"},
	{"--since", VALUE_TIME, .optional = true, .help = "those of the last so many seconds"},
	{"--limit", VALUE_INTEGER, .optional = true,
	 .help = "at most so many; without --since the latest 100 if not given"},
	{.word = NULL},
};

static const struct command_arg of_log_level[] = {
	{"LEVEL", VALUE_WORD, .optional = true, .words = log_level_words,
	 .help = "what is less important is left out"},
	{.word = NULL},
};

const struct command commands_daemon[] = {
	{"events", of_events, "events.list", show_events, events_run,
	 .help = "what happened: what changed, when (UTC), by whom",
	 .text = "sluiced keeps the latest 4,096 events since its start; its log has them too.",
	 .examples = "events --since 1h --service web\nevents --follow\n--json events --follow"},
	{"log-level", of_log_level, "log.set_level", show_log_level,
	 .help = "how much sluiced's log has: sets it until sluiced restarts, or shows it",
	 .examples = "log-level debug\nlog-level"},
	{"version", NULL, "version", show_version, .help = "what runs, and since when"},
	{"doctor", of_doctor, .run = doctor_run,
	 .help = "what would make this node slow or wrong, each with the command that mends it",
	 .text = "Looks at the host, at sluiced if it runs, and at its configuration. Changes "
		 "nothing. The exit status is 1 if anything is slow or wrong. What can't be told "
		 "from here is \"unknown\", with the reason.",
	 .examples = "doctor\nssh lb2 sluicectl --json doctor | sluicectl doctor --peer -"},
	{.words = NULL},
};
