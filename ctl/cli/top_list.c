/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting, filtering, selecting. Called by top.c and top_keys.c.
 */
#include "top_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

ENUM_DEFINE(top_sort, TOP_SORTS);

static int compare_names(const struct top_row *a, const struct top_row *b)
{
	int order = strcmp(a->service, b->service);

	return order ? order : strcmp(a->backend, b->backend);
}

/* The largest first, equal ones by name. */
static int compare_numbers(double a, double b)
{
	return (a < b) - (a > b);
}

static int compare(const void *x, const void *y, void *ctx)
{
	const struct top_rate *a = *(const struct top_rate *const *)x;
	const struct top_rate *b = *(const struct top_rate *const *)y;
	const struct top_view *view = ctx;
	int order = 0;

	switch (view->sort) {
	case TOP_SORT_PACKETS:
		order = compare_numbers(a->packets_s, b->packets_s);
		break;
	case TOP_SORT_BITS:
		order = compare_numbers(a->bits_s, b->bits_s);
		break;
	case TOP_SORT_DROPS:
		order = compare_numbers(a->dropped_s, b->dropped_s);
		break;
	case TOP_SORT_NAME:
		break;
	}
	if (order == 0)
		order = compare_names(a->row, b->row);
	return view->reverse ? -order : order;
}

static bool passes(const struct top_view *view, const struct top_row *row)
{
	return strcasestr(row->service, view->filter) || strcasestr(row->backend, view->filter);
}

int top_list_make(const struct top_rates *rates, struct top_view *view, struct top_list *list)
{
	size_t at = view->at;

	*list = (struct top_list){
		.rows = reallocarray(NULL, rates->rows_n + 1, sizeof(struct top_rate *))};
	if (!list->rows)
		return -ENOMEM;
	for (size_t i = 0; i < rates->rows_n; i++) {
		if (passes(view, rates->rows[i].row))
			list->rows[list->n++] = &rates->rows[i];
	}
	qsort_r(list->rows, list->n, sizeof(struct top_rate *), compare, view);
	for (size_t i = 0; view->selected.service[0] && i < list->n; i++) {
		if (compare_names(list->rows[i]->row, &view->selected) == 0)
			at = i;
	}
	view->at = at < list->n ? at : list->n > 0 ? list->n - 1 : 0;
	return 0;
}

void top_list_free(struct top_list *list)
{
	free(list->rows);
	*list = (struct top_list){.rows = NULL};
}

void top_list_select(const struct top_list *list, struct top_view *view, size_t at)
{
	if (at >= list->n)
		at = list->n > 0 ? list->n - 1 : 0;
	view->at = at;
	if (list->n > 0)
		view->selected = *list->rows[at]->row;
}
