/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sluicectl top`. Used by commands_daemon.c.
 */
#ifndef SLUICE_CLI_TOP_H
#define SLUICE_CLI_TOP_H

#include "commands.h"

command_function top_run;

#endif
