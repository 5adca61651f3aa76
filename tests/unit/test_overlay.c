/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run-time changes over a configuration file: what they are, what becomes of them when the file was
 * edited, and the file that keeps them. In each row the services are web and, in some, others.
 */
#include "config_fixture.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/stat.h>

#include "model_diff.h"
#include "named_rows.h"
#include "overlay.h"
#include "state_file.h"
#include "state_writer.h"

#define START                                                                                    \
	"seed = \"000102030405060708090a0b0c0d0e0f\";\n"                                         \
	"dataplane = { ports = ( { device = \"d0\"; interface = \"i0\"; } ); services_max = 8; " \
	"};\n"                                                                                   \
	"services = ( "
#define WEB \
	"{ name = \"web\"; vip = \"198.51.100.10\"; port = 80; protocol = \"tcp\"; slots = 101; "
#define DNS      "{ name = \"dns\"; vip = \"2001:db8::10\"; port = 53; protocol = \"udp\"; }"
#define B1(rest) "{ name = \"b1\"; address = \"10.0.0.11\"; " rest "}"
#define B2       "{ name = \"b2\"; address = \"10.0.0.12\"; }"
#define B4       "{ name = \"b4\"; address = \"10.0.0.14\"; }"
#define WWW \
	"{ name = \"www\"; vip = \"198.51.100.10\"; port = 80; protocol = \"tcp\"; slots = 101; "
#define HTTP(rest) "health = { type = \"http\"; " rest "}; "
/* A service that leaves its slots open: of 3 and of 11 backends they are different. */
#define OPEN       "{ name = \"web\"; vip = \"198.51.100.10\"; port = 80; protocol = \"tcp\"; "
#define BACKEND(n) "{ name = \"c" #n "\"; address = \"10.0.1." #n "\"; }"
#define ELEVEN                                                                        \
	BACKEND(1)                                                                    \
	", " BACKEND(2) ", " BACKEND(3) ", " BACKEND(4) ", " BACKEND(5) ", " BACKEND( \
		6) ", " BACKEND(7) ", " BACKEND(8) ", " BACKEND(9) ", " BACKEND(10) ", " BACKEND(11)
#define WITH(backends) WEB "backends = ( " backends " ); }"

static struct model *load(const char *services)
{
	char text[4096];
	struct model *m;

	snprintf(text, sizeof(text), START "%s );", services);
	file_write("sluice.conf", text);
	m = config_load(config_path, config_error);
	if (!m)
		fail_msg("%s", config_error);
	return m;
}

struct losses {
	unsigned int n;
	char text[4096];
};

static void take_loss(void *ctx, const char *text)
{
	struct losses *losses = ctx;

	losses->n++;
	snprintf(losses->text, sizeof(losses->text), "%s", text);
}

/* `file` became `now` at run time; the file is `edited` by the restart: `want` is in force. */
static const struct {
	const char *name, *file, *now, *edited, *want;
	const char *lost; /* within what is told of the one change that is lost; NULL: none is */
} rows[] = {
	{"nothing changed", WITH(B1("")), WITH(B1("")), WITH(B1("")), WITH(B1("")), NULL},
	{"a weight", WITH(B1("") ", " B2), WITH(B1("weight = 7; ") ", " B2), WITH(B1("") ", " B2),
	 WITH(B1("weight = 7; ") ", " B2), NULL},
	{"a weight, and the file says another of it", WITH(B1("")), WITH(B1("weight = 7; ")),
	 WITH(B1("weight = 70; ")), WITH(B1("weight = 70; ")),
	 "backend b1 weight: 7 at run time, over 100 in the file, which says 70 by now"},
	{"a weight, and the file says the same by now", WITH(B1("")), WITH(B1("weight = 7; ")),
	 WITH(B1("weight = 7; ")), WITH(B1("weight = 7; ")), NULL},
	{"a state, and the file says another weight: both hold", WITH(B1("")),
	 WITH(B1("state = \"disabled\"; ")), WITH(B1("weight = 70; ")),
	 WITH(B1("weight = 70; state = \"disabled\"; ")), NULL},
	{"a drain with its timeout", WITH(B1("")),
	 WITH(B1("state = \"draining\"; drain_timeout_s = 60; ")), WITH(B1("")),
	 WITH(B1("state = \"draining\"; drain_timeout_s = 60; ")), NULL},
	{"a drain, and the file disables: not half of it", WITH(B1("")),
	 WITH(B1("state = \"draining\"; drain_timeout_s = 60; ")),
	 WITH(B1("state = \"disabled\"; ")), WITH(B1("state = \"disabled\"; ")), ""},
	{"a backend comes", WITH(B1("")), WITH(B1("") ", " B4), WITH(B1("")), WITH(B1("") ", " B4),
	 NULL},
	{"a backend comes, and stands in the file by now", WITH(B1("")), WITH(B1("") ", " B4),
	 WITH(B1("") ", " B4), WITH(B1("") ", " B4), NULL},
	{"a backend comes, and another of its name is in the file", WITH(B1("")),
	 WITH(B1("") ", " B4), WITH(B1("") ", { name = \"b4\"; address = \"10.0.0.44\"; }"),
	 WITH(B1("") ", { name = \"b4\"; address = \"10.0.0.44\"; }"), "backend b4: added"},
	{"a backend goes", WITH(B1("") ", " B2), WITH(B1("")), WITH(B1("") ", " B2), WITH(B1("")),
	 NULL},
	{"a backend goes, and the file edits it: it is back", WITH(B1("") ", " B2), WITH(B2),
	 WITH(B1("weight = 3; ") ", " B2), WITH(B1("weight = 3; ") ", " B2), "backend b1: removed"},
	{"a backend changes, and goes from the file", WITH(B1("") ", " B2),
	 WITH(B1("weight = 7; ") ", " B2), WITH(B2), WITH(B2), "it is gone"},
	{"a service comes", WITH(B1("")), WITH(B1("")) ", " DNS, WITH(B1("")),
	 WITH(B1("")) ", " DNS, NULL},
	{"a service comes, and its name is in the file", WITH(B1("")), WITH(B1("")) ", " DNS,
	 WITH(B1("")) ", { name = \"dns\"; vip = \"192.0.2.9\"; port = 1; protocol = \"udp\"; }",
	 WITH(B1("")) ", { name = \"dns\"; vip = \"192.0.2.9\"; port = 1; protocol = \"udp\"; }",
	 "service dns: added"},
	{"a service comes, and its vip and port are in the file", WITH(B1("")),
	 WITH(B1("")) ", " DNS,
	 WITH(B1("")) ", { name = \"d2\"; vip = \"2001:db8::10\"; port = 53; protocol = \"udp\"; }",
	 WITH(B1("")) ", { name = \"d2\"; vip = \"2001:db8::10\"; port = 53; protocol = \"udp\"; }",
	 NULL},
	{"a service comes, and another with its vip and port is in the file", WITH(B1("")),
	 WITH(B1("")) ", " DNS,
	 WITH(B1("")) ", { name = \"d2\"; vip = \"2001:db8::10\"; port = 53; protocol = \"udp\"; "
		      "encap = \"gue\"; }",
	 WITH(B1("")) ", { name = \"d2\"; vip = \"2001:db8::10\"; port = 53; protocol = \"udp\"; "
		      "encap = \"gue\"; }",
	 "service d2: added"},
	{"a service goes", WITH(B1("")) ", " DNS, WITH(B1("")), WITH(B1("")) ", " DNS, WITH(B1("")),
	 NULL},
	{"a service goes, and the file edits it: it is back", WITH(B1("")) ", " DNS, DNS,
	 WITH(B1("weight = 3; ")) ", " DNS, WITH(B1("weight = 3; ")) ", " DNS,
	 "service web: removed"},
	{"a service changes, and goes from the file", WITH(B1("")) ", " DNS,
	 WITH(B1("weight = 3; ")) ", " DNS, DNS, DNS, "it is gone"},
	{"a service is called something else: its changes are its own still", WITH(B1("") ", " B2),
	 WITH(B1("weight = 7; ") ", " B2), WWW "backends = ( " B1("") ", " B2 " ); }",
	 WWW "backends = ( " B1("weight = 7; ") ", " B2 " ); }", NULL},
	{"two services change names", WITH(B1("")) ", " DNS, WITH(B1("weight = 7; ")) ", " DNS,
	 "{ name = \"dns\"; vip = \"198.51.100.10\"; port = 80; protocol = \"tcp\"; slots = 101; "
	 "backends = ( " B1(
		 "") " ); }, "
		     "{ name = \"web\"; vip = \"2001:db8::10\"; port = 53; protocol = \"udp\"; }",
	 "{ name = \"dns\"; vip = \"198.51.100.10\"; port = 80; protocol = \"tcp\"; slots = 101; "
	 "backends = ( " B1("weight = 7; ") " ); }, "
					    "{ name = \"web\"; vip = \"2001:db8::10\"; port = 53; "
					    "protocol = \"udp\"; }",
	 NULL},
	{"a service that goes is called something else: it stays away", WITH(B1("")) ", " DNS, DNS,
	 WWW "backends = ( " B1("") " ); }, " DNS, DNS, NULL},
	{"a service that is disabled gets another vip", WITH(B1("")),
	 WITH(B1("state = \"disabled\"; ")),
	 "{ name = \"web\"; vip = \"198.51.100.77\"; port = 80; protocol = \"tcp\"; slots = 101; "
	 "backends = ( " B1("") " ); }",
	 "{ name = \"web\"; vip = \"198.51.100.77\"; port = 80; protocol = \"tcp\"; slots = 101; "
	 "backends = ( " B1("state = \"disabled\"; ") " ); }",
	 NULL},
	{"a backend is called something else", WITH(B1("") ", " B2),
	 WITH(B1("state = \"disabled\"; ") ", " B2),
	 WITH("{ name = \"old\"; address = \"10.0.0.11\"; }, " B2),
	 WITH("{ name = \"old\"; address = \"10.0.0.11\"; state = \"disabled\"; }, " B2), NULL},
	{"a backend that goes is called something else", WITH(B1("") ", " B2), WITH(B1("")),
	 WITH(B1("") ", { name = \"old\"; address = \"10.0.0.12\"; }"), WITH(B1("")), NULL},
	{"a check's keys win one by one", WEB HTTP("") "}",
	 WEB HTTP("interval_ms = 5000; fall = 7; ") "}",
	 WEB HTTP("interval_ms = 3000; rise = 9; ") "}",
	 WEB HTTP("interval_ms = 3000; rise = 9; fall = 7; ") "}",
	 "service web: health.interval_ms: 5000 at run time, over 2000 in the file, which says "
	 "3000"},
	{"a check of another type", WEB HTTP("") "}", WEB "health = { type = \"tcp\"; }; }",
	 WEB HTTP("rise = 9; ") "}", WEB "health = { type = \"tcp\"; rise = 9; }; }", NULL},
	{"a check of another type, and the file has a third", WEB "health = { type = \"tcp\"; }; }",
	 WEB HTTP("path = \"/alive\"; fall = 7; ") "}",
	 WEB "health = { type = \"udp\"; send = \"x\"; }; }",
	 WEB "health = { type = \"udp\"; send = \"x\"; fall = 7; }; }", "health.type"},
	{"a check comes, and stands in the file by now", WEB "}", WEB HTTP("fall = 7; ") "}",
	 WEB HTTP("") "}", WEB HTTP("") "}", "service web: health"},
	{"a backend's own check", WEB HTTP("") "backends = ( " B1("") " ); }",
	 WEB HTTP("") "backends = ( " B1("health = { port = 8080; rise = 4; }; ") " ); }",
	 WEB HTTP("") "backends = ( " B1("health = { fall = 5; rise = 3; }; ") " ); }",
	 WEB HTTP("") "backends = ( " B1("health = { fall = 5; rise = 3; port = 8080; }; ") " ); }",
	 "backend b1 health.rise"},
	{"a backend comes that is a vip of the file by now", WITH(B1("")), WITH(B1("") ", " B4),
	 WITH(B1("")) ", { name = \"d2\"; vip = \"10.0.0.14\"; port = 53; protocol = \"udp\"; }",
	 WITH(B1("")) ", { name = \"d2\"; vip = \"10.0.0.14\"; port = 53; protocol = \"udp\"; }",
	 "not right"},
};

static void what_wins(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct model *file = load(rows[i].file), *now = load(rows[i].now);
		struct model *edited = load(rows[i].edited), *want = load(rows[i].want), *got;
		json_t *overlay = overlay_make(file, now);
		char *text = json_dumps(overlay, 0);
		struct losses losses = {0};
		struct model_diff diff;

		/* As it comes out of the state file. */
		json_decref(overlay);
		overlay = json_loads(text, 0, NULL);
		row_assert(rows[i].name, (json_array_size(overlay) == 0) == (i == 0));
		got = overlay_apply(edited, &edited->settings, overlay, take_loss, &losses,
				    config_error);
		if (!got)
			fail_msg("row '%s': %s", rows[i].name, config_error);
		assert_int_equal(model_diff(want, got, &diff), 0);
		if (diff.n != 0) {
			uint32_t at = 0;

			fail_msg("row '%s': %s", rows[i].name, model_diff_line(&diff, &at));
		}
		if (rows[i].lost ? losses.n == 0 || !strstr(losses.text, rows[i].lost)
				 : losses.n != 0)
			fail_msg("row '%s': %u lost: %s", rows[i].name, losses.n, losses.text);
		/* Over the file that it was made of it gives what was in force. */
		model_free(got);
		got = overlay_apply(file, &file->settings, overlay, take_loss, &losses,
				    config_error);
		assert_int_equal(model_diff(now, got, &diff), 0);
		row_assert(rows[i].name, diff.n == 0);
		model_free(got);
		model_free(file);
		model_free(now);
		model_free(edited);
		model_free(want);
		json_decref(overlay);
		free(text);
	}
}

/* What the file meant is compared, not how it was written down: with fewer keys, by some release. */
static void by_meaning(void **state)
{
	static const char *const without[] = {"all_down",     "flap_hold_s",  "drain_timeout_s",
					      "transition_s", "slow_start_s", "status"};
	const char *edited = WEB HTTP("") "backends = ( " B1("") ", " B2 " ); }, " DNS;
	struct model *file = load(edited);
	struct model *now = load(WEB HTTP("interval_ms = 5000; ") "backends = ( " B2 " ); }");
	json_t *overlay = overlay_make(file, now);

	for (size_t i = 0; i < COUNT(without); i++) {
		char *text = json_dumps(overlay, JSON_COMPACT), *at, key[32];
		struct losses losses = {0};
		struct model_diff diff;
		struct model *got;
		json_t *older;

		snprintf(key, sizeof(key), "\"%s\":", without[i]);
		while ((at = strstr(text, key))) {
			size_t bytes = strcspn(at + strlen(key), ",}") + strlen(key);

			/* With the comma behind it, or before it. */
			if (at[bytes] == ',')
				bytes++;
			else
				at--, bytes++;
			memmove(at, at + bytes, strlen(at + bytes) + 1);
		}
		older = json_loads(text, 0, NULL);
		row_assert(without[i], older != NULL);
		got = overlay_apply(file, &file->settings, older, take_loss, &losses, config_error);
		assert_int_equal(model_diff(now, got, &diff), 0);
		if (diff.n != 0 || losses.n != 0)
			fail_msg("without %s: %u differences, lost: %s", without[i], diff.n,
				 losses.text);
		model_free(got);
		json_decref(older);
		free(text);
	}
	json_decref(overlay);
	model_free(file);
	model_free(now);
}

/* A service keeps the slots it had before it grew by a reload; a restart chooses them again. */
static void grown(void **state)
{
	const char *small = OPEN "backends = ( " BACKEND(1) " ); }, " DNS;
	const char *large = OPEN "backends = ( " ELEVEN " ); }, " DNS;
	struct model *first = load(small), *file, *now, *after, *got;
	struct losses losses = {0};
	struct model_error error;
	json_t *overlay;

	model_free(load(large)); /* writes it */
	file = config_reload(config_path, first, config_error);
	assert_int_equal(file->services[0]->slots, first->services[0]->slots);
	after = load(large);
	assert_int_not_equal(after->services[0]->slots, file->services[0]->slots);
	now = model_service_remove(file, "web", &error);
	overlay = overlay_make(file, now);
	got = overlay_apply(after, &after->settings, overlay, take_loss, &losses, config_error);
	assert_null(model_find(got, "web"));
	assert_int_equal(losses.n, 0);
	/* Who gives a number says something. */
	model_free(after);
	model_free(got);
	after = load("{ name = \"web\"; vip = \"198.51.100.10\"; port = 80; protocol = \"tcp\"; "
		     "slots = 4001; backends = ( " ELEVEN " ); }, " DNS);
	got = overlay_apply(after, &after->settings, overlay, take_loss, &losses, config_error);
	assert_non_null(model_find(got, "web"));
	assert_int_equal(losses.n, 1);
	json_decref(overlay);
	model_free(first);
	model_free(file);
	model_free(now);
	model_free(after);
	model_free(got);
}

/* What the release before wrote, over the file that it wrote it over: all of it holds. */
static void version1(void **state)
{
	char *error = malloc(CONFIG_ERROR_MAX), reason[256], path[64], command[512];
	struct losses losses = {0};
	const struct service_conf *s;
	struct model *file, *got;
	json_t *json, *services;

	/* There, since one that can't be read is moved aside. */
	snprintf(command, sizeof(command), "cp %s/tests/unit/state/version1.* %s", SOURCE_ROOT,
		 folder);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/version1.conf", folder);
	file = config_load(path, error);
	if (!file)
		fail_msg("%s", error);
	snprintf(path, sizeof(path), "%s/version1.json", folder);
	assert_int_equal(state_file_read(path, &json, reason), 0);
	services = json_object_get(json, "services");
	assert_int_equal(json_array_size(services), 4);
	got = overlay_apply(file, &file->settings, services, take_loss, &losses, error);
	assert_non_null(got);
	if (losses.n > 0)
		fail_msg("lost: %s", losses.text);
	assert_int_equal(got->services_n, 3);
	s = model_find(got, "web");
	assert_int_equal(s->health.timing.interval_ms, 500);
	assert_int_equal(s->health.timing.timeout_ms, 400);
	assert_int_equal(s->health.timing.fall, 5);
	assert_string_equal(s->health.path, "/alive");
	assert_int_equal(s->backends_n, 2);
	assert_int_equal(service_conf_find(s, "b1")->weight, 50);
	assert_int_equal(service_conf_find(s, "b2")->admin, BACKEND_DISABLED);
	assert_null(model_find(got, "old"));
	s = model_find(got, "dns");
	assert_int_equal(s->transition_s, 60);
	assert_int_equal(service_conf_find(s, "b1")->weight, 3);
	assert_int_equal(service_conf_find(s, "b2")->admin, BACKEND_DRAINING);
	assert_int_equal(service_conf_find(s, "b2")->drain_timeout_s, 600);
	assert_int_equal(service_conf_find(s, "b9")->weight, 7);
	assert_non_null(model_find(got, "api"));
	model_free(file);
	model_free(got);
	json_decref(json);
	free(error);
}

/* Anything may stand in a state file. */
static void nonsense(void **state)
{
	static const char *const texts[] = {
		"null",
		"{}",
		"[]",
		"[1, null, []]",
		"[{\"name\": 5, \"now\": 7}]",
		"[{\"name\": \"x\", \"now\": {}}]",
		"[{\"name\": \"web\", \"keys\": 5}]",
		"[{\"name\": \"web\", \"keys\": [{\"key\": \"vip\", \"base\": \"198.51.100.10\", "
		"\"now\": {}}]}]",
		"[{\"name\": \"web\", \"keys\": [{\"key\": \"a = 1; b\", \"now\": 1}]}]",
		"[{\"name\": \"web\", \"backends\": [{\"name\": \"b9\", \"now\": {\"name\": 1}}]}]",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct model *file = load(WITH(B1("")));
		json_t *overlay = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		struct losses losses = {0};
		struct model *got;
		struct model_diff diff;

		got = overlay_apply(file, &file->settings, overlay, take_loss, &losses,
				    config_error);
		row_assert(texts[i], got != NULL);
		assert_int_equal(model_diff(file, got, &diff), 0);
		row_assert(texts[i], diff.n == 0);
		model_free(got);
		model_free(file);
		json_decref(overlay);
	}
}

/* ---- reloads ---- */

/* What is the same in the file is the very same, and keeps its slots. */
static void shares(void **state)
{
	const char *small = "{ name = \"a\"; vip = \"192.0.2.1\"; port = 1; protocol = \"tcp\"; "
			    "backends = ( " B1("") " ); }, " DNS;
	const char *large = "{ name = \"a\"; vip = \"192.0.2.1\"; port = 1; protocol = \"tcp\"; "
			    "backends = ( " B1("") ", " B2 ", " B4 " ); }, " DNS;
	struct model *first = load(small), *fresh = load(large), *again;

	assert_int_not_equal(first->services[0]->slots, fresh->services[0]->slots);
	again = config_reload(config_path, first, config_error);
	assert_int_equal(again->services[0]->slots, first->services[0]->slots);
	assert_ptr_not_equal(again->services[0], first->services[0]);
	assert_ptr_equal(again->services[1], first->services[1]);
	model_free(first);
	model_free(fresh);
	model_free(again);
}

/* ---- the file ---- */

static char state_path[sizeof(folder) + 32];

static char *file_text(const char *suffix)
{
	static char text[4096];
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", state_path, suffix);
	file = fopen(path, "r");
	memset(text, 0, sizeof(text));
	if (file) {
		assert_true(fread(text, 1, sizeof(text) - 1, file) < sizeof(text));
		fclose(file);
	}
	return text;
}

static void files(void **state)
{
	struct stat st;
	json_t *json;
	char error[256];

	snprintf(state_path, sizeof(state_path), "%s/new/state.json", folder);
	assert_int_equal(state_file_read(state_path, &json, error), -ENOENT);
	assert_int_equal(state_file_write(state_path, "{\"version\": 1, \"a\": 2}", false), 0);
	assert_int_equal(stat(state_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(state_file_read(state_path, &json, error), 0);
	assert_int_equal(json_integer_value(json_object_get(json, "a")), 2);
	json_decref(json);
	assert_int_equal(chmod(state_path, 0604), 0);
	assert_int_equal(state_file_write(state_path, "{\"version\": 3}", true), 0);
	assert_int_equal(stat(state_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_string_equal(file_text(".bak"), "{\"version\": 1, \"a\": 2}");
	/* Of another version, and none at all. */
	assert_int_equal(state_file_read(state_path, &json, error), -EINVAL);
	assert_string_equal(file_text(".bad"), "{\"version\": 3}");
	assert_int_equal(state_file_read(state_path, &json, error), -ENOENT);
	assert_int_equal(state_file_write(state_path, "{\"version\": 1,\n oops", false), 0);
	assert_int_equal(state_file_read(state_path, &json, error), -EINVAL);
	assert_non_null(strstr(error, "line 2"));
	assert_string_equal(file_text(".bad"), "{\"version\": 1,\n oops");
	assert_int_equal(state_file_remove(state_path), 0);
	/* A folder that can't be made: what was there still is. */
	assert_int_equal(state_file_write("/proc/no/such/file", "{}", false), -ENOENT);
	assert_int_equal(state_file_write(folder, "{}", false), -EINVAL);
}

struct outcome {
	int n, rc;
};

static void take_outcome(void *ctx, int rc)
{
	struct outcome *outcome = ctx;

	outcome->n++;
	outcome->rc = rc;
}

static void writer(void **state)
{
	struct event_base *base = event_base_new();
	struct outcome outcome = {0};
	struct state_writer *w;

	assert_int_equal(state_writer_new(base, state_path, take_outcome, &outcome, &w), 0);
	for (int i = 0; i < 100; i++)
		state_writer_put(w, strdup(i == 99 ? "last" : "one before"));
	event_base_loop(base, EVLOOP_ONCE);
	assert_true(outcome.n >= 1);
	assert_int_equal(outcome.rc, 0);
	assert_int_equal(state_writer_free(w), 0);
	assert_string_equal(file_text(""), "last");
	/* NULL takes the file away. */
	assert_int_equal(state_writer_new(base, state_path, take_outcome, &outcome, &w), 0);
	state_writer_put(w, NULL);
	assert_int_equal(state_writer_free(w), 0);
	assert_string_equal(file_text(""), "");
	/* A disk that says no is told, and that is all. */
	assert_int_equal(state_writer_new(base, "/proc/no/such", take_outcome, &outcome, &w), 0);
	outcome.n = 0;
	state_writer_put(w, strdup("text"));
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(outcome.n, 1);
	assert_int_not_equal(outcome.rc, 0);
	assert_int_not_equal(state_writer_free(w), 0);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_wins), cmocka_unit_test(by_meaning), cmocka_unit_test(grown),
		cmocka_unit_test(version1),  cmocka_unit_test(nonsense),   cmocka_unit_test(shares),
		cmocka_unit_test(files),     cmocka_unit_test(writer),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
