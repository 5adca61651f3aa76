/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config file's keys about what is shown by HTTP, and the log. Called by config_settings.c's
 * tables, on the control thread.
 */
#include "config_form.h"
#include "config_json.h"

#include <string.h>

static config_read_fn read_listen, read_hosts;
static config_json_fn listen_json, hosts_json;

#define AT(member)                                      \
	.offset = offsetof(struct config_form, member), \
	.size = sizeof(((struct config_form *)NULL)->member)

const struct config_key config_http_keys[] = {
	{"listen", "[ \"127.0.0.1\" ]", read_listen, .offset = 0, .json = listen_json},
	{"port", "9107", config_read_integer, AT(settings.http_port), .min = 1, .max = 65535},
	{"backend_series", "\"on\"", config_read_choice, AT(settings.http_backend_series),
	 .choices = setting_switch_words},
	{"hosts", "[ ]", read_hosts, .offset = 0, .list = true, .json = hosts_json},
	{.name = NULL},
};

const struct config_key config_log_keys[] = {
	{"to", "\"auto\"", config_read_choice, AT(settings.log_target),
	 .choices = log_target_words},
	{"level", "\"info\"", config_read_choice, AT(settings.log_level),
	 .choices = log_level_words},
	{.name = NULL},
};

/* Addresses to listen at: 0.0.0.0 and :: and loopback are as good as others. */
static void read_listen(struct config_reader *r, const config_setting_t *s,
			const struct config_key *key, void *out)
{
	struct settings *settings = &((struct config_form *)out)->settings;
	static const struct config_key element = {.name = NULL};
	int type = config_setting_type(s), n = config_setting_length(s);

	if (type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_ARRAY) {
		config_fault(r, s, NULL,
			     "expected an array of addresses, not %s; [ ] serves nothing",
			     config_type_name(s));
		return;
	}
	if (n > SETTINGS_HTTP_ADDRS_MAX) {
		config_fault(r, s, NULL, "%d addresses; at most %d are possible", n,
			     SETTINGS_HTTP_ADDRS_MAX);
		return;
	}
	settings->http_addrs_n = 0;
	for (int i = 0; i < n; i++) {
		const config_setting_t *at = config_setting_get_elem(s, (unsigned int)i);
		struct ip_addr addr = {.family = IP_NONE};
		bool twice = false;

		config_read_addr(r, at, &element, &addr);
		for (uint32_t j = 0; j < settings->http_addrs_n; j++)
			twice |= ip_equal(&settings->http_addrs[j], &addr);
		if (twice)
			config_fault(r, at, NULL, "it is there twice");
		else if (addr.family != IP_NONE)
			settings->http_addrs[settings->http_addrs_n++] = addr;
	}
}

static json_t *listen_json(const struct config_key *key, const void *in)
{
	const struct settings *settings = &((const struct config_form *)in)->settings;
	json_t *list = json_array();
	char text[IP_TEXT_MAX];

	for (uint32_t i = 0; i < settings->http_addrs_n; i++)
		json_array_append_new(list, json_string(ip_format(&settings->http_addrs[i], text)));
	return list;
}

/* As they may stand in Host, without a port. */
static bool is_host_name(const char *name)
{
	size_t letters =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return strcmp(name, "*") == 0 ||
	       (letters > 0 && !name[letters] && name[letters - 1] != '.');
}

static void read_hosts(struct config_reader *r, const config_setting_t *s,
		       const struct config_key *key, void *out)
{
	struct settings *settings = &((struct config_form *)out)->settings;
	int type = config_setting_type(s), n = config_setting_length(s);

	if (type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_ARRAY) {
		config_fault(r, s, NULL, "expected an array of names, not %s", config_type_name(s));
		return;
	}
	if (n > SETTINGS_HTTP_HOSTS_MAX) {
		config_fault(r, s, NULL, "%d names; at most %d are possible", n,
			     SETTINGS_HTTP_HOSTS_MAX);
		return;
	}
	for (int i = 0; i < n; i++) {
		const config_setting_t *at = config_setting_get_elem(s, (unsigned int)i);
		const char *name = config_string(r, at);

		if (!name)
			continue;
		if (!is_host_name(name) || strlen(name) >= sizeof(settings->http_hosts[0]))
			config_fault(r, at, NULL,
				     "\"%s\" is no host name: up to %zu letters, digits, - _ and "
				     "., without a "
				     "port; or \"*\", which is any",
				     name, sizeof(settings->http_hosts[0]) - 1);
		else
			strcpy(settings->http_hosts[settings->http_hosts_n++], name);
	}
}

static json_t *hosts_json(const struct config_key *key, const void *in)
{
	const struct settings *settings = &((const struct config_form *)in)->settings;
	json_t *list = settings->http_hosts_n > 0 ? json_array() : NULL;

	for (uint32_t i = 0; i < settings->http_hosts_n; i++)
		json_array_append_new(list, json_string(settings->http_hosts[i]));
	return list;
}
