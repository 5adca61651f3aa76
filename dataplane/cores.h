/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which thread runs where, as EAL's --lcores takes it. Control thread.
 */
#ifndef SLUICE_DATAPLANE_CORES_H
#define SLUICE_DATAPLANE_CORES_H

#include "sluice/module.h"

#include <sched.h>

enum {
	CORES_TEXT_MAX = 16384, /* of 1,024 cores, each named at most three times */
};

/*
 * "0@(0,2),1@1": lcore 0, of the control thread, on those of `allowed` that no worker has (on
 * all, if that leaves none), and lcore 1 + i on cores[i] alone. -EINVAL: no cores, too many, one
 * twice, or one that isn't in `allowed`.
 */
int cores_map(const uint16_t *cores, uint32_t n, const cpu_set_t *allowed,
	      char text[CORES_TEXT_MAX], char *error);

#endif
