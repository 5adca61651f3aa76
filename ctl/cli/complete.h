/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sluicectl complete WORD... CURRENT`: what may stand for the last word, for a shell's completion
 * (conf/sluicectl.bash). Used by main.c.
 */
#ifndef SLUICE_CLI_COMPLETE_H
#define SLUICE_CLI_COMPLETE_H

#include <stdio.h>

enum {
	/* Somebody waits at a prompt: names that come later are none. */
	COMPLETE_TIMEOUT_MS = 700,
};

/* The line that stands for the names of files. */
#define COMPLETE_FILES ":files"

/* argv are the words behind "sluicectl", the last as far as it is written. A candidate a line,
 * names of services and backends asked of the daemon; nothing where there is none. */
void complete_print(int argc, char *const argv[], const char *socket_path, FILE *out);

#endif
