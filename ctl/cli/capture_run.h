/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `capture`: packets of one service, into a file. Called through the table in commands.c.
 */
#ifndef SLUICE_CLI_CAPTURE_RUN_H
#define SLUICE_CLI_CAPTURE_RUN_H

#include "commands.h"

command_function capture_run;

#endif
