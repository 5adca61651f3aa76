/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of start(), for people: one line that names the device and the mend. Wherever a function
 * of this folder takes `char *error`, it has room for FAST_PATH_ERROR_MAX bytes. Control thread.
 */
#ifndef SLUICE_DATAPLANE_ERROR_H
#define SLUICE_DATAPLANE_ERROR_H

#include "sluice/module.h"

/* Writes the line into error[FAST_PATH_ERROR_MAX], and returns `code` (-errno). */
__attribute__((format(printf, 3, 4))) int error_set(char *error, int code, const char *format, ...);

#endif
