/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects what is wrong with a config file, one line a fault. Used by config*.c, on the control
 * thread.
 */
#ifndef SLUICE_CONFIG_REPORT_H
#define SLUICE_CONFIG_REPORT_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed but for `text`, which has room for CONFIG_ERROR_MAX. */
struct config_report {
	char *text;
	size_t used_bytes;
	uint32_t faults_n; /* also those beyond CONFIG_FAULTS_MAX */
};

/*
 * Adds "file:line: where: ..."; file NULL, line 0 and where "" are left out. What isn't printable ASCII
 * becomes '?', so that a fault is one line whatever the file held.
 */
__attribute__((format(printf, 5, 6))) void config_report_add(struct config_report *report,
							     const char *file, uint32_t line,
							     const char *where, const char *format,
							     ...);

/* Ends the text: tells of the faults that found no room. */
void config_report_finish(struct config_report *report);

#endif
