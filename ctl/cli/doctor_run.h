/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sluicectl doctor`: gathers what the doctor looks at, and shows what it found. Called through the
 * table in commands.c.
 */
#ifndef SLUICE_CLI_DOCTOR_RUN_H
#define SLUICE_CLI_DOCTOR_RUN_H

#include "commands.h"

#define CONFIG_PATH_DEFAULT "/etc/sluice/sluice.conf"

/*
 * CLI_DONE: nothing is slow or wrong; CLI_FAILED: something is, or --peer names no file of a
 * doctor's. A daemon that doesn't answer is a finding, and no reason to stop.
 */
command_function doctor_run;

#endif
