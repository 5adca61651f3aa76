/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config file's services and their backends. Values are read here; what makes a service right,
 * and right beside the others, is the model's to judge, and its faults get their lines here.
 * Called by config.c, on the control thread.
 */
#include "config_form.h"
#include "config_json.h"

#include <stdlib.h>
#include <string.h>

#include "maglev.h"

static config_read_fn read_port, read_protocol, read_backends, read_override, read_mss;
static config_json_fn port_json, protocol_json, backends_json, own_json, mss_json;

#define AT(of, member) .offset = offsetof(of, member), .size = sizeof(((of *)NULL)->member)

const struct config_key config_backend_keys[] = {
	{"name", NULL, config_read_name, AT(struct backend_conf, name),
	 .mend = "as in: name = \"b1\";"},
	{"address", NULL, config_read_addr, AT(struct backend_conf, addr),
	 .mend = "as in: address = \"10.0.0.11\";"},
	{"weight", "100", config_read_integer, AT(struct backend_conf, weight), .min = 0,
	 .max = MODEL_WEIGHT_MAX},
	{"state", "\"enabled\"", config_read_choice, AT(struct backend_conf, admin),
	 .choices = backend_admin_words},
	{"drain_timeout_s", "0", config_read_integer, AT(struct backend_conf, drain_timeout_s),
	 .min = 0, .max = MODEL_DRAIN_TIMEOUT_S_MAX},
	{"health", "", read_override, AT(struct backend_conf, health),
	 .json = config_override_json},
	{"on_down", "\"service\"", config_read_choice, AT(struct backend_conf, on_down),
	 .choices = own_on_down_words, .json = own_json},
	{"start", "\"service\"", config_read_choice, AT(struct backend_conf, start),
	 .choices = own_start_words, .json = own_json},
	{.name = NULL},
};

const struct config_key config_service_keys[] = {
	{"name", NULL, config_read_name, AT(struct service_conf, name),
	 .mend = "as in: name = \"web\";"},
	{"vip", NULL, config_read_addr, AT(struct service_conf, vip),
	 .mend = "as in: vip = \"198.51.100.10\";"},
	{"port", NULL, read_port, AT(struct service_conf, port), .json = port_json,
	 .mend = "1 to 65535, or \"all\""},
	{"protocol", NULL, read_protocol, AT(struct service_conf, proto),
	 .mend = "\"tcp\" or \"udp\"", .json = protocol_json},
	{"encap", "\"ipip\"", config_read_choice, AT(struct service_conf, encap),
	 .choices = encap_words},
	{"slots", "0", config_read_integer, AT(struct service_conf, slots), .min = 0,
	 .max = MAGLEV_SLOTS_MAX},
	{"scheduler", "\"maglev\"", config_read_choice, AT(struct service_conf, scheduler),
	 .choices = scheduler_words},
	{"hash", "\"flow\"", config_read_choice, AT(struct service_conf, hash_source),
	 .choices = hash_of_words},
	{"transition_s", "300", config_read_integer, AT(struct service_conf, transition_s),
	 .min = 0, .max = MODEL_TRANSITION_S_MAX},
	{"slow_start_s", "0", config_read_integer, AT(struct service_conf, slow_start_s), .min = 0,
	 .max = MODEL_SLOW_START_S_MAX},
	{"health", "", config_read_health, AT(struct service_conf, health),
	 .keys = config_health_keys, .json = config_health_json},
	{"all_down", "\"all\"", config_read_choice, AT(struct service_conf, all_down),
	 .choices = all_down_words},
	{"on_down", "\"cut\"", config_read_choice, AT(struct service_conf, on_down),
	 .choices = on_down_words},
	{"start", "\"up\"", config_read_choice, AT(struct service_conf, start),
	 .choices = start_state_words},
	{"unresolved_s", "5", config_read_integer, AT(struct service_conf, unresolved_s), .min = 0,
	 .max = MODEL_UNRESOLVED_S_MAX},
	{"no_backend", "\"drop\"", config_read_choice, AT(struct service_conf, no_backend),
	 .choices = no_backend_words},
	{"mss", "\"off\"", read_mss, AT(struct service_conf, mss), .json = mss_json},
	{"backends", "", read_backends, .keys = config_backend_keys, .json = backends_json},
	{.name = NULL},
};

/* What is the service's needn't be said. */
static json_t *own_json(const struct config_key *key, const void *in)
{
	const uint8_t *own = in;

	return *own == 0 ? NULL : json_string(key->choices[*own]);
}

/* 0 is as good as "all". */
static void read_port(struct config_reader *r, const config_setting_t *s,
		      const struct config_key *key, void *out)
{
	const char *text = config_setting_get_string(s);
	int64_t port = 0;

	if (text && strcmp(text, "all") != 0) {
		config_fault(r, s, NULL, "expected an integer or \"all\", not \"%.64s\"", text);
		return;
	}
	if (!text) {
		int type = config_setting_type(s);

		if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
			config_fault(r, s, NULL, "expected an integer or \"all\", not %s",
				     config_type_name(s));
			return;
		}
		if (config_setting_get_int64(s) != 0 && !config_integer(r, s, 1, 65535, &port))
			return;
	}
	*(uint16_t *)out = (uint16_t)port;
}

static void read_protocol(struct config_reader *r, const config_setting_t *s,
			  const struct config_key *key, void *out)
{
	const char *text = config_string(r, s);
	char all[ENUM_LIST_MAX];

	if (text && proto_parse(text, out) < 0)
		config_fault(r, s, NULL, "\"%.64s\" is none of %s", text,
			     enum_list(proto_words, ", ", ", ", all, sizeof(all)));
}

/* A number, or one as a text, as it comes from a command line. */
static void read_mss(struct config_reader *r, const config_setting_t *s,
		     const struct config_key *key, void *out)
{
	const bool word = config_setting_type(s) == CONFIG_TYPE_STRING;
	const char *text = word ? config_string(r, s) : NULL;
	int64_t mss = 0;
	char *end = NULL;

	if (word && !text)
		return;
	if (text && strcmp(text, "auto") == 0)
		mss = MODEL_MSS_AUTO;
	else if (text && strcmp(text, "off") != 0) {
		mss = strtol(text, &end, 10);
		if (end == text || *end != '\0' || mss < MODEL_MSS_MIN || mss > UINT16_MAX) {
			config_fault(r, s, NULL, "\"%.64s\" is none of %d-%d, \"auto\", \"off\"",
				     text, MODEL_MSS_MIN, UINT16_MAX);
			return;
		}
	} else if (!text && !config_integer(r, s, MODEL_MSS_MIN, UINT16_MAX, &mss)) {
		return;
	}
	*(uint16_t *)out = (uint16_t)mss;
}

static json_t *mss_json(const struct config_key *key, const void *in)
{
	uint16_t mss = *(const uint16_t *)in;

	if (mss == 0 || mss == MODEL_MSS_AUTO)
		return json_string(mss ? "auto" : "off");
	return json_integer(mss);
}

static json_t *port_json(const struct config_key *key, const void *in)
{
	uint16_t port = *(const uint16_t *)in;

	return port ? json_integer(port) : json_string("all");
}

static json_t *protocol_json(const struct config_key *key, const void *in)
{
	return json_string(proto_name(*(const uint8_t *)in));
}

static json_t *backends_json(const struct config_key *key, const void *in)
{
	const struct service_conf *service = in;
	json_t *list = json_array();

	for (uint32_t i = 0; i < service->backends_n; i++)
		json_array_append_new(list, config_json_group(key->keys, &service->backends[i]));
	return list;
}

static void read_override(struct config_reader *r, const config_setting_t *s,
			  const struct config_key *key, void *out)
{
	struct config_key group = {.keys = config_health_override_keys};

	config_read_group(r, s, &group, out);
}

static bool is_list(struct config_reader *r, const config_setting_t *s)
{
	if (config_setting_type(s) == CONFIG_TYPE_LIST)
		return true;
	config_fault(r, s, NULL, "expected a list of groups ( { }, ... ), not %s",
		     config_type_name(s));
	return false;
}

/* The service has room for as many as there are: service_read(). */
static void read_backends(struct config_reader *r, const config_setting_t *s,
			  const struct config_key *key, void *out)
{
	struct service_conf *service = out;

	if (!is_list(r, s))
		return;
	for (uint32_t i = 0; i < service->backends_n; i++) {
		struct config_key element = {.keys = key->keys};

		service->backends[i].weight = MODEL_WEIGHT_DEFAULT;
		config_read_group(r, config_setting_get_elem(s, i), &element,
				  &service->backends[i]);
	}
}

struct service_conf *config_service_read(struct config_reader *r, const config_setting_t *s)
{
	const config_setting_t *backends = config_setting_get_member(s, "backends");
	struct config_key element = {.keys = config_service_keys};
	bool counted = backends && config_setting_type(backends) == CONFIG_TYPE_LIST;
	uint32_t backends_n = counted ? (uint32_t)config_setting_length(backends) : 0;
	struct service_conf *service = service_conf_new(backends_n);

	if (!service) {
		config_fault(r, s, NULL, "out of memory");
		return NULL;
	}
	service->transition_s = MODEL_TRANSITION_S_DEFAULT;
	service->unresolved_s = MODEL_UNRESOLVED_S_DEFAULT;
	config_read_group(r, s, &element, service);
	return service;
}

void config_read_services(struct config_reader *r, const config_setting_t *s,
			  const struct config_key *key, void *out)
{
	struct config_form *form = out;
	uint32_t faults_before = r->report->faults_n, n;

	if (!is_list(r, s))
		goto count;
	n = (uint32_t)config_setting_length(s);
	form->services = calloc(n + 1u, sizeof(struct service_conf *));
	form->numbers = calloc(n + 1u, sizeof(*form->numbers));
	if (!form->services || !form->numbers) {
		config_fault(r, s, NULL, "out of memory");
		goto count;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t before = r->report->faults_n;
		struct service_conf *service =
			config_service_read(r, config_setting_get_elem(s, i));

		if (r->report->faults_n > before) {
			service_conf_unref(service);
			continue;
		}
		form->numbers[form->services_n] = i;
		form->services[form->services_n++] = service;
	}
count:
	form->services_faults_n = r->report->faults_n - faults_before;
}

void config_services_keep_slots(struct config_form *form, const struct model *prior)
{
	for (uint32_t i = 0; i < form->services_n; i++) {
		struct service_conf *s = form->services[i];
		const struct service_conf *was = model_find_same(prior, s);

		if (s->slots == 0 && was && s->backends_n <= was->slots) {
			s->slots = was->slots;
			s->slots_chosen = true;
		}
	}
}

void config_services_free(struct config_form *form)
{
	for (uint32_t i = 0; i < form->services_n; i++)
		service_conf_unref(form->services[i]);
	free(form->services);
	free(form->numbers);
}

struct fault_lines {
	struct config_reader *r;
	const config_setting_t *root;
	const struct config_form *form;
};

/* Finds the line that the model complains of. */
static void fault_place(void *ctx, const struct model_place *place, enum model_error_kind kind,
			const char *text)
{
	const struct fault_lines *lines = ctx;
	const config_setting_t *s = config_setting_get_member(lines->root, "services");

	/* The model of an empty list has nothing to complain of but memory. */
	if (!s)
		s = lines->root;
	else if (place->service != MODEL_NOWHERE)
		s = config_setting_get_elem(s, lines->form->numbers[place->service]);
	if (place->backend != MODEL_NOWHERE)
		s = config_setting_get_elem(config_setting_get_member(s, "backends"),
					    place->backend);
	config_fault(lines->r, s, place->key, "%s", text);
}

struct model *config_services_build(struct config_reader *r, const config_setting_t *root,
				    const struct config_form *form)
{
	struct fault_lines lines = {.r = r, .root = root, .form = form};

	return model_build(&form->settings, form->services, form->services_n, fault_place, &lines);
}
