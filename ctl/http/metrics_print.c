/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures as text for Prometheus. A family is a row of metrics_table.h; for each row of what it
 * tells of, one function of metrics_samples.h writes the samples. Control thread.
 */
#include "metrics_print.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics_samples.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_INFO };
enum metric_scope { SCOPE_NODE, SCOPE_WORKER, SCOPE_PORT, SCOPE_VIP, SCOPE_SERVICE, SCOPE_BACKEND };

struct family {
	const char *name, *unit, *help;
	enum metric_type type;
	enum metric_scope scope;
	metrics_samples_fn *samples;
};

/* The last two are levels. */
#define FLOW_TABLE_TYPE(member)                                                               \
	(offsetof(struct memory_counters, member) < offsetof(struct memory_counters, entries) \
		 ? METRIC_COUNTER                                                             \
		 : METRIC_GAUGE)

static const struct family families[] = {
#define X(scope, name, type, unit, labels, help) \
	{"sluice_" #name, unit, help, METRIC_##type, SCOPE_##scope, METRICS_##scope##_FN(name)},
	METRICS_NODE(X)
#undef X
#define X(member, meaning)                                  \
	{"sluice_flow_table_" #member, "",         meaning, \
	 FLOW_TABLE_TYPE(member),      SCOPE_NODE, node_flow_table_##member},
		METRICS_FLOW_TABLE(X)
#undef X
#define X(scope, name, type, unit, labels, help) \
	{"sluice_" #name, unit, help, METRIC_##type, SCOPE_##scope, METRICS_##scope##_FN(name)},
			METRICS_DAEMON(X) METRICS_SCRAPE(X) METRICS_WORKER(X) METRICS_PORT(X)
				METRICS_VIP(X) METRICS_SERVICE(X) METRICS_BACKEND(X)
#undef X
};

enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

static uint32_t rows_of(const struct figures *f, enum metric_scope scope)
{
	switch (scope) {
	case SCOPE_NODE:
		return 1;
	case SCOPE_WORKER:
		return f->workers_n;
	case SCOPE_PORT:
		return f->ports_n;
	case SCOPE_VIP:
		return f->vips_n;
	case SCOPE_SERVICE:
		return f->services_n;
	case SCOPE_BACKEND:
		return f->backends_n;
	}
	return 0;
}

static bool is_gone(const struct figures *f, enum metric_scope scope, uint32_t row)
{
	return (scope == SCOPE_SERVICE && !f->services[row].conf) ||
	       (scope == SCOPE_VIP && !f->vips[row].read);
}

/* The family's metadata; the two formats name it, and some types, differently. */
static void put_head(struct metrics_text *p, const struct family *family)
{
	static const char *const types[] = {"counter", "gauge", "info"};
	static const char *const old_types[] = {"counter", "gauge", "gauge"};
	bool om = p->print->openmetrics;
	const char *name = om ? family->name : p->name;

	text_put(p, "# TYPE ");
	text_put(p, name);
	text_put(p, " ");
	text_put(p, om ? types[family->type] : old_types[family->type]);
	if (om && *family->unit) {
		text_put(p, "\n# UNIT ");
		text_put(p, name);
		text_put(p, " ");
		text_put(p, family->unit);
	}
	text_put(p, "\n# HELP ");
	text_put(p, name);
	text_put(p, " ");
	text_put(p, family->help);
	text_put(p, "\n");
}

/* Samples of a family from print->row on, until there is enough text. True: all of it. */
static bool put_family(struct metrics_text *p, struct metrics_print *print)
{
	static const char *const ends[] = {"_total", "", "_info"};
	const struct family *family = &families[print->family];
	uint32_t rows = rows_of(p->f, family->scope);

	snprintf(p->name, sizeof(p->name), "%s%s", family->name, ends[family->type]);
	if (print->row == 0)
		put_head(p, family);
	for (; print->row < rows; print->row++) {
		if (p->bytes >= HTTP_PIECE_BYTES)
			return false;
		if (!is_gone(p->f, family->scope, print->row))
			family->samples(p, print->row);
	}
	return true;
}

int metrics_print_piece(struct metrics_print *print, struct evbuffer *out)
{
	struct metrics_text *p = malloc(sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->print = print;
	p->f = print->figures;
	p->bytes = 0;
	while (print->family < FAMILIES && p->bytes < HTTP_PIECE_BYTES) {
		if (families[print->family].scope == SCOPE_BACKEND && !print->backends) {
			print->family++;
			continue;
		}
		if (!put_family(p, print))
			break;
		print->family++;
		print->row = 0;
	}
	if (print->family == FAMILIES && print->openmetrics)
		text_put(p, "# EOF\n");
	err = evbuffer_add(out, p->text, p->bytes);
	free(p);
	if (err)
		return -ENOMEM;
	return print->family < FAMILIES;
}
