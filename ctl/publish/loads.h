/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loads of a least-conn service's backends: remembered flows per weight, relative to each
 * other (sluice/generation.h: struct backend.load). Control thread.
 */
#ifndef SLUICE_LOADS_H
#define SLUICE_LOADS_H

#include "census.h"
#include "installed.h"

/* The service with its loads as counted: as installed_load(). */
struct installed *loads_renew(const struct surroundings *around, struct installed *was,
			      const struct census *census);

/*
 * loads[i] = flows[i] per weights[i], such that the greatest is UINT16_MAX; 0 for a weight of 0,
 * and for all while there are no flows.
 */
void loads_relate(const uint64_t *flows, const uint32_t *weights, uint32_t n, uint16_t *loads);

#endif
