/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keys of `top` do. Used by top.c; the help on the screen is made of the same table.
 */
#ifndef SLUICE_CLI_TOP_KEYS_H
#define SLUICE_CLI_TOP_KEYS_H

#include "top_list.h"

enum top_effect {
	TOP_NOTHING, /* the key means nothing */
	TOP_SHOW,    /* another look at the same numbers */
	TOP_ASK,     /* other rows are needed of the daemon */
	TOP_QUIT,
};

/* Of a table that ends with keys NULL. */
struct top_key_help {
	const char *keys, *does;
};

extern const struct top_key_help top_key_helps[];

/* `key` as ncurses gives it; `page`: rows on the screen. */
enum top_effect top_key(struct top_view *view, const struct top_list *list, int key, size_t page);

#endif
