/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of a config file's faults. Called by config*.c, on the control thread.
 */
#include "config_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

/* Puts one line in; the first has no newline before it. */
static void line_append(struct config_report *report, char *line)
{
	size_t line_bytes = strlen(line);

	for (char *c = line; *c; c++) {
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	}
	if (report->used_bytes > 0)
		report->text[report->used_bytes++] = '\n';
	memcpy(report->text + report->used_bytes, line, line_bytes + 1);
	report->used_bytes += line_bytes;
}

void config_report_add(struct config_report *report, const char *file, uint32_t line,
		       const char *where, const char *format, ...)
{
	/* With the newline before it a line takes CONFIG_FAULT_MAX at most. */
	char text[CONFIG_FAULT_MAX], number[16] = "";
	va_list args;
	int used;

	if (report->faults_n++ >= CONFIG_FAULTS_MAX)
		return;
	if (line)
		snprintf(number, sizeof(number), ":%u", line);
	used = snprintf(text, sizeof(text), "%.400s%s%s%.200s%s", file ? file : "", number,
			file ? ": " : "", where, *where ? ": " : "");
	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - (size_t)used, format, args);
	va_end(args);
	line_append(report, text);
}

void config_report_finish(struct config_report *report)
{
	char text[64];

	if (report->faults_n <= CONFIG_FAULTS_MAX)
		return;
	snprintf(text, sizeof(text), "and %u more", report->faults_n - CONFIG_FAULTS_MAX);
	line_append(report, text);
}
