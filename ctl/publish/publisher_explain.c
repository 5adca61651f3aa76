/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would become of a packet (api.h): the trace of its way, told in the model's names. Control
 * thread.
 */
#include "publisher_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct explain {
	const struct running *r;
	uint32_t port;
	struct daemon_explanation *out;
};

/* The worker comes first: each of dpdk's knows its own flows only. */
static bool memory_find(void *ctx, const struct packet *packet, uint64_t hash,
			struct memory *memory)
{
	struct explain *e = ctx;
	const struct fast_path *module = e->r->path->module;
	uint32_t worker = FAST_PATH_ANY_WORKER;

	e->out->worker = module->worker_find(e->port, packet, e->out->worker_how);
	if (e->out->worker >= 0 && !(packet->flags & PACKET_ICMP_ERROR))
		worker = (uint32_t)e->out->worker;
	return module->memory_find(hash, worker, memory) == 0;
}

static const struct installed *installed_of(const struct running *r, const struct service *s)
{
	struct installed **rows = s ? running_by_row(r) : NULL;
	const struct installed *installed = NULL;

	if (rows && s->id < r->settings.services_max)
		installed = rows[s->id];
	free(rows);
	return installed;
}

static void way_fill(const struct running *r, struct daemon_explanation *out)
{
	const struct backend *b = out->trace.steering.backend;
	const struct nexthop *hop;

	out->port = -1;
	if (!b || !out->backend || !out->service)
		return;
	out->mtu_bytes = b->mtu_bytes;
	if (b->flags & BACKEND_RESOLVED) {
		out->port = b->port;
		out->inner_mtu_bytes = steer_inner_mtu_bytes(b, &out->trace.packet);
	}
	hop = surroundings_hop(&r->around, out->service, &out->backend->addr);
	if (hop)
		out->next_hop = *hop;
}

static int candidates_fill(const struct trace_tables *tables, const struct installed *installed,
			   struct daemon_explanation *out)
{
	uint32_t max = out->trace.steering.service->backends + 1U;
	struct trace_candidate *rows = calloc(max, sizeof(*rows));
	int err = -ENOMEM;

	out->candidates = calloc(max, sizeof(*out->candidates));
	if (!rows || !out->candidates)
		goto out_free;
	out->candidates_n = trace_candidates(tables, &out->trace, rows);
	for (uint32_t i = 0; i < out->candidates_n; i++)
		out->candidates[i] = (struct daemon_candidate){
			.backend = installed_backend(installed, rows[i].index),
			.slots = rows[i].slots,
			.verdict = rows[i].verdict,
		};
	err = 0;
out_free:
	free(rows);
	return err;
}

static int names_fill(const struct running *r, const struct trace_tables *tables,
		      struct daemon_explanation *out)
{
	const struct trace *t = &out->trace;
	const struct installed *installed = installed_of(r, t->steering.service);

	if (!installed) /* of no service, or of a vip's own entry */
		return 0;
	out->service = installed->conf;
	out->backend = installed_backend(installed, t->index);
	out->current = installed_backend(installed, t->slot.current);
	out->previous = installed_backend(installed, t->slot.previous);
	if (t->found && t->memory.service == (uint16_t)t->steering.service->id)
		out->remembered = installed_backend(installed, t->memory.backend);
	way_fill(r, out);
	return t->draws ? candidates_fill(tables, installed, out) : 0;
}

int publisher_explain(void *ctx, const struct packet_probe *probe, uint32_t port,
		      struct daemon_explanation *out)
{
	const struct running *r = &((struct publisher *)ctx)->running;
	const struct fast_path *module = r->path->module;
	struct explain explain = {r, port, out};
	const struct trace_tables tables = {
		.arena = r->path->started.arena,
		.now_s = module->memory_now_s(),
		.find = memory_find,
		.ctx = &explain,
	};
	uint8_t *room = malloc(TRACE_GROWTH_MAX + PACKET_PROBE_FRAME_MAX);
	struct trace_frame frame = {0};

	*out = (struct daemon_explanation){.port = -1, .generation = r->number};
	if (!room)
		return -ENOMEM;
	frame.bytes = room + TRACE_GROWTH_MAX;
	frame.n = packet_probe_frame(probe, frame.bytes);
	trace_packet(&tables, &frame, &out->trace);
	free(room);
	if (out->trace.found)
		out->memory_idle_s = memory_idle_s(&out->trace.memory, tables.now_s);
	/* Asked anew even where the flow table was: it costs nothing. */
	out->worker = module->worker_find(port, &out->trace.packet, out->worker_how);
	return names_fill(r, &tables, out);
}
