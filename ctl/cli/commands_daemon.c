/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands about the daemon itself. Called through the table in commands.c.
 */
#include "commands.h"

const struct command commands_daemon[] = {
	{"version", NULL, "version", show_version, .help = "what runs, and since when"},
	{.words = NULL},
};
