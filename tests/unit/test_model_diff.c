/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tells two models apart, in words; and that a model written as a config file is the model
 * that this file is read into. The rows' files have their settings in front.
 */
#include "config_fixture.h"

#include "config_json.h"
#include "config_print.h"
#include "model_diff.h"
#include "named_rows.h"

#include <time.h>

#define SEED  "seed = \"000102030405060708090a0b0c0d0e0f\";\n"
#define PLANE "dataplane = { ports = ( { device = \"d0\"; interface = \"i0\"; } ); };\n"
#define START SEED PLANE
#define WEB \
	"{ name = \"web\"; vip = \"198.51.100.10\"; port = 80; protocol = \"tcp\"; slots = 101; "
#define DNS            "{ name = \"dns\"; vip = \"2001:db8::10\"; port = \"all\"; protocol = \"udp\"; }"
#define B1             "{ name = \"b1\"; address = \"10.0.0.11\"; }"
#define B2             "{ name = \"b2\"; address = \"10.0.0.12\"; }"
#define SERVICES(list) START "services = ( " list " );"

static struct model *load(const char *text)
{
	struct model *m;

	file_write("sluice.conf", text);
	m = config_load(config_path, config_error);
	if (!m)
		fail_msg("%s", config_error);
	return m;
}

static const struct {
	const char *name, *before, *after, *lines; /* each with its newline */
} rows[] = {
	{"the same", SERVICES(WEB "backends = ( " B1 " ); }"),
	 SERVICES(WEB "backends = ( " B1 " ); }"), ""},
	{"another order", SERVICES(WEB "backends = ( " B1 ", " B2 " ); }, " DNS),
	 SERVICES(DNS ", " WEB "backends = ( " B2 ", " B1 " ); }"), ""},
	{"a service comes", SERVICES(WEB "}"), SERVICES(WEB "}, " DNS),
	 "service dns: added ([2001:db8::10]:all/udp, 0 backends)\n"},
	{"a service goes", SERVICES(WEB "backends = ( " B1 " ); }, " DNS), SERVICES(DNS),
	 "service web: removed (198.51.100.10:80/tcp, 1 backend)\n"},
	{"the words of the manual",
	 SERVICES(WEB
		  "backends = ( { name = \"b1\"; address = \"10.0.0.11\"; weight = 100; } ); }"),
	 SERVICES(WEB "backends = ( { name = \"b1\"; address = \"10.0.0.11\"; weight = 50; }, "
		      "{ name = \"b4\"; address = \"10.0.0.14\"; } ); }"),
	 "service web: b1 weight 100 -> 50, backend b4 added (10.0.0.14, weight 100)\n"},
	{"secrets of a check: that they changed, no more",
	 SERVICES(WEB "health = { type = \"exec\"; program = \"/bin/a\"; args = [ \"--password=a\" "
		      "]; }; }"),
	 SERVICES(WEB "health = { type = \"exec\"; program = \"/bin/b\"; args = [ \"--password=b\" "
		      "]; }; }"),
	 "service web: health.program /bin/a -> /bin/b, health.args changed\n"},
	{"what a check of http looks for",
	 SERVICES(WEB "health = { type = \"http\"; body = \"a\"; }; }"),
	 SERVICES(WEB "health = { type = \"http\"; body = \"b\"; }; }"),
	 "service web: health.body changed\n"},
	{"a backend goes", SERVICES(WEB "backends = ( " B1 ", " B2 " ); }"),
	 SERVICES(WEB "backends = ( " B2 " ); }"),
	 "service web: backend b1 removed (10.0.0.11, weight 100)\n"},
	{"a backend's address and state", SERVICES(WEB "backends = ( " B1 " ); }"),
	 SERVICES(WEB "backends = ( { name = \"b1\"; address = \"2001:db8::1\"; "
		      "state = \"draining\"; drain_timeout_s = 60; } ); }"),
	 "service web: b1 address 10.0.0.11 -> 2001:db8::1, b1 state enabled -> draining, "
	 "b1 drain_timeout_s 0 -> 60\n"},
	{"every key of a service",
	 SERVICES("{ name = \"web\"; vip = \"198.51.100.10\"; port = 80; protocol = \"tcp\"; }"),
	 SERVICES("{ name = \"web\"; vip = \"2001:db8::1\"; port = \"all\"; protocol = \"udp\"; "
		  "encap = \"gue\"; slots = 103; hash = \"source\"; transition_s = 1; "
		  "slow_start_s = 2; }"),
	 "service web: vip 198.51.100.10 -> 2001:db8::1, port 80 -> all, protocol tcp -> udp, "
	 "encap ipip -> gue, slots 1021 -> 103, hash flow -> source, transition_s 300 -> 1, "
	 "slow_start_s 0 -> 2\n"},
	{"two services, a line each", SERVICES(WEB "backends = ( " B1 " ); }, " DNS),
	 SERVICES(WEB "backends = ( " B1 " ); encap = \"gue0\"; }, "
		      "{ name = \"dns\"; vip = \"2001:db8::10\"; port = 53; protocol = \"udp\"; }"),
	 "service web: encap ipip -> gue0\nservice dns: port all -> 53\n"},
	{"settings wait for a restart", START,
	 SEED "dataplane = { ports = ( { device = \"d1\"; tap = \"t0\"; interface = \"i0\"; } );\n"
	      "cores = [ 2, 3 ]; idle = \"busy\"; };\n"
	      "outer = { source_v4 = \"192.0.2.1\"; ipip_source_v6 = \"2001:db8:ff::/64\"; };\n",
	 "dataplane.ports: ( { device = \"d0\"; interface = \"i0\"; } ) -> "
	 "( { device = \"d1\"; tap = \"t0\"; interface = \"i0\"; } ): takes effect at a restart\n"
	 "dataplane.cores: [ 1 ] -> [ 2, 3 ]: takes effect at a restart\n"
	 "dataplane.idle: adaptive -> busy: takes effect at a restart\n"
	 "outer.source_v4: none -> 192.0.2.1: takes effect at a restart\n"
	 "outer.ipip_source_v6: none -> 2001:db8:ff::/64: takes effect at a restart\n"},
	{"the seed is a secret", START, "seed = \"000102030405060708090a0b0c0d0eff\";\n" PLANE,
	 "seed: changed: takes effect at a restart\n"},
};

static void differences(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct model *before = load(rows[i].before), *after = load(rows[i].after);
		struct model_diff diff;
		char said[4096] = "", *line;
		uint32_t at = 0;

		assert_int_equal(model_diff(before, after, &diff), 0);
		while ((line = model_diff_line(&diff, &at))) {
			strcat(strcat(said, line), "\n");
			free(line);
		}
		if (strcmp(said, rows[i].lines) != 0)
			fail_msg("row '%s': \"%s\", not \"%s\"", rows[i].name, said, rows[i].lines);
		row_assert(rows[i].name, model_diff_has_settings(&diff) ==
						 (strstr(rows[i].lines, "restart") != NULL));
		row_assert(rows[i].name, at == diff.n);
		model_diff_free(&diff);
		model_free(before);
		model_free(after);
	}
}

/* Written as a file and read again, nothing differs. */
static void round_trip(void **state)
{
	struct model *first = config_load(SOURCE_ROOT "/conf/sluice.conf", config_error), *again;
	json_t *tree = config_json_model(first);
	char *text = config_print(tree);
	struct model_diff diff;

	assert_non_null(text);
	again = load(text);
	assert_int_equal(model_diff(first, again, &diff), 0);
	assert_int_equal(diff.n, 0);
	assert_memory_equal(&first->settings.seed, &again->settings.seed, sizeof(struct flow_key));
	assert_int_equal(first->services_n, again->services_n);
	for (uint32_t i = 0; i < first->services_n; i++)
		assert_string_equal(first->services[i]->name, again->services[i]->name);
	model_free(first);
	model_free(again);
	json_decref(tree);
	free(text);

	/* What the example does not have. */
	for (size_t i = 0; i < COUNT(rows); i++) {
		first = load(rows[i].after);
		tree = config_json_model(first);
		text = config_print(tree);
		again = load(text);
		assert_int_equal(model_diff(first, again, &diff), 0);
		row_assert(rows[i].name, diff.n == 0);
		row_assert(rows[i].name,
			   first->settings.idle_max_us == again->settings.idle_max_us);
		model_free(first);
		model_free(again);
		json_decref(tree);
		free(text);
	}
}

/* The changes as data: what a program reads. */
static void as_data(void **state)
{
	struct model *before = load(rows[4].before), *after = load(rows[4].after);
	struct model_diff diff;

	assert_int_equal(model_diff(before, after, &diff), 0);
	assert_int_equal(diff.n, 2);
	assert_int_equal(diff.changes[0].kind, MODEL_CHANGE_BACKEND);
	assert_string_equal(diff.changes[0].service, "web");
	assert_string_equal(diff.changes[0].backend, "b1");
	assert_string_equal(diff.changes[0].key, "weight");
	assert_string_equal(diff.changes[0].before, "100");
	assert_string_equal(diff.changes[0].after, "50");
	assert_int_equal(diff.changes[1].kind, MODEL_CHANGE_BACKEND_ADDED);
	assert_string_equal(diff.changes[1].backend, "b4");
	model_diff_free(&diff);
	model_free(before);
	model_free(after);
}

/* The first of 32,000 is gone, so that no other stands where it stood: linear all the same. */
static void many_backends(void **state)
{
	enum { MANY = 32000, CPU_MS_MAX = 1000 };
	struct settings settings = {.services_max = 8, .backends_max = 2 * MANY};
	struct service_conf *spec = service_conf_new(MANY);
	struct model *none = model_new(&settings), *before, *after;
	struct timespec start, end;
	struct model_error error;
	struct model_diff diff;

	snprintf(spec->name, sizeof(spec->name), "web");
	assert_int_equal(ip_parse("198.51.100.10", &spec->vip), 0);
	spec->port = 80;
	spec->proto = 6;
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(spec->backends[i].name, MODEL_NAME_MAX, "b%u", i);
		spec->backends[i].addr = (struct ip_addr){
			.family = IP_V4, .bytes = {10, 1, (uint8_t)(i >> 8), (uint8_t)i}};
		spec->backends[i].weight = 100;
	}
	before = model_service_add(none, spec, &error);
	assert_non_null(before);
	assert_ptr_equal(service_conf_find(before->services[0], "b31999"),
			 &before->services[0]->backends[MANY - 1]);
	after = model_backend_remove(before, "web", "b0", &error);
	assert_non_null(after);
	assert_null(service_conf_find(after->services[0], "b0"));
	assert_null(service_conf_find_addr(after->services[0],
					   &before->services[0]->backends[0].addr, 0));
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	assert_int_equal(model_diff(before, after, &diff), 0);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	assert_int_equal(diff.n, 1);
	assert_int_equal(diff.changes[0].kind, MODEL_CHANGE_BACKEND_REMOVED);
	assert_string_equal(diff.changes[0].backend, "b0");
	assert_true((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000 <
		    CPU_MS_MAX);
	model_diff_free(&diff);
	model_free(none);
	model_free(before);
	model_free(after);
	service_conf_unref(spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(as_data),
		cmocka_unit_test(many_backends),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
