/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the backends of a model. Of the process that makes checks; one thread.
 */
#include "checker.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "check.h"
#include "echo.h"
#include "exec_helper.h"
#include "http_loop.h"
#include "log.h"
#include "model_index.h"

/* The checks of a service. */
struct group {
	struct check **checks; /* of conf->backends; NULL where there is none */
};

struct checker {
	struct check_world world;
	/* The services followed, in the model's order; we hold references. */
	struct service_conf **services;
	struct group *groups;
	uint32_t services_n;
	struct model_index *index;
	struct event *rearm; /* each second */
};

const char *checker_first_reason(const struct service_conf *service, uint32_t i, bool out,
				 char buf[HEALTH_REASON_MAX])
{
	snprintf(buf, HEALTH_REASON_MAX, "no result yet%s",
		 !out                                   ? ""
		 : service_conf_starts_down(service, i) ? "; it starts down"
							: "; kept out as before");
	return buf;
}

/* ---- a service ---- */

static void group_free(struct group *group, const struct service_conf *service)
{
	for (uint32_t i = 0; group->checks && i < service->backends_n; i++)
		check_free(group->checks[i]);
	free(group->checks);
	group->checks = NULL;
}

/* Takes the check of service->backends[i] out of a group; NULL: it has none. */
static struct check *group_take(struct group *group, const struct service_conf *of,
				const struct service_conf *service, uint32_t i, uint32_t *cursor)
{
	const struct backend_conf *found =
		group->checks ? service_conf_find_addr(of, &service->backends[i].addr, *cursor)
			      : NULL;
	struct check *check;

	if (!found)
		return NULL;
	*cursor = (uint32_t)(found - of->backends) + 1;
	check = group->checks[*cursor - 1];
	group->checks[*cursor - 1] = NULL;
	return check;
}

/* The check of service->backends[i], whose check was `was` (NULL: it had none). */
static struct check *check_next(struct checker *h, const struct service_conf *service, uint32_t i,
				struct check *was)
{
	struct check *next;

	if (was && check_does(was, service, i)) {
		check_move(was, service, i);
		return was;
	}
	next = check_new(&h->world, service, i, was);
	check_free(was);
	return next;
}

/* The checks of `service`, in the place of `was`, of an earlier version of it. */
static int group_make(struct checker *h, const struct service_conf *service, struct group *was,
		      const struct service_conf *was_service, struct group *group)
{
	uint32_t cursor = 0;
	int err = 0;

	group->checks = calloc(service->backends_n + 1, sizeof(struct check *));
	if (!group->checks)
		return -ENOMEM;
	for (uint32_t i = 0; i < service->backends_n; i++) {
		struct check *old = was ? group_take(was, was_service, service, i, &cursor) : NULL;

		if (!service_conf_checks(service, i)) {
			if (h->world.ops->set_down &&
			    (old || h->world.ops->is_down(h->world.ops->ctx, service, i)))
				h->world.ops->set_down(h->world.ops->ctx, service, i, false);
			check_free(old);
			continue;
		}
		group->checks[i] = check_next(h, service, i, old);
		if (!group->checks[i])
			err = -ENOMEM;
	}
	return err;
}

/* ---- all services ---- */

static void forget(struct checker *h)
{
	for (uint32_t i = 0; i < h->services_n; i++) {
		group_free(&h->groups[i], h->services[i]);
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

/* The group of the service's earlier version; NULL: there was none. */
static struct group *group_before(const struct checker *h, const struct service_conf *service,
				  const struct service_conf **was)
{
	uint32_t at =
		h->index ? model_index_endpoint(h->index, h->services, service) : MODEL_NOWHERE;

	if (at == MODEL_NOWHERE)
		return NULL;
	*was = h->services[at];
	return &h->groups[at];
}

int checker_follow(struct checker *h, const struct model *model)
{
	struct service_conf **services =
		calloc(model->services_n + 1U, sizeof(struct service_conf *));
	struct group *groups = calloc(model->services_n + 1U, sizeof(*groups));
	int err = 0;

	if (!services || !groups) {
		free(services);
		free(groups);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < model->services_n; i++) {
		struct service_conf *service = model->services[i];
		const struct service_conf *was_service = NULL;
		struct group *was = group_before(h, service, &was_service);
		int rc = 0;

		services[i] = service_conf_ref(service);
		if (was && was_service == service) {
			groups[i] = *was;
			was->checks = NULL;
		} else {
			rc = group_make(h, service, was, was_service, &groups[i]);
		}
		if (rc)
			err = rc;
	}
	forget(h);
	h->services = services;
	h->groups = groups;
	h->services_n = model->services_n;
	h->index = model->index;
	model_index_ref(h->index);
	return err;
}

void checker_read(const struct checker *h, const struct service_conf *service, uint32_t i,
		  struct health_report *out)
{
	const struct service_conf *followed = NULL;
	const struct group *group = group_before(h, service, &followed);

	memset(out, 0, sizeof(*out));
	if (group && followed == service && group->checks && group->checks[i])
		check_read(group->checks[i], out);
}

void checker_totals(const struct checker *h, struct health_totals *out)
{
	*out = h->world.totals;
	out->lost_answers = echo_dropped(h->world.env.echo);
}

void checker_files_set(struct checker *h, uint32_t n)
{
	h->world.totals.with_file_max = n;
}

/* ---- life ---- */

static void on_rearm(evutil_socket_t fd, short events, void *ctx)
{
	struct checker *h = ctx;

	(void)fd;
	(void)events;
	turns_again(&h->world.turns);
	if (!h->world.unarmed)
		return;
	h->world.unarmed = false;
	for (uint32_t i = 0; i < h->services_n; i++)
		for (uint32_t j = 0; h->groups[i].checks && j < h->services[i]->backends_n; j++)
			if (h->groups[i].checks[j])
				check_rearm(h->groups[i].checks[j]);
}

/* Without it there are no exec checks; the others go on. */
static void exec_open(struct checker *h, const char *user)
{
	int err;

	if (user[0] == '\0')
		return;
	err = exec_helper_new(h->world.env.base, user, &h->world.env.exec);
	if (err == -ENOENT)
		log_error("health.exec_user: there is no user %s: exec checks can't run", user);
	else if (err)
		log_error("exec checks can't run: %s", strerror(-err));
}

int checker_new(struct event_base *base, const struct settings *settings,
		const struct checker_ops *ops, struct checker **checker)
{
	static const struct timeval each_second = {.tv_sec = 1};
	struct checker *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->world.ops = ops;
	h->world.totals.with_file_max = UINT32_MAX;
	h->world.env = (struct probe_env){.base = base, .exec_user = settings->exec_user};
	exec_open(h, settings->exec_user); /* first: it has nothing of what follows */
	if (getrandom(&h->world.random, sizeof(h->world.random), 0) < 0)
		h->world.random = (uint64_t)(uintptr_t)h;
	h->world.env.echo = echo_new(base);
	h->world.env.http = http_loop_new(base);
	h->world.env.vip = vip_way_new(base, settings->vip_mark, ops->outer, ops->ctx);
	h->rearm = event_new(base, -1, EV_PERSIST, on_rearm, h);
	if (turns_init(&h->world.turns, base, settings->health_rate, &h->world.totals) != 0 ||
	    !h->rearm || event_add(h->rearm, &each_second) != 0 || !h->world.env.echo ||
	    !h->world.env.http || !h->world.env.vip) {
		checker_free(h);
		return -ENOMEM;
	}
	*checker = h;
	return 0;
}

void checker_free(struct checker *h)
{
	if (!h)
		return;
	forget(h);
	http_loop_free(h->world.env.http);
	echo_free(h->world.env.echo);
	vip_way_free(h->world.env.vip);
	exec_helper_free(h->world.env.exec);
	if (h->rearm)
		event_free(h->rearm);
	turns_clear(&h->world.turns);
	free(h);
}
