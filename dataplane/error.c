/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of start(), for people. Control thread.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(char *error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, FAST_PATH_ERROR_MAX, format, args);
	va_end(args);
	return code;
}
