// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's log. On standard error each line is one write(2), so that lines of several
 * processes don't mix; a lock keeps what is remembered of repeated lines. Any thread.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log_repeat.h"

enum {
	LOG_LINE_MAX = 2048,
};

static enum fast_path_log level_now = FAST_PATH_LOG_INFO;
static enum log_target target_now = LOG_TO_STDERR;
static int journal_fd = -1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_repeats repeats;

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[FAST_PATH_LOG_ERROR] = {"error", LOG_ERR},
	[FAST_PATH_LOG_WARNING] = {"warning", LOG_WARNING},
	[FAST_PATH_LOG_INFO] = {"info", LOG_INFO},
	[FAST_PATH_LOG_DEBUG] = {"debug", LOG_DEBUG},
};

/* ---- where to ---- */

static void stderr_write(enum fast_path_log level, const char *line)
{
	char text[LOG_LINE_MAX + 64];
	struct timespec now;
	struct tm utc;
	int bytes;

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

/* A datagram of fields, a line each: what sd_journal_send(3) sends. False: it was not taken. */
static bool journal_write(enum fast_path_log level, const char *line)
{
	char text[LOG_LINE_MAX + 128];
	int bytes = snprintf(text, sizeof(text),
			     "PRIORITY=%d\nSYSLOG_IDENTIFIER=sluiced\nSYSLOG_FACILITY=%d\n"
			     "MESSAGE=%s\n",
			     levels[level].priority, LOG_DAEMON >> 3, line);

	return journal_fd >= 0 && bytes > 0 && bytes < (int)sizeof(text) &&
	       send(journal_fd, text, (size_t)bytes, MSG_NOSIGNAL | MSG_DONTWAIT) == bytes;
}

static void line_write(enum fast_path_log level, const char *line)
{
	switch (target_now) {
	case LOG_TO_SYSLOG:
		syslog(levels[level].priority, "%s", line);
		return;
	case LOG_TO_JOURNALD:
		if (journal_write(level, line))
			return;
		break;
	case LOG_TO_STDERR:
		break;
	}
	stderr_write(level, line);
}

int log_open_journal(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	if (journal_fd >= 0)
		close(journal_fd);
	journal_fd = fd;
	target_now = LOG_TO_JOURNALD;
	return 0;
}

void log_open(enum log_target target)
{
	int err;

	target_now = target;
	if (target == LOG_TO_SYSLOG)
		openlog("sluiced", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	if (target != LOG_TO_JOURNALD)
		return;
	err = log_open_journal(LOG_JOURNAL_SOCKET);
	if (err)
		log_warning("log: journald can't be reached at %s (%s): the log goes to stderr",
			    LOG_JOURNAL_SOCKET, strerror(-err));
}

/* ---- levels ---- */

void log_set_level(enum fast_path_log level)
{
	__atomic_store_n(&level_now, level, __ATOMIC_RELAXED);
}

enum fast_path_log log_level(void)
{
	return __atomic_load_n(&level_now, __ATOMIC_RELAXED);
}

const char *log_level_name(enum fast_path_log level)
{
	return levels[level].name;
}

bool log_level_parse(const char *name, enum fast_path_log *level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*level = (enum fast_path_log)i;
			return true;
		}
	}
	return false;
}

/* ---- lines ---- */

static void repeats_write(int64_t at_us, bool all)
{
	char line[LOG_REPEAT_TEXT_MAX + 64];
	struct log_repeat over;

	while (log_repeat_over(&repeats, at_us, all, &over)) {
		snprintf(line, sizeof(line), "%s (%u more times)", over.text, over.left_out);
		line_write(over.level, line);
	}
}

void log_flush(bool all)
{
	pthread_mutex_lock(&lock);
	repeats_write(clock_now_us(), all);
	pthread_mutex_unlock(&lock);
}

void log_line(enum fast_path_log level, const char *line)
{
	int64_t at_us = clock_now_us();

	if (level > log_level())
		return;
	pthread_mutex_lock(&lock);
	repeats_write(at_us, false);
	if (log_repeat_passes(&repeats, level, line, at_us))
		line_write(level, line);
	pthread_mutex_unlock(&lock);
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
