/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page /metrics. Control thread.
 */
#include "metrics_page.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

struct scrape {
	struct figures figures;
	struct metrics_print print;
	struct metrics_scrapes *scrapes;
	bool read;
	double spent_s;
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int piece(void *ctx, struct evbuffer *out)
{
	struct scrape *scrape = ctx;
	double start_s = now_s();
	int more;

	if (!scrape->read) {
		more = figures_read(&scrape->figures);
		scrape->read = more == 0;
		if (more < 0)
			log_error("metrics: the figures can't be read: %s", strerror(-more));
		more = more == 0 ? 1 : more;
	} else {
		more = metrics_print_piece(&scrape->print, out);
	}
	scrape->spent_s += now_s() - start_s;
	if (more == 0)
		scrape->scrapes->last_s = scrape->spent_s;
	return more;
}

static void end(void *ctx)
{
	struct scrape *scrape = ctx;

	figures_free(&scrape->figures);
	free(scrape);
}

bool metrics_accepts_openmetrics(const char *accept)
{
	return strstr(accept, "application/openmetrics-text") != NULL;
}

void metrics_page(struct http_page *page, const struct daemon_api *api,
		  const struct worker_load *load, struct metrics_scrapes *scrapes,
		  const char *accept, bool backends)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));

	if (!scrape) {
		http_page_text(page, 503, "text/plain; charset=utf-8", "out of memory\n");
		return;
	}
	figures_init(&scrape->figures, api);
	scrape->scrapes = scrapes;
	scrape->print = (struct metrics_print){
		.figures = &scrape->figures,
		.load = load,
		.openmetrics = metrics_accepts_openmetrics(accept),
		.backends = backends,
		.scrape_s = scrapes->last_s,
	};
	page->type = scrape->print.openmetrics
			     ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
			     : "text/plain; version=0.0.4; charset=utf-8";
	page->piece = piece;
	page->end = end;
	page->ctx = scrape;
}
