/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generation.show, dataplane.show, version, methods.list. Called by rpc.c, on the control thread.
 */
#include "methods.h"

#include "shortage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *generation_show(struct rpc_call *call)
{
	struct daemon_generation generation;
	json_t *result = json_object();

	call->api->generation(call->api->ctx, &generation);
	methods_put_number(&result, "generation", generation.number);
	methods_put_number(&result, "published_us", (uint64_t)generation.published_us);
	methods_put_number(&result, "took_us", generation.took_us);
	methods_put_number(&result, "arena_used_bytes", generation.arena_used_bytes);
	methods_put_number(&result, "arena_bytes", generation.arena_bytes);
	return result;
}

static void put_node(json_t **object, int16_t node)
{
	methods_put(object, "numa_node", node < 0 ? json_null() : json_integer(node));
}

static const char *const spreads[] = {
#define X(id, word, text) [FAST_PATH_SPREAD_##id] = word,
	FAST_PATH_SPREADS(X)
#undef X
};

static json_t *port_json(const struct fast_path_port_info *port)
{
	json_t *object = json_object();
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", port->mac[0], port->mac[1],
		 port->mac[2], port->mac[3], port->mac[4], port->mac[5]);
	methods_put_text(&object, "interface", port->interface);
	methods_put_text(&object, "driver", port->driver);
	methods_put_text(&object, "mac", mac);
	methods_put_text(&object, "state", fast_path_port_word(port->state));
	methods_put(&object, "up", json_boolean(port->state == FAST_PATH_PORT_UP));
	put_node(&object, port->numa_node);
	methods_put_number(&object, "queues", port->queues);
	methods_put_text(&object, "spread", spreads[port->spread]);
	methods_put_text(&object, "spread_how", port->spread_how);
	methods_put_number(&object, "rx_packets", port->rx_packets);
	methods_put_number(&object, "tx_packets", port->tx_packets);
	methods_put_number(&object, "rx_missed", port->rx_missed);
	methods_put_number(&object, "to_kernel", port->to_kernel);
	methods_put_number(&object, "from_kernel", port->from_kernel);
	methods_put_text(&object, "mode", port->mode);
	methods_put(&object, "dropped", methods_drops(port));
	return object;
}

static json_t *ports_json(const struct daemon_api *api)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < FAST_PATH_PORTS_MAX; i++) {
		struct fast_path_port_info port = {.interface = "", .numa_node = -1};
		int err = api->port_read(api->ctx, i, &port);

		if (err == -ENOENT)
			break;
		methods_append(&list, port_json(&port));
	}
	return list;
}

static json_t *worker_json(const struct worker_counters *worker)
{
	json_t *object = json_object();

	methods_put_number(&object, "core", worker->core);
	put_node(&object, worker->numa_node);
	methods_put(&object, "packets", methods_verdicts(&worker->verdicts));
	methods_put_number(&object, "bursts", worker->bursts);
	methods_put_number(&object, "empty_bursts", worker->empty_bursts);
	methods_put_number(&object, "sleeps", worker->sleeps);
	methods_put_number(&object, "burst_gap_max_ns", worker->burst_gap_max_ns);
	methods_put_number(&object, "burst_gap_recent_ns", worker->burst_gap_recent_ns);
	return object;
}

static json_t *workers_json(const struct daemon_api *api)
{
	struct worker_counters *rows = calloc(FAST_PATH_WORKERS_MAX, sizeof(*rows));
	json_t *list = json_array();
	int n;

	if (!rows) {
		json_decref(list);
		return NULL;
	}
	n = api->workers_read(api->ctx, rows, FAST_PATH_WORKERS_MAX);
	for (int i = 0; i < n && i < FAST_PATH_WORKERS_MAX; i++)
		methods_append(&list, worker_json(&rows[i]));
	free(rows);
	return list;
}

static json_t *dataplane_show(struct rpc_call *call)
{
	struct daemon_dataplane dataplane;
	json_t *result = json_object();

	call->api->dataplane(call->api->ctx, &dataplane);
	methods_put_text(&result, "path", dataplane.path);
	methods_put_text(&result, "reason", dataplane.reason);
	methods_put_text(&result, "description", dataplane.description);
	methods_put(&result, "ports", ports_json(call->api));
	methods_put(&result, "workers", workers_json(call->api));
	return result;
}

static json_t *shortages_json(void)
{
	json_t *list = json_array();

	for (int i = 0; i < SHORTAGE_N; i++) {
		struct shortage_count count = shortage_read((enum shortage)i);
		json_t *object = json_object();

		methods_put_text(&object, "what", shortage_word((enum shortage)i));
		methods_put_text(&object, "text", shortage_text((enum shortage)i));
		methods_put_number(&object, "failures", count.failures);
		methods_put_text(&object, "error", count.error ? strerror(count.error) : "");
		methods_put_number(&object, "last_us", (uint64_t)count.last_us);
		methods_append(&list, object);
	}
	return list;
}

static json_t *files_json(const struct daemon_stats *stats)
{
	json_t *object = json_object();

	methods_put_number(&object, "limit", stats->files.limit);
	methods_put_number(&object, "used", stats->files.used);
	methods_put_number(&object, "checks", stats->checks.with_file);
	methods_put_number(&object, "checks_max", stats->checks.with_file_max);
	methods_put_number(&object, "checks_waiting", stats->checks.waiting);
	methods_put_number(&object, "checks_queued", stats->checks.queued);
	methods_put_number(&object, "clients_max", stats->clients[DAEMON_CONTROL].connected_max);
	return object;
}

static json_t *checks_json(const struct daemon_stats *stats, const struct settings *settings)
{
	static const struct health_totals none;
	json_t *object = json_object();

	methods_put_number(&object, "rate_max", settings->health_rate);
	methods_put_number(&object, "begun", stats->checks.begun);
	methods_put_number(&object, "not_made", stats->checks.not_made);
	methods_put_number(&object, "late_p50_us",
			   (uint64_t)health_late_quantile_us(&stats->checks, &none, 0.5));
	methods_put_number(&object, "late_p99_us",
			   (uint64_t)health_late_quantile_us(&stats->checks, &none, 0.99));
	methods_put_number(&object, "waiting", stats->checks.pacing);
	methods_put_number(&object, "paced", stats->checks.paced);
	methods_put_number(&object, "unhurried", stats->checks.unhurried);
	methods_put_number(&object, "answers_lost", stats->checks.lost_answers);
	methods_put_number(&object, "process_restarts", stats->life.deaths);
	methods_put_number(&object, "process_silent_us", (uint64_t)stats->life.still_us);
	return object;
}

static json_t *state_json(const struct daemon_state *state)
{
	json_t *object = json_object();

	methods_put_text(&object, "path", state->path);
	methods_put(&object, "pending", json_boolean(state->pending));
	methods_put_number(&object, "failures", state->failures);
	methods_put_text(&object, "error", state->error ? strerror(-state->error) : "");
	methods_put_number(&object, "written_us", (uint64_t)state->written_us);
	return object;
}

static json_t *reloads_json(const struct daemon_reloads *reloads)
{
	json_t *object = json_object();

	methods_put_number(&object, "done", reloads->done);
	methods_put_number(&object, "refused", reloads->refused);
	methods_put_number(&object, "failed", reloads->failed);
	methods_put(&object, "last_failed", json_boolean(reloads->last_failed));
	methods_put_number(&object, "done_us", (uint64_t)reloads->done_us);
	return object;
}

static json_t *daemon_show(struct rpc_call *call)
{
	json_t *result = json_object(), *log = json_object();
	struct daemon_stats stats;

	call->api->stats(call->api->ctx, &stats);
	methods_put_number(&log, "lines", stats.log.lines);
	methods_put_number(&log, "lost", stats.log.lost);
	methods_put(&result, "files", files_json(&stats));
	methods_put(&result, "checks",
		    checks_json(&stats, &call->api->model(call->api->ctx)->settings));
	methods_put(&result, "state", state_json(&stats.state));
	methods_put(&result, "reloads", reloads_json(&stats.reloads));
	methods_put(&result, "log", log);
	methods_put(&result, "shortages", shortages_json());
	return result;
}

static json_t *version(struct rpc_call *call)
{
	struct daemon_dataplane dataplane;
	struct daemon_info info;
	json_t *result = json_object();

	call->api->info(call->api->ctx, &info);
	call->api->dataplane(call->api->ctx, &dataplane);
	methods_put_text(&result, "version", info.version);
	methods_put_text(&result, "build", info.build);
	methods_put_text(&result, "config_path", info.config_path);
	methods_put_number(&result, "started_us", (uint64_t)info.started_us);
	methods_put_text(&result, "path", dataplane.path);
	methods_put_text(&result, "description", dataplane.description);
	return result;
}

static json_t *params_json(const struct rpc_param *params)
{
	json_t *list = json_array();

	for (; params->name; params++) {
		json_t *object = json_object();

		methods_put_text(&object, "name", params->name);
		methods_put_text(&object, "type", rpc_type_name(params->type));
		methods_put(&object, "required", json_boolean(params->required));
		methods_put_text(&object, "help", params->help);
		if (params->fields)
			methods_put(&object, "fields", params_json(params->fields));
		methods_append(&list, object);
	}
	return list;
}

static json_t *methods_list(struct rpc_call *call)
{
	json_t *result = json_object(), *list = json_array();
	const struct rpc_method *method;

	for (size_t i = 0; (method = rpc_method_at(i)); i++) {
		json_t *object = json_object();

		methods_put_text(&object, "name", method->name);
		methods_put_text(&object, "help", method->help);
		methods_put(&object, "changes", json_boolean(method->changes));
		methods_put(&object, "parameters", params_json(method->params));
		methods_append(&list, object);
	}
	methods_put(&result, "methods", list);
	return result;
}

const struct rpc_method methods_daemon[] = {
	{"generation.show", generation_show, false, methods_no_params,
	 "tells which generation packets see, and how full the arena is"},
	{"dataplane.show", dataplane_show, false, methods_no_params,
	 "tells of the fast path, its ports and its workers"},
	{"daemon.show", daemon_show, false, methods_no_params,
	 "tells how sluiced itself fares: its files, the state file, reloads, the log, what ran "
	 "out"},
	{"version", version, false, methods_no_params, "tells what runs, and since when"},
	{"methods.list", methods_list, false, methods_no_params, "lists the methods"},
	{.name = NULL},
};
