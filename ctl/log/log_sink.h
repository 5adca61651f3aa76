/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where lines of the log go: standard error, syslog's socket, or journald's. Each call may block as
 * long as the reader does; one thread at a time (log.c sees to that).
 */
#ifndef SLUICE_LOG_SINK_H
#define SLUICE_LOG_SINK_H

#include <stdint.h>
#include <sys/queue.h>

#include "log.h"

enum {
	LOG_LINE_MAX = 2048,
	LOG_FIELDS_MAX = 768,
};

struct log_entry {
	STAILQ_ENTRY(log_entry) link;
	enum fast_path_log level;
	int64_t when_us;    /* since the epoch */
	size_t bytes;       /* of all of it */
	uint64_t tells;     /* that so many lines were lost; 0: it is an ordinary line */
	const char *line;   /* one line, without its break; less than LOG_LINE_MAX */
	const char *fields; /* for journald: "NAME=value\n" each; less than LOG_FIELDS_MAX */
	char texts[];
};

/* As log_open(). 0, or -errno: the socket can't be reached, and lines go to standard error. */
int log_sink_open(enum log_target target);
int log_sink_open_journal(const char *path);

/*
 * Writes it; to standard error where its own place doesn't take it. `patience_ms`: how long
 * standard error may take before the line is given up; -1: as long as it takes. False: it is lost.
 */
bool log_sink_write(const struct log_entry *entry, int patience_ms);

#endif
