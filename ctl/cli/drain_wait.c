/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `backend drain --wait` and `host drain --wait`: watch until no flow is left. Called by main.c.
 */
#include "drain_wait.h"

#include "clock.h"
#include "duration.h"
#include "show.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const json_t *find(const json_t *result, const char *service, const char *backend)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(result, "backends"), i, row) {
		if (strcmp(show_text(row, "service"), service) == 0 &&
		    strcmp(show_text(row, "name"), backend) == 0)
			return row;
	}
	return NULL;
}

static const char *plural(json_int_t n)
{
	return n == 1 ? "" : "s";
}

/* "web b1: 153 remembered flows left, last packet 4s ago, timeout in 9m56s" */
static void describe(const json_t *row, const char *who, int64_t now_us, char line[DRAIN_LINE_MAX])
{
	const json_t *drain = json_object_get(row, "drain");
	json_int_t flows = show_number(row, "flows"),
		   deadline_us = show_number(drain, "deadline_us");
	char quiet[DURATION_TEXT_MAX], left[DURATION_TEXT_MAX];
	int n;

	n = snprintf(line, DRAIN_LINE_MAX,
		     "%s: %" JSON_INTEGER_FORMAT " remembered flow%s left, last packet %s ago", who,
		     flows, plural(flows), duration_format(show_number(drain, "quiet_s"), quiet));
	if (deadline_us > 0 && n < DRAIN_LINE_MAX)
		snprintf(line + n, (size_t)(DRAIN_LINE_MAX - n), ", timeout in %s",
			 duration_format((deadline_us - now_us + 999999) / 1000000, left));
}

enum drain_end drain_look(const json_t *result, const char *service, const char *backend,
			  int64_t now_us, char line[DRAIN_LINE_MAX])
{
	const json_t *row = find(result, service, backend);
	const json_t *drain = json_object_get(row, "drain");
	const char *state = show_text(drain, "state");
	json_int_t cut = show_number(drain, "flows_cut");
	char who[140];

	snprintf(who, sizeof(who), "%.64s %.64s", service, backend);
	if (!row) {
		snprintf(line, DRAIN_LINE_MAX, "%s: was removed meanwhile", who);
		return DRAIN_BROKEN;
	}
	if (strcmp(state, "running") == 0) {
		describe(row, who, now_us, line);
		return DRAIN_ON;
	}
	if (strcmp(state, "done") == 0) {
		snprintf(line, DRAIN_LINE_MAX, "%s: drained: no remembered flow is left", who);
		return DRAIN_EMPTY;
	}
	if (strcmp(state, "timed_out") == 0) {
		snprintf(line, DRAIN_LINE_MAX,
			 "%s: timed out: disabled, which cut %" JSON_INTEGER_FORMAT
			 " remembered flow%s",
			 who, cut, plural(cut));
		return DRAIN_CUT;
	}
	snprintf(line, DRAIN_LINE_MAX, "%s: drains no longer: somebody made it %.32s", who,
		 show_text(row, "state"));
	return DRAIN_BROKEN;
}

/* "10.0.0.11: 2 of 5 backends drain, 153 remembered flows left, last packet 4s ago" */
static void describe_host(const json_t *row, const char *host, int64_t now_us,
			  char line[DRAIN_LINE_MAX])
{
	json_int_t running = show_number(row, "draining") - show_number(row, "drained"),
		   backends = show_number(row, "backends"), flows = show_number(row, "flows"),
		   deadline_us = show_number(row, "deadline_us");
	char quiet[DURATION_TEXT_MAX], left[DURATION_TEXT_MAX];
	int n = snprintf(line, DRAIN_LINE_MAX,
			 "%.64s: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
			 " backend%s drain%s, %" JSON_INTEGER_FORMAT
			 " remembered flow%s left, last packet %s ago",
			 host, running, backends, plural(backends), running == 1 ? "s" : "", flows,
			 plural(flows), duration_format(show_number(row, "quiet_s"), quiet));

	if (deadline_us > 0 && n < DRAIN_LINE_MAX)
		snprintf(line + n, (size_t)(DRAIN_LINE_MAX - n), ", timeout in %s",
			 duration_format((deadline_us - now_us + 999999) / 1000000, left));
}

enum drain_end drain_look_host(const json_t *result, const char *host, int64_t now_us,
			       char line[DRAIN_LINE_MAX])
{
	const json_t *row = json_array_get(json_object_get(result, "hosts"), 0);
	json_int_t draining = show_number(row, "draining"), cut = show_number(row, "flows_cut"),
		   enabled = show_number(row, "enabled");

	if (!json_is_object(row)) {
		snprintf(line, DRAIN_LINE_MAX, "%.64s: its backends were removed meanwhile", host);
		return DRAIN_BROKEN;
	}
	if (draining > show_number(row, "drained")) {
		describe_host(row, host, now_us, line);
		return DRAIN_ON;
	}
	if (enabled > 0) {
		snprintf(line, DRAIN_LINE_MAX,
			 "%.64s: drains no longer: somebody enabled %" JSON_INTEGER_FORMAT
			 " backend%s",
			 host, enabled, plural(enabled));
		return DRAIN_BROKEN;
	}
	if (show_number(row, "timed_out") > 0) {
		snprintf(line, DRAIN_LINE_MAX,
			 "%.64s: timed out: disabled, which cut %" JSON_INTEGER_FORMAT
			 " remembered flow%s",
			 host, cut, plural(cut));
		return DRAIN_CUT;
	}
	snprintf(line, DRAIN_LINE_MAX, "%.64s: drained: no remembered flow is left", host);
	return DRAIN_EMPTY;
}

static void print(const struct drain_watch *watch, const char *line, bool last)
{
	if (!watch->out)
		return;
	if (watch->terminal)
		fprintf(watch->out, "\r%s\033[K%s", line, last ? "\n" : "");
	else
		fprintf(watch->out, "%s\n", line);
	fflush(watch->out);
}

static void pause_ms(uint32_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

int drain_wait(const struct drain_watch *watch, json_t **result, char line[CLIENT_ERROR_MAX])
{
	json_t *params = watch->host ? json_pack("{s:s}", "address", watch->host)
				     : json_pack("{s:s}", "service", watch->service);
	const char *method = watch->host ? "hosts.list" : "backends.list";
	enum drain_end end = DRAIN_ON;
	int rc = params ? 0 : -ENOMEM;

	_Static_assert((int)DRAIN_LINE_MAX <= (int)CLIENT_ERROR_MAX, "a line has room");
	*result = NULL;
	while (rc == 0 && end == DRAIN_ON) {
		int64_t now_us;

		json_decref(*result);
		*result = NULL;
		rc = client_request(watch->socket_path, method, params, CLIENT_TIMEOUT_MS, result,
				    line);
		if (rc < 0) {
			if (watch->out && watch->terminal)
				fputc('\n', watch->out);
			break;
		}
		now_us = clock_us(CLOCK_REALTIME);
		end = watch->host
			      ? drain_look_host(*result, watch->host, now_us, line)
			      : drain_look(*result, watch->service, watch->backend, now_us, line);
		print(watch, line, end != DRAIN_ON);
		if (end == DRAIN_ON)
			pause_ms(watch->interval_ms);
	}
	json_decref(params);
	if (rc == 0 && end != DRAIN_EMPTY)
		rc = -ECANCELED;
	return rc;
}

static enum cli_status wait_for_end(const struct cli *cli, const json_t *params)
{
	const struct drain_watch watch = {
		.socket_path = cli->socket,
		.service = show_text(params, "service"),
		.backend = show_text(params, "backend"),
		.host = json_string_value(json_object_get(params, "address")),
		.interval_ms = DRAIN_INTERVAL_MS,
		.out = cli->json ? NULL : stdout,
		.terminal = isatty(STDOUT_FILENO),
	};
	char line[CLIENT_ERROR_MAX];
	json_t *result;
	int rc = drain_wait(&watch, &result, line);

	if (cli->json && result)
		cli_print_json(result);
	else if (rc < 0 && rc != -ECANCELED)
		cli_error("%s", line);
	json_decref(result);
	return rc < 0 ? CLI_FAILED : CLI_DONE;
}

enum cli_status drain_run(const struct cli *cli, const struct command_line *line)
{
	enum cli_status status;
	json_t *result;

	if (!command_flag(line, "wait"))
		return cli_ask(cli, line);
	status = cli_request(cli, line->command->method, line->params, &result);
	if (status != CLI_DONE)
		return status;
	if (!cli->json)
		line->command->show(&(struct show){.out = stdout, .color = cli->color}, result);
	json_decref(result);
	return wait_for_end(cli, line->params);
}
