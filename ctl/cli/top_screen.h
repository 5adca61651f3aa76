/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The screen of `top`: ncurses, of any size from 20x4 on. Used by top.c alone; one at a time.
 */
#ifndef SLUICE_CLI_TOP_SCREEN_H
#define SLUICE_CLI_TOP_SCREEN_H

#include "top_list.h"

struct top_frame {
	const struct top_rates *rates;
	const struct top_list *list;
	struct top_view *view; /* `first` is moved so that the selected row is seen */
	const char *message;   /* what went wrong; "": nothing */
	uint32_t interval_s;
};

/* Takes the terminal over. False: it can't be used, and TERM is to blame. */
bool top_screen_open(bool color);

void top_screen_close(void);

/* How many rows there is room for. */
size_t top_screen_page(void);

void top_screen_draw(const struct top_frame *frame);

/* The next key, or -1 after wait_ms; a new size of the terminal counts as one. */
int top_screen_key(int wait_ms);

#endif
