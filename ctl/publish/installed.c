/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service as it runs. Control thread.
 */
#include "installed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "sluice/encap.h"
#include "sluice/mss.h"
#include "sluice/service.h"
#include "transition.h"

const struct nexthop *surroundings_hop(const struct surroundings *around,
				       const struct service_conf *conf, const struct ip_addr *addr)
{
	struct nexthop_key way = entry_key(around->settings, (enum encap)conf->encap, addr);

	return nexthops_get(around->hops, &way);
}

int32_t surroundings_port(const struct surroundings *around, const struct nexthop *hop)
{
	if (hop->state != NEXTHOP_RESOLVED)
		return -1;
	for (uint32_t i = 0; i < around->ports_n; i++)
		if (around->port_ifindex[i] != 0 && around->port_ifindex[i] == hop->port_ifindex)
			return (int32_t)i;
	return -1;
}

/* What becomes of flows to a port of the vip's that no service has: as the vip's entry says it. */
static uint16_t vip_flags_of(const struct surroundings *around, const struct ip_addr *vip)
{
	switch ((enum unserved)around->settings->unserved) {
	case UNSERVED_AUTO:
		return nexthops_is_local(around->hops, vip) ? 0 : SERVICE_UNSERVED_REJECT;
	case UNSERVED_KERNEL:
		return 0;
	case UNSERVED_REJECT:
		return SERVICE_UNSERVED_REJECT;
	case UNSERVED_DROP:
		return SERVICE_UNSERVED_DROP;
	}
	return 0;
}

/*
 * The segment size that SYNs are lowered to; 0: none, for no way is known yet. What fits the narrowest
 * way, but no less than each host must take (RFC 9293 §3.7.1).
 */
static uint16_t mss_of(const struct service_conf *conf, const struct backend *entries, uint32_t n)
{
	bool v6 = conf->vip.family == IP_V6;
	uint32_t headers =
		(uint32_t)sizeof(struct tcp_header) +
		(v6 ? (uint32_t)sizeof(struct ipv6_header) : (uint32_t)sizeof(struct ipv4_header));
	uint32_t least = UINT16_MAX, floor = v6 ? MSS_DEFAULT_V6 : MSS_DEFAULT_V4;
	bool any = false;

	if (conf->mss != MODEL_MSS_AUTO)
		return conf->mss;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t taken = encap_outer_bytes(&entries[i]) + headers;
		uint32_t fits = entries[i].mtu_bytes > taken ? entries[i].mtu_bytes - taken : 0;

		if (!(entries[i].flags & BACKEND_RESOLVED))
			continue;
		any = true;
		least = fits < least ? fits : least;
	}
	if (!any)
		return 0;
	return (uint16_t)(least < floor ? floor : least);
}

static void entries_fill(const struct surroundings *around, const struct installed *s,
			 struct backend *entries)
{
	static const struct nexthop unknown; /* state 0: no route */

	for (uint32_t i = 0; i < s->conf->backends_n; i++) {
		const struct backend_conf *backend = &s->conf->backends[i];
		const struct course *course = &s->courses[i];
		const struct nexthop *hop = surroundings_hop(around, s->conf, &backend->addr);
		struct backend *entry = &entries[course->index];

		if (course->index == SLOT_NONE)
			continue;
		if (!hop)
			hop = &unknown;
		entry_fill(entry, around->settings, s->conf->encap, backend, hop,
			   surroundings_port(around, hop), s->backend_rows[i]);
		entry->flags |= BACKEND_LIVES;
		entry->load = course->load;
	}
}

/* 0, with *part NULL when no backend lives; -ENOMEM: it can't be had. */
static int entries_new(const struct surroundings *around, const struct installed *s,
		       struct part **part)
{
	uint32_t n = s->indices->length, holes = s->conf->mss != 0;
	struct backend *entries;

	*part = NULL;
	if (n == 0)
		return 0;
	entries = calloc(n + holes, sizeof(*entries)); /* holes are zeroes */
	if (!entries)
		return -ENOMEM;
	entries_fill(around, s, entries);
	if (holes > 0)
		entries[n].mtu_bytes = mss_of(s->conf, entries, n); /* service_mss() */
	*part = part_new(around->space, entries, (n + holes) * (uint32_t)sizeof(*entries));
	free(entries);
	return *part ? 0 : -ENOMEM;
}

/* `table` in the arena; what was there is shared if it is the same. NULL: the arena is full. */
static struct part *table_part(const struct surroundings *around, const uint16_t *table,
			       uint32_t slots_n, struct part *was)
{
	uint32_t bytes = slots_n * (uint32_t)sizeof(*table);

	if (was && was->bytes == bytes && memcmp(part_data(was), table, bytes) == 0)
		return part_ref(was);
	return part_new(around->space, table, bytes);
}

/* The previous choices in the arena, behind the head of a way if they are one. NULL: it is full. */
static struct part *previous_part(const struct surroundings *around, const struct plan *plan,
				  struct part *was)
{
	const struct way way = {.slots = plan->previous_n};
	uint32_t bytes = plan->previous_n * (uint32_t)sizeof(*plan->previous);
	struct part *part;
	uint8_t *whole;

	if (!plan->way)
		return table_part(around, plan->previous, plan->previous_n, was);
	whole = malloc(sizeof(way) + bytes);
	if (!whole)
		return NULL;
	memcpy(whole, &way, sizeof(way));
	memcpy(whole + sizeof(way), plan->previous, bytes);
	bytes += (uint32_t)sizeof(way);
	if (was && was->bytes == bytes && memcmp(part_data(was), whole, bytes) == 0)
		part = part_ref(was);
	else
		part = part_new(around->space, whole, bytes);
	free(whole);
	return part;
}

static struct installed *installed_alloc(const struct service_conf *conf)
{
	struct installed *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->conf = conf;
	s->backend_rows = calloc(conf->backends_n + 1, sizeof(*s->backend_rows));
	s->courses = calloc(conf->backends_n + 1, sizeof(*s->courses));
	if (s->backend_rows && s->courses)
		return s;
	installed_unref(s);
	return NULL;
}

static int tables_lay(const struct surroundings *around, const struct former *was,
		      const struct plan *plan, struct installed *s)
{
	s->flags = plan->flags;
	s->way = plan->way;
	s->vip_flags = vip_flags_of(around, &s->conf->vip);
	s->phase = plan->phase;
	s->remembers = plan->remembers;
	s->indices = indices_ref(plan->indices);
	memcpy(s->courses, plan->courses, s->conf->backends_n * sizeof(*s->courses));
	s->slots = table_part(around, plan->slots, plan->slots_n, was ? was->slots_part : NULL);
	if (!s->slots)
		return -ENOMEM;
	if (plan->previous) {
		s->previous = previous_part(around, plan, was ? was->previous_part : NULL);
		if (!s->previous)
			return -ENOMEM;
	}
	return entries_new(around, s, &s->backends);
}

/* Who was there before keeps its row, without a look into the books. */
static int rows_take_over(struct ledger *ledger, const struct service_conf *conf,
			  const struct former *was, const struct plan *plan, struct installed *s)
{
	int err = 0;

	if (!was || !was->backend_rows)
		return ledger_take(ledger, conf, &s->row, &s->vip_row, s->backend_rows);
	s->row = was->row;
	s->vip_row = was->vip_row;
	for (uint32_t i = 0; !err && i < conf->backends_n; i++) {
		if (plan->places[i] != MODEL_NOWHERE)
			s->backend_rows[i] = was->backend_rows[plan->places[i]];
		else
			err = ledger_take_backend(ledger, conf, &conf->backends[i],
						  &s->backend_rows[i]);
	}
	return err;
}

struct installed *installed_of_plan(const struct surroundings *around, const struct former *was,
				    struct plan *plan, struct model_error *error)
{
	const struct service_conf *conf = plan->conf;
	struct installed *s = installed_alloc(conf);
	int err = -ENOMEM;

	error->kind = MODEL_FULL;
	if (!s) {
		snprintf(error->text, sizeof(error->text), "service %s: %s", conf->name,
			 strerror(-err));
		goto err_free;
	}
	err = rows_take_over(around->ledger, conf, was, plan, s);
	if (err) {
		snprintf(error->text, sizeof(error->text),
			 "service %s: no row of counters is free (%s): raise "
			 "dataplane.services_max or dataplane.backends_max",
			 conf->name, strerror(-err));
		goto err_free;
	}
	if (tables_lay(around, was, plan, s) != 0) {
		char full[ARENA_SPACE_ERROR_MAX];

		arena_space_explain_full(around->space, plan->slots_n * sizeof(uint16_t), full);
		snprintf(error->text, sizeof(error->text), "service %s: %s", conf->name, full);
		goto err_free;
	}
	plan_free(plan);
	return s;

err_free:
	plan_free(plan);
	installed_unref(s);
	return NULL;
}

struct installed *installed_new(const struct surroundings *around, const struct service_conf *conf,
				const struct former *was, struct model_error *error)
{
	struct plan plan = {0};
	int err = plan_make(conf, was, &around->settings->seed, around->now_us(),
			    around->now_real_us(), &plan);

	if (!err)
		return installed_of_plan(around, was, &plan, error);
	error->kind = MODEL_FULL;
	snprintf(error->text, sizeof(error->text), "service %s: %s", conf->name, strerror(-err));
	return NULL;
}

struct former installed_former(const struct installed *s)
{
	return (struct former){
		.conf = s->conf,
		.courses = s->courses,
		.backend_rows = s->backend_rows,
		.row = s->row,
		.vip_row = s->vip_row,
		.indices = s->indices,
		.slots = installed_slots(s),
		.previous = installed_previous(s),
		.slots_part = s->slots,
		.previous_part = s->previous,
		.slots_n = installed_slots_n(s),
		.previous_n = installed_previous_n(s),
		.flags = s->flags,
		.way = s->way,
		.remembers = s->remembers,
		.phase = s->phase,
	};
}

/* All of it shared. */
static struct installed *installed_copy(const struct installed *was)
{
	struct installed *s = installed_alloc(was->conf);

	if (!s)
		return NULL;
	s->row = was->row;
	s->vip_row = was->vip_row;
	s->flags = was->flags;
	s->way = was->way;
	s->vip_flags = was->vip_flags;
	s->phase = was->phase;
	s->remembers = was->remembers;
	memcpy(s->backend_rows, was->backend_rows, s->conf->backends_n * sizeof(*s->backend_rows));
	memcpy(s->courses, was->courses, s->conf->backends_n * sizeof(*s->courses));
	s->indices = indices_ref(was->indices);
	s->slots = part_ref(was->slots);
	s->previous = was->previous ? part_ref(was->previous) : NULL;
	s->backends = was->backends ? part_ref(was->backends) : NULL;
	return s;
}

/* Writes the entries of `s` anew, and gives it up for `was` if they are the same. */
static struct installed *entries_renew(const struct surroundings *around, struct installed *was,
				       struct installed *s)
{
	struct part *entries;

	if (!s || entries_new(around, s, &entries) != 0) {
		installed_unref(s);
		return NULL;
	}
	if (!entries || memcmp(part_data(entries), part_data(was->backends), entries->bytes) == 0) {
		part_unref(entries);
		if (s->vip_flags != was->vip_flags)
			return s;
		installed_unref(s);
		return installed_ref(was);
	}
	part_unref(s->backends);
	s->backends = entries;
	return s;
}

struct installed *installed_refresh(const struct surroundings *around, struct installed *was)
{
	struct installed *s = installed_copy(was);

	if (s)
		s->vip_flags = vip_flags_of(around, &s->conf->vip);
	return entries_renew(around, was, s);
}

struct installed *installed_load(const struct surroundings *around, struct installed *was,
				 const uint16_t *loads, uint32_t loads_n)
{
	struct installed *s = installed_copy(was);

	for (uint32_t i = 0; s && i < s->conf->backends_n; i++)
		s->courses[i].load = s->courses[i].index < loads_n ? loads[s->courses[i].index] : 0;
	return entries_renew(around, was, s);
}

struct installed *installed_end(struct installed *was)
{
	struct installed *s;

	if (!was->previous)
		return installed_ref(was);
	s = installed_copy(was);
	if (!s)
		return NULL;
	part_unref(s->previous);
	s->previous = NULL;
	s->way = 0;
	s->phase.previous_slots = 0;
	return s;
}

struct installed *installed_settle(const struct surroundings *around, struct installed *was,
				   const uint64_t *elsewhere)
{
	uint32_t n = installed_slots_n(was), left;
	uint16_t *slots = calloc(n, sizeof(*slots));
	struct installed *s = NULL;
	struct part *part = NULL;

	if (!slots)
		return NULL;
	left = transition_settle(installed_slots(was), elsewhere, n, slots);
	if (left == was->phase.changed_slots) {
		s = installed_ref(was);
		goto out;
	}
	part = part_new(around->space, slots, was->slots->bytes);
	s = part ? installed_copy(was) : NULL;
	if (!s) {
		part_unref(part);
		goto out;
	}
	part_unref(s->slots);
	s->slots = part;
	s->phase.changed_slots = left;
out:
	free(slots);
	return s;
}

struct installed *installed_ref(struct installed *installed)
{
	installed->refs++;
	return installed;
}

void installed_unref(struct installed *installed)
{
	if (!installed || --installed->refs > 0)
		return;
	part_unref(installed->slots);
	part_unref(installed->previous);
	part_unref(installed->backends);
	indices_unref(installed->indices);
	free(installed->backend_rows);
	free(installed->courses);
	free(installed);
}

uint32_t installed_slots_n(const struct installed *installed)
{
	return installed->slots->bytes / (uint32_t)sizeof(uint16_t);
}

const uint16_t *installed_slots(const struct installed *installed)
{
	return part_data(installed->slots);
}

const uint16_t *installed_previous(const struct installed *installed)
{
	if (!installed->previous)
		return NULL;
	if (installed->way)
		return (const uint16_t *)((const struct way *)part_data(installed->previous) + 1);
	return part_data(installed->previous);
}

uint32_t installed_previous_n(const struct installed *installed)
{
	if (!installed->previous)
		return 0;
	if (installed->way)
		return ((const struct way *)part_data(installed->previous))->slots;
	return installed_slots_n(installed);
}

bool installed_previous_of(const struct installed *installed, uint64_t hash, uint16_t *previous)
{
	const uint16_t *table = installed_previous(installed);

	*previous = SLOT_NONE;
	if (!table)
		return true;
	if ((installed->way ? installed->way & SERVICE_WAY_SOURCE
			    : installed->flags & SERVICE_HASH_SOURCE) != 0)
		return false;
	*previous = table[service_slot_of(installed_previous_n(installed), hash)] & SLOT_INDEX;
	return true;
}

const struct backend_conf *installed_backend(const struct installed *installed, uint16_t index)
{
	for (uint32_t i = 0; index != SLOT_NONE && i < installed->conf->backends_n; i++)
		if (installed->courses[i].index == index)
			return &installed->conf->backends[i];
	return NULL;
}

bool installed_in_transition(const struct installed *installed)
{
	return installed->phase.previous_slots > 0;
}

bool installed_settling(const struct installed *installed)
{
	return installed->phase.previous_slots == 0 && installed->phase.changed_slots > 0;
}
