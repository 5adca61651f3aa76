/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that the daemon can do without, and an intruder can't: refused from now on.
 * Called by confine.c, on the control thread.
 */
#ifndef SLUICE_SYSCALL_FILTER_H
#define SLUICE_SYSCALL_FILTER_H

#include "confine.h"

/*
 * A list of what is refused, not of what is allowed: what DPDK's drivers call differs from one to
 * the next, and a call that is missing in a list would stop packets at the customer's. Refused
 * calls fail with EPERM, and the kernel's audit log has them. All threads get the filter, and
 * no_new_privs. Returns how many calls are refused, or -errno: -EINVAL and -ENOSYS, the kernel has
 * no seccomp filters.
 */
int syscall_filter_load(const struct confinement *what);

#endif
