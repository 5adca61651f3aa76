/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's own log lines, handed to the daemon's log. Control thread; lines may come from any.
 */
#ifndef SLUICE_DATAPLANE_EAL_LOG_H
#define SLUICE_DATAPLANE_EAL_LOG_H

#include "sluice/module.h"

/*
 * From now on DPDK's lines go to `log`: errors and warnings as such, the rest as debug. To be
 * called before rte_eal_init(). -ENOMEM.
 */
int eal_log_start(void (*log)(enum fast_path_log level, const char *line));
void eal_log_stop(void);

/*
 * The first error line since eal_log_start() or eal_log_clear(), which names the cause where later
 * ones say what came of it; "no reason given" where there is none.
 */
const char *eal_log_first_error(void);
void eal_log_clear(void);

#endif
