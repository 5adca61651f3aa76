/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon without a fast path, for the tests of the control server: a real model, made-up
 * numbers. Services: web (198.51.100.10:80/tcp, gue, b1 and b2), which is in transition, and dns6
 * ([2001:db8::10]:53/udp, ipip, no backends), which is not.
 */
#ifndef SLUICE_TESTS_UNIT_FAKE_DAEMON_H
#define SLUICE_TESTS_UNIT_FAKE_DAEMON_H

#include "api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	FAKE_WAITING_MAX = 64,
};

struct fake_daemon {
	struct model *model;
	uint64_t generation;
	int apply_rc; /* what becomes of the next change */
	bool slow;    /* changes wait for fake_flush(), a reload for fake_reload_end() */
	struct model *waiting_model;
	struct {
		daemon_done_fn *done;
		void *ctx;
	} waiting[FAKE_WAITING_MAX];
	uint32_t waiting_n;
	daemon_reloaded_fn *reload_done; /* NULL: none waits */
	void *reload_ctx;
	long read_ns;   /* how long it takes to read a service */
	int read_rc;    /* what reading counters, flows and previews returns */
	uint64_t flows; /* remembered ones: of web's b1, but the second: of one removed */
	struct daemon_drain drain; /* of each draining backend */
	struct daemon_capture capture;
	struct daemon_capture_request capture_request; /* the last */
	int capture_rc;                                /* what the next capture_start() returns */
	char who[1024];                                /* of the last change */
	char huge_path[8 << 20]; /* config_path, to make answers long; "" at first */
};

static const struct model *fake_model(void *ctx)
{
	return ((struct fake_daemon *)ctx)->model;
}

static void fake_publish(struct fake_daemon *fake, struct model *next)
{
	model_free(fake->model);
	fake->model = next;
	fake->generation++;
}

static void fake_submit(void *ctx, struct model *next, const char *who, bool alone,
			daemon_done_fn *done, void *done_ctx)
{
	static const struct model_error full = {MODEL_FULL, "no room in the arena"};
	struct fake_daemon *fake = ctx;

	snprintf(fake->who, sizeof(fake->who), "%s", who);
	if (fake->apply_rc != 0) {
		model_free(next);
		done(done_ctx, fake->apply_rc, &full);
		return;
	}
	if (fake->slow && !alone && fake->waiting_n < FAKE_WAITING_MAX) {
		model_free(fake->waiting_model);
		fake->waiting_model = next;
		fake->waiting[fake->waiting_n].done = done;
		fake->waiting[fake->waiting_n++].ctx = done_ctx;
		return;
	}
	fake_publish(fake, next);
	done(done_ctx, 0, NULL);
}

/* What waits becomes one generation; or none, for `rc`. */
static inline void fake_flush(struct fake_daemon *fake, int rc)
{
	static const struct model_error full = {MODEL_FULL, "no room in the arena"};
	uint32_t n = fake->waiting_n;

	if (rc == 0)
		fake_publish(fake, fake->waiting_model);
	else
		model_free(fake->waiting_model);
	fake->waiting_model = NULL;
	fake->waiting_n = 0;
	for (uint32_t i = 0; i < n; i++)
		fake->waiting[i].done(fake->waiting[i].ctx, rc, &full);
}

static const struct model *fake_newest(void *ctx)
{
	const struct fake_daemon *fake = ctx;

	return fake->waiting_model ? fake->waiting_model : fake->model;
}

static int fake_service_counters(void *ctx, const struct service_conf *service,
				 struct service_counters *out)
{
	memset(out, 0, sizeof(*out));
	out->packets[VERDICT_forward] = 1000 + service->port;
	return ((struct fake_daemon *)ctx)->read_rc;
}

static int fake_vip_counters(void *ctx, const struct ip_addr *vip, struct service_counters *out)
{
	memset(out, 0, sizeof(*out));
	out->packets[VERDICT_echo_reply] = vip->family;
	return ((struct fake_daemon *)ctx)->read_rc;
}

static int fake_other_counters(void *ctx, struct service_counters *out)
{
	memset(out, 0, sizeof(*out));
	out->packets[VERDICT_not_ip] = 1ULL << 40;
	return ((struct fake_daemon *)ctx)->read_rc;
}

/* The first is resolved, the second too, but not by a port of ours; others have no route. */
static int fake_backends_read(void *ctx, const struct service_conf *service,
			      struct daemon_backend *rows)
{
	for (uint32_t i = 0; i < service->backends_n; i++) {
		memset(&rows[i], 0, sizeof(rows[i]));
		rows[i].port = i == 0 ? 0 : -1;
		rows[i].slots = 100 + i;
		rows[i].counters.packets = 7;
		rows[i].counters.bytes = 5000000000;
		rows[i].weight = service->backends[i].weight / 2;
		rows[i].flows = 3 + i;
		if (service->backends[i].admin == BACKEND_DRAINING)
			rows[i].drain = ((struct fake_daemon *)ctx)->drain;
		if (i > 1)
			continue;
		rows[i].next_hop.state = NEXTHOP_RESOLVED;
		rows[i].next_hop.mtu_bytes = 1400;
		rows[i].next_hop.first_mtu_bytes = 1600;
		rows[i].next_hop.vlan = 5;
		rows[i].next_hop.via = service->backends[i].addr;
		memcpy(rows[i].next_hop.dst_mac, "\x02\0\0\0\0\x11", 6);
		snprintf(rows[i].next_hop.ifname, IFNAMSIZ, "eth%u", i);
	}
	return ((struct fake_daemon *)ctx)->read_rc;
}

static int fake_backend_counters(void *ctx, const struct service_conf *service,
				 struct backend_counters *rows)
{
	for (uint32_t i = 0; i < service->backends_n; i++)
		rows[i] = (struct backend_counters){.packets = 7 + i, .bytes = 5000000000};
	return ((struct fake_daemon *)ctx)->read_rc;
}

/* The first backend is up for 90 s, the second down; others aren't checked. */
static void fake_health_read(void *ctx, const struct service_conf *service, uint32_t i,
			     struct health_report *out)
{
	memset(out, 0, sizeof(*out));
	if (i > 1 || strcmp(service->name, "web") != 0)
		return;
	out->state = i == 0 ? HEALTH_UP : HEALTH_DOWN;
	out->since_us = out->checked_us = 1700000000000000 + i;
	snprintf(out->reason, sizeof(out->reason), "%s",
		 i == 0 ? "tcp connect" : "tcp connect timed out after 500 ms, 3 of 3");
}

static void fake_transition_read(void *ctx, const struct service_conf *service,
				 struct daemon_transition *out)
{
	const struct timespec read = {.tv_nsec = ((const struct fake_daemon *)ctx)->read_ns};

	if (read.tv_nsec > 0)
		nanosleep(&read, NULL);
	*out = (struct daemon_transition){.slots = service->slots};
	if (service->port != 80)
		return;
	out->state = TRANSITION_ACTIVE;
	out->started_us = 1700000000000000;
	out->ends_in_s = 299;
	out->changed_slots = 40;
	out->previous_slots = 30;
}

/* A row for each service that is another one in `next`. */
#include "fake_flows.h"

/*
 * tcp and udp go to web's b1, by a flow table that remembers the flow; a packet that opens one goes
 * to b2; echo requests are answered.
 */
static int fake_explain(void *ctx, const struct packet_probe *probe, uint32_t port,
			struct daemon_explanation *out)
{
	static const struct service service = {.slots = 509, .id = 1};
	static const struct backend backend = {
		.flags = BACKEND_RESOLVED,
		.encap = ENCAP_GUE,
		.dst_mac = {2, 0, 0, 0, 0, 0x11},
		.src_mac = {2, 0, 0, 0, 0, 1},
		.mtu_bytes = 1600,
	};
	static const struct generation generation = {.number = 7};
	const struct fake_daemon *fake = ctx;
	const struct service_conf *web = model_find(fake->model, "web");

	*out = (struct daemon_explanation){.port = -1, .generation = 7};
	snprintf(out->worker_how, sizeof(out->worker_how), "port %u: there is one worker", port);
	out->trace.generation = &generation;
	out->trace.vip = &service;
	out->trace.packet.ip_bytes =
		probe->ip_bytes ? probe->ip_bytes : packet_probe_bytes_min(probe);
	out->trace.packet.flags = (uint8_t)((probe->opens ? PACKET_OPENS : 0) |
					    (probe->may_fragment ? 0 : PACKET_DF));
	out->trace.verdict = VERDICT_echo_reply;
	if (probe->proto == PROTO_ICMP)
		return fake->read_rc;
	out->trace.verdict = probe->dst_port == 80 ? VERDICT_forward : VERDICT_unserved;
	if (probe->dst_port != 80)
		return fake->read_rc;
	out->service = web;
	out->backend = &web->backends[probe->opens];
	out->current = &web->backends[1];
	out->previous = out->remembered = &web->backends[0];
	out->trace.hashed = out->trace.looked = out->trace.found = true;
	out->trace.known = !probe->opens;
	out->trace.memory = (struct memory){.seen_state = MEMORY_TCP};
	out->trace.slot = (struct memory_slot){.current = 1, .previous = 0};
	out->trace.index = probe->opens;
	out->memory_idle_s = 4;
	out->trace.steering = (struct steering){.service = &service,
						.backend = &backend,
						.hash = 0x0123456789abcdef,
						.slot = 12,
						.value = SLOT_CHANGED | 1};
	out->trace.outer = (struct trace_outer){.src = web->vip,
						.dst = out->backend->addr,
						.src_port = 50000,
						.dst_port = 6080,
						.ttl = 64,
						.ip_bytes = out->trace.packet.ip_bytes + 28};
	out->next_hop.state = NEXTHOP_RESOLVED;
	out->next_hop.via = out->backend->addr;
	out->port = 0;
	out->mtu_bytes = 1600;
	out->inner_mtu_bytes = 1572;
	if (out->trace.packet.ip_bytes > 1572)
		out->trace.verdict = VERDICT_too_big;
	return fake->read_rc;
}

static int fake_capture_start(void *ctx, const struct daemon_capture_request *request, uint64_t *id)
{
	struct fake_daemon *fake = ctx;

	if (fake->capture_rc != 0)
		return fake->capture_rc;
	fake->capture_request = *request;
	fake->capture = (struct daemon_capture){.id = 4, .end = CAPTURE_ON, .captures_all = 1};
	snprintf(fake->capture.service, MODEL_NAME_MAX, "%s", request->service->name);
	*id = 4;
	return 0;
}

/* Two packets, and it is over once it was stopped. */
static int fake_capture_read(void *ctx, uint64_t id, struct daemon_capture_chunk *chunk)
{
	struct fake_daemon *fake = ctx;

	if (id != 4 || fake->capture.id == 0)
		return -ENOENT;
	fake->capture.packets = 2;
	fake->capture.frames = 3;
	fake->capture.missed = 5;
	*chunk = (struct daemon_capture_chunk){.capture = fake->capture,
					       .bytes = (const uint8_t *)"\xff\x00pcap",
					       .bytes_n = 6,
					       .last = fake->capture.end != CAPTURE_ON};
	return 0;
}

static int fake_capture_stop(void *ctx, uint64_t id)
{
	struct fake_daemon *fake = ctx;

	if (id != 4 || fake->capture.id == 0)
		return -ENOENT;
	fake->capture.end = CAPTURE_STOPPED;
	return 0;
}

static void fake_capture_show(void *ctx, struct daemon_capture *out)
{
	*out = ((struct fake_daemon *)ctx)->capture;
}

static void fake_reload(void *ctx, const char *who, bool check, daemon_reloaded_fn *done,
			void *done_ctx)
{
	struct fake_daemon *fake = ctx;
	struct daemon_reload out = {.rows_n = 0};

	snprintf(fake->who, sizeof(fake->who), "%s", who);
	if (fake->read_rc < 0) {
		out.error = strdup("sluice.conf:3: port: 70000 is not in 1-65535\nand 1 more");
		done(done_ctx, fake->read_rc, &out);
		return;
	}
	if (fake->slow) {
		fake->reload_done = done;
		fake->reload_ctx = done_ctx;
		return;
	}
	if (!check)
		fake->generation++;
	daemon_reload_lose(&out, "service web: backend b9: lost");
	out.diff.changes = calloc(1, sizeof(*out.diff.changes));
	out.diff.n = 1;
	out.diff.changes[0] = (struct model_change){.kind = MODEL_CHANGE_BACKEND,
						    .service = "web",
						    .backend = "b1",
						    .key = "weight",
						    .before = "100",
						    .after = "50"};
	out.rows = calloc(1, sizeof(*out.rows));
	out.rows_n = 1;
	out.rows[0] = (struct daemon_preview){
		.service = "web", .slots = 1000, .slots_moved = 124, .flows_touched = 1};
	done(done_ctx, 0, &out);
}

/* The one that waits is over, and took a run-time change back. */
static inline void fake_reload_end(struct fake_daemon *fake)
{
	struct daemon_reload lost = {.rows_n = 0};
	daemon_reloaded_fn *done = fake->reload_done;

	fake->reload_done = NULL;
	fake->generation++;
	daemon_reload_lose(&lost, "service web: b1");
	done(fake->reload_ctx, 0, &lost);
}

static int fake_config_text(void *ctx, bool effective, bool secrets, char **text)
{
	if (!effective && !secrets)
		return -EACCES;
	*text = strdup(effective ? "outer = { };\n" : "seed = 1;\n");
	return ((struct fake_daemon *)ctx)->read_rc;
}

static int fake_config_diff(void *ctx, struct model_diff *diff)
{
	const struct fake_daemon *fake = ctx;

	return model_diff(fake->model, fake->model, diff);
}

static void fake_save(void *ctx, const char *who, daemon_saved_fn *done, void *done_ctx)
{
	struct fake_daemon *fake = ctx;

	snprintf(fake->who, sizeof(fake->who), "%s", who);
	done(done_ctx, fake->read_rc,
	     fake->read_rc < 0 ? strdup("the file includes others") : NULL);
}

static void fake_state(void *ctx, struct daemon_state *out)
{
	(void)ctx;
	*out = (struct daemon_state){.path = "/s.json", .failures = 2, .error = -ENOSPC};
}

static void fake_stats(void *ctx, struct daemon_stats *out)
{
	struct fake_daemon *fake = ctx;

	(void)fake;
	*out = (struct daemon_stats){
		.next_hops = {.pictures = 7, .failures = 3, .picture_us = 1500},
		.reloads = {.done = 2, .refused = 1, .last_failed = true, .done_us = 1500000},
		.clients = {{.connected = 1, .connected_max = 128, .accepted = 5}, {.refused = 9}},
		.log = {.lines = 40, .lost = 4},
		.files = {.limit = 300, .used = 47, .probes = 80, .clients = 78},
		.checks = {.begun = 12,
			   .late_us = 2500,
			   .passed = 8,
			   .failed = 3,
			   .not_made = 1,
			   .with_file = 2,
			   .with_file_max = 80,
			   .queued = 600,
			   .waiting = 1},
	};
	fake_state(ctx, &out->state);
}

static int fake_memory_read(void *ctx, struct memory_counters *out)
{
	*out = (struct memory_counters){.lookups = 1ULL << 40,
					.hits = 2,
					.inserts = 3,
					.evicted_half_open = 4,
					.evicted_established = 5,
					.expired = 6,
					.forgotten = 7,
					.untracked = 8,
					.entries = 9,
					.capacity = 10};
	return ((struct fake_daemon *)ctx)->read_rc;
}

static int fake_port_read(void *ctx, uint32_t port, struct fast_path_port_info *info)
{
	if (port > 0)
		return -ENOENT;
	*info = (struct fast_path_port_info){.interface = "eth0",
					     .driver = "net_tap",
					     .mac = {2, 0, 0, 0, 0, 1},
					     .state = FAST_PATH_PORT_UP,
					     .numa_node = -1,
					     .rx_packets = 12};
	return 0;
}

static int fake_workers_read(void *ctx, struct worker_counters *rows, uint32_t max)
{
	memset(&rows[0], 0, sizeof(rows[0]));
	rows[0].core = 1;
	rows[0].bursts = 3;
	return 1;
}

static void fake_generation(void *ctx, struct daemon_generation *out)
{
	*out = (struct daemon_generation){.number = ((struct fake_daemon *)ctx)->generation,
					  .published_us = 1700000000123456,
					  .took_us = 412,
					  .arena_used_bytes = 4096,
					  .arena_bytes = 1 << 20};
}

static void fake_dataplane(void *ctx, struct daemon_dataplane *out)
{
	*out = (struct daemon_dataplane){.path = "dpdk",
					 .reason = "mode = \"dpdk\"",
					 .description = "DPDK, with a byte that is no UTF-8: \xff"};
}

static void fake_info(void *ctx, struct daemon_info *out)
{
	struct fake_daemon *fake = ctx;

	*out = (struct daemon_info){.version = "0.1.0",
				    .build = "gcc 12",
				    .config_path = fake->huge_path,
				    .started_us = 1};
}

static inline struct daemon_api fake_api(struct fake_daemon *fake)
{
	return (struct daemon_api){
		.ctx = fake,
		.model = fake_model,
		.newest = fake_newest,
		.submit = fake_submit,
		.service_counters = fake_service_counters,
		.vip_counters = fake_vip_counters,
		.other_counters = fake_other_counters,
		.backends_read = fake_backends_read,
		.backend_counters = fake_backend_counters,
		.health_read = fake_health_read,
		.transition_read = fake_transition_read,
		.preview_begin = fake_preview_begin,
		.preview_next = fake_preview_next,
		.preview_row = fake_preview_row,
		.preview_end = fake_preview_end,
		.flows_begin = fake_flows_begin,
		.flows_next = fake_flows_next,
		.flows_end = fake_flows_end,
		.explain = fake_explain,
		.capture_start = fake_capture_start,
		.capture_read = fake_capture_read,
		.capture_stop = fake_capture_stop,
		.capture_show = fake_capture_show,
		.reload = fake_reload,
		.config_text = fake_config_text,
		.config_diff = fake_config_diff,
		.save = fake_save,
		.state = fake_state,
		.stats = fake_stats,
		.memory_read = fake_memory_read,
		.port_read = fake_port_read,
		.workers_read = fake_workers_read,
		.generation = fake_generation,
		.dataplane = fake_dataplane,
		.info = fake_info,
	};
}

static inline void fake_add(struct fake_daemon *fake, const char *name, const char *vip,
			    uint16_t port, uint8_t proto, enum encap encap, uint32_t backends_n)
{
	struct service_conf *spec = service_conf_new(backends_n);
	struct model_error error;
	struct model *next;

	assert_non_null(spec);
	snprintf(spec->name, sizeof(spec->name), "%s", name);
	assert_int_equal(ip_parse(vip, &spec->vip), 0);
	spec->port = port;
	spec->proto = proto;
	spec->encap = (uint8_t)encap;
	for (uint32_t i = 0; i < backends_n; i++) {
		struct backend_conf *backend = &spec->backends[i];

		snprintf(backend->name, sizeof(backend->name), "b%u", i + 1);
		backend->addr =
			(struct ip_addr){.family = IP_V4, .bytes = {10, 0, 0, (uint8_t)(11 + i)}};
		backend->weight = 100;
	}
	next = model_service_add(fake->model, spec, &error);
	if (!next)
		fail_msg("%s", error.text);
	service_conf_unref(spec);
	model_free(fake->model);
	fake->model = next;
}

/* `fake` is zeroed. */
static inline void fake_init(struct fake_daemon *fake)
{
	const struct settings settings = {.services_max = 8, .backends_max = 8, .tables_mb = 8};

	fake->model = model_new(&settings);
	assert_non_null(fake->model);
	fake->generation = 7;
	fake_add(fake, "web", "198.51.100.10", 80, 6, ENCAP_GUE, 2);
	fake_add(fake, "dns6", "2001:db8::10", 53, 17, ENCAP_IPIP, 0);
}

#endif
