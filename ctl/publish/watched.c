/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways to backends that are followed. Control thread.
 */
#include "watched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"

/* What a change of the model does to the ways. */
struct way_use {
	struct nexthop_key way;
	int32_t uses; /* by so many backends more; less, if it is negative */
};

struct delta {
	struct way_use *list;
	size_t n, room;
	bool failed; /* no memory */
};

static int use_compare(const void *a, const void *b)
{
	return nexthop_key_compare(&((const struct way_use *)a)->way,
				   &((const struct way_use *)b)->way);
}

static void delta_add(struct delta *d, const struct settings *settings,
		      const struct service_conf *s, uint32_t i, int32_t uses)
{
	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		struct way_use *more = realloc(d->list, room * sizeof(*more));

		d->failed |= !more;
		if (!more)
			return;
		d->list = more;
		d->room = room;
	}
	d->list[d->n++] = (struct way_use){
		entry_key(settings, (enum encap)s->encap, &s->backends[i].addr), uses};
}

/* The backends of `s` that `other` (NULL: it is new, or gone) doesn't have, or has by other ways. */
static void delta_service(struct delta *d, const struct settings *settings,
			  const struct service_conf *s, const struct service_conf *other,
			  int32_t uses)
{
	bool same = other && other->encap == s->encap;

	for (uint32_t i = 0; i < s->backends_n; i++)
		if (!same || !service_conf_find_addr(other, &s->backends[i].addr, i))
			delta_add(d, settings, s, i, uses);
}

static void delta_models(struct delta *d, const struct model *a, const struct model *b,
			 int32_t uses)
{
	for (uint32_t i = 0; i < a->services_n; i++) {
		const struct service_conf *s = a->services[i], *other;

		if (i < b->services_n && b->services[i] == s)
			continue; /* as most of them */
		other = model_find_same(b, s);
		if (other != s)
			delta_service(d, &a->settings, s, other, uses);
	}
}

/* Sorted, each way once, and none that stays as it was. */
static void delta_sum(struct delta *d)
{
	size_t kept = 0;

	if (d->n > 0)
		qsort(d->list, d->n, sizeof(*d->list), use_compare);
	for (size_t i = 0; i < d->n;) {
		struct way_use sum = d->list[i++];

		for (; i < d->n && use_compare(&sum, &d->list[i]) == 0; i++)
			sum.uses += d->list[i].uses;
		if (sum.uses != 0)
			d->list[kept++] = sum;
	}
	d->n = kept;
}

/* `watched` with `d`. *moved: there are other ways than before. -ENOMEM. */
static int join(const struct watched *watched, const struct delta *d, struct watched *next,
		bool *moved)
{
	size_t room = watched->n + d->n + 1, at = 0, n = 0;

	next->ways = calloc(room, sizeof(*next->ways));
	next->uses = calloc(room, sizeof(*next->uses));
	if (!next->ways || !next->uses)
		return -ENOMEM;
	*moved = false;
	for (size_t i = 0; i <= d->n; i++) {
		int order = 1;
		int64_t uses;

		while (at < watched->n &&
		       (i == d->n ||
			(order = nexthop_key_compare(&watched->ways[at], &d->list[i].way)) < 0)) {
			next->ways[n] = watched->ways[at];
			next->uses[n++] = watched->uses[at++];
		}
		if (i == d->n)
			break;
		uses = d->list[i].uses;
		if (at < watched->n && order == 0)
			uses += watched->uses[at++];
		else
			*moved = true;
		if (uses > 0) {
			next->ways[n] = d->list[i].way;
			next->uses[n++] = (uint32_t)uses;
		} else {
			*moved = true;
		}
	}
	next->n = n;
	return 0;
}

static int vip_compare(const void *a, const void *b)
{
	return ip_compare(a, b);
}

/* The vips of which is asked whether they are the node's own, sorted, each once. -ENOMEM. */
static int collect_vips(const struct model *model, struct watched *out)
{
	size_t n = 0;

	out->vips = calloc(model->services_n + 1U, sizeof(*out->vips));
	if (!out->vips)
		return -ENOMEM;
	out->vips_n = 0;
	if (model->settings.unserved != UNSERVED_AUTO)
		return 0;
	for (uint32_t i = 0; i < model->services_n; i++)
		out->vips[n++] = model->services[i]->vip;
	if (n > 0)
		qsort(out->vips, n, sizeof(*out->vips), vip_compare);
	for (size_t i = 0; i < n; i++)
		if (out->vips_n == 0 || !ip_equal(&out->vips[out->vips_n - 1], &out->vips[i]))
			out->vips[out->vips_n++] = out->vips[i];
	return 0;
}

/* Whether services have the same vips, at the same places: as after most changes. */
static bool same_vips(const struct model *a, const struct model *b)
{
	if (a->services_n != b->services_n)
		return false;
	for (uint32_t i = 0; i < a->services_n; i++)
		if (a->services[i] != b->services[i] &&
		    !ip_equal(&a->services[i]->vip, &b->services[i]->vip))
			return false;
	return true;
}

/* Those of `watched`. -ENOMEM. */
static int vips_copy(const struct watched *watched, struct watched *out)
{
	out->vips = calloc(watched->vips_n + 1, sizeof(*out->vips));
	if (!out->vips)
		return -ENOMEM;
	out->vips_n = watched->vips_n;
	if (out->vips_n > 0)
		memcpy(out->vips, watched->vips, out->vips_n * sizeof(*out->vips));
	return 0;
}

/* How the ways of `model` differ from those of `was`; NULL: it had none. -ENOMEM. */
static int delta_make(const struct model *was, const struct model *model, struct delta *d)
{
	if (was) {
		delta_models(d, was, model, -1);
		delta_models(d, model, was, 1);
	} else {
		for (uint32_t i = 0; i < model->services_n; i++)
			delta_service(d, &model->settings, model->services[i], NULL, 1);
	}
	delta_sum(d);
	return d->failed ? -ENOMEM : 0;
}

int watched_follow(struct watched *watched, struct nexthops *hops, const struct model *was,
		   const struct model *model)
{
	const struct watched none = {.n = 0};
	struct watched next = {.version = watched->version};
	bool moved, vips_stay;
	struct delta d = {.n = 0};
	int err;

	if (!watched->ways || watched->stale)
		was = NULL;
	vips_stay = was && same_vips(was, model);
	err = delta_make(was, model, &d);
	if (!err && vips_stay && d.n == 0)
		goto out;
	if (!err)
		err = join(was ? watched : &none, &d, &next, &moved);
	if (!err)
		err = vips_stay ? vips_copy(watched, &next) : collect_vips(model, &next);
	if (!err && (moved || !vips_stay)) {
		next.version++;
		err = nexthops_watch_vips(hops, next.ways, next.n, next.vips, next.vips_n);
	}
	watched->stale = err != 0;
	if (err) {
		watched_free(&next);
	} else {
		watched_free(watched);
		*watched = next;
	}
out:
	free(d.list);
	return err;
}

void watched_free(struct watched *watched)
{
	free(watched->ways);
	free(watched->uses);
	free(watched->vips);
}
