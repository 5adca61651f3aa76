/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sluicectl top`: asks, computes, draws, takes keys, until somebody quits. Called through the
 * table of commands.
 */
#include "top.h"

#include "clock.h"
#include "top_keys.h"
#include "top_print.h"
#include "top_screen.h"
#include "unknown.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	INTERVAL_S = 2,
	INTERVAL_MAX_S = 3600,
	SOON_MS = 500, /* the first rates of new rows come no later */
};

struct top {
	const struct cli *cli;
	uint32_t interval_s;
	struct top_view view;
	struct top_sample before, now;
	struct top_rates rates;
	struct top_list list;
	char message[CLIENT_ERROR_MAX];
	int64_t due_ms; /* when the daemon is asked again */
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	ended = 1;
}

static int64_t clock_ms(void)
{
	return clock_now_us() / 1000;
}

/* Another sample; the one before stays for the rates. Returns 0 or -errno, with top->message. */
static int sample(struct top *top)
{
	const struct top_query query = {
		.service = top->view.service[0] ? top->view.service : NULL,
		.each = top->view.each,
	};
	struct top_sample next;
	int rc = top_sample_read(top->cli->socket, &query, &next, top->message);

	if (rc < 0)
		return rc;
	top->message[0] = 0;
	top_sample_free(&top->before);
	top->before = top->now;
	top->now = next;
	return 0;
}

static int list(struct top *top)
{
	top_list_free(&top->list);
	return top_list_make(&top->rates, &top->view, &top->list);
}

/* Rates of the last two samples; of the first one alone all are 0. */
static int compute(struct top *top)
{
	int rc;

	top_list_free(&top->list);
	top_rates_free(&top->rates);
	rc = top_rates_make(top->before.clock_us ? &top->before : &top->now, &top->now,
			    &top->rates);
	return rc < 0 ? rc : list(top);
}

static void top_free(struct top *top)
{
	top_list_free(&top->list);
	top_rates_free(&top->rates);
	top_sample_free(&top->before);
	top_sample_free(&top->now);
}

static enum cli_status failed(const struct top *top, int rc)
{
	char mend[UNKNOWN_TEXT_MAX] = "";

	if (rc == -ENOMEM) {
		cli_error("out of memory");
		return CLI_FAILED;
	}
	if (rc == -ESRCH) {
		json_t *params = json_pack("{s:s}", "service", top->view.service);

		unknown_mend(top->cli->socket, params, mend);
		json_decref(params);
	}
	cli_error("%s%s", top->message, mend);
	return rc == -ESRCH || rc == -EREMOTEIO ? CLI_FAILED : CLI_UNREACHABLE;
}

static enum cli_status once(struct top *top)
{
	const struct timespec interval = {.tv_sec = top->interval_s};
	int rc;

	rc = sample(top);
	if (rc == 0) {
		nanosleep(&interval, NULL);
		rc = sample(top);
	}
	if (rc == 0)
		rc = compute(top);
	if (rc < 0)
		return failed(top, rc);
	if (top->cli->json) {
		json_t *all = top_json(&top->rates, &top->list);

		cli_print_json(all);
		json_decref(all);
	} else {
		top_print(&top->rates, &top->list, stdout);
	}
	return CLI_DONE;
}

/* Asks again. That the daemon is gone, or a service, is shown, and not the end. */
static int ask_again(struct top *top, int64_t next_ms)
{
	int rc = sample(top);

	top->due_ms = clock_ms() + next_ms;
	if (rc == -ENOMEM)
		return rc;
	if (rc == -ESRCH) { /* the service was removed: what there is then */
		top->view.service[0] = 0;
		rc = sample(top);
	}
	return rc < 0 ? 0 : compute(top);
}

static void draw(struct top *top)
{
	const struct top_frame frame = {
		.rates = &top->rates,
		.list = &top->list,
		.view = &top->view,
		.message = top->message,
		.interval_s = top->interval_s,
	};

	top_screen_draw(&frame);
}

/* Returns 0: quit; -ENOMEM. */
static int loop(struct top *top)
{
	int rc = 0;

	while (rc == 0 && !ended) {
		int64_t left_ms = top->due_ms - clock_ms();
		int key = top_screen_key(left_ms > 0 ? (int)left_ms : 0);

		if (key < 0) {
			if (clock_ms() >= top->due_ms)
				rc = ask_again(top, 1000 * (int64_t)top->interval_s);
			draw(top);
			continue;
		}
		switch (top_key(&top->view, &top->list, key, top_screen_page())) {
		case TOP_QUIT:
			return 0;
		case TOP_ASK:
			rc = ask_again(top, SOON_MS);
			break;
		case TOP_SHOW:
			rc = list(top);
			break;
		case TOP_NOTHING: /* or another size */
			break;
		}
		draw(top);
	}
	return rc;
}

static enum cli_status live(struct top *top)
{
	const struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: keys wait */
	int rc;

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
		cli_error("top: this is no terminal; top --once prints what it would show");
		return CLI_USAGE;
	}
	rc = sample(top);
	if (rc == 0)
		rc = compute(top);
	if (rc < 0)
		return failed(top, rc);
	if (!top_screen_open(top->cli->color)) {
		cli_error(
			"top: the terminal's kind (TERM) is unknown; set it, as in TERM=xterm, or "
			"use top --once");
		return CLI_FAILED;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	top->due_ms = clock_ms() + SOON_MS;
	draw(top);
	rc = loop(top);
	top_screen_close();
	return rc < 0 ? failed(top, rc) : CLI_DONE;
}

enum cli_status top_run(const struct cli *cli, const struct command_line *line)
{
	json_int_t interval_s = command_number(line, "interval_s", INTERVAL_S);
	const char *service = command_text(line, "service"), *sort = command_text(line, "sort");
	const char *filter = command_text(line, "filter");
	struct top top = {.cli = cli, .interval_s = (uint32_t)interval_s};
	enum cli_status status;

	if (interval_s < 1 || interval_s > INTERVAL_MAX_S) {
		cli_error("top: --interval: from 1s to %ds", INTERVAL_MAX_S);
		return CLI_USAGE;
	}
	if (cli->json && !command_flag(line, "once")) {
		cli_error("top: --json goes with --once");
		return CLI_USAGE;
	}
	snprintf(top.view.service, sizeof(top.view.service), "%s", service ? service : "");
	snprintf(top.view.filter, sizeof(top.view.filter), "%s", filter ? filter : "");
	top.view.each = command_flag(line, "backends");
	if (sort)
		top.view.sort = (enum top_sort)enum_parse(top_sort_words, sort);
	status = command_flag(line, "once") ? once(&top) : live(&top);
	top_free(&top);
	return status;
}
