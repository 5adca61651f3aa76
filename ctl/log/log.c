/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's log: what is said is queued, and a thread hands it to where it goes (log_sink.c). A
 * lock keeps the queue and what is remembered of repeated lines; it is never held while something
 * is written, once there is a thread. Any thread.
 */
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log_repeat.h"
#include "log_sink.h"
#include "thread.h"

static enum fast_path_log level_now = FAST_PATH_LOG_INFO;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queued = PTHREAD_COND_INITIALIZER, written = PTHREAD_COND_INITIALIZER;

/* Under the lock. */
static struct log_repeats repeats;
static STAILQ_HEAD(, log_entry) queue = STAILQ_HEAD_INITIALIZER(queue);
static size_t queue_bytes;
static bool has_thread, is_writing;
static struct log_stats stats;
static uint64_t lost_told;

static void (*diverted)(enum fast_path_log level, const char *line); /* NULL: not */

ENUM_DEFINE(log_target, LOG_TARGETS);
ENUM_DEFINE(log_level, FAST_PATH_LOG_LEVELS);

/* ---- levels ---- */

void log_set_level(enum fast_path_log level)
{
	__atomic_store_n(&level_now, level, __ATOMIC_RELAXED);
}

enum fast_path_log log_level(void)
{
	return __atomic_load_n(&level_now, __ATOMIC_RELAXED);
}

/* ---- the queue; under the lock ---- */

/* NULL: no memory. What is too long is cut; fields that were cut would be others, and are left out.
 */
static struct log_entry *entry_new(enum fast_path_log level, const char *fields, const char *line)
{
	size_t fields_bytes = strnlen(fields, LOG_FIELDS_MAX) + 1;
	size_t line_bytes = strnlen(line, LOG_LINE_MAX - 1) + 1;
	struct log_entry *entry;

	if (fields_bytes > LOG_FIELDS_MAX) {
		fields = "";
		fields_bytes = 1;
	}
	entry = malloc(sizeof(*entry) + line_bytes + fields_bytes);
	if (!entry)
		return NULL;
	*entry = (struct log_entry){
		.level = level,
		.when_us = clock_us(CLOCK_REALTIME),
		.bytes = sizeof(*entry) + line_bytes + fields_bytes,
		.line = entry->texts,
		.fields = entry->texts + line_bytes,
	};
	memcpy(entry->texts, line, line_bytes);
	entry->texts[line_bytes - 1] = '\0';
	memcpy(entry->texts + line_bytes, fields, fields_bytes);
	return entry;
}

static void put(enum fast_path_log level, const char *fields, const char *line)
{
	struct log_entry *entry =
		queue_bytes < LOG_QUEUE_BYTES ? entry_new(level, fields, line) : NULL;

	stats.lines++;
	if (!entry) {
		stats.lost++;
	} else if (!has_thread) {
		stats.lost += !log_sink_write(entry, LOG_EARLY_MAX_MS);
		free(entry);
	} else {
		STAILQ_INSERT_TAIL(&queue, entry, link);
		queue_bytes += entry->bytes;
		pthread_cond_signal(&queued);
	}
}

/* The next to be written: how many were lost, or the oldest that waits. NULL: there is none. */
static struct log_entry *take(void)
{
	struct log_entry *entry = STAILQ_FIRST(&queue);
	char line[128];

	if (!entry)
		return NULL;
	if (stats.lost > lost_told && queue_bytes < LOG_QUEUE_BYTES) {
		struct log_entry *told;

		snprintf(line, sizeof(line),
			 "log: %llu lines were lost, since what reads the log took none",
			 (unsigned long long)(stats.lost - lost_told));
		told = entry_new(FAST_PATH_LOG_WARNING, "", line);
		if (told) {
			told->tells = stats.lost - lost_told;
			lost_told = stats.lost;
			return told;
		}
	}
	STAILQ_REMOVE_HEAD(&queue, link);
	queue_bytes -= entry->bytes;
	return entry;
}

static void *thread_run(void *ctx)
{
	static const struct timespec pause = {.tv_nsec = 100000000};

	pthread_mutex_lock(&lock);
	for (;;) {
		struct log_entry *entry;
		bool is_lost;

		while (!(entry = take())) {
			is_writing = false;
			pthread_cond_broadcast(&written);
			pthread_cond_wait(&queued, &lock);
		}
		is_writing = true;
		pthread_mutex_unlock(&lock);
		is_lost = !log_sink_write(entry, -1);
		if (is_lost) /* a disk that is full: the queue holds what comes meanwhile */
			nanosleep(&pause, NULL);
		pthread_mutex_lock(&lock);
		if (is_lost && entry->tells > 0)
			lost_told -= entry->tells;
		else
			stats.lost += is_lost;
		free(entry);
	}
	return ctx;
}

int log_start(void)
{
	pthread_t thread;
	int err = thread_start(&thread, thread_run, NULL);

	if (err)
		return err;
	pthread_detach(thread);
	pthread_mutex_lock(&lock);
	has_thread = true;
	pthread_mutex_unlock(&lock);
	return 0;
}

struct log_stats log_stats(void)
{
	struct log_stats now;

	pthread_mutex_lock(&lock);
	now = stats;
	pthread_mutex_unlock(&lock);
	return now;
}

/* ---- where to ---- */

void log_divert(void (*say)(enum fast_path_log level, const char *line))
{
	diverted = say;
}

int log_open_journal(const char *path)
{
	return log_sink_open_journal(path);
}

void log_open(enum log_target target)
{
	int err = log_sink_open(target);

	if (err)
		log_warning("log: %s can't be reached (%s): the log goes to stderr until it can",
			    target == LOG_TO_SYSLOG ? "syslog" : "journald", strerror(-err));
}

/* ---- lines ---- */

static void repeats_write(int64_t at_us, bool all)
{
	char line[LOG_REPEAT_TEXT_MAX + 64];
	struct log_repeat over;

	while (log_repeat_over(&repeats, at_us, all, &over)) {
		snprintf(line, sizeof(line), "%s (%u more times)", over.text, over.left_out);
		put(over.level, "", line);
	}
}

void log_flush(bool all)
{
	struct timespec until;

	pthread_mutex_lock(&lock);
	repeats_write(clock_now_us(), all);
	if (all && has_thread) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += LOG_FLUSH_MAX_MS / 1000;
		while ((!STAILQ_EMPTY(&queue) || is_writing) &&
		       pthread_cond_timedwait(&written, &lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&lock);
}

void log_fields(enum fast_path_log level, const char *fields, const char *line)
{
	int64_t at_us = clock_now_us();

	if (level > log_level())
		return;
	if (diverted) {
		diverted(level, line);
		return;
	}
	pthread_mutex_lock(&lock);
	repeats_write(at_us, false);
	if (log_repeat_passes(&repeats, level, line, at_us))
		put(level, fields, line);
	pthread_mutex_unlock(&lock);
}

void log_line(enum fast_path_log level, const char *line)
{
	log_fields(level, "", line);
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
