/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a model of another with one change. Of several faults the first is told. Called by the
 * control server's methods, on the control thread.
 */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model_check.h"
#include "model_index.h"
#include "model_internal.h"

struct first_fault {
	struct model_error *error;
	bool told;
};

static void first_fault_take(void *ctx, const struct model_place *place, enum model_error_kind kind,
			     const char *text)
{
	struct first_fault *first = ctx;
	char *out = first->error->text;
	int used = 0;

	if (first->told)
		return;
	first->told = true;
	first->error->kind = kind;
	if (place->backend != MODEL_NOWHERE)
		used += snprintf(out, MODEL_ERROR_MAX, "backends[%u]%s", place->backend,
				 place->key ? "." : ": ");
	if (place->key)
		used += snprintf(out + used, MODEL_ERROR_MAX - (size_t)used, "%s: ", place->key);
	snprintf(out + used, MODEL_ERROR_MAX - (size_t)used, "%s", text);
}

__attribute__((format(printf, 3, 4))) static struct model *refused(struct model_error *error,
								   enum model_error_kind kind,
								   const char *format, ...)
{
	va_list args;

	error->kind = kind;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	fault_text_clean(error->text);
	return NULL;
}

static struct model *refused_no_memory(struct model_error *error)
{
	return refused(error, MODEL_FULL, "out of memory");
}

/* Position of a service, or MODEL_NOWHERE with the error set. */
static uint32_t service_position(const struct model *m, const char *service,
				 struct model_error *error)
{
	uint32_t position = model_index_name(m->index, m->services, service);

	if (position == MODEL_NOWHERE)
		refused(error, MODEL_NOT_FOUND, "there is no service \"%.*s\"", MODEL_NAME_MAX,
			service);
	return position;
}

/* Position of a backend within its service, or MODEL_NOWHERE with the error set. */
static uint32_t backend_position(const struct service_conf *s, const char *backend,
				 struct model_error *error)
{
	const struct backend_conf *b = service_conf_find(s, backend);

	if (b)
		return (uint32_t)(b - s->backends);
	refused(error, MODEL_NOT_FOUND, "service \"%s\" has no backend \"%.*s\"", s->name,
		MODEL_NAME_MAX, backend);
	return MODEL_NOWHERE;
}

/*
 * `m` with `s`, whose reference it takes over in any case, in the place of services[position].
 * Name and vip are the same, so the index is.
 */
static struct model *model_replace(const struct model *m, uint32_t position, struct service_conf *s,
				   struct model_error *error)
{
	struct model *next = model_alloc(&m->settings, m->services_n);

	if (!next) {
		service_conf_unref(s);
		return refused_no_memory(error);
	}
	for (uint32_t i = 0; i < m->services_n; i++)
		model_append(next, i == position ? s : service_conf_ref(m->services[i]));
	next->index = m->index;
	model_index_ref(next->index);
	return next;
}

struct model *model_service_add(const struct model *m, const struct service_conf *spec,
				struct model_error *error)
{
	struct first_fault first = {.error = error};
	struct fault_sink sink = {.fn = first_fault_take, .ctx = &first};
	struct model *next = model_alloc(&m->settings, m->services_n + 1);
	struct service_conf *s = service_conf_copy(spec, spec->backends_n);
	uint32_t position = m->services_n;

	if (next)
		next->index = model_index_new(m->services_n + 1);
	if (!next || !next->index || !s) {
		service_conf_unref(s);
		refused_no_memory(error);
		goto err_free;
	}
	service_conf_choose_slots(s);
	for (uint32_t i = 0; i < m->services_n; i++)
		model_append(next, service_conf_ref(m->services[i]));
	model_append(next, s);
	service_check(&sink, position, s);
	health_check(&sink, position, s, &m->settings);
	/* What is not unique can be the last one only: the others were. */
	if (sink.faults_n == 0)
		model_check_unique(&sink, next);
	if (sink.faults_n == 0) {
		model_check_backends(&sink, next, position);
		model_check_vip(&sink, next, position);
		model_check_limits(&sink, next);
	}
	if (sink.faults_n)
		goto err_free;
	return next;

err_free:
	model_free(next);
	return NULL;
}

struct model *model_service_set(const struct model *m, const struct service_conf *spec,
				struct model_error *error)
{
	struct first_fault first = {.error = error};
	struct fault_sink sink = {.fn = first_fault_take, .ctx = &first};
	uint32_t position = service_position(m, spec->name, error);
	struct service_conf *s;

	if (position == MODEL_NOWHERE)
		return NULL;
	s = service_conf_with(spec, m->services[position]);
	if (!s)
		return refused_no_memory(error);
	service_check(&sink, position, s);
	health_check(&sink, position, s, &m->settings);
	if (sink.faults_n == 0 && service_conf_equal(s, m->services[position])) {
		service_conf_unref(s);
		s = service_conf_ref(m->services[position]);
	}
	if (sink.faults_n == 0)
		return model_replace(m, position, s, error);
	service_conf_unref(s);
	return NULL;
}

struct model *model_service_remove(const struct model *m, const char *service,
				   struct model_error *error)
{
	struct first_fault first = {.error = error};
	struct fault_sink sink = {.fn = first_fault_take, .ctx = &first};
	uint32_t position = service_position(m, service, error);
	struct model *next;

	if (position == MODEL_NOWHERE)
		return NULL;
	next = model_alloc(&m->settings, m->services_n - 1);
	if (next)
		next->index = model_index_new(m->services_n - 1);
	if (!next || !next->index) {
		model_free(next);
		return refused_no_memory(error);
	}
	for (uint32_t i = 0; i < m->services_n; i++) {
		if (i != position)
			model_append(next, service_conf_ref(m->services[i]));
	}
	model_check_unique(&sink, next);
	return next;
}

struct model *model_backend_add(const struct model *m, const char *service,
				const struct backend_conf *spec, struct model_error *error)
{
	struct first_fault first = {.error = error};
	struct fault_sink sink = {.fn = first_fault_take, .ctx = &first};
	uint32_t position = service_position(m, service, error), on;
	const struct service_conf *old;
	const struct backend_conf *twin;
	struct service_conf *s;
	char addr[IP_TEXT_MAX];

	if (position == MODEL_NOWHERE)
		return NULL;
	backend_check(&sink, position, MODEL_NOWHERE, spec);
	if (sink.faults_n)
		return NULL;
	old = m->services[position];
	ip_format(&spec->addr, addr);
	if (service_conf_find(old, spec->name))
		return refused(error, MODEL_EXISTS,
			       "name: service \"%s\" has a backend \"%s\" already: give another "
			       "name, or change that one",
			       old->name, spec->name);
	twin = service_conf_find_addr(old, &spec->addr, old->backends_n);
	if (twin)
		return refused(error, MODEL_CONFLICT,
			       "address: %s is the address of backend \"%s\" of this service: one "
			       "is enough, its weight is its share",
			       addr, twin->name);
	on = model_index_vip(m->index, m->services, &spec->addr);
	if (on != MODEL_NOWHERE)
		return refused(
			error, MODEL_CONFLICT,
			"address: %s is the vip of service \"%s\": give the backend's own address",
			addr, m->services[on]->name);
	if (old->backends_n >= BACKENDS_PER_SERVICE_MAX || old->backends_n >= old->slots)
		return refused(error, MODEL_FULL,
			       "service \"%s\" has %u backends on %u slots, and can have no more",
			       old->name, old->backends_n, old->slots);
	if ((uint64_t)m->backends_n + 2 > m->settings.backends_max)
		return refused(error, MODEL_FULL,
			       "there are %u backends; dataplane.backends_max is %u, and one row "
			       "of counters is taken",
			       m->backends_n, m->settings.backends_max);
	s = service_conf_copy(old, old->backends_n + 1);
	if (!s)
		return refused_no_memory(error);
	s->backends[old->backends_n] = *spec;
	health_check(&sink, position, s, &m->settings);
	if (sink.faults_n == 0)
		return model_replace(m, position, s, error);
	service_conf_unref(s);
	return NULL;
}

/* Finds both; false with the error set. */
static bool backend_place(const struct model *m, const char *service, const char *backend,
			  uint32_t *position, uint32_t *index, struct model_error *error)
{
	*position = service_position(m, service, error);
	if (*position == MODEL_NOWHERE)
		return false;
	*index = backend_position(m->services[*position], backend, error);
	return *index != MODEL_NOWHERE;
}

struct model *model_backend_remove(const struct model *m, const char *service, const char *backend,
				   struct model_error *error)
{
	const struct service_conf *old;
	uint32_t position, index;
	struct service_conf *s;

	if (!backend_place(m, service, backend, &position, &index, error))
		return NULL;
	old = m->services[position];
	s = service_conf_copy(old, old->backends_n - 1);
	if (!s)
		return refused_no_memory(error);
	memcpy(&s->backends[index], &old->backends[index + 1],
	       (old->backends_n - 1 - index) * sizeof(struct backend_conf));
	return model_replace(m, position, s, error);
}

/* `m` with `b` for one backend; name and address are the same. */
static struct model *backend_replace(const struct model *m, uint32_t position, uint32_t index,
				     const struct backend_conf *b, struct model_error *error)
{
	struct service_conf *s = m->services[position];

	if (memcmp(&s->backends[index], b, sizeof(*b)) == 0)
		return model_replace(m, position, service_conf_ref(s), error);
	s = service_conf_copy(s, s->backends_n);
	if (!s)
		return refused_no_memory(error);
	s->backends[index] = *b;
	return model_replace(m, position, s, error);
}

struct model *model_backend_set(const struct model *m, const char *service,
				const struct backend_conf *spec, struct model_error *error)
{
	struct first_fault first = {.error = error};
	struct fault_sink sink = {.fn = first_fault_take, .ctx = &first};
	uint32_t position, index;
	struct model *next;

	if (!backend_place(m, service, spec->name, &position, &index, error))
		return NULL;
	next = backend_replace(m, position, index, spec, error);
	if (!next)
		return NULL;
	backend_check(&sink, position, MODEL_NOWHERE, spec);
	health_check(&sink, position, next->services[position], &m->settings);
	if (sink.faults_n == 0)
		return next;
	model_free(next);
	return NULL;
}

struct model *model_backend_weight(const struct model *m, const char *service, const char *backend,
				   uint32_t weight, struct model_error *error)
{
	struct backend_conf b;
	uint32_t position, index;

	if (weight > MODEL_WEIGHT_MAX)
		return refused(error, MODEL_INVALID, "weight: %u is not in 0-%u", weight,
			       MODEL_WEIGHT_MAX);
	if (!backend_place(m, service, backend, &position, &index, error))
		return NULL;
	b = m->services[position]->backends[index];
	b.weight = weight;
	return backend_replace(m, position, index, &b, error);
}

struct model *model_backend_admin(const struct model *m, const char *service, const char *backend,
				  enum backend_admin admin, struct model_error *error)
{
	uint32_t position, index;
	struct backend_conf b;

	if ((unsigned int)admin > BACKEND_DISABLED)
		return refused(error, MODEL_INVALID,
			       "state: %u is none of enabled, draining, disabled",
			       (unsigned int)admin);
	if (!backend_place(m, service, backend, &position, &index, error))
		return NULL;
	b = m->services[position]->backends[index];
	b.admin = admin;
	b.drain_timeout_s = 0;
	return backend_replace(m, position, index, &b, error);
}

struct model *model_backend_drain(const struct model *m, const char *service, const char *backend,
				  uint32_t timeout_s, struct model_error *error)
{
	uint32_t position, index;
	struct backend_conf b;

	if (timeout_s > MODEL_DRAIN_TIMEOUT_S_MAX)
		return refused(error, MODEL_INVALID, "timeout_s: %u is not in 0-%u", timeout_s,
			       MODEL_DRAIN_TIMEOUT_S_MAX);
	if (!backend_place(m, service, backend, &position, &index, error))
		return NULL;
	b = m->services[position]->backends[index];
	b.admin = BACKEND_DRAINING;
	b.drain_timeout_s = timeout_s;
	return backend_replace(m, position, index, &b, error);
}

/* ---- a host ---- */

static bool host_backend_change(struct backend_conf *b, enum host_change change, uint32_t timeout_s)
{
	const struct backend_conf was = *b;

	if ((change == HOST_DRAIN && b->admin == BACKEND_DISABLED) ||
	    (change == HOST_UNDRAIN && b->admin != BACKEND_DRAINING))
		return false;
	b->drain_timeout_s = change == HOST_DRAIN ? timeout_s : 0;
	b->admin = change == HOST_DRAIN     ? BACKEND_DRAINING
		   : change == HOST_DISABLE ? BACKEND_DISABLED
					    : BACKEND_ENABLED;
	return memcmp(&was, b, sizeof(was)) != 0;
}

/* A new reference, to `s` itself where nothing changes; NULL: no memory. *found: it has the host. */
static struct service_conf *host_service_change(struct service_conf *s, const struct ip_addr *addr,
						enum host_change change, uint32_t timeout_s,
						bool *found)
{
	const struct backend_conf *b = service_conf_find_addr(s, addr, 0);
	struct backend_conf changed;
	struct service_conf *copy;

	if (!b)
		return service_conf_ref(s);
	*found = true;
	changed = *b;
	if (!host_backend_change(&changed, change, timeout_s))
		return service_conf_ref(s);
	copy = service_conf_copy(s, s->backends_n);
	if (copy)
		copy->backends[b - s->backends] = changed;
	return copy;
}

struct model *model_host_change(const struct model *m, const struct ip_addr *addr,
				enum host_change change, uint32_t timeout_s,
				struct model_error *error)
{
	struct model *next = model_alloc(&m->settings, m->services_n);
	char text[IP_TEXT_MAX];
	bool found = false;

	if (!next)
		return refused_no_memory(error);
	next->index = m->index;
	model_index_ref(next->index);
	for (uint32_t i = 0; i < m->services_n; i++) {
		struct service_conf *s =
			host_service_change(m->services[i], addr, change, timeout_s, &found);

		if (!s) {
			model_free(next);
			return refused_no_memory(error);
		}
		model_append(next, s);
	}
	if (found)
		return next;
	model_free(next);
	return refused(error, MODEL_NOT_FOUND, "no service has a backend with the address %s",
		       ip_format(addr, text));
}
