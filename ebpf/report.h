/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the XDP module says to people: the line that an error carries up to the daemon, and lines
 * of the daemon's log. Control thread only.
 */
#ifndef SLUICE_REPORT_H
#define SLUICE_REPORT_H

#include "sluice/module.h"

typedef void (*report_log)(enum fast_path_log level, const char *line);

/* Writes the line, without a newline, and returns `err`, so that a caller can return it on. */
__attribute__((format(printf, 3, 4))) int report_error(char error[FAST_PATH_ERROR_MAX], int err,
						       const char *format, ...);

/* One line of the log. `log` may be NULL: then nobody listens. */
__attribute__((format(printf, 3, 4))) void report_line(report_log log, enum fast_path_log level,
						       const char *format, ...);

#endif
