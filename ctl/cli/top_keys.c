/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of `top`. Called by top.c.
 */
#include "top_keys.h"

#include <curses.h>
#include <string.h>

enum { KEY_ESCAPE = 27, KEY_DELETE = 127 };

const struct top_key_help top_key_helps[] = {
	{"p b d n", "sort by packets, bits, drops, name"},
	{"r", "the other way round"},
	{"Up Down PgUp PgDn", "select a row (also k, j; Home, End)"},
	{"Enter", "the backends of the selected service"},
	{"Esc Left", "back to the services; the filter away"},
	{"a", "the backends of all services, or the services"},
	{"/", "filter by name: type, then Enter"},
	{"Space", "numbers now"},
	{"h ?", "this list, or it away"},
	{"q", "quit"},
	{.keys = NULL},
};

static enum top_effect sort_by(struct top_view *view, enum top_sort sort)
{
	view->sort = sort;
	view->reverse = false;
	/* To see what is on top now. */
	view->at = view->first = 0;
	view->selected = (struct top_row){.packets = 0};
	return TOP_SHOW;
}

/* Other rows than before. */
static enum top_effect go(struct top_view *view, const char *service, bool each)
{
	snprintf(view->service, sizeof(view->service), "%.*s", TOP_NAME_MAX - 1, service);
	view->each = each;
	view->filter[0] = 0;
	view->at = view->first = 0;
	return TOP_ASK;
}

static enum top_effect enter(struct top_view *view, const struct top_list *list)
{
	if (view->service[0] || list->n == 0)
		return TOP_NOTHING;
	view->selected = (struct top_row){.packets = 0};
	return go(view, list->rows[view->at]->row->service, false);
}

static enum top_effect back(struct top_view *view)
{
	char service[TOP_NAME_MAX];

	if (view->help || view->filter[0]) {
		view->help = false;
		view->filter[0] = 0;
		return TOP_SHOW;
	}
	if (!view->service[0] && !view->each)
		return TOP_NOTHING;
	memcpy(service, view->service, sizeof(service));
	view->selected = (struct top_row){.packets = 0};
	memcpy(view->selected.service, service, sizeof(service));
	return go(view, "", false);
}

static enum top_effect type(struct top_view *view, int key)
{
	size_t length = strlen(view->filter);

	if (key == KEY_ESCAPE) {
		view->filter[0] = 0;
		view->typing = false;
	} else if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		view->typing = false;
	} else if (key == KEY_BACKSPACE || key == KEY_DELETE || key == '\b') {
		if (length > 0)
			view->filter[length - 1] = 0;
	} else if (key > ' ' && key < KEY_DELETE && length + 1 < sizeof(view->filter)) {
		view->filter[length] = (char)key;
		view->filter[length + 1] = 0;
	} else {
		return TOP_NOTHING;
	}
	return TOP_SHOW;
}

static enum top_effect move_by(struct top_view *view, const struct top_list *list, size_t up,
			       size_t down)
{
	top_list_select(list, view, up > view->at ? 0 : view->at - up + down);
	return TOP_SHOW;
}

enum top_effect top_key(struct top_view *view, const struct top_list *list, int key, size_t page)
{
	if (view->typing)
		return type(view, key);
	switch (key) {
	case 'q':
		return TOP_QUIT;
	case 'p':
		return sort_by(view, TOP_SORT_PACKETS);
	case 'b':
		return sort_by(view, TOP_SORT_BITS);
	case 'd':
		return sort_by(view, TOP_SORT_DROPS);
	case 'n':
		return sort_by(view, TOP_SORT_NAME);
	case 'r':
		view->reverse = !view->reverse;
		return TOP_SHOW;
	case 'h':
	case '?':
		view->help = !view->help;
		return TOP_SHOW;
	case '/':
		view->typing = true;
		return TOP_SHOW;
	case 'a':
		return go(view, "", !view->each);
	case ' ':
		return TOP_ASK;
	case '\n':
	case '\r':
	case KEY_ENTER:
	case KEY_RIGHT:
		return enter(view, list);
	case KEY_ESCAPE:
	case KEY_LEFT:
	case KEY_BACKSPACE:
		return back(view);
	case KEY_UP:
	case 'k':
		return move_by(view, list, 1, 0);
	case KEY_DOWN:
	case 'j':
		return move_by(view, list, 0, 1);
	case KEY_PPAGE:
		return move_by(view, list, page, 0);
	case KEY_NPAGE:
		return move_by(view, list, 0, page);
	case KEY_HOME:
		return move_by(view, list, list->n, 0);
	case KEY_END:
		return move_by(view, list, 0, list->n);
	default:
		return TOP_NOTHING;
	}
}
