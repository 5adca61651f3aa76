/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config file's health checks: of a service, and what a backend has otherwise. What makes a
 * check right beside its service is the model's to judge (health_check_conf.c). Called by
 * config_services.c, on the control thread.
 */
#include "config_form.h"
#include "config_json.h"

#include <stdio.h>
#include <string.h>

static config_read_fn read_statuses, read_bytes, read_args, read_jitter;
static config_json_fn statuses_json, bytes_json, args_json;

#define AT(of, member)  .offset = offsetof(of, member), .size = sizeof(((of *)NULL)->member)
#define SERVICE(member) AT(struct health_conf, member)
#define BACKEND(member) AT(struct health_override, timing.member)

static const char *const off_choices[] = {[false] = "on", [true] = "off", NULL};

/* Of a service. */
const struct config_key config_health_keys[] = {
	{"type", NULL, config_read_choice, SERVICE(type), .choices = health_type_words},
	{"via", "\"node\"", config_read_choice, SERVICE(via), .choices = health_via_words},
	{"port", "0", config_read_integer, SERVICE(timing.port), .min = 0, .max = 65535},
	{"interval_ms", "2000", config_read_integer, SERVICE(timing.interval_ms), .min = 10,
	 .max = HEALTH_MS_MAX},
	{"timeout_ms", "1000", config_read_integer, SERVICE(timing.timeout_ms), .min = 1,
	 .max = HEALTH_MS_MAX},
	{"fast_interval_ms", "0", config_read_integer, SERVICE(timing.fast_interval_ms), .min = 0,
	 .max = HEALTH_MS_MAX},
	{"rise", "2", config_read_integer, SERVICE(timing.rise), .min = 1, .max = HEALTH_COUNT_MAX},
	{"fall", "3", config_read_integer, SERVICE(timing.fall), .min = 1, .max = HEALTH_COUNT_MAX},
	{"jitter_percent", "10", config_read_integer, SERVICE(timing.jitter_percent), .min = 0,
	 .max = HEALTH_JITTER_MAX},
	{"flap_count", "4", config_read_integer, SERVICE(flap_count), .min = 0, .max = 16},
	{"flap_window_s", "600", config_read_integer, SERVICE(flap_window_s), .min = 1,
	 .max = 86400},
	{"flap_hold_s", "10", config_read_integer, SERVICE(flap_hold_s), .min = 1, .max = 3600},
	{"method", "\"GET\"", config_read_choice, SERVICE(method), .choices = health_method_words},
	{"path", "\"/\"", config_read_path, SERVICE(path)},
	{"host", "\"\"", config_read_text, SERVICE(host)},
	{"status", "\"200-399\"", read_statuses, SERVICE(statuses), .json = statuses_json},
	{"body", "\"\"", config_read_text, SERVICE(body), .secret = true},
	{"verify", "true", config_read_bool, SERVICE(verify)},
	{"sni", "\"\"", config_read_text, SERVICE(sni)},
	{"send", "\"\"", read_bytes, SERVICE(send), .json = bytes_json, .secret = true},
	{"expect", "\"\"", read_bytes, SERVICE(expect), .json = bytes_json, .secret = true},
	{"program", "", config_read_filename, SERVICE(program)},
	{"args", "", read_args, .offset = 0, .list = true, .json = args_json, .secret = true},
	{.name = NULL},
};

/* Of a backend. */
const struct config_key config_health_override_keys[] = {
	{"check", "\"on\"", config_read_choice, AT(struct health_override, off),
	 .choices = off_choices},
	{"port", "", config_read_integer, BACKEND(port), .min = 1, .max = 65535},
	{"interval_ms", "", config_read_integer, BACKEND(interval_ms), .min = 10,
	 .max = HEALTH_MS_MAX},
	{"timeout_ms", "", config_read_integer, BACKEND(timeout_ms), .min = 1,
	 .max = HEALTH_MS_MAX},
	{"fast_interval_ms", "", config_read_integer, BACKEND(fast_interval_ms), .min = 10,
	 .max = HEALTH_MS_MAX},
	{"rise", "", config_read_integer, BACKEND(rise), .min = 1, .max = HEALTH_COUNT_MAX},
	{"fall", "", config_read_integer, BACKEND(fall), .min = 1, .max = HEALTH_COUNT_MAX},
	{"jitter_percent", "", read_jitter, BACKEND(jitter_percent), .min = 0,
	 .max = HEALTH_JITTER_MAX, .json = config_json_nothing},
	{.name = NULL},
};

/* Keys that mean something to some types only. */
static const struct {
	const char *key;
	unsigned int types; /* bits */
	const char *of;
} particular[] = {
#define ONLY(type)    (1U << (type))
#define HTTP_OR_HTTPS (ONLY(HEALTH_HTTP) | ONLY(HEALTH_HTTPS))
	{"method", HTTP_OR_HTTPS, "http and https"},
	{"path", HTTP_OR_HTTPS, "http and https"},
	{"host", HTTP_OR_HTTPS, "http and https"},
	{"status", HTTP_OR_HTTPS, "http and https"},
	{"body", HTTP_OR_HTTPS, "http and https"},
	{"verify", ONLY(HEALTH_HTTPS), "https"},
	{"sni", ONLY(HEALTH_HTTPS), "https"},
	{"send", ONLY(HEALTH_UDP), "udp"},
	{"expect", ONLY(HEALTH_UDP), "udp"},
	{"program", ONLY(HEALTH_EXEC), "exec"},
	{"args", ONLY(HEALTH_EXEC), "exec"},
	{"port", HTTP_OR_HTTPS | ONLY(HEALTH_TCP) | ONLY(HEALTH_UDP) | ONLY(HEALTH_EXEC),
	 "tcp, http, https, udp and exec"},
};

static void particular_check(struct config_reader *r, const config_setting_t *s, uint8_t type)
{
	for (size_t i = 0; i < sizeof(particular) / sizeof(particular[0]); i++) {
		const config_setting_t *member = config_setting_get_member(s, particular[i].key);

		if (member && !(particular[i].types & ONLY(type)))
			config_fault(r, member, NULL, "is for %s, and this check's type is %s",
				     particular[i].of, health_type_name((enum health_type)type));
	}
}

void config_read_health(struct config_reader *r, const config_setting_t *s,
			const struct config_key *key, void *out)
{
	struct health_conf *conf = out;
	uint32_t faults_before = r->report->faults_n;

	*conf = health_conf_default();
	config_read_group(r, s, key, conf);
	if (r->report->faults_n == faults_before)
		particular_check(r, s, conf->type);
	/* The rest would mean nothing, and is not to differ from a service without the group. */
	if (conf->type == HEALTH_NO_CHECK || r->report->faults_n > faults_before)
		memset(conf, 0, sizeof(*conf));
}

static void read_statuses(struct config_reader *r, const config_setting_t *s,
			  const struct config_key *key, void *out)
{
	int64_t status;
	const char *text;
	char digits[8];

	if (config_setting_type(s) == CONFIG_TYPE_INT) {
		if (!config_integer(r, s, 100, 599, &status))
			return;
		snprintf(digits, sizeof(digits), "%d", (int)status);
		health_statuses_parse(digits, out);
		return;
	}
	text = config_string(r, s);
	if (text && !health_statuses_parse(text, out))
		config_fault(r, s, NULL,
			     "\"%.64s\" is no list of at most %d HTTP statuses, such as "
			     "\"200-299,401\"",
			     text, HEALTH_STATUSES_MAX);
}

static void read_bytes(struct config_reader *r, const config_setting_t *s,
		       const struct config_key *key, void *out)
{
	const char *text = config_string(r, s);

	if (text && !health_bytes_parse(text, out))
		config_fault(r, s, NULL,
			     "expected a text, or \"hex:\" with an even number of hex digits, of "
			     "at most %d bytes",
			     HEALTH_BYTES_MAX);
}

static void read_jitter(struct config_reader *r, const config_setting_t *s,
			const struct config_key *key, void *out)
{
	struct health_timing *timing =
		(void *)((char *)out - offsetof(struct health_timing, jitter_percent));

	config_read_integer(r, s, key, out);
	timing->jitter_set = true;
}

static void read_args(struct config_reader *r, const config_setting_t *s,
		      const struct config_key *key, void *out)
{
	struct health_conf *conf = out;
	int type = config_setting_type(s);

	if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST) {
		config_fault(r, s, NULL, "expected an array of strings, not %s",
			     config_type_name(s));
		return;
	}
	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *element = config_setting_get_elem(s, (unsigned int)i);
		const char *text = config_string(r, element);
		size_t bytes = text ? strlen(text) + 1 : 0;

		if (conf->args_bytes + bytes > sizeof(conf->args)) {
			config_fault(r, element, NULL, "all arguments are longer than %zu bytes",
				     sizeof(conf->args));
			return;
		}
		if (text)
			memcpy(conf->args + conf->args_bytes, text, bytes);
		conf->args_bytes = (uint16_t)(conf->args_bytes + bytes);
	}
}

/* ---- back ---- */

static json_t *statuses_json(const struct config_key *key, const void *in)
{
	char text[8 * HEALTH_STATUSES_MAX];

	return json_string(health_statuses_format(in, text, sizeof(text)));
}

static json_t *bytes_json(const struct config_key *key, const void *in)
{
	char text[sizeof("hex:") + 2 * HEALTH_BYTES_MAX];

	return json_string(health_bytes_format(in, text));
}

static json_t *args_json(const struct config_key *key, const void *in)
{
	const struct health_conf *conf = in;
	json_t *list = conf->args_bytes > 0 ? json_array() : NULL;

	for (size_t at = 0; at < conf->args_bytes; at += strlen(conf->args + at) + 1)
		json_array_append_new(list, json_string(conf->args + at));
	return list;
}

static void particular_leave(json_t *health, unsigned int type)
{
	for (size_t i = 0; i < sizeof(particular) / sizeof(particular[0]); i++)
		if (!(particular[i].types & ONLY(type)))
			json_object_del(health, particular[i].key);
}

void config_health_retype(json_t *health, const char *type)
{
	int value = enum_parse(health_type_words, type);

	if (value >= 0)
		particular_leave(health, (unsigned int)value);
}

json_t *config_health_json(const struct config_key *key, const void *in)
{
	const struct health_conf *conf = in;
	json_t *group;

	if (conf->type == HEALTH_NO_CHECK)
		return NULL;
	group = config_json_group(config_health_keys, conf);
	particular_leave(group, conf->type);
	return group;
}

/* Only what it has of its own. */
json_t *config_override_json(const struct config_key *key, const void *in)
{
	static const struct health_override none;
	const struct health_override *own = in;
	json_t *group, *value;
	const char *name;
	void *next;

	if (memcmp(own, &none, sizeof(none)) == 0)
		return NULL;
	group = config_json_group(config_health_override_keys, own);
	json_object_foreach_safe(group, next, name, value) if (json_is_integer(value) &&
							       json_integer_value(value) == 0)
		json_object_del(group, name);
	if (own->timing.jitter_set)
		json_object_set_new(group, "jitter_percent",
				    json_integer(own->timing.jitter_percent));
	return group;
}
