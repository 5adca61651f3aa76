/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page /api/status: reads the figures that are asked for, then writes them, row by row. Control
 * thread.
 */
#include "status_page.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "clock.h"
#include "figures.h"
#include "log.h"
#include "status_json.h"

#define TEXT "text/plain; charset=utf-8"

struct status {
	struct figures figures;
	struct figures_cut cut;
	struct status_print print;
	bool read;
};

/* Of this thread's time on a core: what others take of the core is not the answer's doing. */
static int64_t used_us(void)
{
	return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static int piece(void *ctx, struct evbuffer *out)
{
	struct status *status = ctx;
	int64_t start_us = used_us();
	int more;

	if (status->read) {
		more = status_print_piece(&status->print, out);
		status->print.spent_us += used_us() - start_us;
		return more;
	}
	more = figures_read(&status->figures);
	status->print.spent_us += used_us() - start_us;
	status->read = more == 0;
	if (more < 0)
		log_error("status page: the figures can't be read: %s", strerror(-more));
	return more < 0 ? more : 1;
}

static void end(void *ctx)
{
	struct status *status = ctx;

	figures_free(&status->figures);
	free(status);
}

/* ---- what is asked for ---- */

static bool take_number(const char *text, uint32_t max, uint32_t *out)
{
	char *rest;
	unsigned long number;

	if (text[0] < '0' || text[0] > '9')
		return false;
	number = strtoul(text, &rest, 10);
	*out = (uint32_t)number;
	return *rest == 0 && number <= max;
}

static bool take_text(const char *text, char out[MODEL_NAME_MAX])
{
	return snprintf(out, MODEL_NAME_MAX, "%s", text) < MODEL_NAME_MAX;
}

static bool take(struct figures_cut *cut, const char *name, const char *value, char error[256])
{
	if (strcmp(name, "search") == 0 || strcmp(name, "service") == 0) {
		snprintf(error, 256, "%s: up to %d characters\n", name, MODEL_NAME_MAX - 1);
		return take_text(value, name[3] == 'r' ? cut->search : cut->service);
	}
	if (strcmp(name, "offset") == 0) {
		snprintf(error, 256, "offset: a number, 0-1000000000\n");
		return take_number(value, 1000000000, &cut->offset);
	}
	if (strcmp(name, "limit") == 0) {
		snprintf(error, 256, "limit: a number, 0-%d\n", STATUS_SERVICES_MAX);
		return take_number(value, STATUS_SERVICES_MAX, &cut->limit);
	}
	snprintf(error, 256, "/api/status takes service, search, offset and limit alone\n");
	return false;
}

static bool parse(const char *query, struct figures_cut *cut, char error[256])
{
	struct evkeyvalq values;
	const struct evkeyval *value;
	bool ok = true;

	TAILQ_INIT(&values);
	snprintf(error, 256, "the query is not name=value&name=value\n");
	if (query[0] && evhttp_parse_query_str(query, &values) != 0)
		return false;
	for (value = values.tqh_first; value && ok; value = value->next.tqe_next)
		ok = take(cut, value->key, value->value, error);
	evhttp_clear_headers(&values);
	return ok;
}

void status_page(struct http_page *page, const struct daemon_api *api,
		 const struct worker_load *load, const char *why, const char *query)
{
	struct status *status = calloc(1, sizeof(*status));
	char error[256];

	if (!status) {
		http_page_text(page, 503, TEXT, "out of memory\n");
		return;
	}
	status->cut.limit = STATUS_SERVICES_MAX;
	if (!parse(query, &status->cut, error)) {
		free(status);
		http_page_text(page, 400, TEXT, error);
		return;
	}
	figures_init(&status->figures, api);
	status->figures.cut = &status->cut;
	status->print.figures = &status->figures;
	status->print.load = load;
	snprintf(status->print.why, sizeof(status->print.why), "%s", why);
	page->type = "application/json";
	page->piece = piece;
	page->end = end;
	page->ctx = status;
}
