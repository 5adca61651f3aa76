/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as text, of a daemon that is none: what stands in either format, names that need escapes,
 * services that come and go while it is read, and no backends' series where they are not wanted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "fake_daemon.h"
#include "log.h"
#include "metrics_page.h"

static struct fake_daemon fake;
static struct daemon_api api;
static struct event_base *base;
static struct worker_load *load;
static uint64_t worker_bursts, worker_empty;

static int busy_workers_read(void *ctx, struct worker_counters *rows, uint32_t max)
{
	memset(&rows[0], 0, sizeof(rows[0]));
	rows[0].core = 3;
	rows[0].bursts = worker_bursts;
	rows[0].empty_bursts = worker_empty;
	rows[0].burst_gap_max_ns = 70000;
	rows[0].verdicts.packets[VERDICT_forward] = 40;
	rows[0].verdicts.packets[VERDICT_not_ip] = 2;
	return 1;
}

static int setup(void **state)
{
	memset(&fake, 0, sizeof(fake));
	fake_init(&fake);
	api = fake_api(&fake);
	worker_bursts = 0;
	worker_empty = 0;
	api.workers_read = busy_workers_read;
	base = event_base_new();
	load = worker_load_new(base, &api);
	log_set_level(FAST_PATH_LOG_ERROR);
	return base && load ? 0 : -1;
}

static int teardown(void **state)
{
	worker_load_free(load);
	event_base_free(base);
	model_free(fake.model);
	return 0;
}

/* The whole page; `between` is called between its first two pieces. */
static char *scrape(const char *accept, bool backends, void (*between)(void))
{
	struct metrics_scrapes scrapes = {.last_s = -1};
	struct evbuffer *out = evbuffer_new();
	struct http_page page = {.status = 200};
	int more;
	char *text;

	metrics_page(&page, &api, load, &scrapes, accept, backends);
	assert_int_equal(page.status, 200);
	do {
		more = page.piece(page.ctx, out);
		if (between)
			between();
		between = NULL;
	} while (more > 0);
	page.end(page.ctx);
	evbuffer_add(out, "", 1);
	text = strdup((const char *)evbuffer_pullup(out, -1));
	evbuffer_free(out);
	if (more < 0) {
		free(text);
		return NULL;
	}
	assert_true(scrapes.last_s >= 0);
	return text;
}

static void has(const char *text, const char *line)
{
	char want[512];

	snprintf(want, sizeof(want), "\n%s\n", line);
	if (!strstr(text, want))
		fail_msg("no line %s in\n%s", line, text);
}

static const char *const samples[] = {
	"sluice_build_info{version=\"0.1.0\",build=\"gcc 12\",path=\"dpdk\"} 1",
	"sluice_start_time_seconds 0.000001",
	"sluice_services 2",
	"sluice_backends{state=\"enabled\"} 2",
	"sluice_backends_unresolved 1",
	"sluice_transitions{state=\"active\"} 1",
	"sluice_drains{state=\"running\"} 0",
	"sluice_backends_health{state=\"none\"} 0",
	"sluice_backends_health{state=\"down\"} 1",
	"sluice_service_health{service=\"web\",state=\"up\"} 1",
	"sluice_backend_health_up{service=\"web\",backend=\"b1\"} 1",
	"sluice_backend_health_up{service=\"web\",backend=\"b2\"} 0",
	"sluice_health_checks_total{result=\"failed\"} 3",
	"sluice_health_checks_begun_total 12",
	"sluice_health_late_seconds_total 0.002500",
	"sluice_generation 7",
	"sluice_generation_published_timestamp_seconds 1700000000.123456",
	"sluice_generation_publish_duration_seconds 0.000412",
	"sluice_tables_used_bytes 4096",
	"sluice_events_total{kind=\"next-hop\"} 0",
	"sluice_packets_total{verdict=\"forward\"} 40",
	"sluice_packets_total{verdict=\"bad_tables\"} 0",
	"sluice_no_vip_packets_total{verdict=\"not_ip\"} 1099511627776",
	"sluice_flow_table_lookups_total 1099511627776",
	"sluice_flow_table_entries 9",
	"sluice_worker_packets_total{worker=\"0\",core=\"3\"} 42",
	"sluice_worker_burst_gap_max_seconds{worker=\"0\",core=\"3\"} 7e-05",
	"sluice_port_up{port=\"0\",interface=\"eth0\"} 1",
	"sluice_port_dropped_packets_total{port=\"0\",interface=\"eth0\",reason=\"no_xdp\"} 0",
	"sluice_port_rx_packets_total{port=\"0\",interface=\"eth0\"} 12",
	"sluice_vip_packets_total{vip=\"2001:db8::10\",verdict=\"echo_reply\"} 6",
	"sluice_service_info{service=\"web\",vip=\"198.51.100.10\",port=\"80\",protocol=\"tcp\","
	"encap=\"gue\",scheduler=\"maglev\"} 1",
	"sluice_service_packets_total{service=\"web\",verdict=\"forward\"} 1080",
	"sluice_service_packets_total{service=\"web\",verdict=\"no_backend\"} 0",
	"sluice_service_backends{service=\"web\",state=\"enabled\"} 2",
	"sluice_service_changed_slots{service=\"web\"} 40",
	"sluice_service_changed_slots{service=\"dns6\"} 0",
	"sluice_backend_packets_total{service=\"web\",backend=\"b1\"} 7",
	"sluice_backend_bytes_total{service=\"web\",backend=\"b2\"} 5000000000",
	"sluice_backend_weight{service=\"web\",backend=\"b1\"} 50",
	"sluice_backend_flows{service=\"web\",backend=\"b2\"} 4",
	"sluice_backend_next_hop_resolved{service=\"web\",backend=\"b1\"} 1",
	"sluice_backend_next_hop_resolved{service=\"web\",backend=\"b2\"} 0",
};

static void test_samples(void **state)
{
	char *old = scrape("", true, NULL);
	char *om = scrape("application/openmetrics-text;version=1.0.0,*/*;q=0.1", true, NULL);

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		has(old, samples[i]);
		has(om, samples[i]);
	}
	has(old, "# TYPE sluice_packets_total counter");
	has(om, "# TYPE sluice_packets counter");
	has(old, "# HELP sluice_build_info what runs, and on which fast path");
	has(om, "# UNIT sluice_backend_bytes bytes");
	assert_null(strstr(old, "# UNIT"));
	assert_null(strstr(old, "# EOF"));
	assert_string_equal(om + strlen(om) - 7, "\n# EOF\n");
	/* Nothing was counted, and no alarm looks at it. */
	assert_null(strstr(om, "service=\"web\",verdict=\"bad_tcp\""));
	free(old);
	free(om);
}

/* Each family stands once, together, and each line is a comment or a sample of the last family. */
static void test_families_whole(void **state)
{
	char *text = scrape("", true, NULL), *rest = NULL, seen[4096] = " ", family[128] = "";

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char name[128], spaced[132];

		if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_int_equal(sscanf(line + 7, "%127s", family), 1);
			snprintf(spaced, sizeof(spaced), " %s ", family);
			assert_null(strstr(seen, spaced));
			strncat(seen, spaced + 1, sizeof(seen) - strlen(seen) - 1);
		} else if (line[0] != '#') {
			assert_int_equal(sscanf(line, "%127[^{ ]", name), 1);
			assert_string_equal(name, family);
		}
	}
	free(text);
}

static void test_without_backends(void **state)
{
	char *text = scrape("", false, NULL);

	assert_null(strstr(text, "sluice_backend_"));
	has(text, "sluice_backends{state=\"enabled\"} 2");
	has(text, "sluice_service_packets_total{service=\"web\",verdict=\"forward\"} 1080");
	free(text);
}

static void remove_web(void)
{
	struct model_error error;
	struct model *next = model_service_remove(fake.model, "web", &error);

	assert_non_null(next);
	model_free(fake.model);
	fake.model = next;
}

/* The model that was read is gone by the time that the figures are written. */
static void test_change_between(void **state)
{
	char *text = scrape("", true, remove_web);

	has(text, "sluice_service_packets_total{service=\"web\",verdict=\"forward\"} 1080");
	free(text);
	text = scrape("", true, NULL);
	assert_null(strstr(text, "service=\"web\""));
	has(text, "sluice_services 1");
	free(text);
}

/* Reading web's counters takes so long that dns6 is gone by then. */
static int slow_service_counters(void *ctx, const struct service_conf *service,
				 struct service_counters *out)
{
	struct model_error error;
	struct model *next;

	assert_string_equal(service->name, "web");
	next = model_service_remove(fake.model, "dns6", &error);
	assert_non_null(next);
	model_free(fake.model);
	fake.model = next;
	return fake_service_counters(ctx, model_find(next, "web"), out);
}

static void test_service_goes(void **state)
{
	char *text;

	api.service_counters = slow_service_counters;
	text = scrape("", true, NULL);
	has(text, "sluice_services 1");
	assert_null(strstr(text, "dns6"));
	assert_null(strstr(text, "2001:db8::10"));
	has(text, "sluice_vip_packets_total{vip=\"198.51.100.10\",verdict=\"echo_reply\"} 4");
	free(text);
}

static void test_reading_fails(void **state)
{
	fake.read_rc = -ERANGE;
	assert_null(scrape("", true, NULL));
}

static void odd_info(void *ctx, struct daemon_info *out)
{
	*out = (struct daemon_info){.version = "a\"b\\c\nd", .build = "\xff", .started_us = 1};
}

static void test_escapes(void **state)
{
	char *text;

	api.info = odd_info;
	fake_add(&fake, "a:b.c-d_1", "192.0.2.77", 0, 17, ENCAP_IPIP, 1);
	text = scrape("", true, NULL);
	has(text, "sluice_build_info{version=\"a\\\"b\\\\c\\nd\",build=\"?\",path=\"dpdk\"} 1");
	has(text, "sluice_service_info{service=\"a:b.c-d_1\",vip=\"192.0.2.77\",port=\"all\","
		  "protocol=\"udp\",encap=\"ipip\",scheduler=\"maglev\"} 1");
	free(text);
}

/* Busy: the share of looks that brought packets; stuck: it doesn't even look. */
static void test_load(void **state)
{
	char *text;

	assert_true(worker_load_busy(load, 0) < 0);
	worker_bursts = 30;
	worker_empty = 90;
	worker_load_sample(load);
	assert_int_equal((int)(worker_load_busy(load, 0) * 1000), 250);
	assert_int_equal(worker_load_stuck(load), -1);
	text = scrape("", true, NULL);
	has(text, "sluice_worker_busy_ratio{worker=\"0\",core=\"3\"} 0.25");
	free(text);
	worker_load_sample(load);
	assert_int_equal(worker_load_stuck(load), 0);
	assert_true(worker_load_busy(load, 0) < 0);
	worker_bursts = 31;
	worker_load_sample(load);
	assert_int_equal(worker_load_stuck(load), -1);
	assert_int_equal((int)(worker_load_busy(load, 0) * 1000), 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_samples),        TEST(test_families_whole), TEST(test_without_backends),
		TEST(test_change_between), TEST(test_service_goes),   TEST(test_reading_fails),
		TEST(test_escapes),        TEST(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
