/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawing `top`. Called by top.c.
 */
#include "top_screen.h"

#include "model.h"
#include "show.h"
#include "top_keys.h"

#include <curses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PAIR_BAD = 1,
	PAIR_WARN,
	NAME_MIN = 12,   /* columns of the first cell */
	HIGH_LINES = 12, /* from so many lines on, the head has all it can have */
	HEAD_LOW = 2,
	HEAD_HIGH = 5,
	LINE_MAX = 512,
};

struct cell_column {
	const char *title;
	int width;
};

static const struct cell_column service_columns[] = {
	{"PACKETS/s", 10}, {"BITS/s", 8},   {"DROPS/s", 8},
	{"UP", 9},         {"PACKETS", 15}, {.title = NULL},
};

static const struct cell_column backend_columns[] = {
	{"PACKETS/s", 10}, {"BITS/s", 8}, {"STATE", 10}, {"PACKETS", 15}, {.title = NULL},
};

static SCREEN *screen;
static bool colored;

bool top_screen_open(bool color)
{
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	set_escdelay(50);
	colored = color && has_colors();
	if (colored) {
		start_color();
		use_default_colors();
		init_pair(PAIR_BAD, COLOR_RED, -1);
		init_pair(PAIR_WARN, COLOR_YELLOW, -1);
	}
	return true;
}

void top_screen_close(void)
{
	endwin();
	delscreen(screen);
	screen = NULL;
}

int top_screen_key(int wait_ms)
{
	int key;

	timeout(wait_ms);
	key = getch();
	return key == ERR ? -1 : key;
}

static int head_lines(void)
{
	return LINES >= HIGH_LINES ? HEAD_HIGH : HEAD_LOW;
}

size_t top_screen_page(void)
{
	int rows = LINES - head_lines() - 2; /* titles above, keys below */

	return rows > 1 ? (size_t)rows : 1;
}

static attr_t attributes(int pair)
{
	return colored ? (attr_t)COLOR_PAIR(pair) : A_BOLD;
}

/* A line, cut at the screen's edge, padded to it. */
static void __attribute__((format(printf, 3, 4)))
put_line(int y, attr_t attribute, const char *format, ...)
{
	char text[LINE_MAX];
	va_list args;

	if (y < 0 || y >= LINES)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	attrset((int)attribute);
	mvprintw(y, 0, "%-*.*s", COLS, COLS, text);
	attrset((int)A_NORMAL);
}

static void draw_title(const struct top_frame *frame)
{
	const struct top_view *view = frame->view;
	time_t now = time(NULL);
	char clock[16], what[TOP_NAME_MAX + 24];
	struct tm tm;

	strftime(clock, sizeof(clock), "%T", localtime_r(&now, &tm));
	if (view->service[0])
		snprintf(what, sizeof(what), "backends of %s", view->service);
	else
		snprintf(what, sizeof(what), "%s", view->each ? "all backends" : "services");
	put_line(0, A_BOLD, "sluice %s  %s: %zu  %s  every %us", frame->rates->sample->path, what,
		 frame->list->n, clock, frame->interval_s);
}

static void draw_sums(const struct top_rates *rates)
{
	double dropped_s = rates->actions_s[ACTION_DROP];
	char all[TOP_RATE_TEXT_MAX], bits[TOP_RATE_TEXT_MAX], drops[TOP_RATE_TEXT_MAX],
		passed[TOP_RATE_TEXT_MAX], sent[TOP_RATE_TEXT_MAX];

	put_line(1, dropped_s > 0 ? attributes(PAIR_BAD) : A_NORMAL,
		 "in %s/s  sent %s/s %sbit/s  dropped %s/s  to the kernel %s/s",
		 top_rate_text(rates->packets_s, all),
		 top_rate_text(rates->actions_s[ACTION_FORWARD], sent),
		 top_rate_text(rates->bits_s, bits), top_rate_text(dropped_s, drops),
		 top_rate_text(rates->actions_s[ACTION_PASS], passed));
}

static void draw_flows(const struct top_rates *rates)
{
	const struct memory_counters *memory = &rates->sample->memory;
	char share[32], look[TOP_RATE_TEXT_MAX], new[TOP_RATE_TEXT_MAX], lost[TOP_RATE_TEXT_MAX];

	put_line(2, rates->untracked_s > 0 ? attributes(PAIR_WARN) : A_NORMAL,
		 "flow table %llu of %llu (%s)  look-ups %s/s  new %s/s  no room %s/s",
		 (unsigned long long)memory->entries, (unsigned long long)memory->capacity,
		 show_share((json_int_t)memory->entries, (json_int_t)memory->capacity, share),
		 top_rate_text(rates->lookups_s, look), top_rate_text(rates->inserts_s, new),
		 top_rate_text(rates->untracked_s, lost));
}

/* What of a list fits, separated by blanks. */
static void append(char text[LINE_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(char text[LINE_MAX], const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + length, LINE_MAX - length, format, args);
	va_end(args);
}

static void draw_workers(const struct top_rates *rates)
{
	char text[LINE_MAX] = "cores";
	double busiest = 0;

	for (uint32_t i = 0; i < rates->sample->workers_n; i++) {
		double load = rates->worker_load[i];
		char rate[TOP_RATE_TEXT_MAX];

		append(text, "  %u:", rates->sample->workers[i].core);
		if (load >= 0)
			append(text, " %.0f%%", 100 * load);
		append(text, " %s/s", top_rate_text(rates->worker_packets_s[i], rate));
		busiest = load > busiest ? load : busiest;
	}
	put_line(3, busiest > 0.9 ? attributes(PAIR_WARN) : A_NORMAL, "%s", text);
}

static void draw_drops(const struct top_rates *rates)
{
	char text[LINE_MAX] = "drops", rate[TOP_RATE_TEXT_MAX];
	bool any = false;

	for (unsigned int i = 0; i < VERDICT_COUNT; i++) {
		if (verdict_action((enum verdict)i) != ACTION_DROP || rates->verdicts_s[i] <= 0)
			continue;
		append(text, "  %s %s/s", verdict_words[i],
		       top_rate_text(rates->verdicts_s[i], rate));
		any = true;
	}
	put_line(4, any ? attributes(PAIR_BAD) : A_NORMAL, "%s%s", text, any ? "" : "  none");
}

/* Columns that fit, beside a name of at least NAME_MIN. Returns how many, and the name's width. */
static int columns_fit(const struct cell_column *columns, int *name_width)
{
	int left = COLS - NAME_MIN, n = 0;

	for (; columns[n].title && left >= columns[n].width + 1; n++)
		left -= columns[n].width + 1;
	*name_width = NAME_MIN + (left > 0 ? left : 0);
	return n;
}

static void draw_titles(const struct cell_column *columns, bool backends)
{
	int name_width, n = columns_fit(columns, &name_width);
	char text[LINE_MAX];

	snprintf(text, sizeof(text), "%-*.*s", name_width, name_width,
		 backends ? "BACKEND" : "SERVICE");
	for (int i = 0; i < n; i++)
		append(text, " %*s", columns[i].width, columns[i].title);
	put_line(head_lines(), A_REVERSE, "%s", text);
}

static void cell_text(const struct top_rate *rate, const char *title, char text[32])
{
	const struct top_row *row = rate->row;
	char number[TOP_RATE_TEXT_MAX];

	if (strcmp(title, "PACKETS/s") == 0)
		snprintf(text, 32, "%s", top_rate_text(rate->packets_s, number));
	else if (strcmp(title, "BITS/s") == 0)
		snprintf(text, 32, "%s", top_rate_text(rate->bits_s, number));
	else if (strcmp(title, "DROPS/s") == 0)
		snprintf(text, 32, "%s", top_rate_text(rate->dropped_s, number));
	else if (strcmp(title, "UP") == 0)
		snprintf(text, 32, "%u/%u", row->backends_up, row->backends);
	else if (strcmp(title, "STATE") == 0)
		snprintf(text, 32, "%s", row->state);
	else
		snprintf(text, 32, "%llu", (unsigned long long)row->packets);
}

static attr_t row_attributes(const struct top_rate *rate)
{
	if (rate->dropped_s > 0 || strcmp(rate->row->state, "down") == 0)
		return attributes(PAIR_BAD);
	if (rate->row->backends_up < rate->row->backends ||
	    (rate->row->backend[0] && strcmp(rate->row->state, "enabled") != 0 &&
	     strcmp(rate->row->state, "up") != 0))
		return attributes(PAIR_WARN);
	return A_NORMAL;
}

static void draw_row(int y, const struct top_frame *frame, size_t place,
		     const struct cell_column *columns)
{
	const struct top_rate *rate = frame->list->rows[place];
	int name_width, n = columns_fit(columns, &name_width);
	char text[LINE_MAX], name[2 * TOP_NAME_MAX + 2], cell[32];

	if (!rate->row->backend[0])
		snprintf(name, sizeof(name), "%s", rate->row->service);
	else if (frame->view->service[0])
		snprintf(name, sizeof(name), "%s", rate->row->backend);
	else
		snprintf(name, sizeof(name), "%s %s", rate->row->service, rate->row->backend);
	snprintf(text, sizeof(text), "%-*.*s", name_width, name_width, name);
	for (int i = 0; i < n; i++) {
		cell_text(rate, columns[i].title, cell);
		append(text, " %*s", columns[i].width, cell);
	}
	put_line(y, place == frame->view->at ? A_REVERSE : row_attributes(rate), "%s", text);
}

static void draw_help(void)
{
	int y = head_lines();

	for (const struct top_key_help *help = top_key_helps; help->keys && y < LINES - 1; help++)
		put_line(y++, A_NORMAL, " %-18s %s", help->keys, help->does);
	while (y < LINES - 1)
		put_line(y++, A_NORMAL, "%s", "");
}

static void draw_rows(const struct top_frame *frame)
{
	bool backends = frame->view->each || frame->view->service[0];
	const struct cell_column *columns = backends ? backend_columns : service_columns;
	struct top_view *view = frame->view;
	size_t page = top_screen_page();
	int y = head_lines();

	draw_titles(columns, backends);
	if (view->at < view->first)
		view->first = view->at;
	if (view->at >= view->first + page)
		view->first = view->at + 1 - page;
	if (view->first + page > frame->list->n)
		view->first = frame->list->n > page ? frame->list->n - page : 0;
	for (size_t i = 0; i < page; i++) {
		if (view->first + i < frame->list->n)
			draw_row(++y, frame, view->first + i, columns);
		else if (++y < LINES - 1)
			put_line(y, A_NORMAL, "%s",
				 frame->list->n == 0 && i == 0 ? "nothing to show" : "");
	}
}

static void draw_foot(const struct top_frame *frame)
{
	const struct top_view *view = frame->view;

	if (frame->message[0])
		put_line(LINES - 1, attributes(PAIR_BAD), "%s", frame->message);
	else if (view->typing)
		put_line(LINES - 1, A_BOLD, "filter: %s_", view->filter);
	else if (view->filter[0])
		put_line(LINES - 1, A_BOLD, "filter: %s  (Esc: all)", view->filter);
	else
		put_line(LINES - 1, A_DIM,
			 "q quit  h help  p b d n sort  Enter backends  a all  / filter");
}

void top_screen_draw(const struct top_frame *frame)
{
	draw_title(frame);
	draw_sums(frame->rates);
	if (head_lines() == HEAD_HIGH) {
		draw_flows(frame->rates);
		draw_workers(frame->rates);
		draw_drops(frame->rates);
	}
	if (frame->view->help)
		draw_help();
	else
		draw_rows(frame);
	draw_foot(frame);
	refresh();
}
