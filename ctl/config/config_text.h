/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a config file with what it @includes, as libconfig is to read it, and where each
 * line came from. Read by us and not by libconfig (1.5, 1.7), because that
 * - ends the process when an included name is a directory,
 * - takes 4294967376 for 80: an integer of more than 32 bits loses its upper ones unless it has
 *   an L behind it, which is put there,
 * - looks for included files where the daemon happens to run.
 * Used by config.c, on the control thread.
 */
#ifndef SLUICE_CONFIG_TEXT_H
#define SLUICE_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config_report.h"

enum {
	CONFIG_FILES_MAX = 256,      /* included ones and the first */
	CONFIG_DEPTH_MAX = 10,       /* of includes in includes; as libconfig's */
	CONFIG_BYTES_MAX = 64 << 20, /* of all files together */
};

struct config_line {
	uint32_t file; /* in files[] */
	uint32_t line; /* from 1 */
};

/* Zeroed at first. */
struct config_text {
	char *text; /* a string */
	size_t bytes, room;
	struct config_line *lines; /* of text */
	size_t lines_n, lines_room;
	char *files[CONFIG_FILES_MAX];
	uint32_t files_n;
};

/* False, with the faults reported, if something can't be read. To be freed either way. */
bool config_text_read(struct config_text *text, const char *path, struct config_report *report);
void config_text_free(struct config_text *text);

/* Where a line of the text (from 1) came from; beyond the last: the last. */
const char *config_text_place(const struct config_text *text, uint32_t text_line, uint32_t *line);

#endif
