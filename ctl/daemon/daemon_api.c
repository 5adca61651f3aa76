/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the methods of the control socket, and HTTP, ask of the daemon (api.h): passed on to who
 * knows. Control thread.
 */
#include "daemon_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "events.h"
#include "log.h"
#include "model_events.h"

enum {
	CHANGE_EVENTS_MAX = 512, /* of one request, of those that are kept */
};

static const struct model *api_model(void *ctx)
{
	return publisher_model(((struct daemon *)ctx)->publisher);
}

static const struct model *api_newest(void *ctx)
{
	return publisher_newest(((struct daemon *)ctx)->publisher);
}

/* A change under way, to be told as events when it is in force. */
struct told {
	struct model_diff diff;
	daemon_done_fn *done;
	void *ctx;
	char who[];
};

/* daemon_done_fn */
static void tell_change(void *ctx, int rc, const struct model_error *error)
{
	struct told *told = ctx;

	events_share_begin(CHANGE_EVENTS_MAX);
	if (rc == 0)
		model_events_tell(&told->diff, told->who);
	events_share_end(told->who);
	told->done(told->ctx, rc, error);
	model_diff_free(&told->diff);
	free(told);
}

static void api_submit(void *ctx, struct model *next, const char *who, bool alone,
		       daemon_done_fn *done, void *done_ctx)
{
	static const struct model_error no_memory = {MODEL_FULL, "no memory"};
	struct publisher *publisher = ((struct daemon *)ctx)->publisher;
	size_t who_bytes = strlen(who) + 1;
	struct told *told = calloc(1, sizeof(*told) + who_bytes);

	if (!told || model_diff(publisher_newest(publisher), next, &told->diff) != 0) {
		free(told);
		model_free(next);
		done(done_ctx, -ENOMEM, &no_memory);
		return;
	}
	told->done = done;
	told->ctx = done_ctx;
	memcpy(told->who, who, who_bytes);
	publisher_submit(publisher, next, who, alone, tell_change, told);
}

static int api_service_counters(void *ctx, const struct service_conf *service,
				struct service_counters *out)
{
	return publisher_service_counters(((struct daemon *)ctx)->publisher, service, out);
}

static int api_vip_counters(void *ctx, const struct ip_addr *vip, struct service_counters *out)
{
	return publisher_vip_counters(((struct daemon *)ctx)->publisher, vip, out);
}

static int api_other_counters(void *ctx, struct service_counters *out)
{
	return publisher_other_counters(((struct daemon *)ctx)->publisher, out);
}

static int api_backends_read(void *ctx, const struct service_conf *service,
			     struct daemon_backend *rows)
{
	return publisher_backends_read(((struct daemon *)ctx)->publisher, service, rows);
}

static int api_backend_counters(void *ctx, const struct service_conf *service,
				struct backend_counters *rows)
{
	return publisher_backend_counters(((struct daemon *)ctx)->publisher, service, rows);
}

static void api_health_read(void *ctx, const struct service_conf *service, uint32_t i,
			    struct health_report *out)
{
	health_read(((struct daemon *)ctx)->health, service, i, out);
}

static void api_transition_read(void *ctx, const struct service_conf *service,
				struct daemon_transition *out)
{
	publisher_transition_read(((struct daemon *)ctx)->publisher, service, out);
}

static int api_preview_begin(void *ctx, const struct model *next, struct daemon_preview_walk **walk)
{
	return publisher_preview_begin(((struct daemon *)ctx)->publisher, next, walk);
}

static struct daemon_flow_walk *api_flows_begin(void *ctx, const struct daemon_flow_filter *filter)
{
	return publisher_flows_begin(((struct daemon *)ctx)->publisher, filter);
}

static int api_explain(void *ctx, const struct packet_probe *probe, uint32_t port,
		       struct daemon_explanation *out)
{
	return publisher_explain(((struct daemon *)ctx)->publisher, probe, port, out);
}

static int api_capture_start(void *ctx, const struct daemon_capture_request *request, uint64_t *id)
{
	return captures_start(((struct daemon *)ctx)->captures, request, id);
}

static int api_capture_read(void *ctx, uint64_t id, struct daemon_capture_chunk *chunk)
{
	return captures_read(((struct daemon *)ctx)->captures, id, chunk);
}

static int api_capture_stop(void *ctx, uint64_t id)
{
	return captures_stop(((struct daemon *)ctx)->captures, id);
}

static void api_capture_show(void *ctx, struct daemon_capture *out)
{
	captures_show(((struct daemon *)ctx)->captures, out);
}

static void api_reload(void *ctx, const char *who, bool check, daemon_reloaded_fn *done,
		       void *done_ctx)
{
	daemon_reload(ctx, who, check, done, done_ctx);
}

static int api_config_text(void *ctx, bool effective, bool secrets, char **text)
{
	return configuration_text(((struct daemon *)ctx)->configuration, effective, secrets, text);
}

static int api_config_diff(void *ctx, struct model_diff *diff)
{
	return configuration_diff(((struct daemon *)ctx)->configuration, diff);
}

static void api_save(void *ctx, const char *who, daemon_saved_fn *done, void *done_ctx)
{
	configuration_save(((struct daemon *)ctx)->configuration, who, done, done_ctx);
}

static void api_state(void *ctx, struct daemon_state *out)
{
	configuration_state(((struct daemon *)ctx)->configuration, out);
}

static void clients_of(const struct control *control, uint32_t max, struct daemon_clients *out)
{
	struct control_stats stats;

	if (!control)
		return;
	stats = control_stats(control);
	*out = (struct daemon_clients){
		.connected = stats.clients,
		.connected_max = max,
		.accepted = stats.accepted,
		.refused = stats.refused,
		.requests = stats.requests,
		.long_lines = stats.long_lines,
		.slow = stats.slow,
	};
}

static void api_stats(void *ctx, struct daemon_stats *out)
{
	const struct daemon *d = ctx;

	*out = (struct daemon_stats){.log = log_stats(), .files = d->files};
	publisher_next_hops(d->publisher, &out->next_hops);
	configuration_state(d->configuration, &out->state);
	configuration_reloads(d->configuration, &out->reloads);
	clients_of(d->control, d->clients_max, &out->clients[DAEMON_CONTROL]);
	clients_of(d->readers, d->clients_max, &out->clients[DAEMON_READ]);
	health_totals(d->health, &out->checks);
	health_life(d->health, &out->life);
}

static int api_memory_read(void *ctx, struct memory_counters *out)
{
	return ((struct daemon *)ctx)->path.module->memory_read(out);
}

static int api_port_read(void *ctx, uint32_t port, struct fast_path_port_info *info)
{
	return path_port_read(&((struct daemon *)ctx)->path, port, info);
}

static int api_workers_read(void *ctx, struct worker_counters *rows, uint32_t max)
{
	return ((struct daemon *)ctx)->path.module->workers_read(rows, max);
}

static void api_generation(void *ctx, struct daemon_generation *out)
{
	publisher_generation(((struct daemon *)ctx)->publisher, out);
}

static void api_dataplane(void *ctx, struct daemon_dataplane *out)
{
	const struct path *path = &((struct daemon *)ctx)->path;

	*out = (struct daemon_dataplane){
		.path = path->module->name,
		.reason = path->why,
		.description = path->started.description,
	};
}

static void api_info(void *ctx, struct daemon_info *out)
{
	const struct daemon *d = ctx;

	*out = (struct daemon_info){
		.version = SLUICE_VERSION,
		.build = "gcc-compatible " __VERSION__,
		.config_path = d->options->config_path,
		.started_us = d->started_us,
	};
}

const struct daemon_api daemon_methods_api = {
	.ctx = &the_daemon,
	.model = api_model,
	.newest = api_newest,
	.submit = api_submit,
	.service_counters = api_service_counters,
	.vip_counters = api_vip_counters,
	.other_counters = api_other_counters,
	.backends_read = api_backends_read,
	.backend_counters = api_backend_counters,
	.health_read = api_health_read,
	.transition_read = api_transition_read,
	.preview_begin = api_preview_begin,
	.preview_next = publisher_preview_next,
	.preview_row = publisher_preview_row,
	.preview_end = publisher_preview_end,
	.flows_begin = api_flows_begin,
	.flows_next = publisher_flows_next,
	.flows_end = publisher_flows_end,
	.explain = api_explain,
	.capture_start = api_capture_start,
	.capture_read = api_capture_read,
	.capture_stop = api_capture_stop,
	.capture_show = api_capture_show,
	.reload = api_reload,
	.config_text = api_config_text,
	.config_diff = api_config_diff,
	.save = api_save,
	.state = api_state,
	.stats = api_stats,
	.memory_read = api_memory_read,
	.port_read = api_port_read,
	.workers_read = api_workers_read,
	.generation = api_generation,
	.dataplane = api_dataplane,
	.info = api_info,
};
