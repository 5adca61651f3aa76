/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running kernel can do, found by trying. Control thread, before the program is loaded.
 */
#ifndef SLUICE_KERNEL_FEATURES_H
#define SLUICE_KERNEL_FEATURES_H

#include "report.h"

/*
 * Does the kernel have all that the fast path can't do without? 0, or
 *  -ENOTSUP  the error names what is missing and the kernel that brought it
 *  -EPERM    this process may not use BPF at all
 */
int features_check(char error[FAST_PATH_ERROR_MAX]);

/* Can one value of an array be this long? In 5.15 it ends at 4 MiB; the arena has chunks then. */
bool features_have_values(uint64_t bytes);

/* Can programs take frames of several buffers (jumbo frames)? Since 5.18; it works without. */
bool features_have_frags(void);

#endif
