/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this daemon go on with what an earlier one left pinned? With the maps, when layout and sizes
 * are the same, and ports but for those that had no interface or lost it (program_ports_renew()); with the program too, when it is the same build. Control thread, at
 * start.
 */
#ifndef SLUICE_ADOPTION_H
#define SLUICE_ADOPTION_H

#include "pins.h"
#include "program.h"

#define ADOPTION_PROGRAM_PIN "program"

/*
 * Between program_open() and program_load(): takes the pinned maps when all of them fit, or none
 * (*adopted is false, and the log says why, unless nothing is pinned). 0, or -errno: they can't
 * be opened, or what libbpf says.
 */
int adoption_take_maps(struct program *program, const struct pins *pins, report_log log,
		       bool *adopted);

/*
 * After program_load() with adopted maps: an fd of the pinned program, if it uses these very maps
 * and differs in nothing from ours; else -ENOENT.
 */
int adoption_take_program(const struct program *program, const struct pins *pins);

#endif
