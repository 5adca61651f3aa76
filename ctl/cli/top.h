/* SPDX-License-Identifier: Apache-2.0
 *
 * `sluicectl top`. Used by commands_daemon.c.
 */
#ifndef CTL_CLI_TOP_H
#define CTL_CLI_TOP_H

#include "commands.h"

command_function top_run;

#endif
