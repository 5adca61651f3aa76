/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's rules. Called by model.c, on the control thread, for each model that is made; what
 * a change cannot have broken is not checked again.
 */
#include "model_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maglev.h"
#include "model_index.h"
#include "sluice/wire.h"

void fault_text_clean(char *text)
{
	for (char *c = text; *c; c++) {
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	}
}

void fault_report(struct fault_sink *sink, enum model_error_kind kind, uint32_t service,
		  uint32_t backend, const char *key, const char *format, ...)
{
	struct model_place place = {.service = service, .backend = backend, .key = key};
	char text[MODEL_ERROR_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fault_text_clean(text);
	sink->faults_n++;
	sink->fn(sink->ctx, &place, kind, text);
}

static void name_check(struct fault_sink *sink, uint32_t service, uint32_t backend,
		       const char name[MODEL_NAME_MAX])
{
	if (!model_name_valid(name))
		fault_report(sink, MODEL_INVALID, service, backend, "name",
			     "\"%.*s\" is no name: 1-63 letters, digits, . _ - :", MODEL_NAME_MAX,
			     name);
}

static void address_check(struct fault_sink *sink, uint32_t service, uint32_t backend,
			  const char *key, const struct ip_addr *addr)
{
	const char *refusal = ip_refusal(addr);
	char text[IP_TEXT_MAX];

	if (refusal)
		fault_report(sink, MODEL_INVALID, service, backend, key, "%s %s",
			     ip_format(addr, text), refusal);
}

void backend_check(struct fault_sink *sink, uint32_t service, uint32_t backend,
		   const struct backend_conf *b)
{
	name_check(sink, service, backend, b->name);
	address_check(sink, service, backend, "address", &b->addr);
	if (b->weight > MODEL_WEIGHT_MAX)
		fault_report(sink, MODEL_INVALID, service, backend, "weight", "%u is not in 0-%u",
			     b->weight, MODEL_WEIGHT_MAX);
	if ((unsigned int)b->admin > BACKEND_DISABLED)
		fault_report(sink, MODEL_INVALID, service, backend, "state",
			     "%u is none of enabled, draining, disabled", (unsigned int)b->admin);
	if (b->drain_timeout_s > MODEL_DRAIN_TIMEOUT_S_MAX)
		fault_report(sink, MODEL_INVALID, service, backend, "drain_timeout_s",
			     "%u is not in 0-%u", b->drain_timeout_s, MODEL_DRAIN_TIMEOUT_S_MAX);
	else if (b->drain_timeout_s > 0 && b->admin != BACKEND_DRAINING)
		fault_report(sink, MODEL_CONFLICT, service, backend, "drain_timeout_s",
			     "is for a backend whose state is \"draining\" alone");
}

/* Both order by position where the keys are the same, so that the later one gets the blame. */
static int by_name(const void *a, const void *b)
{
	const struct backend_conf *x = *(const struct backend_conf *const *)a;
	const struct backend_conf *y = *(const struct backend_conf *const *)b;
	int order = strncmp(x->name, y->name, MODEL_NAME_MAX);

	return order ? order : (x > y) - (x < y);
}

static int by_addr(const void *a, const void *b)
{
	const struct backend_conf *x = *(const struct backend_conf *const *)a;
	const struct backend_conf *y = *(const struct backend_conf *const *)b;
	int order = ip_compare(&x->addr, &y->addr);

	return order ? order : (x > y) - (x < y);
}

/* Two backends of one service with one name or one address. */
static void backends_check_unique(struct fault_sink *sink, uint32_t service,
				  const struct service_conf *s)
{
	const struct backend_conf **sorted;
	char addr[IP_TEXT_MAX];

	if (s->backends_n < 2)
		return;
	sorted = calloc(s->backends_n, sizeof(*sorted));
	if (!sorted) {
		fault_report(sink, MODEL_FULL, service, MODEL_NOWHERE, NULL, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < s->backends_n; i++)
		sorted[i] = &s->backends[i];
	qsort(sorted, s->backends_n, sizeof(*sorted), by_name);
	for (uint32_t i = 1; i < s->backends_n; i++) {
		if (strncmp(sorted[i - 1]->name, sorted[i]->name, MODEL_NAME_MAX) == 0)
			fault_report(
				sink, MODEL_EXISTS, service, (uint32_t)(sorted[i] - s->backends),
				"name",
				"\"%.*s\" is the name of another backend of this service: give "
				"it one of its own",
				MODEL_NAME_MAX, sorted[i]->name);
	}
	qsort(sorted, s->backends_n, sizeof(*sorted), by_addr);
	for (uint32_t i = 1; i < s->backends_n; i++) {
		if (ip_equal(&sorted[i - 1]->addr, &sorted[i]->addr))
			fault_report(sink, MODEL_CONFLICT, service,
				     (uint32_t)(sorted[i] - s->backends), "address",
				     "%s is the address of backend \"%.*s\" of this service: "
				     "one is enough, its weight is its share",
				     ip_format(&sorted[i]->addr, addr), MODEL_NAME_MAX,
				     sorted[i - 1]->name);
	}
	free(sorted);
}

/* The next size that is allowed; beyond the largest, that one. */
static uint32_t prime_near(uint32_t slots)
{
	if (slots > MAGLEV_SLOTS_MAX)
		return MAGLEV_SLOTS_MAX;
	while (!maglev_slots_valid(slots))
		slots++;
	return slots;
}

static void slots_check(struct fault_sink *sink, uint32_t service, const struct service_conf *s)
{
	if (!maglev_slots_valid(s->slots))
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "slots",
			     "%u is no prime in %u-%u; the nearest above is %u", s->slots,
			     MAGLEV_SLOTS_MIN, MAGLEV_SLOTS_MAX, prime_near(s->slots));
	else if (s->slots < s->backends_n)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "slots",
			     "%u are too few for %u backends", s->slots, s->backends_n);
}

/* Whether a number is one of an enum's values, of which `words` has one each. */
static bool word_check(struct fault_sink *sink, uint32_t service, const char *key,
		       const char *const words[], int value)
{
	char all[ENUM_LIST_MAX];
	int n = 0;

	while (words[n])
		n++;
	if (value >= n)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, key, "%d is none of %s",
			     value, enum_list(words, ", ", ", ", all, sizeof(all)));
	return value < n;
}

/* How flows are spread, and how they are kept at a change. */
static void spreading_check(struct fault_sink *sink, uint32_t service, const struct service_conf *s)
{
	if (word_check(sink, service, "scheduler", scheduler_words, s->scheduler) &&
	    s->hash_source && s->scheduler != SCHEDULER_MAGLEV)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "hash",
			     "\"source\" needs the scheduler maglev; %s takes no hash",
			     scheduler_name((enum scheduler)s->scheduler));
	if (s->transition_s > MODEL_TRANSITION_S_MAX)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "transition_s",
			     "%u is not in 0-%u", s->transition_s, MODEL_TRANSITION_S_MAX);
	if (s->slow_start_s > MODEL_SLOW_START_S_MAX)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "slow_start_s",
			     "%u is not in 0-%u", s->slow_start_s, MODEL_SLOW_START_S_MAX);
}

void service_check(struct fault_sink *sink, uint32_t service, const struct service_conf *s)
{
	name_check(sink, service, MODEL_NOWHERE, s->name);
	address_check(sink, service, MODEL_NOWHERE, "vip", &s->vip);
	if (s->proto != PROTO_TCP && s->proto != PROTO_UDP)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "protocol",
			     "%u is neither tcp nor udp", s->proto);
	word_check(sink, service, "encap", encap_words, s->encap);
	spreading_check(sink, service, s);
	word_check(sink, service, "no_backend", no_backend_words, s->no_backend);
	if (s->mss != 0 && s->proto == PROTO_UDP)
		fault_report(sink, MODEL_CONFLICT, service, MODEL_NOWHERE, "mss",
			     "is TCP's; the service is udp: leave it out");
	if (s->mss != 0 && s->mss != MODEL_MSS_AUTO && s->mss < MODEL_MSS_MIN)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "mss",
			     "%u is not in %u-%u", s->mss, MODEL_MSS_MIN, UINT16_MAX);
	if (s->backends_n > BACKENDS_PER_SERVICE_MAX) {
		fault_report(sink, MODEL_FULL, service, MODEL_NOWHERE, "backends",
			     "%u are more than the %u that a service can have", s->backends_n,
			     BACKENDS_PER_SERVICE_MAX);
		return;
	}
	slots_check(sink, service, s);
	for (uint32_t i = 0; i < s->backends_n; i++)
		backend_check(sink, service, i, &s->backends[i]);
	backends_check_unique(sink, service, s);
}

void model_check_unique(struct fault_sink *sink, struct model *m)
{
	char endpoint[ENDPOINT_TEXT_MAX];

	for (uint32_t i = 0; i < m->services_n; i++) {
		uint32_t other = model_index_insert(m->index, m->services, INDEX_NAME, i);

		if (other != MODEL_NOWHERE)
			fault_report(
				sink, MODEL_EXISTS, i, MODEL_NOWHERE, "name",
				"\"%s\" is the name of another service: give it one of its own",
				m->services[i]->name);
		other = model_index_insert(m->index, m->services, INDEX_ENDPOINT, i);
		if (other != MODEL_NOWHERE)
			fault_report(sink, MODEL_EXISTS, i, MODEL_NOWHERE, "vip",
				     "%s is served by service \"%s\": add the backends there, or "
				     "give another address or port",
				     endpoint_format(m->services[i], endpoint),
				     m->services[other]->name);
		model_index_insert(m->index, m->services, INDEX_VIP, i);
	}
}

void model_check_backends(struct fault_sink *sink, const struct model *m, uint32_t position)
{
	const struct service_conf *s = m->services[position];
	char addr[IP_TEXT_MAX];

	for (uint32_t i = 0; i < s->backends_n; i++) {
		uint32_t on = model_index_vip(m->index, m->services, &s->backends[i].addr);

		if (on != MODEL_NOWHERE)
			fault_report(
				sink, MODEL_CONFLICT, position, i, "address",
				"%s is the vip of service \"%s\": give the backend's own address",
				ip_format(&s->backends[i].addr, addr), m->services[on]->name);
	}
}

void model_check_vip(struct fault_sink *sink, const struct model *m, uint32_t position)
{
	const struct ip_addr *vip = &m->services[position]->vip;
	char addr[IP_TEXT_MAX];

	/* Not the first service on this vip: checked when that one came. */
	if (model_index_vip(m->index, m->services, vip) != position)
		return;
	for (uint32_t i = 0; i < m->services_n; i++) {
		const struct service_conf *s = m->services[i];

		for (uint32_t j = 0; i != position && j < s->backends_n; j++) {
			if (!ip_equal(&s->backends[j].addr, vip))
				continue;
			fault_report(
				sink, MODEL_CONFLICT, position, MODEL_NOWHERE, "vip",
				"%s is the address of backend \"%s\" of service \"%s\": a vip is "
				"an address of its own",
				ip_format(vip, addr), s->backends[j].name, s->name);
			return;
		}
	}
}

/* Row 0 of either table of counters is nobody's. */
void model_check_limits(struct fault_sink *sink, const struct model *m)
{
	uint64_t rows = 1 + (uint64_t)m->services_n + m->index->vips_n;

	if (rows > m->settings.services_max)
		fault_report(sink, MODEL_FULL, MODEL_NOWHERE, MODEL_NOWHERE, NULL,
			     "%u services on %u vips need %llu rows of counters, with one for the "
			     "rest; dataplane.services_max is %u",
			     m->services_n, m->index->vips_n, (unsigned long long)rows,
			     m->settings.services_max);
	rows = 1 + (uint64_t)m->backends_n;
	if (rows > m->settings.backends_max)
		fault_report(sink, MODEL_FULL, MODEL_NOWHERE, MODEL_NOWHERE, NULL,
			     "%u backends need %llu rows of counters, with one for the rest; "
			     "dataplane.backends_max is %u",
			     m->backends_n, (unsigned long long)rows, m->settings.backends_max);
}
