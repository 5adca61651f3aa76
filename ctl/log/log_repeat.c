/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that are said again and again. Pure.
 */
#include "log_repeat.h"

#include <stdio.h>

/* FNV-1a, never 0. */
static uint64_t hash_of(const char *line)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *line; line++)
		hash = (hash ^ (unsigned char)*line) * 0x100000001b3;
	return hash ? hash : 1;
}

static bool is_over(const struct log_repeat *line, int64_t now_us)
{
	return now_us - line->since_us >= LOG_REPEAT_S * 1000000LL;
}

/* The line's place: its own, or a free one, or that of the oldest of which none was left out. NULL:
 * each has something to tell still. */
static struct log_repeat *place_of(struct log_repeats *repeats, uint64_t hash, int64_t now_us)
{
	struct log_repeat *best = NULL;

	for (int i = 0; i < LOG_REPEAT_LINES; i++) {
		struct log_repeat *line = &repeats->lines[i];

		if (line->hash == hash)
			return line;
		if (line->left_out == 0 && (!best || line->since_us < best->since_us))
			best = line;
	}
	if (best)
		*best = (struct log_repeat){.hash = hash, .since_us = now_us};
	return best;
}

bool log_repeat_passes(struct log_repeats *repeats, enum fast_path_log level, const char *text,
		       int64_t now_us)
{
	struct log_repeat *line = place_of(repeats, hash_of(text), now_us);

	if (!line)
		return true;
	if (is_over(line, now_us) && line->left_out == 0) {
		line->since_us = now_us;
		line->written = 0;
	}
	if (line->written < LOG_REPEATS) {
		line->written++;
		return true;
	}
	line->level = level;
	snprintf(line->text, sizeof(line->text), "%s", text);
	line->left_out++;
	return false;
}

bool log_repeat_over(struct log_repeats *repeats, int64_t now_us, bool all, struct log_repeat *out)
{
	for (int i = 0; i < LOG_REPEAT_LINES; i++) {
		struct log_repeat *line = &repeats->lines[i];

		if (line->left_out == 0 || (!all && !is_over(line, now_us)))
			continue;
		*out = *line;
		*line = (struct log_repeat){.hash = 0};
		return true;
	}
	return false;
}
