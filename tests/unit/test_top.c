/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluicectl top without a daemon or a terminal: rates of two samples, their text, sorting and
 * filtering, keys, and what --once prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <curses.h>

#include "top_keys.h"
#include "top_print.h"

static void test_growth(void **state)
{
	static const struct {
		const char *name;
		uint64_t before, now, want;
	} rows[] = {
		{"stands", 5, 5, 0},
		{"grows", 5, 17, 12},
		{"past 2^32", (1ULL << 32) - 2, (1ULL << 32) + 3, 5},
		{"past 2^63", (1ULL << 63) - 2, (1ULL << 63) + 3, 5},
		{"wraps at 2^64", UINT64_MAX - 4, 5, 10},
		{"began anew", 1000000, 3, 0},
		{"began anew at 0", 1, 0, 0},
		{"a backend was removed with its bytes", 10000000000, 9000000000, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# row: %s\n", rows[i].name);
		assert_int_equal(top_growth(rows[i].before, rows[i].now), rows[i].want);
	}
}

static void test_rate_text(void **state)
{
	static const struct {
		double rate;
		const char *text;
	} rows[] = {
		{0, "0"},
		{0.04, "0.0"},
		{3.2, "3.2"},
		{9.94, "9.9"},
		{9.96, "10"},
		{950, "950"},
		{999.4, "999"},
		{999.5, "1.00k"},
		{1234, "1.23k"},
		{12345, "12.3k"},
		{999499, "999k"},
		{999500, "1.00M"},
		{14880952, "14.9M"},
		{98.7e9, "98.7G"},
		{1e18, "1000P"},
	};
	char text[TOP_RATE_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(top_rate_text(rows[i].rate, text), rows[i].text);
}

/* A sample of what traffic.list says. */
static struct top_sample sample_of(int64_t clock_us, const char *services, bool each)
{
	struct top_sample sample = {.clock_us = clock_us, .path = "dpdk"};
	json_t *result = json_pack("{s:o}", "services", json_loads(services, 0, NULL));

	assert_non_null(result);
	assert_int_equal(top_sample_add(&sample, result, each), 0);
	json_decref(result);
	return sample;
}

#define SERVICE(name, packets, bytes, dropped)                                 \
	"{\"service\":\"" name "\",\"packets\":" #packets ",\"bytes\":" #bytes \
	",\"dropped\":" #dropped ",\"backends\":3,\"backends_up\":2}"

static const char before_text[] = "[" SERVICE("web", 1000, 50000, 0) "," SERVICE(
	"dns", 500, 5000, 7) "," SERVICE("old", 1, 1, 1) "]";
static const char now_text[] = "[" SERVICE("dns", 900, 9000, 9) "," SERVICE(
	"web", 1200, 90000, 0) "," SERVICE("new", 77, 7700, 0) "]";

static const struct top_rate *rate_of(const struct top_rates *rates, const char *service)
{
	for (size_t i = 0; i < rates->rows_n; i++) {
		if (strcmp(rates->rows[i].row->service, service) == 0)
			return &rates->rows[i];
	}
	fail_msg("no rate of %s", service);
	return NULL;
}

static void close_to(double got, double want)
{
	if (got < want - 1e-6 || got > want + 1e-6)
		fail_msg("%f, not %f", got, want);
}

static void test_rates(void **state)
{
	struct top_sample before = sample_of(1000000, before_text, false);
	struct top_sample now = sample_of(3000000, now_text, false);
	struct top_rates rates;

	before.verdicts[VERDICT_forward] = 100;
	now.verdicts[VERDICT_forward] = 300;
	now.verdicts[VERDICT_bad_tcp] = 10;
	now.verdicts[VERDICT_no_service] = 4;
	before.workers_n = now.workers_n = 2;
	before.workers[0] = (struct top_worker){.core = 1, .bursts = 10, .empty_bursts = 10};
	now.workers[0] =
		(struct top_worker){.core = 1, .packets = 64, .bursts = 40, .empty_bursts = 20};
	before.workers[1] = (struct top_worker){.core = 3};
	now.workers[1] = (struct top_worker){.core = 5, .bursts = 40};
	before.memory.inserts = 10;
	now.memory.inserts = 30;
	assert_int_equal(top_rates_make(&before, &now, &rates), 0);
	close_to(rates.interval_s, 2);
	close_to(rate_of(&rates, "web")->packets_s, 100);
	close_to(rate_of(&rates, "web")->bits_s, 160000);
	close_to(rate_of(&rates, "dns")->packets_s, 200);
	close_to(rate_of(&rates, "dns")->dropped_s, 1);
	close_to(rate_of(&rates, "new")->packets_s, 0);
	close_to(rates.bits_s, 176000);
	close_to(rates.packets_s, 107);
	close_to(rates.actions_s[ACTION_FORWARD], 100);
	close_to(rates.actions_s[ACTION_DROP], 5);
	close_to(rates.actions_s[ACTION_PASS], 2);
	close_to(rates.worker_packets_s[0], 32);
	close_to(rates.worker_load[0], 0.75);
	assert_true(rates.worker_load[1] < 0); /* another core: not known */
	close_to(rates.inserts_s, 10);
	top_rates_free(&rates);

	/* One sample alone, and one that lies before: nothing grows. */
	assert_int_equal(top_rates_make(&now, &now, &rates), 0);
	close_to(rates.packets_s, 0);
	top_rates_free(&rates);
	assert_int_equal(top_rates_make(&now, &before, &rates), 0);
	assert_true(rate_of(&rates, "web")->packets_s < 1e-3);
	top_rates_free(&rates);
	top_sample_free(&before);
	top_sample_free(&now);
}

/* Rows past each power of 2, in another order: each finds itself. */
static void test_rates_many(void **state)
{
	enum { N = 5000 };
	struct top_sample before = {.clock_us = 1}, now = {.clock_us = 1000001};
	struct top_rates rates;

	before.rows = calloc(N, sizeof(*before.rows));
	now.rows = calloc(N, sizeof(*now.rows));
	before.rows_n = now.rows_n = N;
	for (int i = 0; i < N; i++) {
		snprintf(before.rows[i].service, TOP_NAME_MAX, "s%d", i);
		before.rows[i].packets = (uint64_t)i;
		snprintf(now.rows[i].service, TOP_NAME_MAX, "s%d", N - 1 - i);
		now.rows[i].packets = (uint64_t)(N - 1 - i) * 3;
	}
	assert_int_equal(top_rates_make(&before, &now, &rates), 0);
	for (int i = 0; i < N; i++)
		close_to(rates.rows[i].packets_s, (N - 1 - i) * 2);
	top_rates_free(&rates);
	top_sample_free(&before);
	top_sample_free(&now);
}

static void test_ticks(void **state)
{
	static char text[] = "cpu  9 9 9 9 9 9 9 9\n"
			     "cpu0 10 0 10 70 0 0 10 0 0 0\n"
			     "cpu12 1 2 3 4 5 6 7 8 0 0\n"
			     "intr 12345\n";
	struct top_sample sample = {.workers_n = 2};
	FILE *stat = fmemopen(text, sizeof(text) - 1, "r");

	sample.workers[0].core = 12;
	sample.workers[1].core = 3;
	top_sample_ticks(&sample, stat);
	fclose(stat);
	assert_int_equal(sample.workers[0].softirq_ticks, 7);
	assert_int_equal(sample.workers[0].ticks, 36);
	assert_int_equal(sample.workers[1].ticks, 0);
}

static char *list_text(const struct top_list *list)
{
	char *text = calloc(1, 256);

	for (size_t i = 0; i < list->n; i++)
		sprintf(text + strlen(text), "%s%s%s%s", i > 0 ? " " : "",
			list->rows[i]->row->service, list->rows[i]->row->backend[0] ? "/" : "",
			list->rows[i]->row->backend);
	return text;
}

static void test_list(void **state)
{
	static const struct {
		const char *name;
		struct top_view view;
		const char *want;
	} rows[] = {
		{"by packets", {.sort = TOP_SORT_PACKETS}, "dns web new"},
		{"by bits", {.sort = TOP_SORT_BITS}, "web dns new"},
		{"by drops, then name", {.sort = TOP_SORT_DROPS}, "dns new web"},
		{"by name", {.sort = TOP_SORT_NAME}, "dns new web"},
		{"by name, reverse", {.sort = TOP_SORT_NAME, .reverse = true}, "web new dns"},
		{"a filter", {.sort = TOP_SORT_NAME, .filter = "E"}, "new web"},
		{"a filter of nothing", {.filter = "x"}, ""},
	};
	struct top_sample before = sample_of(1000000, before_text, false);
	struct top_sample now = sample_of(3000000, now_text, false);
	struct top_rates rates;

	assert_int_equal(top_rates_make(&before, &now, &rates), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct top_view view = rows[i].view;
		struct top_list list;
		char *text;

		print_message("# row: %s\n", rows[i].name);
		assert_int_equal(top_list_make(&rates, &view, &list), 0);
		text = list_text(&list);
		assert_string_equal(text, rows[i].want);
		free(text);
		top_list_free(&list);
	}
	top_rates_free(&rates);
	top_sample_free(&before);
	top_sample_free(&now);
}

/* Keys, one after the other, on the list of web, dns, new. */
static void test_keys(void **state)
{
	static const struct {
		const char *name;
		int key;
		enum top_effect effect;
		const char *selected; /* afterwards */
	} rows[] = {
		{"a key without a meaning", 'z', TOP_NOTHING, "dns"},
		{"down", KEY_DOWN, TOP_SHOW, "web"},
		{"down", 'j', TOP_SHOW, "new"},
		{"down at the end", KEY_DOWN, TOP_SHOW, "new"},
		{"home", KEY_HOME, TOP_SHOW, "dns"},
		{"up at the beginning", KEY_UP, TOP_SHOW, "dns"},
		{"end", KEY_END, TOP_SHOW, "new"},
		{"a page up", KEY_PPAGE, TOP_SHOW, "dns"},
		{"a page down", KEY_NPAGE, TOP_SHOW, "new"},
		{"the other way round keeps what is selected", 'r', TOP_SHOW, "new"},
		{"by bits: to the top", 'b', TOP_SHOW, "web"},
		{"by name: to the top", 'n', TOP_SHOW, "dns"},
		{"filter", '/', TOP_SHOW, "dns"},
		{"typed, though it means something", 'n', TOP_SHOW, "dns"},
		{"typed", 'e', TOP_SHOW, "new"},
		{"typed", 'q', TOP_SHOW, "new"},
		{"taken back", KEY_BACKSPACE, TOP_SHOW, "new"},
		{"done", '\r', TOP_SHOW, "new"},
		{"into it", '\r', TOP_ASK, "new"},
		{"no further", '\r', TOP_NOTHING, "new"},
		{"back", 27, TOP_ASK, "new"},
		{"no further back", 27, TOP_NOTHING, "new"},
		{"the backends of all", 'a', TOP_ASK, "new"},
		{"the services", 'a', TOP_ASK, "new"},
		{"help", 'h', TOP_SHOW, "new"},
		{"help away", 27, TOP_SHOW, "new"},
		{"now", ' ', TOP_ASK, "new"},
		{"another size", KEY_RESIZE, TOP_NOTHING, "new"},
		{"quit", 'q', TOP_QUIT, "new"},
	};
	struct top_sample before = sample_of(1000000, before_text, false);
	struct top_sample now = sample_of(3000000, now_text, false);
	struct top_view view = {.sort = TOP_SORT_PACKETS};
	struct top_rates rates;
	struct top_list list;

	assert_int_equal(top_rates_make(&before, &now, &rates), 0);
	assert_int_equal(top_list_make(&rates, &view, &list), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# row: %s\n", rows[i].name);
		assert_int_equal(top_key(&view, &list, rows[i].key, 2), rows[i].effect);
		if (strcmp(rows[i].name, "into it") == 0)
			assert_string_equal(view.service, "new");
		top_list_free(&list);
		assert_int_equal(top_list_make(&rates, &view, &list), 0);
		/* In a service the rows are its backends: here there are none of these. */
		if (!view.service[0] && list.n > 0)
			assert_string_equal(list.rows[view.at]->row->service, rows[i].selected);
	}
	assert_string_equal(view.service, "");
	top_list_free(&list);
	top_rates_free(&rates);
	top_sample_free(&before);
	top_sample_free(&now);
}

static void test_print(void **state)
{
	static const char each[] = "[{\"service\":\"web\",\"each\":[{\"name\":\"b1\",\"state\":"
				   "\"enabled\",\"health\":\"up\","
				   "\"packets\":%d,\"bytes\":%d},{\"name\":\"b2\",\"state\":"
				   "\"draining\",\"health\":\"down\","
				   "\"packets\":5,\"bytes\":6}]}]";
	char text_before[512], text_now[512], *text = NULL;
	struct top_sample before, now;
	struct top_view view = {.each = true};
	struct top_rates rates;
	struct top_list list;
	size_t text_bytes;
	FILE *out = open_memstream(&text, &text_bytes);
	json_t *all;

	snprintf(text_before, sizeof(text_before), each, 100, 1000);
	snprintf(text_now, sizeof(text_now), each, 300, 126000);
	before = sample_of(1000000, text_before, true);
	now = sample_of(2000000, text_now, true);
	now.verdicts[VERDICT_no_backend] = 12;
	now.memory.capacity = 100;
	now.memory.entries = 7;
	assert_int_equal(top_rates_make(&before, &now, &rates), 0);
	assert_int_equal(top_list_make(&rates, &view, &list), 0);
	top_print(&rates, &list, out);
	fclose(out);
	assert_string_equal(text,
			    "path        dpdk, over 1.0 s\n"
			    "packets     12/s in, 0/s sent to backends, 0/s to the kernel\n"
			    "flow table  7 of 100 (7.0%), 0/s look-ups, 0/s new, 0/s without room\n"
			    "dropped     12/s, no_backend 12/s\n\n\n"
			    "SERVICE  BACKEND  PACKETS/s  BITS/s  DROPS/s  UP  STATE\n"
			    "web      b1             200   1.00M        -   -  up\n"
			    "web      b2               0       0        -   -  draining\n");
	free(text);
	all = top_json(&rates, &list);
	assert_non_null(all);
	assert_int_equal(json_array_size(json_object_get(all, "rows")), 2);
	assert_int_equal(json_object_size(json_object_get(all, "drops_s")), 1);
	json_decref(all);
	top_list_free(&list);
	top_rates_free(&rates);
	top_sample_free(&before);
	top_sample_free(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth), cmocka_unit_test(test_rate_text),
		cmocka_unit_test(test_rates),  cmocka_unit_test(test_rates_many),
		cmocka_unit_test(test_ticks),  cmocka_unit_test(test_list),
		cmocka_unit_test(test_keys),   cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
