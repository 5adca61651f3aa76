/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands about the configuration file and what is in force. Called through the table in
 * commands.c.
 */
#include "apply_run.h"
#include "commands.h"

static const struct command_arg show_config_args[] = {
	{"--effective", VALUE_NONE, .optional = true,
	 .help = "what is in force, as a file that sluiced accepts, not the file itself"},
	{.word = NULL},
};

static const struct command_arg reload_args[] = {
	{"--check", VALUE_NONE, .optional = true,
	 .help = "changes nothing: is the file right, and what would it change?"},
	{"--diff", VALUE_NONE, .optional = true, .own = true,
	 .help = "says what differs, in words, and how many slots move"},
	{.word = NULL},
};

static const struct command_arg apply_args[] = {
	{"FILE", VALUE_FILE, .own = true, .help = "with the changes; - for standard input"},
	{"--dry-run", VALUE_NONE, .optional = true,
	 .help = "says what would happen, and changes nothing"},
	{.word = NULL},
};

const struct command commands_config[] = {
	{"show config", show_config_args, "config.show", show_config,
	 .help = "the configuration file, and what was changed at run time",
	 .text = "With --effective what is in force, run-time changes and all, as a file that "
		 "sluiced accepts. The seed is shown to root alone.",
	 .examples = "show config --effective > sluice.conf"},
	{"reload", reload_args, "config.reload", show_reload,
	 .help = "puts the configuration file in force: whole, or not at all",
	 .text = "Run-time changes stay, but where the file was edited since: there the file "
		 "holds. Settings that only a restart changes are named. A file with a fault "
		 "changes nothing; each fault is told with its line (exit status 1).",
	 .examples = "reload --check --diff\nreload --diff"},
	{"apply", apply_args, .run = apply_run,
	 .help = "makes the changes of a file at once: all of them, or none",
	 .text = "The file has one command a line, as sluicectl takes it (\"backend set web b1 "
		 "weight 50\"), with blank lines and # comments; or a JSON array of objects with "
		 "\"method\" and \"params\" (docs/control.md). They become one generation. A "
		 "fault is told with its line, and nothing changes then.",
	 .examples = "apply changes.txt --dry-run\napply - < changes.json"},
	{"save", NULL, "config.save", show_save,
	 .help = "writes what is in force into the configuration file",
	 .text = "The file before it, with its comments, stays as FILE.bak. Refused if the file "
		 "includes others, or was edited since it was loaded."},
	{.words = NULL},
};
