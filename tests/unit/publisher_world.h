/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the publisher: a fast path that is nothing but memory, with a table of flows that
 * is a list, and a clock that goes when it is told to. Backends are addresses without a route, or
 * of this host, so no packet leaves. world_packets.h has what packets see. Included after cmocka.h.
 */
#ifndef SLUICE_TESTS_UNIT_PUBLISHER_WORLD_H
#define SLUICE_TESTS_UNIT_PUBLISHER_WORLD_H

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "publisher.h"
#include "sluice/wire.h"

enum {
	WORLD_ARENA_BYTES = ARENA_CHUNK_BYTES,
	WORLD_ROWS = 64,
	WORLD_FLOWS_MAX = 4096,
	SECOND_US = 1000000,
};

/* What the fast path is made of; one per process, since its functions have no context. */
static struct {
	uint8_t *arena;
	struct service_counters services[WORLD_ROWS];
	struct backend_counters backends[WORLD_ROWS];
	struct memory_entry flows[WORLD_FLOWS_MAX];
	uint32_t flows_n;
	unsigned int published, quiesced, walks, lookups, ports_changed;
	int64_t now_us;
	uint32_t step_flows;
	int64_t step_us;
} path;

static inline struct arena_head *world_head(void)
{
	return (struct arena_head *)(void *)path.arena;
}

static inline const struct arena *world_arena(void)
{
	return (const struct arena *)path.arena;
}

static void world_publish(uint32_t offset)
{
	world_head()->current = offset;
	path.published++;
}

static void world_quiesce(void)
{
	path.quiesced++;
}

static int world_port_read(uint32_t port, struct fast_path_port_info *info)
{
	(void)port;
	memset(info, 0, sizeof(*info));
	info->state = FAST_PATH_PORT_UP;
	snprintf(info->interface, sizeof(info->interface), "lo");
	return 0;
}

static int world_services_read(uint32_t first, uint32_t n, struct service_counters *rows)
{
	memcpy(rows, &path.services[first], n * sizeof(*rows));
	return 0;
}

static int world_backends_read(uint32_t first, uint32_t n, struct backend_counters *rows)
{
	memcpy(rows, &path.backends[first], n * sizeof(*rows));
	return 0;
}

/* A step takes step_flows, and step_us of the time; by default all at once, and none. */
static int world_memory_walk(struct fast_path_walk *walk,
			     void (*each)(void *ctx, uint32_t worker,
					  const struct memory_entry *entry),
			     void *ctx)
{
	path.walks += walk->at == 0;
	path.now_us += path.step_us;
	for (uint32_t i = 0; walk->at < path.flows_n; walk->at++, i++) {
		if (path.step_flows != 0 && i == path.step_flows)
			return 1;
		each(ctx, walk->at % 2, &path.flows[walk->at]);
	}
	return 0;
}

static int world_ports_changed(void)
{
	path.ports_changed++;
	return 0;
}

static uint32_t world_memory_now_s(void)
{
	return (uint32_t)(path.now_us / SECOND_US);
}

static int64_t world_now_us(void)
{
	return path.now_us;
}

static const struct fast_path world_module = {
	.abi = FAST_PATH_ABI,
	.name = "fake",
	.publish = world_publish,
	.quiesce = world_quiesce,
	.port_read = world_port_read,
	.services_read = world_services_read,
	.backends_read = world_backends_read,
	.memory_walk = world_memory_walk,
	.memory_now_s = world_memory_now_s,
	.ports_changed = world_ports_changed,
};

struct fixture {
	struct event_base *base;
	struct path path;
	struct publisher *publisher;
	struct settings settings;
};

static inline struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_parse(text, &a), 0);
	return a;
}

static inline void world_publisher_new(struct fixture *f)
{
	char error[MODEL_ERROR_MAX];

	if (publisher_new(f->base, &f->path, &f->settings, &f->publisher, error) != 0)
		fail_msg("%s", error);
	publisher_set_clock(f->publisher, world_now_us);
}

static inline int world_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_set_level(FAST_PATH_LOG_ERROR);
	memset(&path, 0, sizeof(path));
	path.arena = aligned_alloc(64, WORLD_ARENA_BYTES);
	memset(path.arena, 0, WORLD_ARENA_BYTES);
	path.now_us = 1000LL * SECOND_US;
	f->base = event_base_new();
	f->path.module = &world_module;
	f->path.ports_n = 1;
	f->path.started.arena = (struct arena *)path.arena;
	f->path.started.arena_bytes = WORLD_ARENA_BYTES;
	f->settings = (struct settings){
		.seed = {{1, 2}},
		.ports_n = 1,
		.services_max = WORLD_ROWS,
		.backends_max = WORLD_ROWS,
		.gue_port = 6080,
		.outer_ttl = 64,
		.idle_s = {[MEMORY_SYN] = 10,
			   [MEMORY_TCP_ONCE] = 3600,
			   [MEMORY_TCP] = 3600,
			   [MEMORY_CLOSING] = 15,
			   [MEMORY_UDP_ONCE] = 60,
			   [MEMORY_UDP] = 60},
	};
	world_publisher_new(f);
	*state = f;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct fixture *f = *state;

	publisher_free(f->publisher);
	event_base_free(f->base);
	free(path.arena);
	free(f);
	return 0;
}

/* The daemon ends, and another goes on with the running tables; its model is still to come. */
static inline void world_restart(struct fixture *f)
{
	publisher_free(f->publisher);
	f->path.started.adopted = true;
	world_publisher_new(f);
}

/*
 * The same, with what the daemon noted; `notes` NULL: as it is now. `file`, as a file says it, gets
 * the slots that it had, and is put in force. Not `adopts`: with blank tables, for the path kept
 * none, or of another layout.
 */
static inline void world_go_on(struct fixture *f, json_t *notes, bool adopts, struct model *file)
{
	json_t *services = publisher_notes(f->publisher);
	struct model_error error = {.text = ""};

	if (notes)
		json_incref(notes);
	else
		notes = publisher_notes_stamp(f->publisher, services);
	json_decref(services);
	publisher_free(f->publisher);
	f->path.started.adopted = adopts;
	if (!adopts)
		memset(path.arena, 0, WORLD_ARENA_BYTES);
	world_publisher_new(f);
	publisher_go_on(f->publisher, notes, file);
	json_decref(notes);
	if (publisher_apply(f->publisher, file, "test", &error) != 0)
		fail_msg("%s", error.text);
}

/* ---- models ---- */

/* NAME on VIP:80/tcp with backends b1 ... on 192.0.2.1 ...; the caller may change it, and frees it. */
static inline struct service_conf *world_spec(const char *name, const char *vip, uint32_t n)
{
	struct service_conf *spec = service_conf_new(n);

	snprintf(spec->name, sizeof(spec->name), "%s", name);
	spec->vip = addr(vip);
	spec->port = 80;
	spec->proto = PROTO_TCP;
	spec->transition_s = 300;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(spec->backends[i].name, sizeof(spec->backends[i].name), "b%u", i + 1);
		spec->backends[i].addr =
			(struct ip_addr){.family = IP_V4, .bytes = {192, 0, 2, (uint8_t)(i + 1)}};
		spec->backends[i].weight = 100;
	}
	return spec;
}

/* `m` with `spec`; both are freed. */
static inline struct model *world_with(struct model *m, struct service_conf *spec)
{
	struct model_error error;
	struct model *next = model_service_add(m, spec, &error);

	if (!next)
		fail_msg("%s", error.text);
	model_free(m);
	service_conf_unref(spec);
	return next;
}

static inline void world_apply(struct fixture *f, struct model *next)
{
	struct model_error error = {.text = "no such model"};

	if (!next || publisher_apply(f->publisher, next, "test", &error) != 0)
		fail_msg("%s", error.text);
}

static inline const struct model *world_model(const struct fixture *f)
{
	return publisher_model(f->publisher);
}

/* Changes of the service web. */
static inline void world_weight(struct fixture *f, const char *backend, uint32_t weight)
{
	struct model_error error;

	world_apply(f, model_backend_weight(world_model(f), "web", backend, weight, &error));
}

static inline void world_admin(struct fixture *f, const char *backend, enum backend_admin admin)
{
	struct model_error error;

	world_apply(f, model_backend_admin(world_model(f), "web", backend, admin, &error));
}

static inline void world_drain(struct fixture *f, const char *backend, uint32_t timeout_s)
{
	struct model_error error;

	world_apply(f, model_backend_drain(world_model(f), "web", backend, timeout_s, &error));
}

static inline void world_add(struct fixture *f, const char *backend, uint8_t last_byte)
{
	struct backend_conf spec = {.weight = 100};
	struct model_error error;

	snprintf(spec.name, sizeof(spec.name), "%s", backend);
	spec.addr = (struct ip_addr){.family = IP_V4, .bytes = {192, 0, 2, last_byte}};
	world_apply(f, model_backend_add(world_model(f), "web", &spec, &error));
}

static inline void world_remove(struct fixture *f, const char *backend)
{
	struct model_error error;

	world_apply(f, model_backend_remove(world_model(f), "web", backend, &error));
}

/* Time goes by; the publisher looks once a second, as its timer would. */
static inline void world_wait(struct fixture *f, uint32_t seconds)
{
	for (uint32_t i = 0; i < seconds; i++) {
		path.now_us += SECOND_US;
		publisher_tick(f->publisher);
	}
}

#endif
