/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is to be checked: from the model's services to slots, of which each backend that is checked has one for
 * as long as it is. A service that differs from the one before in nothing that a check goes by isn't said again.
 * Control thread.
 */
#include "health_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "model_index.h"

/* ---- slots ---- */

static void seat_free(struct health *h, uint32_t slot)
{
	if (slot == 0)
		return;
	h->seats[slot] = (struct health_seat){0};
	h->seats_used--;
}

/* 0: there is none. */
static uint32_t seat_new(struct health *h)
{
	if (h->seats_used == h->shared->slots_n)
		return 0;
	do
		h->cursor = h->cursor % h->shared->slots_n + 1;
	while (h->seats[h->cursor].group);
	h->seats_used++;
	if (++h->tenant == 0) /* a fresh record's */
		h->tenant = 1;
	h->seats[h->cursor].tenant = h->tenant;
	h->seats[h->cursor].state = HEALTH_UNKNOWN;
	return h->cursor;
}

/* ---- a service ---- */

/* Whether a check would be the same of both, so that the process need not hear of the newer. */
static bool same_checks(const struct service_conf *a, const struct service_conf *b)
{
	if (a->backends_n != b->backends_n || strcmp(a->name, b->name) != 0 ||
	    !ip_equal(&a->vip, &b->vip) || a->port != b->port || a->proto != b->proto ||
	    a->encap != b->encap || a->start != b->start ||
	    memcmp(&a->health, &b->health, sizeof(a->health)) != 0)
		return false;
	for (uint32_t i = 0; i < a->backends_n; i++) {
		const struct backend_conf *x = &a->backends[i], *y = &b->backends[i];

		if (strcmp(x->name, y->name) != 0 || !ip_equal(&x->addr, &y->addr) ||
		    x->start != y->start || x->health.off != y->health.off ||
		    memcmp(&x->health.timing, &y->health.timing, sizeof(x->health.timing)) != 0)
			return false;
	}
	return true;
}

static void group_free(struct health_group *group)
{
	if (!group)
		return;
	service_conf_unref(group->conf);
	free(group->slots);
	free(group);
}

/* Takes the slot of service->backends[i] out of an earlier version; 0: it has none. */
static uint32_t slot_take(struct health_group *was, const struct service_conf *service, uint32_t i,
			  uint32_t *cursor)
{
	const struct backend_conf *found =
		was && was->slots
			? service_conf_find_addr(was->conf, &service->backends[i].addr, *cursor)
			: NULL;
	uint32_t slot;

	if (!found)
		return 0;
	*cursor = (uint32_t)(found - was->conf->backends) + 1;
	slot = was->slots[*cursor - 1];
	was->slots[*cursor - 1] = 0;
	return slot;
}

/* A group whose backends have the slots that they had; no other has one yet. NULL: no memory. */
static struct health_group *group_make(struct health *h, struct service_conf *service,
				       struct health_group *was)
{
	struct health_group *group = calloc(1, sizeof(*group));
	uint32_t cursor = 0;

	if (!group)
		return NULL;
	group->slots = calloc(service->backends_n + 1U, sizeof(*group->slots));
	if (!group->slots) {
		free(group);
		return NULL;
	}
	group->conf = service_conf_ref(service);
	group->since_us = clock_us(CLOCK_REALTIME);
	for (uint32_t i = 0; i < service->backends_n; i++) {
		uint32_t slot = slot_take(was, service, i, &cursor);

		if (service_conf_checks(service, i)) {
			group->slots[i] = slot;
			continue;
		}
		/* Checked no more: it is up. */
		if (slot != 0 || h->ops->is_down(h->ops->ctx, service, i))
			h->ops->set_down(h->ops->ctx, service->name, service->backends[i].name,
					 false);
		seat_free(h, slot);
	}
	return group;
}

/* Backends that the group's earlier version had, and that are gone. */
static void group_leave(struct health *h, struct health_group *was)
{
	for (uint32_t i = 0; was->slots && i < was->conf->backends_n; i++) {
		seat_free(h, was->slots[i]);
		was->slots[i] = 0;
	}
}

/* The rest, when all who go have left: slots for who is new, and what the process is to hear. */
static int group_seat(struct health *h, struct health_group *group, const struct service_conf *was)
{
	const struct service_conf *service = group->conf;
	uint32_t checked_n = 0;
	int err = 0;

	for (uint32_t i = 0; i < service->backends_n; i++) {
		uint32_t slot = group->slots[i];

		if (!service_conf_checks(service, i))
			continue;
		if (slot == 0) {
			slot = group->slots[i] = seat_new(h);
			if (slot == 0) {
				err = -ENOMEM;
				continue;
			}
			h->seats[slot].out = h->ops->is_down(h->ops->ctx, service, i);
		}
		h->seats[slot].group = group;
		h->seats[slot].index = i;
		checked_n++;
	}
	if (checked_n == 0) {
		health_post_gone(h, group->line);
		group->line = NULL;
	} else if (group->line && was && same_checks(was, service)) {
		group->line->group = group;
	} else if (health_post_group(h, group) != 0) {
		err = -ENOMEM;
	}
	group->seated = err == 0;
	return err;
}

/* ---- all services ---- */

static uint32_t place_before(const struct health *h, const struct service_conf *service)
{
	return h->index ? model_index_endpoint(h->index, h->services, service) : MODEL_NOWHERE;
}

static void list_free(struct health *h)
{
	for (uint32_t i = 0; i < h->services_n; i++) {
		struct health_group *group = h->groups[i];

		if (group) {
			group_leave(h, group);
			health_post_gone(h, group->line);
		}
		group_free(group);
		service_conf_unref(h->services[i]);
	}
	free(h->services);
	free(h->groups);
	model_index_unref(h->index);
	h->services = NULL;
	h->groups = NULL;
	h->index = NULL;
	h->services_n = 0;
}

void health_forget(struct health *h)
{
	list_free(h);
}

int health_follow(struct health *h, const struct model *model)
{
	const uint32_t n = model->services_n;
	struct service_conf **services = calloc(n + 1U, sizeof(struct service_conf *));
	struct service_conf **before = calloc(n + 1U, sizeof(struct service_conf *));
	struct health_group **groups = calloc(n + 1U, sizeof(struct health_group *));
	int err = 0;

	if (!services || !before || !groups) {
		err = -ENOMEM;
		goto out;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct service_conf *service = model->services[i];
		uint32_t at = place_before(h, service);
		struct health_group *was = at == MODEL_NOWHERE ? NULL : h->groups[at];

		services[i] = service_conf_ref(service);
		if (was && was->conf == service) {
			groups[i] = was;
			h->groups[at] = NULL;
			continue;
		}
		groups[i] = group_make(h, service, was);
		if (!groups[i]) {
			err = -ENOMEM;
			continue;
		}
		if (was) {
			before[i] = service_conf_ref(was->conf);
			groups[i]->line = was->line;
			was->line = NULL;
		}
	}
	list_free(h); /* those who are gone make room */
	h->services = services;
	h->groups = groups;
	h->services_n = n;
	h->index = model->index;
	model_index_ref(h->index);
	for (uint32_t i = 0; i < n; i++) {
		if (groups[i] && !groups[i]->seated && group_seat(h, groups[i], before[i]) != 0)
			err = -ENOMEM;
		service_conf_unref(before[i]);
	}
	free(before);
	health_post_send(h);
	return err;
out:
	free(services);
	free(before);
	free(groups);
	return err;
}
