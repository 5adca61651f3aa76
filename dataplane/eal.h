/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's environment: its arguments from ours, its start and end. A process can have it once:
 * after eal_stop(), or a failure, there is no second eal_start(). Control thread.
 */
#ifndef SLUICE_DATAPLANE_EAL_H
#define SLUICE_DATAPLANE_EAL_H

#include "sluice/module.h"

/*
 * Starts DPDK with lcore 0 for the calling thread, which floats over the cores that no worker
 * has (over all, if there are none left), and lcore 1 + i for config->cores[i]. `need_bytes`:
 * what buffers will take, so that "auto" can tell whether the free hugepages do. Signals stay
 * with the threads that the daemon has; DPDK's own get none. PCI devices are probed here, others
 * by port_probe().
 * -EINVAL: cores or eal_args are wrong; -ENOTSUP: hugepages are wanted and there are none, or
 * DPDK refuses; -EBUSY: DPDK has run in this process already.
 */
int eal_start(const struct fast_path_config *config, size_t need_bytes, bool *hugepages,
	      char *error);

/* Gives all back, the calling thread's cores included. */
void eal_stop(void);

/* The lcore of config->cores[worker]. */
unsigned int eal_worker_lcore(uint32_t worker);

/* A PCI address, with or without device arguments behind it? */
bool eal_device_is_pci(const char *device);

#endif
