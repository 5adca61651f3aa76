/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's log: one line a message on standard error, subject first, lower case. Any thread.
 * Under systemd (JOURNAL_STREAM is set) a line starts with its syslog priority, "<6>", and the
 * journal adds the time; elsewhere with the time and the level.
 */
#ifndef SLUICE_LOG_H
#define SLUICE_LOG_H

#include "sluice/module.h"

/* Lines above this level are not written; FAST_PATH_LOG_INFO at start. */
void log_set_level(enum fast_path_log level);

void log_line(enum fast_path_log level, const char *line);

__attribute__((format(printf, 2, 3))) void log_write(enum fast_path_log level, const char *format,
						     ...);

#define log_error(...)   log_write(FAST_PATH_LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(FAST_PATH_LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(FAST_PATH_LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(FAST_PATH_LOG_DEBUG, __VA_ARGS__)

#endif
