/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of the config file's keys against what people read of them: docs/config.md and
 * conf/sluice.conf.
 */
#include "config_fixture.h"

#include "config_form.h"
#include "config_json.h"

#define SEED  "seed = \"000102030405060708090a0b0c0d0e0f\";\n"
#define PORT  "ports = ( { device = \"d0\"; interface = \"i0\"; } ); "
#define SMALL SEED "dataplane = { " PORT "};\n"

static char *file_text(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *file = fopen(path, "r");

	assert_non_null(text);
	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

/* Whether a line of `text` begins, behind blanks and #, with the key as a word of its own. */
static bool conf_has(const char *text, const char *key)
{
	size_t key_bytes = strlen(key);

	for (const char *p = text; (p = strstr(p, key)); p++) {
		bool begins = p == text || strchr(" \t\n#{", p[-1]);

		if (begins && strncmp(p + key_bytes + strspn(p + key_bytes, " "), "=", 1) == 0)
			return true;
	}
	return false;
}

/* The section of docs/config.md with a group's table, up to the next heading. */
static char *docs_section(const char *docs, const char *heading)
{
	char line[64];
	const char *start, *end;

	snprintf(line, sizeof(line), "\n%s\n", heading);
	start = strstr(docs, line);
	if (!start)
		fail_msg("docs/config.md has no heading \"%s\"", heading);
	end = strstr(start + strlen(line), "\n#");
	return end ? strndup(start, (size_t)(end - start)) : strdup(start);
}

/* Each key has a row, which names its default, or "required", and its bounds. */
static void keys_documented(const struct config_key *keys, const char *heading, const char *docs,
			    const char *conf)
{
	char *section = docs_section(docs, heading);
	size_t rows = 0;

	for (const struct config_key *key = keys; key->name; key++, rows++) {
		char start[64], want[64], *row;

		print_message("# row: %s: %s\n", heading, key->name);
		assert_true(conf_has(conf, key->name));
		snprintf(start, sizeof(start), "\n| `%s` |", key->name);
		row = strstr(section, start);
		assert_non_null(row);
		row = strndup(row + 1, strcspn(row + 1, "\n"));
		snprintf(want, sizeof(want), "%s%s%s", key->fallback ? "`" : " | required",
			 key->fallback ? key->fallback : "", key->fallback ? "`" : " |");
		if (!key->fallback || *key->fallback)
			assert_non_null(strstr(row, want));
		if (key->read == config_read_integer && key->max != 4194301) {
			snprintf(want, sizeof(want), "| %lld-%lld |", (long long)key->min,
				 (long long)key->max);
			assert_non_null(strstr(row, want));
		}
		for (size_t i = 0; key->choices && key->choices[i]; i++) {
			snprintf(want, sizeof(want), "`\"%s\"`", key->choices[i]);
			assert_non_null(strstr(row, want));
		}
		free(row);
	}
	/* And nothing but them has one. */
	for (const char *p = section; (p = strstr(p, "\n| `")); p++)
		rows--;
	assert_int_equal(rows, 0);
	free(section);
}

static const struct config_key *keys_of(const struct config_key *keys, const char *name)
{
	for (; keys->name; keys++) {
		if (strcmp(keys->name, name) == 0 && keys->keys)
			return keys->keys;
	}
	fail_msg("no group %s", name);
	return NULL;
}

static void test_keys_documented(void **state)
{
	char *docs = file_text(SOURCE_ROOT "/docs/config.md");
	char *conf = file_text(SOURCE_ROOT "/conf/sluice.conf");
	const struct config_key *root = config_root_keys;

	keys_documented(root, "## The file", docs, conf);
	keys_documented(keys_of(root, "dataplane"), "## dataplane", docs, conf);
	keys_documented(keys_of(keys_of(root, "dataplane"), "ports"), "### dataplane.ports", docs,
			conf);
	keys_documented(keys_of(root, "flows"), "## flows", docs, conf);
	keys_documented(keys_of(root, "outer"), "## outer", docs, conf);
	keys_documented(keys_of(root, "icmp"), "## icmp", docs, conf);
	keys_documented(keys_of(root, "control"), "## control", docs, conf);
	keys_documented(keys_of(root, "security"), "## security", docs, conf);
	keys_documented(keys_of(root, "health"), "## health", docs, conf);
	keys_documented(keys_of(root, "http"), "## http", docs, conf);
	keys_documented(keys_of(root, "log"), "## log", docs, conf);
	keys_documented(keys_of(root, "services"), "## services", docs, conf);
	keys_documented(config_health_keys, "### services.health", docs, conf);
	keys_documented(config_health_override_keys, "### services.backends.health", docs, conf);
	keys_documented(keys_of(keys_of(root, "services"), "backends"), "### services.backends",
			docs, conf);
	free(docs);
	free(conf);
}

/* What the tables say is the default, spelt out, makes the same settings as nothing given. */
static void test_fallbacks_are_defaults(void **state)
{
	static const char *const groups[] = {"dataplane", "flows",    "outer", "icmp",
					     "control",   "security", "health"};
	char text[4096] = SEED;
	struct model *spelt, *plain;

	for (size_t i = 0; i < COUNT(groups); i++) {
		const struct config_key *key = keys_of(config_root_keys, groups[i]);

		sprintf(text + strlen(text), "%s = { %s", groups[i], i == 0 ? PORT : "");
		for (; key->name; key++) {
			if (key->fallback && *key->fallback)
				sprintf(text + strlen(text), "%s = %s;\n", key->name,
					key->fallback);
		}
		strcat(text, "};\n");
	}
	spelt = config_accepted(text);
	plain = config_accepted(SMALL);
	assert_memory_equal(&spelt->settings, &plain->settings, sizeof(struct settings));
	model_free(spelt);
	model_free(plain);
}

/* The same for a service. */
static void test_service_fallbacks(void **state)
{
	static const char must[] = SMALL "services = ( { name = \"a\"; vip = \"198.51.100.10\"; "
					 "port = 80; protocol = \"tcp\";\n";
	char text[4096] = "";
	struct model *spelt, *plain;

	strcpy(text, must);
	for (const struct config_key *key = config_service_keys; key->name; key++) {
		if (key->fallback && *key->fallback)
			sprintf(text + strlen(text), "%s = %s;\n", key->name, key->fallback);
	}
	strcat(text, "} );\n");
	spelt = config_accepted(text);
	strcpy(text, must);
	strcat(text, "} );\n");
	plain = config_accepted(text);
	assert_memory_equal(spelt->services[0], plain->services[0], sizeof(struct service_conf));
	model_free(spelt);
	model_free(plain);
}

/* Whether a key's value is text; lists and groups, which have texts in them, apart. */
static bool takes_text(const struct config_key *key)
{
	return !config_key_is_integer(key) && key->read != config_read_bool &&
	       key->read != config_read_group && !key->keys && strcmp(key->name, "cores") != 0 &&
	       strcmp(key->name, "health") != 0 &&
	       strcmp(key->name, "port") != 0; /* "all", and nothing else */
}

static int lines_in(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Latin-1 in each key of a group, on a line of its own between `before` and `after`. */
static size_t latin1_refused(const struct config_key *keys, const char *place, const char *before,
			     const char *after)
{
	size_t rows = 0;

	for (const struct config_key *key = keys; key->name; key++) {
		const bool list = key->list || strcmp(key->name, "listen") == 0;
		char text[2048], want[256];

		if (!takes_text(key))
			continue;
		rows++;
		print_message("# row: %s.%s\n", place, key->name);
		snprintf(text, sizeof(text), "%s\n%s = %s\"/gr\xfc\xdf\"%s;%s", before, key->name,
			 list ? "[ " : "", list ? " ]" : "", after);
		snprintf(want, sizeof(want),
			 ":%d: %s%s%s%s: no UTF-8: byte 0xfc, 3 bytes into it; save it as UTF-8",
			 lines_in(before) + 2, place, *place ? "." : "", key->name,
			 list ? "[0]" : "");
		file_write("sluice.conf", text);
		assert_null(config_load(config_path, config_error));
		if (!strstr(config_error, want))
			fail_msg("%s\nis not in:\n%s", want, config_error);
	}
	return rows;
}

/* What would vanish from the state file, or make a result that can't be sent. */
static void test_latin1_refused(void **state)
{
	static const char *const groups[] = {"dataplane", "outer", "control", "security",
					     "health",    "http",  "log"};
#define SERVICES     SEED "dataplane = { " PORT "};\nservices = ( {\n"
#define SERVICE_TEXT "name = \"a\"; vip = \"198.51.100.10\"; port = 80; protocol = \"tcp\"; "
	size_t rows = 0;
	char before[512];

	rows += latin1_refused(config_root_keys, "", "\n\n\n", "");
	for (size_t i = 0; i < COUNT(groups); i++) {
		snprintf(before, sizeof(before), SEED "\n\n%s = { ", groups[i]);
		rows += latin1_refused(keys_of(config_root_keys, groups[i]), groups[i], before,
				       " };\n");
	}
	rows += latin1_refused(keys_of(keys_of(config_root_keys, "dataplane"), "ports"),
			       "dataplane.ports[0]", SEED "\n\ndataplane = { ports = ( { ",
			       " } ); };\n");
	rows += latin1_refused(config_service_keys, "services[0]", SERVICES, "} );\n");
	rows += latin1_refused(config_backend_keys, "services[0].backends[0]",
			       SERVICES SERVICE_TEXT "backends = ( {", "} ); } );\n");
	rows += latin1_refused(config_health_keys, "services[0].health",
			       SERVICES SERVICE_TEXT "health = {", "}; } );\n");
	rows += latin1_refused(config_health_override_keys, "services[0].backends[0].health",
			       SERVICES SERVICE_TEXT "backends = ( { health = {", "}; } ); } );\n");
	assert_in_range(rows, 44, 200);
}

/* Text that is UTF-8 goes all the way: into the model, and back as JSON. */
static void test_utf8_kept(void **state)
{
	static const char text[] =
		SMALL "services = ( { " SERVICE_TEXT
		      "health = { type = \"http\"; body = \"gr\xc3\xbc\xc3\x9f \xe2\x82\xac "
		      "\xf0\x9f\x98\x80\"; }; } );\n";
	struct model *m = config_accepted(text);
	json_t *service = config_json_service(m->services[0]);

	assert_string_equal(
		json_string_value(json_object_get(json_object_get(service, "health"), "body")),
		"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
	json_decref(service);
	model_free(m);
}

static void test_example(void **state)
{
	struct model *m = config_load(SOURCE_ROOT "/conf/sluice.conf", config_error);

	if (!m)
		fail_msg("%s", config_error);
	assert_int_equal(m->services_n, 2);
	assert_int_equal(m->backends_n, 6);
	assert_true(model_find(m, "web6")->hash_source);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_documented),
		cmocka_unit_test(test_fallbacks_are_defaults),
		cmocka_unit_test(test_service_fallbacks),
		cmocka_unit_test(test_latin1_refused),
		cmocka_unit_test(test_utf8_kept),
		cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
