/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the program's counters, which every CPU has rows of its own of. While packets flow:
 * a row is read word by word, so its numbers are of slightly different moments.
 */
#ifndef SLUICE_EBPF_COUNTERS_H
#define SLUICE_EBPF_COUNTERS_H

#include "program.h"

/* Rows [first, first + n), summed over all CPUs. -ERANGE: beyond the map; -ENOMEM; -errno. */
int counters_read_services(const struct program *program, uint32_t first, uint32_t n,
			   struct service_counters *rows);
int counters_read_backends(const struct program *program, uint32_t first, uint32_t n,
			   struct backend_counters *rows);

/* Of CPU 0 to n - 1, each summed over all services; n is at most program->cpus. */
int counters_read_cpus(const struct program *program, uint32_t n, struct service_counters *rows);

#endif
