/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's log: one line a message, subject first, lower case. Any thread. On standard error
 * a line starts with the time and the level; under systemd (JOURNAL_STREAM is set) with its syslog
 * priority, "<6>", and the journal adds the time.
 *
 * A line that is said again and again is written 5 times in 10 s, and then how often it was left
 * out (log_repeat.h).
 */
#ifndef SLUICE_LOG_H
#define SLUICE_LOG_H

#include <stdbool.h>

#include "sluice/module.h"

enum log_target {
	LOG_TO_STDERR,
	LOG_TO_SYSLOG,   /* syslog(3), as daemon.* */
	LOG_TO_JOURNALD, /* journald's own protocol; stderr while it can't be reached */
};

/* Lines above this level are not written; FAST_PATH_LOG_INFO at start. */
void log_set_level(enum fast_path_log level);
enum fast_path_log log_level(void);

/* Where lines go from now on; LOG_TO_STDERR at start. Before other threads log. */
void log_open(enum log_target target);

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* journald's at another path. 0 or -errno: it can't be reached, and nothing has changed. */
int log_open_journal(const char *path);

/* Writes how often lines were left out; `all`: also those whose time is not over, at the end. */
void log_flush(bool all);

/* "error", "warning", "info", "debug"; false: it is none of them. */
const char *log_level_name(enum fast_path_log level);
bool log_level_parse(const char *name, enum fast_path_log *level);

void log_line(enum fast_path_log level, const char *line);

__attribute__((format(printf, 2, 3))) void log_write(enum fast_path_log level, const char *format,
						     ...);

#define log_error(...)   log_write(FAST_PATH_LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(FAST_PATH_LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(FAST_PATH_LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(FAST_PATH_LOG_DEBUG, __VA_ARGS__)

#endif
