/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h. The tables are made in ordinary memory, where a table of services that turns out too
 * small is cheap to make again, and then copied into the arena.
 */
#include "layout.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "laid_generation.h"
#include "sluice/service.h"

_Static_assert(sizeof(((struct layout_spec *)0)->idle_s) ==
		       sizeof(((struct generation *)0)->idle_s),
	       "copied whole");

enum {
	TABLE_MIN_LOG2 = 4,
	/*
	 * A table 16 times as large as the first try is at most 1/48 full. What doesn't fit
	 * there has one key.
	 */
	TABLE_DOUBLINGS_MAX = 4,
};

/* Being made. */
struct layout {
	const struct layout_spec *spec;
	struct service *table;
	uint32_t table_mask;
	struct vip6 *vips6;
	uint32_t vips6_n;
	uint32_t flags; /* enum generation_flags */
};

static struct vip6 vip6_from(const struct ip_addr *addr)
{
	struct vip6 vip;

	memcpy(&vip, addr->bytes, sizeof(vip));
	return vip;
}

uint64_t layout_key(const struct ip_addr *addr, uint16_t port, uint8_t proto)
{
	struct vip6 vip = vip6_from(addr);
	bool v6 = addr->family == IP_V6;

	return service_key(v6 ? service_fold(vip.addr) : (uint32_t)vip.addr[0], be16_from(port),
			   proto, v6);
}

static uint16_t backends_n(const struct layout_service *s)
{
	if (!s->backends)
		return 0;
	if (s->backends_n > 0)
		return s->backends_n;
	return (uint16_t)(s->backends->bytes / sizeof(struct backend));
}

static struct service entry_of_service(const struct layout_service *s)
{
	assert(!s->previous || s->flags & SERVICE_WAY || s->previous->bytes == s->slots->bytes);
	assert(s->previous || !(s->flags & SERVICE_WAY));
	assert(!s->backends || s->backends_n * sizeof(struct backend) <= s->backends->bytes);
	return (struct service){
		.key = layout_key(&s->vip, s->port, s->proto),
		.slots_off = s->slots->offset,
		.slots = s->slots->bytes / (uint32_t)sizeof(uint16_t),
		.backends_off = s->backends ? s->backends->offset : 0,
		.id = s->id,
		.previous_off = s->previous ? s->previous->offset : 0,
		.backends = backends_n(s),
		.flags = s->flags,
	};
}

static struct service entry_of_vip(const struct layout_vip *vip)
{
	return (struct service){
		.key = layout_key(&vip->addr, 0, PROTO_ICMP),
		.id = vip->id,
		.flags = vip->flags,
	};
}

static void vips6_count(struct layout *l, const struct ip_addr *addr, uint32_t id)
{
	assert(id > 0 && (addr->family == IP_V4 || addr->family == IP_V6));
	if (addr->family == IP_V6 && id >= l->vips6_n)
		l->vips6_n = id + 1;
}

static void vips6_write(struct layout *l, const struct ip_addr *addr, uint32_t id)
{
	if (addr->family == IP_V6)
		l->vips6[id] = vip6_from(addr);
}

static int vips6_make(struct layout *l)
{
	const struct layout_spec *spec = l->spec;

	for (uint32_t i = 0; i < spec->services_n; i++)
		vips6_count(l, &spec->services[i].vip, spec->services[i].id);
	for (uint32_t i = 0; i < spec->vips_n; i++)
		vips6_count(l, &spec->vips[i].addr, spec->vips[i].id);
	if (l->vips6_n == 0)
		return 0;
	l->vips6 = calloc(l->vips6_n, sizeof(*l->vips6));
	if (!l->vips6)
		return -ENOMEM;
	for (uint32_t i = 0; i < spec->services_n; i++)
		vips6_write(l, &spec->services[i].vip, spec->services[i].id);
	for (uint32_t i = 0; i < spec->vips_n; i++)
		vips6_write(l, &spec->vips[i].addr, spec->vips[i].id);
	return 0;
}

static bool entries_equal(const struct layout *l, const struct service *a, const struct service *b)
{
	if (a->key != b->key)
		return false;
	return a->key >> 56 == IP_V4 ||
	       memcmp(&l->vips6[a->id], &l->vips6[b->id], sizeof(l->vips6[0])) == 0;
}

/* A vip's own entry: nearly no packet looks for it. */
static bool entry_is_vip(const struct service *entry)
{
	return entry->slots == 0;
}

/*
 * Robin Hood hashing (Celis, 1986): who is further from where its probes start keeps the place,
 * which makes the longest way short, and no different for look-ups, since there is no empty entry
 * on a way. But vips, which come when all services stand, make no service move on. Entries of one
 * kind that start at one place stand together, so an equal one is met first.
 */
static int table_insert(struct layout *l, struct service entry)
{
	uint32_t index = service_start(entry.key) & l->table_mask;
	uint32_t probes = 0;

	for (; probes < SERVICE_PROBES_MAX; probes++, index = (index + 1) & l->table_mask) {
		struct service *there = &l->table[index], poorer;
		uint32_t its_probes;

		if (there->key == 0) {
			*there = entry;
			return 0;
		}
		if (entries_equal(l, there, &entry))
			return -EEXIST;
		its_probes = (index - service_start(there->key)) & l->table_mask;
		if (its_probes >= probes || entry_is_vip(there) < entry_is_vip(&entry))
			continue;
		poorer = *there;
		*there = entry;
		entry = poorer;
		probes = its_probes;
	}
	return -ENOSPC;
}

static void explain_entry(int rc, const struct ip_addr *addr, uint16_t port, uint8_t proto,
			  char error[LAYOUT_ERROR_MAX])
{
	char text[IP_TEXT_MAX];

	ip_format(addr, text);
	if (rc == -EEXIST)
		snprintf(error, LAYOUT_ERROR_MAX, "%s port %u protocol %u is there twice", text,
			 port, proto);
	else
		snprintf(error, LAYOUT_ERROR_MAX,
			 "%s port %u protocol %u: more than %d vips are alike to the service "
			 "table; use another address or port",
			 text, port, proto, SERVICE_PROBES_MAX);
}

/* Inserts all, services first; `error` is about the one that could not be. */
static int table_fill(struct layout *l, char error[LAYOUT_ERROR_MAX])
{
	for (uint32_t i = 0; i < l->spec->services_n; i++) {
		const struct layout_service *s = &l->spec->services[i];
		int rc = table_insert(l, entry_of_service(s));

		if (rc < 0) {
			explain_entry(rc, &s->vip, s->port, s->proto, error);
			return rc;
		}
		if (s->port == 0)
			l->flags |= GENERATION_ALL_PORTS;
	}
	for (uint32_t i = 0; i < l->spec->vips_n; i++) {
		const struct layout_vip *vip = &l->spec->vips[i];
		int rc = table_insert(l, entry_of_vip(vip));

		if (rc < 0) {
			explain_entry(rc, &vip->addr, 0, PROTO_ICMP, error);
			return rc;
		}
	}
	return 0;
}

/*
 * At most one third full at first, with vips that are as many as the services: then eleven of twelve
 * services are found at the first probe. A CPU can't foretell which are not, and each wrong guess
 * costs as much as the rest of the look-up.
 */
static uint32_t table_log2(uint32_t entries)
{
	uint32_t log2 = TABLE_MIN_LOG2;

	while (1ULL << log2 < 3ULL * entries)
		log2++;
	return log2;
}

static int table_make(struct layout *l, char error[LAYOUT_ERROR_MAX])
{
	uint32_t log2 = table_log2(l->spec->services_n + l->spec->vips_n);
	uint32_t log2_max = log2 + TABLE_DOUBLINGS_MAX;
	int rc;

	for (; log2 <= log2_max; log2++) {
		l->table_mask = (1U << log2) - 1;
		l->table = calloc(1ULL << log2, sizeof(*l->table));
		if (!l->table) {
			snprintf(error, LAYOUT_ERROR_MAX, "no memory");
			return -ENOMEM;
		}
		rc = table_fill(l, error);
		if (rc != -ENOSPC)
			return rc;
		free(l->table);
		l->table = NULL;
	}
	return -ENOSPC;
}

static int part_make(struct arena_space *space, const void *data, uint64_t bytes,
		     struct part **part, char error[LAYOUT_ERROR_MAX])
{
	*part = bytes <= UINT32_MAX ? part_new(space, data, (uint32_t)bytes) : NULL;
	if (*part)
		return 0;
	arena_space_explain_full(space, bytes, error);
	return -ENOMEM;
}

/* Into the arena. What is made before it fails stays in `laid`, for the caller to free. */
static int layout_copy(const struct layout *l, struct arena_space *space,
		       struct laid_generation *laid, char error[LAYOUT_ERROR_MAX])
{
	struct generation g = {
		.number = l->spec->number,
		.key = l->spec->key,
		.services_mask = l->table_mask,
		.flags = l->flags,
		.gue_port = be16_from(l->spec->gue_port),
		.outer_ttl = l->spec->outer_ttl,
		.errors_per_s = l->spec->errors_per_s,
	};
	int rc;

	memcpy(g.idle_s, l->spec->idle_s, sizeof(g.idle_s));
	rc = part_make(space, l->table, (l->table_mask + 1ULL) * sizeof(*l->table), &laid->services,
		       error);
	if (rc < 0)
		return rc;
	g.services_off = laid->services->offset;
	if (l->vips6_n > 0) {
		rc = part_make(space, l->vips6, (uint64_t)l->vips6_n * sizeof(*l->vips6),
			       &laid->vips6, error);
		if (rc < 0)
			return rc;
		g.vips6_off = laid->vips6->offset;
	}
	return part_make(space, &g, sizeof(g), &laid->header, error);
}

static struct laid_generation *layout_take_parts(const struct layout_spec *spec)
{
	struct laid_generation *laid = laid_generation_alloc(3 * spec->services_n);

	for (uint32_t i = 0; laid && i < spec->services_n; i++) {
		const struct layout_service *s = &spec->services[i];

		laid_generation_add(laid, part_ref(s->slots));
		laid_generation_add(laid, s->previous ? part_ref(s->previous) : NULL);
		laid_generation_add(laid, s->backends ? part_ref(s->backends) : NULL);
	}
	return laid;
}

int laid_generation_new(struct arena_space *space, const struct layout_spec *spec,
			struct laid_generation **laid, char error[LAYOUT_ERROR_MAX])
{
	struct layout l = {.spec = spec};
	struct laid_generation *made = NULL;
	int rc;

	snprintf(error, LAYOUT_ERROR_MAX, "no memory");
	rc = vips6_make(&l);
	if (rc < 0)
		goto out;
	rc = table_make(&l, error);
	if (rc < 0)
		goto out;
	made = layout_take_parts(spec);
	rc = made ? layout_copy(&l, space, made, error) : -ENOMEM;
	if (rc < 0) {
		laid_generation_free(made);
		goto out;
	}
	*laid = made;
	error[0] = '\0';
out:
	free(l.table);
	free(l.vips6);
	return rc;
}
