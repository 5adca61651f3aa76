/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes models of nothing and of a list of services, and frees them; model_change.c makes one of
 * another. Called by the config reader and the publisher, on the control thread.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "maglev.h"
#include "model_check.h"
#include "model_index.h"
#include "model_internal.h"

struct model *model_alloc(const struct settings *settings, uint32_t services_n)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->services = calloc(services_n ? services_n : 1, sizeof(struct service_conf *));
	if (!m->services) {
		free(m);
		return NULL;
	}
	m->settings = *settings;
	return m;
}

struct model *model_new(const struct settings *settings)
{
	struct model *m = model_alloc(settings, 0);

	if (m)
		m->index = model_index_new(0);
	if (m && !m->index) {
		model_free(m);
		return NULL;
	}
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->services_n; i++)
		service_conf_unref(m->services[i]);
	model_index_unref(m->index);
	free(m->services);
	free(m);
}

struct model *model_clone(const struct model *m)
{
	struct model *clone = model_alloc(&m->settings, m->services_n);

	if (!clone)
		return NULL;
	for (uint32_t i = 0; i < m->services_n; i++)
		model_append(clone, service_conf_ref(m->services[i]));
	model_index_ref(m->index);
	clone->index = m->index;
	return clone;
}

void model_append(struct model *m, struct service_conf *s)
{
	m->services[m->services_n++] = s;
	m->backends_n += s->backends_n;
}

struct service_conf *model_find(const struct model *m, const char *service)
{
	uint32_t position = model_index_name(m->index, m->services, service);

	return position == MODEL_NOWHERE ? NULL : m->services[position];
}

struct service_conf *model_find_same(const struct model *m, const struct service_conf *like)
{
	uint32_t position = model_index_endpoint(m->index, m->services, like);

	return position == MODEL_NOWHERE ? NULL : m->services[position];
}

struct service_conf *model_counterpart(const struct model *from, const struct service_conf *s,
				       const struct model *to)
{
	struct service_conf *same = model_find_same(to, s), *named;

	if (same)
		return same;
	named = model_find(to, s->name);
	return named && !model_find_same(from, named) ? named : NULL;
}

void model_share(struct model *m, const struct model *prior)
{
	for (uint32_t i = 0; i < m->services_n; i++) {
		struct service_conf *same = model_find_same(prior, m->services[i]);

		if (same && same != m->services[i] && service_conf_equal(same, m->services[i])) {
			service_conf_unref(m->services[i]);
			m->services[i] = service_conf_ref(same);
		}
	}
}

bool model_same(const struct model *a, const struct model *b)
{
	return a->services_n == b->services_n &&
	       memcmp(a->services, b->services, a->services_n * sizeof(struct service_conf *)) == 0;
}

void model_keep_slots(struct model *m, uint32_t (*kept)(void *ctx, const struct service_conf *s),
		      void *ctx)
{
	for (uint32_t i = 0; i < m->services_n; i++) {
		struct service_conf *s = m->services[i];
		uint32_t slots = s->slots_chosen ? kept(ctx, s) : 0;

		if (slots == 0 || slots == s->slots)
			continue;
		if (maglev_slots_valid(slots) && slots >= s->backends_n)
			s->slots = slots;
		else
			log_warning("service %s: its lookup table had %u slots, which don't do for "
				    "%u backends: %u are chosen, and all its flows are looked for",
				    s->name, slots, s->backends_n, s->slots);
	}
}

struct model *model_build(const struct settings *settings, struct service_conf *const specs[],
			  uint32_t specs_n, model_fault_fn *fault, void *ctx)
{
	struct fault_sink sink = {.fn = fault, .ctx = ctx};
	struct model *m = model_alloc(settings, specs_n);

	if (m)
		m->index = model_index_new(specs_n);
	if (!m || !m->index) {
		fault_report(&sink, MODEL_FULL, MODEL_NOWHERE, MODEL_NOWHERE, NULL,
			     "out of memory");
		goto err_free;
	}
	for (uint32_t i = 0; i < specs_n; i++) {
		service_conf_choose_slots(specs[i]);
		service_check(&sink, i, specs[i]);
		health_check(&sink, i, specs[i], settings);
		model_append(m, service_conf_ref(specs[i]));
	}
	model_check_unique(&sink, m);
	for (uint32_t i = 0; i < specs_n; i++)
		model_check_backends(&sink, m, i);
	model_check_limits(&sink, m);
	if (sink.faults_n)
		goto err_free;
	return m;

err_free:
	model_free(m);
	return NULL;
}
