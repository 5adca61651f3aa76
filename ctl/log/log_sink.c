/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes lines of the log. A line on standard error is one write(2), so that lines of several
 * processes don't mix. One thread at a time.
 */
#include "log_sink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define SYSLOG_SOCKET "/dev/log"

enum {
	RECONNECT_S = 5, /* to a socket that nothing listened at */
};

static enum log_target target_now = LOG_TO_STDERR;
static int socket_fd = -1; /* of syslog or journald; -1: not connected */
static const char *socket_path;
static char journal_path[sizeof(((struct sockaddr_un *)0)->sun_path)] = LOG_JOURNAL_SOCKET;
static int64_t retry_us;                   /* when to connect again; of entry->when_us */
static bool prefix_known, prefix_priority; /* standard error is the journal's */

static const int priorities[] = {
	[FAST_PATH_LOG_ERROR] = LOG_ERR,
	[FAST_PATH_LOG_WARNING] = LOG_WARNING,
	[FAST_PATH_LOG_INFO] = LOG_INFO,
	[FAST_PATH_LOG_DEBUG] = LOG_DEBUG,
};

/* ---- sockets ---- */

static int socket_connect(const char *path)
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
	if (socket_fd >= 0)
		close(socket_fd);
	socket_fd = fd;
	socket_path = path;
	return 0;
}

/* False: it was not taken. A reader that was started again listens at a new socket. */
static bool socket_send(const struct log_entry *entry, const char *text, size_t bytes)
{
	for (int i = 0; i < 2; i++) {
		if (socket_fd >= 0 && send(socket_fd, text, bytes, MSG_NOSIGNAL) >= 0)
			return true;
		if (entry->when_us < retry_us || socket_connect(socket_path) != 0)
			break;
	}
	if (entry->when_us >= retry_us)
		retry_us = entry->when_us + RECONNECT_S * 1000000LL;
	return false;
}

/* A datagram of fields, a line each: what sd_journal_send(3) sends. */
static bool journal_write(const struct log_entry *entry)
{
	char text[LOG_LINE_MAX + LOG_FIELDS_MAX + 128];
	int bytes = snprintf(text, sizeof(text),
			     "PRIORITY=%d\nSYSLOG_IDENTIFIER=sluiced\nSYSLOG_FACILITY=%d\n%s"
			     "MESSAGE=%s\n",
			     priorities[entry->level], LOG_DAEMON >> 3, entry->fields, entry->line);

	return bytes > 0 && bytes < (int)sizeof(text) && socket_send(entry, text, (size_t)bytes);
}

/* As syslog(3) writes it (RFC 3164 4.1), to whom a slow reader would be everyone's pause. */
static bool syslog_write(const struct log_entry *entry)
{
	char text[LOG_LINE_MAX + 128], when[32];
	time_t seconds = (time_t)(entry->when_us / 1000000);
	struct tm local;
	int bytes;

	localtime_r(&seconds, &local);
	strftime(when, sizeof(when), "%b %e %H:%M:%S", &local);
	bytes = snprintf(text, sizeof(text), "<%d>%s sluiced[%d]: %s",
			 LOG_DAEMON | priorities[entry->level], when, (int)getpid(), entry->line);
	return bytes > 0 && bytes < (int)sizeof(text) && socket_send(entry, text, (size_t)bytes);
}

/* ---- standard error ---- */

/* Whether systemd reads standard error into its journal (systemd.exec(5), JOURNAL_STREAM). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static bool stderr_put(const char *text, size_t bytes, int patience_ms)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	while (bytes > 0) {
		/* Of a pipe, it says that there is room for PIPE_BUF bytes: for a line. */
		int ready = poll(&out, 1, patience_ms);
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			return false;
		n = write(STDERR_FILENO, text, bytes);
		if (n < 0 && (errno == EINTR || (errno == EAGAIN && patience_ms < 0)))
			continue;
		if (n < 0)
			return false;
		text += n;
		bytes -= (size_t)n;
	}
	return true;
}

static bool stderr_write(const struct log_entry *entry, int patience_ms)
{
	char text[LOG_LINE_MAX + 64];
	time_t seconds = (time_t)(entry->when_us / 1000000);
	struct tm utc;
	int bytes;

	if (!prefix_known) /* before the configuration says where to */
		prefix_priority = stderr_is_journal();
	prefix_known = true;
	if (prefix_priority) {
		bytes = snprintf(text, sizeof(text), "<%d>%s\n", priorities[entry->level],
				 entry->line);
	} else {
		gmtime_r(&seconds, &utc);
		bytes = snprintf(text, sizeof(text), "%02d:%02d:%02d.%03d %s: %s\n", utc.tm_hour,
				 utc.tm_min, utc.tm_sec, (int)(entry->when_us / 1000 % 1000),
				 log_level_name(entry->level), entry->line);
	}
	if (bytes >= (int)sizeof(text)) {
		bytes = sizeof(text) - 1;
		text[bytes - 1] = '\n';
	}
	return stderr_put(text, (size_t)bytes, patience_ms);
}

/* ---- which ---- */

int log_sink_open_journal(const char *path)
{
	int err;

	if (strlen(path) >= sizeof(journal_path))
		return -ENAMETOOLONG;
	err = socket_connect(path);
	if (err)
		return err;
	snprintf(journal_path, sizeof(journal_path), "%s", path);
	socket_path = journal_path;
	target_now = LOG_TO_JOURNALD;
	return 0;
}

int log_sink_open(enum log_target target)
{
	prefix_priority = stderr_is_journal();
	if (target == LOG_TO_AUTO)
		target = prefix_priority ? LOG_TO_JOURNALD : LOG_TO_STDERR;
	target_now = target;
	socket_path = target == LOG_TO_SYSLOG ? SYSLOG_SOCKET : journal_path;
	return target == LOG_TO_STDERR ? 0 : socket_connect(socket_path);
}

bool log_sink_write(const struct log_entry *entry, int patience_ms)
{
	if (target_now == LOG_TO_JOURNALD && journal_write(entry))
		return true;
	if (target_now == LOG_TO_SYSLOG && syslog_write(entry))
		return true;
	return stderr_write(entry, patience_ms);
}
