/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One service of a model: made, shared by reference count, copied for a change. Called by the
 * model and by who reads services from a file or a request, on the control thread.
 */
#include "model_internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backend_index.h"
#include "maglev.h"

enum {
	/* A service that is added empty gets its backends one by one: room for so many. */
	BACKENDS_PLANNED = 10,
};

static size_t service_conf_bytes(uint32_t backends_n)
{
	return sizeof(struct service_conf) + (size_t)backends_n * sizeof(struct backend_conf);
}

struct service_conf *service_conf_new(uint32_t backends_n)
{
	struct service_conf *s = calloc(1, service_conf_bytes(backends_n));

	if (!s)
		return NULL;
	s->refs = 1;
	s->backends_n = backends_n;
	return s;
}

struct service_conf *service_conf_ref(struct service_conf *s)
{
	__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

void service_conf_unref(struct service_conf *s)
{
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	backend_index_free(s->index);
	free(s);
}

struct service_conf *service_conf_copy(const struct service_conf *s, uint32_t backends_n)
{
	uint32_t kept_n = backends_n < s->backends_n ? backends_n : s->backends_n;
	struct service_conf *copy = service_conf_new(backends_n);

	if (!copy)
		return NULL;
	memcpy(copy, s, service_conf_bytes(kept_n));
	copy->refs = 1;
	copy->index = NULL;
	copy->backends_n = backends_n;
	return copy;
}

struct service_conf *service_conf_with(const struct service_conf *s,
				       const struct service_conf *backends_of)
{
	struct service_conf *copy = service_conf_copy(backends_of, backends_of->backends_n);

	if (!copy)
		return NULL;
	memcpy(copy, s, offsetof(struct service_conf, backends));
	copy->refs = 1;
	copy->index = NULL;
	copy->backends_n = backends_of->backends_n;
	return copy;
}

bool service_conf_equal(const struct service_conf *a, const struct service_conf *b)
{
	/* They come zeroed, so what is between the members is the same, too. */
	size_t from = offsetof(struct service_conf, name);

	return a->backends_n == b->backends_n &&
	       memcmp((const char *)a + from, (const char *)b + from,
		      service_conf_bytes(a->backends_n) - from) == 0;
}

bool service_conf_goes_on(const struct service_conf *a, const struct service_conf *b)
{
	return ip_equal(&a->vip, &b->vip) && a->port == b->port && a->proto == b->proto;
}

enum on_down service_conf_on_down(const struct service_conf *s, uint32_t i)
{
	uint8_t own = s->backends[i].on_down;

	return (enum on_down)(own ? own - 1 : s->on_down);
}

bool service_conf_checks(const struct service_conf *s, uint32_t i)
{
	return s->health.type != HEALTH_NO_CHECK && !s->backends[i].health.off;
}

bool service_conf_starts_down(const struct service_conf *s, uint32_t i)
{
	uint8_t own = s->backends[i].start;

	return service_conf_checks(s, i) && (own ? own - 1 : s->start) == START_DOWN;
}

uint32_t service_conf_slots_fit(const struct service_conf *s)
{
	return maglev_slots_for(s->backends_n ? s->backends_n : BACKENDS_PLANNED);
}

void service_conf_choose_slots(struct service_conf *s)
{
	if (s->slots != 0)
		return;
	s->slots = service_conf_slots_fit(s);
	s->slots_chosen = true;
}

const struct backend_conf *service_conf_find(const struct service_conf *s, const char *backend)
{
	const struct backend_index *index = backend_index_of(s);
	uint32_t at;

	if (index) {
		at = backend_index_name(index, s, backend);
		return at == MODEL_NOWHERE ? NULL : &s->backends[at];
	}
	for (uint32_t i = 0; i < s->backends_n; i++) {
		if (strcmp(s->backends[i].name, backend) == 0)
			return &s->backends[i];
	}
	return NULL;
}

const struct backend_conf *service_conf_find_addr(const struct service_conf *s,
						  const struct ip_addr *addr, uint32_t hint)
{
	const struct backend_index *index;
	uint32_t at;

	if (hint < s->backends_n && ip_equal(&s->backends[hint].addr, addr))
		return &s->backends[hint];
	index = backend_index_of(s);
	if (index) {
		at = backend_index_addr(index, s, addr);
		return at == MODEL_NOWHERE ? NULL : &s->backends[at];
	}
	for (uint32_t i = 0; i < s->backends_n; i++)
		if (ip_equal(&s->backends[i].addr, addr))
			return &s->backends[i];
	return NULL;
}

const struct backend_conf *service_conf_counterpart(const struct service_conf *from, uint32_t i,
						    const struct service_conf *to)
{
	const struct backend_conf *b = &from->backends[i];
	const struct backend_conf *found = service_conf_find_addr(to, &b->addr, i);

	if (found)
		return found;
	found = service_conf_find(to, b->name);
	return found && !service_conf_find_addr(from, &found->addr, i) ? found : NULL;
}

const struct backend_conf *service_conf_find_at(const struct service_conf *s, const char *backend,
						uint32_t hint)
{
	if (hint < s->backends_n && strcmp(s->backends[hint].name, backend) == 0)
		return &s->backends[hint];
	return service_conf_find(s, backend);
}
