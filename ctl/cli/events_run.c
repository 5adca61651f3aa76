/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `events`: what happened, and what happens; `log-level`. Called through the table in commands.c.
 */
#include "events_run.h"

#include "client.h"

#include <errno.h>
#include <string.h>

enum {
	FOLLOW_LATEST = 10, /* shown before, as tail -f does, unless --limit or --since say more */
};

struct follower {
	FILE *out;
	bool json;
};

/* "2026-11-22 14:50:01.123 backend web/b1: weight 100 -> 50 (cli uid 0 (root) pid 4711)" */
static void show_event(FILE *out, const json_t *event)
{
	const char *service = json_string_value(json_object_get(event, "service"));
	const char *backend = json_string_value(json_object_get(event, "backend"));
	const char *who = show_text(event, "who");
	char time[64];

	show_time(show_number(event, "when_us"), time);
	if (strlen(time) > 23) /* milliseconds are enough, and it is UTC throughout */
		time[23] = 0;
	fprintf(out, "%s  %-10s  %s%s%s%s%s", time, show_text(event, "kind"),
		service ? service : "", backend ? "/" : "", backend ? backend : "",
		service ? ": " : "", show_text(event, "text"));
	fprintf(out, strcmp(who, "daemon") == 0 ? "\n" : "  (%s)\n", who);
}

static void show_lost(FILE *out, json_int_t lost)
{
	if (lost > 0)
		fprintf(out,
			"... %" JSON_INTEGER_FORMAT " older events are forgotten: sluiced keeps "
			"the latest\n",
			lost);
}

void show_events(const struct show *show, const json_t *result)
{
	const json_t *events = json_object_get(result, "events");
	json_t *event;
	size_t i;

	show_lost(show->out, show_number(result, "lost"));
	json_array_foreach (events, i, event)
		show_event(show->out, event);
	if (json_array_size(events) == 0)
		fputs("no events\n", show->out);
}

void show_log_level(const struct show *show, const json_t *result)
{
	fprintf(show->out, "log level %s", show_text(result, "level"));
	if (strcmp(show_text(result, "level"), show_text(result, "before")) != 0)
		fprintf(show->out, ", before %s", show_text(result, "before"));
	fputc('\n', show->out);
}

static void print_event(const struct follower *f, const json_t *event)
{
	if (!f->json) {
		show_event(f->out, event);
		return;
	}
	json_dumpf(event, f->out, JSON_COMPACT);
	fputc('\n', f->out);
}

static bool notified(void *ctx, const char *method, const json_t *params)
{
	const struct follower *f = ctx;

	if (method && strcmp(method, "event") == 0)
		print_event(f, params);
	else if (method && strcmp(method, "events.lost") == 0 && f->json)
		print_event(f, params);
	else if (method && strcmp(method, "events.lost") == 0)
		show_lost(f->out, show_number(params, "lost"));
	return fflush(f->out) == 0;
}

/* What was, and in *params what to follow behind it. 0, or as client_request. */
static int before(const char *socket_path, const struct follower *f, json_t *params,
		  char error[CLIENT_ERROR_MAX])
{
	json_t *result, *event;
	size_t i;
	int rc;

	if (!json_object_get(params, "limit") && !json_object_get(params, "since_s"))
		json_object_set_new(params, "limit", json_integer(FOLLOW_LATEST));
	rc = client_request(socket_path, "events.list", params, CLIENT_TIMEOUT_MS, &result, error);
	if (rc < 0)
		return rc;
	json_array_foreach (json_object_get(result, "events"), i, event)
		print_event(f, event);
	json_object_del(params, "limit");
	json_object_del(params, "since_s");
	json_object_set(params, "since", json_object_get(result, "last"));
	json_decref(result);
	return fflush(f->out) == 0 ? 0 : -EIO;
}

/* Ends with an error only: -EIO when `f->out` takes no more, else as client_follow. */
static int follow(const char *socket_path, const struct follower *f, json_t *params,
		  char error[CLIENT_ERROR_MAX])
{
	int rc = before(socket_path, f, params, error);

	if (rc == 0)
		rc = client_follow(socket_path, "events.follow", params, notified, (void *)f,
				   error);
	if (rc != 0 && rc != -EIO)
		return rc;
	snprintf(error, CLIENT_ERROR_MAX, "can't write the output");
	return -EIO;
}

enum cli_status events_run(const struct cli *cli, const struct command_line *line)
{
	const struct follower f = {.out = stdout, .json = cli->json};
	char error[CLIENT_ERROR_MAX];
	int rc;

	if (!command_flag(line, "follow"))
		return cli_ask(cli, line);
	rc = follow(cli->socket, &f, line->params, error);
	cli_error("%s", error);
	return rc == -EIO || rc == -EREMOTEIO || rc == -ESRCH ? CLI_FAILED : CLI_UNREACHABLE;
}
