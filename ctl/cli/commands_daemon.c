/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands about the daemon itself. Called through the table in commands.c.
 */
#include "commands.h"
#include "doctor_run.h"

static const struct command_arg of_doctor[] = {
	{"--config", VALUE_FILE, .optional = true, .own = true,
	 .help = "the daemon's configuration; else the running one's, else " CONFIG_PATH_DEFAULT},
	{"--peer", VALUE_FILE, .optional = true, .own = true,
	 .help = "compares with what \"sluicectl --json doctor\" printed on another node"},
	{.word = NULL},
};

const struct command commands_daemon[] = {
	{"version", NULL, "version", show_version, .help = "what runs, and since when"},
	{"doctor", of_doctor, .run = doctor_run,
	 .help = "what would make this node slow or wrong, each with the command that mends it",
	 .text = "Looks at the host, at sluiced if it runs, and at its configuration. Changes "
		 "nothing. The exit status is 1 if anything is slow or wrong. What can't be told "
		 "from here is \"unknown\", with the reason.",
	 .examples = "doctor\nssh lb2 sluicectl --json doctor | sluicectl doctor --peer -"},
	{.words = NULL},
};
