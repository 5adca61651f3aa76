// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's log. Each line is one write(2), so that lines of several threads don't mix.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
	LOG_LINE_MAX = 2048,
};

static enum fast_path_log log_level = FAST_PATH_LOG_INFO;

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[FAST_PATH_LOG_ERROR] = {"error", LOG_ERR},
	[FAST_PATH_LOG_WARNING] = {"warning", LOG_WARNING},
	[FAST_PATH_LOG_INFO] = {"info", LOG_INFO},
	[FAST_PATH_LOG_DEBUG] = {"debug", LOG_DEBUG},
};

void log_set_level(enum fast_path_log level)
{
	__atomic_store_n(&log_level, level, __ATOMIC_RELAXED);
}

void log_line(enum fast_path_log level, const char *line)
{
	char text[LOG_LINE_MAX];
	struct timespec now;
	struct tm utc;
	int bytes;

	if (level > __atomic_load_n(&log_level, __ATOMIC_RELAXED))
		return;
	if (getenv("JOURNAL_STREAM")) {
		bytes = snprintf(text, sizeof(text), "<%d>%s\n", levels[level].priority, line);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &utc);
		bytes = snprintf(text, sizeof(text), "%02d:%02d:%02d.%03ld %s: %s\n", utc.tm_hour,
				 utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000, levels[level].name,
				 line);
	}
	if (bytes >= (int)sizeof(text)) {
		bytes = sizeof(text) - 1;
		text[bytes - 1] = '\n';
	}
	/* Nowhere is left to say that the log can't be written. */
	if (write(STDERR_FILENO, text, (size_t)bytes) < 0)
		return;
}

/* A name or an error that holds a line break may not look like another line. */
static void clean(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = ' ';
}

void log_write(enum fast_path_log level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	clean(line);
	log_line(level, line);
}
