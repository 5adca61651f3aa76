/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats errors for the daemon and hands lines to its log function. Called by all of the module.
 * Control thread.
 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

int report_error(char error[FAST_PATH_ERROR_MAX], int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, FAST_PATH_ERROR_MAX, format, args);
	va_end(args);
	return err;
}

void report_line(report_log log, enum fast_path_log level, const char *format, ...)
{
	char line[FAST_PATH_ERROR_MAX];
	va_list args;

	if (!log)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log(level, line);
}
