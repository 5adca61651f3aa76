/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command `events`: what happened, and with --follow what happens. Called through the table in
 * commands.c.
 */
#ifndef SLUICE_CLI_EVENTS_RUN_H
#define SLUICE_CLI_EVENTS_RUN_H

#include "commands.h"

/*
 * Without --follow as cli_ask(). With it, first what events.list says (the latest, or those
 * since), then what events.follow notifies, until the daemon ends; with --json an object a line.
 */
command_function events_run;

#endif
