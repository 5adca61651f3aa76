/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's log: one line a message, subject first, lower case. Any thread. On standard error
 * a line starts with the time and the level; where systemd reads that into its journal, with its
 * syslog priority, "<6>", and the journal adds the time.
 *
 * Whoever logs never waits: from log_start() on a thread of its own writes, and lines that it can't
 * keep up with, since nothing reads them, are lost, counted, and told of when it can write again.
 *
 * A line that is said again and again is written 5 times in 10 s, and then how often it was left
 * out (log_repeat.h).
 */
#ifndef SLUICE_LOG_H
#define SLUICE_LOG_H

#include <stdbool.h>

#include "sluice/module.h"
#include "words.h"

/*
 * X(identifier, word). AUTO: journald, where systemd reads our standard error into it; else stderr.
 * JOURNALD speaks its own protocol, with fields; SYSLOG writes to syslog's socket, as daemon.*.
 */
#define LOG_TARGETS(X)             \
	X(LOG_TO_AUTO, "auto")     \
	X(LOG_TO_STDERR, "stderr") \
	X(LOG_TO_SYSLOG, "syslog") \
	X(LOG_TO_JOURNALD, "journald")

enum log_target { LOG_TARGETS(ENUM_ID) };

ENUM_DECLARE(log_target);
ENUM_DECLARE(log_level);

enum {
	LOG_QUEUE_BYTES = 4 << 20, /* of lines that wait to be written: some 30,000 */
	LOG_FLUSH_MAX_MS = 1000,   /* how long log_flush() waits for the thread at the end */
	LOG_EARLY_MAX_MS = 1000,   /* how long a line before log_start() waits for its reader */
};

/* Lines above this level are not written; FAST_PATH_LOG_INFO at start. */
void log_set_level(enum fast_path_log level);
enum fast_path_log log_level(void);

/*
 * Where lines go from now on; LOG_TO_STDERR at start. A socket that can't be reached is tried again
 * every 5 s, and lines go to standard error meanwhile. Before other threads log.
 */
void log_open(enum log_target target);

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* journald's at another path. 0 or -errno: it can't be reached, and nothing has changed. */
int log_open_journal(const char *path);

/*
 * From now on a thread writes; lines before that are written by who says them, and lost if standard
 * error takes none for LOG_EARLY_MAX_MS. 0; -EAGAIN: no thread, and it stays so.
 */
int log_start(void);

/*
 * Of a process that the daemon forks: from now on its lines go to `say`, and nowhere else. Before
 * other threads log.
 */
void log_divert(void (*say)(enum fast_path_log level, const char *line));

struct log_stats {
	uint64_t lines; /* said, those lost too; neither repeated ones nor those below the level */
	uint64_t lost;
};

struct log_stats log_stats(void);

/*
 * Writes how often lines were left out; `all`: also those whose time is not over, and waits for
 * what is queued, at the end.
 */
void log_flush(bool all);

void log_line(enum fast_path_log level, const char *line);

/* With fields for journald, "NAME=value\n" each, one after the other: journalctl NAME=value. */
void log_fields(enum fast_path_log level, const char *fields, const char *line);

__attribute__((format(printf, 2, 3))) void log_write(enum fast_path_log level, const char *format,
						     ...);

#define log_error(...)   log_write(FAST_PATH_LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(FAST_PATH_LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(FAST_PATH_LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(FAST_PATH_LOG_DEBUG, __VA_ARGS__)

#endif
