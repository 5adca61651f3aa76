/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config file's keys but for the services, with their defaults and bounds. Called by config.c,
 * on the control thread.
 */
#include "config_form.h"
#include "config_json.h"
#include "sluice/limit.h"

#include <stdio.h>
#include <string.h>

enum {
	CORE_MAX = 1023,
};

#define SEED_MEND "make one with: openssl rand -hex 16"

static config_read_fn read_seed, read_cores, read_ports, read_state, read_macs;
static config_json_fn seed_json, cores_json, ports_json, state_json, mtu_json, macs_json;

#define AT(member)                                      \
	.offset = offsetof(struct config_form, member), \
	.size = sizeof(((struct config_form *)NULL)->member)

static const char *const idle_names[] = {
	[CONFIG_IDLE_BUSY] = "busy", [CONFIG_IDLE_ADAPTIVE] = "adaptive", NULL};

static const struct config_key port_keys[] = {
	{"device", "", config_read_text, .offset = offsetof(struct port_conf, device),
	 .size = sizeof(((struct port_conf *)NULL)->device)},
	{"tap", "", config_read_ifname, .offset = offsetof(struct port_conf, tap)},
	{"interface", "", config_read_ifname, .offset = offsetof(struct port_conf, interface)},
	{"mtu", "", config_read_integer, .offset = offsetof(struct port_conf, mtu_bytes),
	 .size = sizeof(((struct port_conf *)NULL)->mtu_bytes), .min = 576, .max = 16000,
	 .json = mtu_json},
	{"macs", "", read_macs, .json = macs_json, .list = true},
	{.name = NULL},
};

static const struct config_key dataplane_keys[] = {
	{"mode", "\"auto\"", config_read_choice, AT(settings.mode), .choices = path_mode_words},
	{"ports", NULL, read_ports, .mend = "as in: ports = ( { interface = \"eth0\"; } );",
	 .keys = port_keys, .json = ports_json},
	{"cores", "[ 1 ]", read_cores, .offset = 0, .json = cores_json},
	{"idle", "\"adaptive\"", config_read_choice, AT(idle), .choices = idle_names},
	{"idle_max_us", "50", config_read_integer, AT(settings.idle_max_us), .min = 1,
	 .max = 10000},
	{"hugepages", "\"auto\"", config_read_choice, AT(settings.hugepages),
	 .choices = fast_path_hugepages_words},
	{"memory_mb", "512", config_read_integer, AT(settings.memory_mb), .min = 64, .max = 65536},
	{"eal_args", "\"\"", config_read_text, AT(settings.eal_args)},
	{"xdp_attach", "\"auto\"", config_read_choice, AT(settings.attach),
	 .choices = fast_path_attach_words},
	{"pin_dir", "\"/sys/fs/bpf/sluice\"", config_read_path, AT(settings.pin_dir)},
	{"memory_dir", "", config_read_path, AT(settings.memory_dir)},
	{"tables_mb", "64", config_read_integer, AT(settings.tables_mb), .min = 4, .max = 2048},
	{"services_max", "1024", config_read_integer, AT(settings.services_max), .min = 2,
	 .max = 65536},
	{"backends_max", "16384", config_read_integer, AT(settings.backends_max), .min = 2,
	 .max = 1048576},
	{"flows_max", "1048576", config_read_integer, AT(settings.flows_max), .min = 1024,
	 .max = 67108864},
	{.name = NULL},
};

/* How long a silent flow is remembered, by what was last seen of it. */
static const struct config_key flows_keys[] = {
	{"tcp_syn_s", "10", config_read_integer, AT(settings.idle_s[MEMORY_SYN]), .min = 1,
	 .max = UINT16_MAX},
	{"tcp_established_s", "3600", config_read_integer, AT(settings.idle_s[MEMORY_TCP]),
	 .min = 1, .max = UINT16_MAX},
	{"tcp_closing_s", "15", config_read_integer, AT(settings.idle_s[MEMORY_CLOSING]), .min = 1,
	 .max = UINT16_MAX},
	{"udp_s", "60", config_read_integer, AT(settings.idle_s[MEMORY_UDP]), .min = 1,
	 .max = UINT16_MAX},
	{.name = NULL},
};

static const struct config_key outer_keys[] = {
	{"gue_port", "6080", config_read_integer, AT(settings.gue_port), .min = 1, .max = 65535},
	{"ttl", "64", config_read_integer, AT(settings.outer_ttl), .min = 1, .max = 255},
	{"pmtu_s", "600", config_read_integer, AT(settings.pmtu_s), .min = 0, .max = 86400},
	{"source_v4", "", config_read_source, AT(settings.source_v4), .family = IP_V4},
	{"source_v6", "", config_read_source, AT(settings.source_v6), .family = IP_V6},
	{"ipip_source_v4", "", config_read_prefix, AT(settings.ipip_source_v4), .min = 8, .max = 32,
	 .family = IP_V4},
	{"ipip_source_v6", "", config_read_prefix, AT(settings.ipip_source_v6), .min = 32,
	 .max = 128, .family = IP_V6},
	{.name = NULL},
};

static const struct config_key icmp_keys[] = {
	{"rate_per_s", "1000", config_read_integer, AT(settings.errors_per_s), .min = 1,
	 .max = 1000000},
	{.name = NULL},
};

static const struct config_key control_keys[] = {
	{"socket", "\"/run/sluice/control.sock\"", config_read_filename, AT(settings.socket_path)},
	{"group", "\"sluice\"", config_read_text, AT(settings.socket_group)},
	{"read_socket", "", config_read_filename, AT(settings.read_socket_path)},
	{"read_group", "\"\"", config_read_text, AT(settings.read_socket_group)},
	{"state", "\"/var/lib/sluice/state.json\"", read_state, AT(settings.state_path),
	 .json = state_json},
	{.name = NULL},
};

static const struct config_key security_keys[] = {
	{"user", "\"\"", config_read_text, AT(settings.user)},
	{.name = NULL},
};

static const struct config_key health_keys[] = {
	{"exec_user", "\"nobody\"", config_read_text, AT(settings.exec_user)},
	{"rate", "20000", config_read_integer, AT(settings.health_rate), .min = 10, .max = 1000000},
	{"vip_mark", "20942", config_read_integer, AT(settings.vip_mark), .min = 256,
	 .max = INT32_MAX},
	{.name = NULL},
};

const struct config_key config_root_keys[] = {
	{"seed", NULL, read_seed, AT(settings.seed), .mend = SEED_MEND, .json = seed_json,
	 .secret = true},
	{"dataplane", NULL, config_read_group, .keys = dataplane_keys,
	 .mend = "as in: dataplane = { ports = ( { interface = \"eth0\"; } ); };"},
	{"flows", "", config_read_group, .keys = flows_keys},
	{"outer", "", config_read_group, .keys = outer_keys},
	{"icmp", "", config_read_group, .keys = icmp_keys},
	{"unserved", "\"auto\"", config_read_choice, AT(settings.unserved),
	 .choices = unserved_words},
	{"control", "", config_read_group, .keys = control_keys},
	{"security", "", config_read_group, .keys = security_keys},
	{"health", "", config_read_group, .keys = health_keys},
	{"http", "", config_read_group, .keys = config_http_keys},
	{"log", "", config_read_group, .keys = config_log_keys},
	{"services", "", config_read_services, .keys = config_service_keys,
	 .json = config_json_nothing},
	{.name = NULL},
};

void config_settings_default(struct settings *settings)
{
	*settings = (struct settings){
		.mode = PATH_AUTO,
		.cores = {1},
		.cores_n = 1,
		.idle_max_us = 50,
		.hugepages = FAST_PATH_HUGEPAGES_AUTO,
		.memory_mb = 512,
		.attach = FAST_PATH_ATTACH_AUTO,
		.pin_dir = "/sys/fs/bpf/sluice",
		.tables_mb = 64,
		.services_max = 1024,
		.backends_max = 16384,
		.flows_max = 1048576,
		.idle_s = {[MEMORY_SYN] = 10,
			   [MEMORY_TCP] = 3600,
			   [MEMORY_CLOSING] = 15,
			   [MEMORY_UDP] = 60},
		.gue_port = 6080,
		.outer_ttl = 64,
		.pmtu_s = 600,
		.errors_per_s = LIMIT_RATE_PER_S,
		.socket_path = "/run/sluice/control.sock",
		.socket_group = "sluice",
		.exec_user = "nobody",
		.health_rate = 20000,
		.vip_mark = 20942,
		.http_addrs = {{.family = IP_V4, .bytes = {127, 0, 0, 1}}},
		.http_addrs_n = 1,
		.http_port = 9107,
		.http_backend_series = SETTING_ON,
		.log_level = FAST_PATH_LOG_INFO,
		.state_path = "/var/lib/sluice/state.json",
	};
}

void config_settings_complete(struct config_form *form)
{
	struct settings *settings = &form->settings;

	if (form->idle == CONFIG_IDLE_BUSY)
		settings->idle_max_us = 0;
	/* One packet of a flow says as much of how long it may be silent as two. */
	settings->idle_s[MEMORY_TCP_ONCE] = settings->idle_s[MEMORY_TCP];
	settings->idle_s[MEMORY_UDP_ONCE] = settings->idle_s[MEMORY_UDP];
}

void config_settings_form(const struct settings *settings, struct config_form *form)
{
	struct settings defaults;

	*form = (struct config_form){.settings = *settings, .idle = CONFIG_IDLE_ADAPTIVE};
	if (settings->idle_max_us == 0) {
		config_settings_default(&defaults);
		form->idle = CONFIG_IDLE_BUSY;
		form->settings.idle_max_us = defaults.idle_max_us;
	}
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = memchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c, 16);

	return found ? (int)(found - digits) : -1;
}

/* 16 bytes, in the order in which SipHash's authors write a key. A secret: no message tells it. */
static void read_seed(struct config_reader *r, const config_setting_t *s,
		      const struct config_key *key, void *out)
{
	const char *text = config_string(r, s);
	uint8_t bytes[sizeof(struct flow_key)] = {0};

	if (!text)
		return;
	if (strlen(text) != 2 * sizeof(bytes)) {
		config_fault(r, s, NULL, "expected 32 hex digits, not %zu characters; %s",
			     strlen(text), SEED_MEND);
		return;
	}
	for (size_t i = 0; i < 2 * sizeof(bytes); i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0) {
			config_fault(r, s, NULL,
				     "expected 32 hex digits, and character %zu is none; %s", i + 1,
				     SEED_MEND);
			return;
		}
		bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | digit);
	}
	memcpy(out, bytes, sizeof(bytes));
}

static json_t *seed_json(const struct config_key *key, const void *in)
{
	const uint8_t *bytes = in;
	char text[2 * sizeof(struct flow_key) + 1];

	for (size_t i = 0; i < sizeof(struct flow_key); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

/* How many elements an array or list has; -1 with a fault if it is neither, or 0 or too many. */
static int elements(struct config_reader *r, const config_setting_t *s, const char *what, int max)
{
	int type = config_setting_type(s), n;

	if (type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_ARRAY) {
		config_fault(r, s, NULL, "expected %s, not %s", what, config_type_name(s));
		return -1;
	}
	n = config_setting_length(s);
	if (n < 1 || n > max) {
		config_fault(r, s, NULL, "%d elements; 1 to %d are possible", n, max);
		return -1;
	}
	return n;
}

static void read_cores(struct config_reader *r, const config_setting_t *s,
		       const struct config_key *key, void *out)
{
	struct settings *settings = &((struct config_form *)out)->settings;
	int n = elements(r, s, "an array of integers", FAST_PATH_WORKERS_MAX);

	if (n < 0)
		return;
	settings->cores_n = 0;
	for (int i = 0; i < n; i++) {
		const config_setting_t *element = config_setting_get_elem(s, (unsigned int)i);
		int64_t core;
		bool twice = false;

		if (!config_integer(r, element, 0, CORE_MAX, &core))
			continue;
		for (uint32_t j = 0; j < settings->cores_n; j++)
			twice |= settings->cores[j] == core;
		if (twice)
			config_fault(r, element, NULL, "core %d is there twice", (int)core);
		else
			settings->cores[settings->cores_n++] = (uint16_t)core;
	}
}

static bool mac_parse(const char *text, uint8_t mac[6])
{
	return strlen(text) == 17 && strspn(text, "0123456789abcdefABCDEF:") == 17 &&
	       sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1], &mac[2],
		      &mac[3], &mac[4], &mac[5]) == 6;
}

/* A MAC that a host may have: neither a group's nor all zeros. */
static void read_mac(struct config_reader *r, const config_setting_t *s, struct port_conf *port)
{
	static const uint8_t zeros[6];
	const char *text = config_string(r, s);
	uint8_t mac[6];

	if (!text)
		return;
	if (!mac_parse(text, mac)) {
		config_fault(r, s, NULL, "\"%s\" is no MAC address, as in \"00:00:5e:00:01:0a\"",
			     text);
		return;
	}
	if (mac[0] & 1 || memcmp(mac, zeros, sizeof(zeros)) == 0) {
		config_fault(r, s, NULL, "%s is a multicast address, or none: no host has it",
			     text);
		return;
	}
	for (uint32_t i = 0; i < port->macs_n; i++) {
		if (memcmp(port->macs[i], mac, sizeof(port->macs[i])) == 0) {
			config_fault(r, s, NULL, "%s is there twice", text);
			return;
		}
	}
	memcpy(port->macs[port->macs_n++], mac, sizeof(port->macs[0]));
}

static void read_macs(struct config_reader *r, const config_setting_t *s,
		      const struct config_key *key, void *out)
{
	int n = elements(r, s, "an array of MAC addresses", FAST_PATH_MACS_MAX);

	for (int i = 0; i < n; i++)
		read_mac(r, config_setting_get_elem(s, (unsigned int)i), out);
}

static void read_ports(struct config_reader *r, const config_setting_t *s,
		       const struct config_key *key, void *out)
{
	struct settings *settings = &((struct config_form *)out)->settings;
	int n = elements(r, s, "a list of groups ( { }, ... )", FAST_PATH_PORTS_MAX);

	settings->ports_n = n < 0 ? 0 : (uint32_t)n;
	for (int i = 0; i < n; i++) {
		struct config_key port = {.keys = key->keys};

		config_read_group(r, config_setting_get_elem(s, (unsigned int)i), &port,
				  &settings->ports[i]);
	}
}

/* A path, or "": nowhere. */
static void read_state(struct config_reader *r, const config_setting_t *s,
		       const struct config_key *key, void *out)
{
	const char *text = config_setting_get_string(s);

	if (text && !*text)
		*(char *)out = '\0';
	else
		config_read_filename(r, s, key, out);
}

static json_t *state_json(const struct config_key *key, const void *in)
{
	return json_string(in);
}

static json_t *mtu_json(const struct config_key *key, const void *in)
{
	const uint32_t *mtu_bytes = in;

	return *mtu_bytes ? json_integer(*mtu_bytes) : NULL;
}

static json_t *macs_json(const struct config_key *key, const void *in)
{
	const struct port_conf *port = in;
	json_t *list = port->macs_n > 0 ? json_array() : NULL;
	char text[18];

	for (uint32_t i = 0; i < port->macs_n; i++) {
		const uint8_t *mac = port->macs[i];

		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			 mac[2], mac[3], mac[4], mac[5]);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *cores_json(const struct config_key *key, const void *in)
{
	const struct settings *settings = &((const struct config_form *)in)->settings;
	json_t *list = json_array();

	for (uint32_t i = 0; i < settings->cores_n; i++)
		json_array_append_new(list, json_integer(settings->cores[i]));
	return list;
}

static json_t *ports_json(const struct config_key *key, const void *in)
{
	const struct settings *settings = &((const struct config_form *)in)->settings;
	json_t *list = json_array();

	for (uint32_t i = 0; i < settings->ports_n; i++)
		json_array_append_new(list, config_json_group(key->keys, &settings->ports[i]));
	return list;
}
