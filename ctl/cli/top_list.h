/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows `top` shows, in which order: sorted, filtered, with one selected. Used by top.c,
 * top_keys.c, top_screen.c.
 */
#ifndef SLUICE_CLI_TOP_LIST_H
#define SLUICE_CLI_TOP_LIST_H

#include "top_rates.h"
#include "words.h"

/* X(identifier, word); words.h */
#define TOP_SORTS(X)                   \
	X(TOP_SORT_PACKETS, "packets") \
	X(TOP_SORT_BITS, "bits")       \
	X(TOP_SORT_DROPS, "drops")     \
	X(TOP_SORT_NAME, "name")

enum top_sort { TOP_SORTS(ENUM_ID) };

ENUM_DECLARE(top_sort);

/* What somebody wants to see. */
struct top_view {
	enum top_sort sort;
	bool reverse;
	char filter[TOP_NAME_MAX];  /* rows whose service or backend has it in its name */
	char service[TOP_NAME_MAX]; /* its backends; "": the services */
	bool each;                  /* the backends of all */
	bool typing;                /* keys go to the filter */
	bool help;
	struct top_row
		selected; /* by its names, once somebody moved to it; without a service: none */
	size_t at, first; /* places in the list: selected, first on the screen */
};

struct top_list {
	const struct top_rate **rows;
	size_t n;
};

/* Sorts and filters, and finds the selected row again, wherever it is now; without one, or if it is
 * gone, the place counts. Returns 0 or -ENOMEM; `list` to be freed. */
int top_list_make(const struct top_rates *rates, struct top_view *view, struct top_list *list);

void top_list_free(struct top_list *list);

/* Selects the row at a place: the last one, beyond it. */
void top_list_select(const struct top_list *list, struct top_view *view, size_t at);

#endif
