/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the daemon for counters. Called by top.c.
 */
#include "top_sample.h"

#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t count(const json_t *object, const char *key)
{
	return (uint64_t)show_number(object, key);
}

static struct top_row *row_new(struct top_sample *sample, const char *service)
{
	struct top_row *row;

	/* In steps of powers of 2. */
	if ((sample->rows_n & (sample->rows_n + 1)) == 0) {
		struct top_row *rows =
			reallocarray(sample->rows, 2 * (sample->rows_n + 1), sizeof(*rows));

		if (!rows)
			return NULL;
		sample->rows = rows;
	}
	row = &sample->rows[sample->rows_n++];
	*row = (struct top_row){.packets = 0};
	snprintf(row->service, sizeof(row->service), "%s", service);
	return row;
}

/* What its check says of a backend that takes flows, if it has one; else what people made it. */
static const char *state_of(const json_t *backend)
{
	const char *state = show_text(backend, "state");
	const char *health = json_string_value(json_object_get(backend, "health"));

	return health && strcmp(state, "enabled") == 0 ? health : state;
}

static int add_backends(struct top_sample *sample, const json_t *service)
{
	json_t *backend;
	size_t i;

	json_array_foreach (json_object_get(service, "each"), i, backend) {
		struct top_row *row = row_new(sample, show_text(service, "service"));

		if (!row)
			return -ENOMEM;
		snprintf(row->backend, sizeof(row->backend), "%s", show_text(backend, "name"));
		snprintf(row->state, sizeof(row->state), "%s", state_of(backend));
		row->packets = count(backend, "packets");
		row->bytes = count(backend, "bytes");
	}
	return 0;
}

int top_sample_add(struct top_sample *sample, const json_t *result, bool each)
{
	json_t *service;
	size_t i;

	json_array_foreach (json_object_get(result, "services"), i, service) {
		struct top_row *row;

		if (each) {
			if (add_backends(sample, service) < 0)
				return -ENOMEM;
			continue;
		}
		row = row_new(sample, show_text(service, "service"));
		if (!row)
			return -ENOMEM;
		row->backends = (uint32_t)count(service, "backends");
		row->backends_up = (uint32_t)count(service, "backends_up");
		row->packets = count(service, "packets");
		row->bytes = count(service, "bytes");
		row->dropped = count(service, "dropped");
	}
	return 0;
}

static int read_rows(const char *socket_path, const struct top_query *query, struct top_sample *out,
		     char error[CLIENT_ERROR_MAX])
{
	json_int_t from = 0, total = 1;
	int rc = 0;

	for (; rc == 0 && from < total; from += TOP_PAGE) {
		json_t *params = json_pack("{s:I, s:i, s:b}", "from", from, "limit", TOP_PAGE,
					   "each", query->each || query->service != NULL);
		json_t *result = NULL;

		if (query->service)
			json_object_set_new(params, "service", json_string(query->service));
		rc = client_request(socket_path, "traffic.list", params, CLIENT_TIMEOUT_MS, &result,
				    error);
		if (rc == 0) {
			/* Pages come one right after the other: the first one's time counts. */
			if (from == 0)
				out->clock_us = show_number(result, "clock_us");
			total = query->service ? 0 : show_number(result, "services_total");
			rc = top_sample_add(out, result, query->each || query->service != NULL);
			if (rc < 0)
				snprintf(error, CLIENT_ERROR_MAX, "out of memory");
		}
		json_decref(result);
		json_decref(params);
	}
	return rc;
}

static void add_workers(struct top_sample *sample, const json_t *result)
{
	json_t *worker;
	size_t i;

	snprintf(sample->path, sizeof(sample->path), "%s", show_text(result, "path"));
	json_array_foreach (json_object_get(result, "workers"), i, worker) {
		const json_t *packets = json_object_get(worker, "packets");
		struct top_worker *row = &sample->workers[sample->workers_n];

		if (sample->workers_n++ == TOP_WORKERS_MAX - 1)
			break;
		row->core = (uint32_t)count(worker, "core");
		row->bursts = count(worker, "bursts");
		row->empty_bursts = count(worker, "empty_bursts");
#define X(name, action, text)                                      \
	sample->verdicts[VERDICT_##name] += count(packets, #name); \
	row->packets += count(packets, #name);
		SLUICE_VERDICTS(X)
#undef X
	}
}

static void add_memory(struct top_sample *sample, const json_t *result)
{
#define X(member, meaning) sample->memory.member = count(result, #member);
	SLUICE_MEMORY_COUNTERS(X)
#undef X
}

void top_sample_ticks(struct top_sample *sample, FILE *stat)
{
	char line[512];

	while (fgets(line, sizeof(line), stat)) {
		uint64_t ticks[8] = {0},
			 sum = 0; /* user nice system idle iowait irq softirq steal */
		uint32_t core;

		if (sscanf(line,
			   "cpu%" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			   " %" SCNu64 " %" SCNu64 " %" SCNu64,
			   &core, &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5],
			   &ticks[6], &ticks[7]) < 8)
			continue;
		for (int i = 0; i < 8; i++)
			sum += ticks[i];
		for (uint32_t i = 0; i < sample->workers_n; i++) {
			if (sample->workers[i].core != core)
				continue;
			sample->workers[i].softirq_ticks = ticks[6];
			sample->workers[i].ticks = sum;
		}
	}
}

/* Asks a method without parameters. */
static int ask(const char *socket_path, const char *method, struct top_sample *out,
	       void (*add)(struct top_sample *sample, const json_t *result),
	       char error[CLIENT_ERROR_MAX])
{
	json_t *params = json_object(), *result = NULL;
	int rc = client_request(socket_path, method, params, CLIENT_TIMEOUT_MS, &result, error);

	if (rc == 0)
		add(out, result);
	json_decref(result);
	json_decref(params);
	return rc;
}

int top_sample_read(const char *socket_path, const struct top_query *query, struct top_sample *out,
		    char error[CLIENT_ERROR_MAX])
{
	FILE *stat;
	int rc;

	*out = (struct top_sample){.clock_us = 0};
	rc = read_rows(socket_path, query, out, error);
	if (rc == 0)
		rc = ask(socket_path, "dataplane.show", out, add_workers, error);
	if (rc == 0)
		rc = ask(socket_path, "memory.show", out, add_memory, error);
	if (rc < 0) {
		top_sample_free(out);
		return rc;
	}
	stat = fopen("/proc/stat", "re");
	if (stat) {
		top_sample_ticks(out, stat);
		fclose(stat);
	}
	return 0;
}

void top_sample_free(struct top_sample *sample)
{
	free(sample->rows);
	*sample = (struct top_sample){.clock_us = 0};
}
