/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's own log lines, handed to the daemon's log. The stream is locked by stdio while it
 * writes, so the line that is being put together needs no lock of its own.
 */
#include "eal_log.h"

#include <rte_log.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

static struct {
	FILE *stream;
	void (*log)(enum fast_path_log level, const char *line);
	size_t line_bytes;
	char line[512];
	char first_error[256];
} state;

static enum fast_path_log level_from_dpdk(int level)
{
	if (level <= (int)RTE_LOG_ERR)
		return FAST_PATH_LOG_ERROR;
	if (level == (int)RTE_LOG_WARNING)
		return FAST_PATH_LOG_WARNING;
	return FAST_PATH_LOG_DEBUG;
}

static void line_end(void)
{
	enum fast_path_log level = level_from_dpdk(rte_log_cur_msg_loglevel());
	char line[sizeof(state.line) + 8];

	state.line[state.line_bytes] = '\0';
	state.line_bytes = 0;
	if (state.line[0] == '\0')
		return;
	if (level == FAST_PATH_LOG_ERROR && state.first_error[0] == '\0')
		snprintf(state.first_error, sizeof(state.first_error), "%.255s", state.line);
	snprintf(line, sizeof(line), "dpdk: %s", state.line);
	state.log(level, line);
}

static ssize_t stream_write(void *cookie, const char *text, size_t bytes)
{
	(void)cookie;
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\n')
			line_end();
		else if (state.line_bytes < sizeof(state.line) - 1)
			state.line[state.line_bytes++] = text[i];
	}
	return (ssize_t)bytes;
}

int eal_log_start(void (*log)(enum fast_path_log level, const char *line))
{
	state.log = log;
	state.line_bytes = 0;
	state.first_error[0] = '\0';
	state.stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = stream_write});
	if (!state.stream)
		return -ENOMEM;
	rte_openlog_stream(state.stream);
	return 0;
}

void eal_log_stop(void)
{
	rte_openlog_stream(NULL);
	if (state.stream)
		fclose(state.stream);
	state.stream = NULL;
}

const char *eal_log_first_error(void)
{
	return state.first_error[0] ? state.first_error : "no reason given";
}

void eal_log_clear(void)
{
	state.first_error[0] = '\0';
}
