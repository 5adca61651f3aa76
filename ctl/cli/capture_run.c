/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `capture`: begins one, fetches what it makes until it ends, or SIGINT or SIGTERM ends it, and says
 * on stderr how many packets there were. Called through the table in commands.c.
 */
#include "capture_run.h"

#include "base64.h"
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 50 }; /* when there was nothing to fetch */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

/* Waits for the signals without being ended by them; a second one ends the program. */
static void signals_catch(void)
{
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* whoever reads what we write may go: an error to fwrite() */
}

/* Base64 to the file. 0, or -EPROTO, -ENOMEM, or what writing says. */
static int write_chunk(const json_t *result, FILE *file)
{
	const json_t *data = json_object_get(result, "data");
	size_t length = json_string_length(data);
	uint8_t *bytes = malloc(length / 4 * 3 + 1);
	ssize_t n;
	int rc = 0;

	if (!bytes)
		return -ENOMEM;
	n = data ? base64_decode(json_string_value(data), length, bytes) : -EINVAL;
	if (n < 0)
		rc = -EPROTO;
	else if (fwrite(bytes, 1, (size_t)n, file) != (size_t)n || fflush(file) != 0)
		rc = -errno;
	free(bytes);
	return rc;
}

static void pause_shortly(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

	nanosleep(&pause, NULL);
}

/* Until the last. *last is the last answer, a new reference, or NULL. */
static enum cli_status fetch(const struct cli *cli, json_t *id, FILE *file, json_t **last)
{
	bool stopped = false;
	enum cli_status status;
	json_t *result;
	int rc;

	for (;;) {
		if (interrupted && !stopped) {
			status = cli_request(cli, "capture.stop", id, &result);
			if (status != CLI_DONE)
				return status;
			json_decref(result);
			stopped = true;
		}
		status = cli_request(cli, "capture.read", id, &result);
		if (status != CLI_DONE)
			return status;
		rc = write_chunk(result, file);
		if (rc != 0) {
			cli_error("the capture can't be written: %s", strerror(-rc));
			json_decref(result);
			return CLI_FAILED;
		}
		if (json_is_true(json_object_get(result, "last"))) {
			*last = result;
			return CLI_DONE;
		}
		if (json_string_length(json_object_get(result, "data")) == 0)
			pause_shortly();
		json_decref(result);
	}
}

static const char *end_text(const char *state)
{
	static const struct {
		const char *state, *text;
	} rows[] = {
		{"packets", "so many had come"},
		{"bytes", "it was as long as allowed"},
		{"seconds", "its time was over"},
		{"stopped", "it was interrupted"},
		{"service_removed", "the service was removed"},
		{"failed", "sluiced could not go on: its log tells why"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].state, state) == 0)
			return rows[i].text;
	return state;
}

static enum cli_status report(const struct cli *cli, json_t *last)
{
	bool failed = strcmp(show_text(last, "state"), "failed") == 0;

	json_object_del(last, "data");
	json_object_del(last, "last");
	if (cli->json) /* stdout may be the capture's */
		json_dumpf(last, stderr, JSON_COMPACT);
	else
		fprintf(stderr,
			"%" JSON_INTEGER_FORMAT " packets, %" JSON_INTEGER_FORMAT
			" frames; %" JSON_INTEGER_FORMAT " frames missed; ended, for %s",
			show_number(last, "packets"), show_number(last, "frames"),
			show_number(last, "missed"), end_text(show_text(last, "state")));
	fputc('\n', stderr);
	return failed ? CLI_FAILED : CLI_DONE;
}

static FILE *file_open(const char *path)
{
	FILE *file;

	if (strcmp(path, "-") != 0) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);

		/* Who can put a link there must not have root replace another file by it. */
		file = fd < 0 ? NULL : fdopen(fd, "wb");
		if (!file)
			cli_error("%s: can't be written: %s", path,
				  errno == ELOOP
					  ? "it is a symbolic link; name the file itself, or - "
					    "for standard output"
					  : strerror(errno));
		return file;
	}
	if (isatty(STDOUT_FILENO)) {
		cli_error("a capture is not for a terminal: write to a file, or pipe it, as in "
			  "sluicectl capture SERVICE -w - | tshark -r -");
		return NULL;
	}
	return stdout;
}

enum cli_status capture_run(const struct cli *cli, const struct command_line *line)
{
	FILE *file = file_open(command_text(line, "write"));
	json_t *id = NULL, *last = NULL;
	enum cli_status status;

	if (!file)
		return CLI_FAILED;
	signals_catch();
	status = cli_request(cli, "capture.start", line->params, &id);
	if (status == CLI_DONE)
		status = fetch(cli, id, file, &last);
	if (last)
		status = report(cli, last);
	if (file != stdout && fclose(file) != 0) {
		cli_error("the capture can't be written: %s", strerror(errno));
		status = CLI_FAILED;
	}
	json_decref(id);
	json_decref(last);
	return status;
}
