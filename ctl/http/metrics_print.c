// SPDX-License-Identifier: Apache-2.0
/*
 * Figures as text for Prometheus. A family is a row of metrics_table.h; for each row of what it
 * tells of, one function below writes the samples. Control thread.
 */
#include "metrics_print.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_server.h"
#include "metrics_table.h"

enum {
	ROW_MAX_BYTES = 32 << 10, /* of the samples of one row: verdicts by 24, names by 128 */
	NAME_MAX_BYTES = 96,
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_INFO };
enum metric_scope { SCOPE_NODE, SCOPE_WORKER, SCOPE_PORT, SCOPE_VIP, SCOPE_SERVICE, SCOPE_BACKEND };

/* What is being written. */
struct printer {
	const struct metrics_print *print;
	const struct figures *f;
	char name[NAME_MAX_BYTES]; /* of the samples */
	char text[HTTP_PIECE_BYTES + ROW_MAX_BYTES];
	size_t bytes;
};

typedef void samples_fn(struct printer *p, uint32_t row);

struct family {
	const char *name, *unit, *help;
	enum metric_type type;
	enum metric_scope scope;
	samples_fn *samples;
};

/* ---- words ---- */

static void put(struct printer *p, const char *text)
{
	size_t bytes = strlen(text);

	if (p->bytes + bytes <= sizeof(p->text)) {
		memcpy(p->text + p->bytes, text, bytes);
		p->bytes += bytes;
	}
}

static void put_number(struct printer *p, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	put(p, digits);
}

/* As both formats want it between quotes; what is no ASCII comes as "?", for it may be no UTF-8. */
static void put_escaped(struct printer *p, const char *text)
{
	char out[3] = "";

	for (; *text; text++) {
		switch (*text) {
		case '\\':
			put(p, "\\\\");
			break;
		case '"':
			put(p, "\\\"");
			break;
		case '\n':
			put(p, "\\n");
			break;
		default:
			out[0] = (unsigned char)*text < 0x80 ? *text : '?';
			put(p, out);
		}
	}
}

/* name{key="value",...}: pairs of them, ended by NULL. */
static void put_series(struct printer *p, ...)
{
	const char *key, *before = "{";
	va_list args;

	put(p, p->name);
	va_start(args, p);
	while ((key = va_arg(args, const char *))) {
		put(p, before);
		put(p, key);
		put(p, "=\"");
		put_escaped(p, va_arg(args, const char *));
		put(p, "\"");
		before = ",";
	}
	va_end(args);
	put(p, *before == ',' ? "} " : " ");
}

static void end_number(struct printer *p, uint64_t value)
{
	put_number(p, value);
	put(p, "\n");
}

static void end_real(struct printer *p, double value)
{
	char digits[40];

	snprintf(digits, sizeof(digits), "%.9g\n", value);
	put(p, digits);
}

/* Microseconds since the epoch need more digits. */
static void end_time(struct printer *p, int64_t us)
{
	char digits[40];

	snprintf(digits, sizeof(digits), "%lld.%06d\n", (long long)(us / 1000000),
		 (int)(us % 1000000));
	put(p, digits);
}

static const char *const verdict_names[] = {
#define X(name, action, text) [VERDICT_##name] = #name,
	SLUICE_VERDICTS(X)
#undef X
};

/*
 * Which verdicts have a series, though nothing was counted: of the node all; of a service those
 * that an alarm looks at. Another comes with its first packet, and stays, since it only grows.
 */
static bool verdict_always(int verdict)
{
	return verdict == VERDICT_forward || verdict == VERDICT_too_big ||
	       verdict == VERDICT_no_backend || verdict == VERDICT_no_next_hop;
}

/* ---- the node ---- */

static void node_build(struct printer *p, uint32_t row)
{
	put_series(p, "version", p->f->info.version, "build", p->f->info.build, "path", p->f->path,
		   NULL);
	put(p, "1\n");
}

static void node_start_time_seconds(struct printer *p, uint32_t row)
{
	put_series(p, NULL);
	end_time(p, p->f->info.started_us);
}

static void node_generation_published_timestamp_seconds(struct printer *p, uint32_t row)
{
	put_series(p, NULL);
	end_time(p, p->f->generation.published_us);
}

static void node_generation_publish_duration_seconds(struct printer *p, uint32_t row)
{
	put_series(p, NULL);
	end_real(p, (double)p->f->generation.took_us / 1e6);
}

#define NODE_NUMBER(metric, value)                                 \
	static void node_##metric(struct printer *p, uint32_t row) \
	{                                                          \
		put_series(p, NULL);                               \
		end_number(p, value);                              \
	}

NODE_NUMBER(services, p->f->services_live)
NODE_NUMBER(backends_unresolved, p->f->unresolved)
NODE_NUMBER(generation, p->f->generation.number)
NODE_NUMBER(health_checks_begun, p->f->checks.begun)
NODE_NUMBER(tables_used_bytes, p->f->generation.arena_used_bytes)
NODE_NUMBER(tables_size_bytes, p->f->generation.arena_bytes)
#define X(member, meaning) NODE_NUMBER(flow_table_##member, p->f->memory.member)
METRICS_FLOW_TABLE(X)
#undef X

static void states(struct printer *p, const char *service, const uint32_t *numbers)
{
	for (int i = 0; i < FIGURES_STATES; i++) {
		const char *state = backend_admin_name((enum backend_admin)i);

		if (service)
			put_series(p, "service", service, "state", state, NULL);
		else
			put_series(p, "state", state, NULL);
		end_number(p, numbers[i]);
	}
}

static void node_backends(struct printer *p, uint32_t row)
{
	states(p, NULL, p->f->states);
}

static void node_transitions(struct printer *p, uint32_t row)
{
	put_series(p, "state", "active", NULL);
	end_number(p, p->f->transitions[TRANSITION_ACTIVE]);
	put_series(p, "state", "settling", NULL);
	end_number(p, p->f->transitions[TRANSITION_SETTLING]);
}

static void node_drains(struct printer *p, uint32_t row)
{
	static const char *const words[] = {[DRAIN_RUNNING] = "running",
					    [DRAIN_DONE] = "done",
					    [DRAIN_TIMED_OUT] = "timed_out"};

	for (int i = DRAIN_RUNNING; i <= DRAIN_TIMED_OUT; i++) {
		put_series(p, "state", words[i], NULL);
		end_number(p, p->f->drains[i]);
	}
}

static void health_states(struct printer *p, const char *service, const uint32_t *numbers)
{
	for (int i = HEALTH_NONE; i < FIGURES_HEALTH; i++) {
		const char *state = health_state_name((enum health_state)i);

		if (service)
			put_series(p, "service", service, "state", state, NULL);
		else
			put_series(p, "state", state, NULL);
		end_number(p, numbers[i]);
	}
}

static void node_backends_health(struct printer *p, uint32_t row)
{
	health_states(p, NULL, p->f->health);
}

static void node_health_checks(struct printer *p, uint32_t row)
{
	put_series(p, "result", "passed", NULL);
	end_number(p, p->f->checks.passed);
	put_series(p, "result", "failed", NULL);
	end_number(p, p->f->checks.failed);
	put_series(p, "result", "not_made", NULL);
	end_number(p, p->f->checks.not_made);
}

static void node_health_late_seconds(struct printer *p, uint32_t row)
{
	put_series(p, NULL);
	end_time(p, (int64_t)p->f->checks.late_us);
}

static void node_events(struct printer *p, uint32_t row)
{
	for (int i = 0; i < EVENT_N_KINDS; i++) {
		put_series(p, "kind", event_kind_name((enum event_kind)i), NULL);
		end_number(p, p->f->events[i]);
	}
}

static void all_verdicts(struct printer *p, const uint64_t *packets)
{
	for (int v = 0; v < VERDICT_COUNT; v++) {
		put_series(p, "verdict", verdict_names[v], NULL);
		end_number(p, packets[v]);
	}
}

static void node_packets(struct printer *p, uint32_t row)
{
	all_verdicts(p, p->f->packets);
}

static void node_no_vip_packets(struct printer *p, uint32_t row)
{
	all_verdicts(p, p->f->no_vip);
}

static void node_scrape_duration_seconds(struct printer *p, uint32_t row)
{
	if (p->print->scrape_s < 0)
		return;
	put_series(p, NULL);
	end_real(p, p->print->scrape_s);
}

/* ---- workers and ports ---- */

static void worker_series(struct printer *p, uint32_t row)
{
	char worker[12], core[12];

	snprintf(worker, sizeof(worker), "%u", row);
	snprintf(core, sizeof(core), "%u", p->f->workers[row].core);
	put_series(p, "worker", worker, "core", core, NULL);
}

static void worker_worker_packets(struct printer *p, uint32_t row)
{
	uint64_t sum = 0;

	for (int v = 0; v < VERDICT_COUNT; v++)
		sum += p->f->workers[row].verdicts.packets[v];
	worker_series(p, row);
	end_number(p, sum);
}

#define WORKER_NUMBER(metric, value)                                        \
	static void worker_worker_##metric(struct printer *p, uint32_t row) \
	{                                                                   \
		worker_series(p, row);                                      \
		end_number(p, p->f->workers[row].value);                    \
	}

WORKER_NUMBER(bursts, bursts)
WORKER_NUMBER(empty_bursts, empty_bursts)
WORKER_NUMBER(sleeps, sleeps)

static void worker_worker_burst_gap_max_seconds(struct printer *p, uint32_t row)
{
	worker_series(p, row);
	end_real(p, (double)p->f->workers[row].burst_gap_max_ns / 1e9);
}

static void worker_worker_busy_ratio(struct printer *p, uint32_t row)
{
	double busy = worker_load_busy(p->print->load, row);

	if (busy < 0)
		return;
	worker_series(p, row);
	end_real(p, busy);
}

#define PORT_NUMBER(metric, member)                                                              \
	static void port_port_##metric(struct printer *p, uint32_t row)                          \
	{                                                                                        \
		char port[12];                                                                   \
                                                                                                 \
		snprintf(port, sizeof(port), "%u", row);                                         \
		put_series(p, "port", port, "interface", p->f->ports[row].info.interface, NULL); \
		end_number(p, p->f->ports[row].info.member);                                     \
	}

PORT_NUMBER(up, up)
PORT_NUMBER(rx_packets, rx_packets)
PORT_NUMBER(tx_packets, tx_packets)
PORT_NUMBER(rx_missed_packets, rx_missed)
PORT_NUMBER(to_kernel_packets, to_kernel)
PORT_NUMBER(from_kernel_packets, from_kernel)

/* ---- vips, services, backends ---- */

static void vip_vip_packets(struct printer *p, uint32_t row)
{
	const struct figures_vip *vip = &p->f->vips[row];
	char addr[IP_TEXT_MAX];

	ip_format(&vip->addr, addr);
	for (int v = 0; v < VERDICT_COUNT; v++) {
		if (vip->packets[v] == 0 && v != VERDICT_echo_reply)
			continue;
		put_series(p, "vip", addr, "verdict", verdict_names[v], NULL);
		end_number(p, vip->packets[v]);
	}
}

static void service_service(struct printer *p, uint32_t row)
{
	const struct service_conf *conf = p->f->services[row].conf;
	char addr[IP_TEXT_MAX], port[12] = "all";

	if (conf->port)
		snprintf(port, sizeof(port), "%u", conf->port);
	put_series(p, "service", conf->name, "vip", ip_format(&conf->vip, addr), "port", port,
		   "protocol", proto_name(conf->proto), "encap",
		   encap_name((enum encap)conf->encap), "scheduler",
		   scheduler_name((enum scheduler)conf->scheduler), NULL);
	put(p, "1\n");
}

static void service_service_packets(struct printer *p, uint32_t row)
{
	const struct figures_service *s = &p->f->services[row];

	for (int v = 0; v < VERDICT_COUNT; v++) {
		if (s->packets[v] == 0 && !verdict_always(v))
			continue;
		put_series(p, "service", s->conf->name, "verdict", verdict_names[v], NULL);
		end_number(p, s->packets[v]);
	}
}

static void service_service_backends(struct printer *p, uint32_t row)
{
	states(p, p->f->services[row].conf->name, p->f->services[row].states);
}

static void service_service_health(struct printer *p, uint32_t row)
{
	health_states(p, p->f->services[row].conf->name, p->f->services[row].health);
}

#define SERVICE_NUMBER(metric, value)                                         \
	static void service_service_##metric(struct printer *p, uint32_t row) \
	{                                                                     \
		const struct figures_service *s = &p->f->services[row];       \
                                                                              \
		put_series(p, "service", s->conf->name, NULL);                \
		end_number(p, value);                                         \
	}

SERVICE_NUMBER(slots, s->transition.slots)
SERVICE_NUMBER(changed_slots, s->transition.changed_slots)

#define BACKEND_NUMBER(metric, value)                                                 \
	static void backend_backend_##metric(struct printer *p, uint32_t row)         \
	{                                                                             \
		const struct figures_backend *b = &p->f->backends[row];               \
		const struct service_conf *conf = p->f->services[b->service].conf;    \
		const struct backend_conf *backend = &conf->backends[b->index];       \
                                                                                      \
		put_series(p, "service", conf->name, "backend", backend->name, NULL); \
		end_number(p, value);                                                 \
	}

BACKEND_NUMBER(packets, b->packets)
BACKEND_NUMBER(bytes, b->bytes)
BACKEND_NUMBER(weight, b->weight)
BACKEND_NUMBER(slots, b->slots)
BACKEND_NUMBER(flows, b->flows)
BACKEND_NUMBER(enabled, backend->admin == BACKEND_ENABLED)
BACKEND_NUMBER(draining, backend->admin == BACKEND_DRAINING)
BACKEND_NUMBER(next_hop_resolved, b->resolved)

static void backend_backend_health_up(struct printer *p, uint32_t row)
{
	const struct figures_backend *b = &p->f->backends[row];
	const struct service_conf *conf = p->f->services[b->service].conf;

	if (b->health == HEALTH_NONE)
		return;
	put_series(p, "service", conf->name, "backend", conf->backends[b->index].name, NULL);
	end_number(p, b->health == HEALTH_UP);
}

/* ---- the table ---- */

#define NODE_FN(name)    node_##name
#define WORKER_FN(name)  worker_##name
#define PORT_FN(name)    port_##name
#define VIP_FN(name)     vip_##name
#define SERVICE_FN(name) service_##name
#define BACKEND_FN(name) backend_##name

/* The last two are levels. */
#define FLOW_TABLE_TYPE(member)                                                               \
	(offsetof(struct memory_counters, member) < offsetof(struct memory_counters, entries) \
		 ? METRIC_COUNTER                                                             \
		 : METRIC_GAUGE)

static const struct family families[] = {
#define X(scope, name, type, unit, labels, help) \
	{"sluice_" #name, unit, help, METRIC_##type, SCOPE_##scope, scope##_FN(name)},
	METRICS_NODE(X)
#undef X
#define X(member, meaning)                                  \
	{"sluice_flow_table_" #member, "",         meaning, \
	 FLOW_TABLE_TYPE(member),      SCOPE_NODE, node_flow_table_##member},
		METRICS_FLOW_TABLE(X)
#undef X
#define X(scope, name, type, unit, labels, help) \
	{"sluice_" #name, unit, help, METRIC_##type, SCOPE_##scope, scope##_FN(name)},
			METRICS_SCRAPE(X) METRICS_WORKER(X) METRICS_PORT(X) METRICS_VIP(X)
				METRICS_SERVICE(X) METRICS_BACKEND(X)
#undef X
};

enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

static uint32_t rows_of(const struct figures *f, enum metric_scope scope)
{
	switch (scope) {
	case SCOPE_NODE:
		return 1;
	case SCOPE_WORKER:
		return f->workers_n;
	case SCOPE_PORT:
		return f->ports_n;
	case SCOPE_VIP:
		return f->vips_n;
	case SCOPE_SERVICE:
		return f->services_n;
	case SCOPE_BACKEND:
		return f->backends_n;
	}
	return 0;
}

static bool is_gone(const struct figures *f, enum metric_scope scope, uint32_t row)
{
	return (scope == SCOPE_SERVICE && !f->services[row].conf) ||
	       (scope == SCOPE_VIP && !f->vips[row].read);
}

/* The family's metadata; the two formats name it, and some types, differently. */
static void put_head(struct printer *p, const struct family *family)
{
	static const char *const types[] = {"counter", "gauge", "info"};
	static const char *const old_types[] = {"counter", "gauge", "gauge"};
	bool om = p->print->openmetrics;
	const char *name = om ? family->name : p->name;

	put(p, "# TYPE ");
	put(p, name);
	put(p, " ");
	put(p, om ? types[family->type] : old_types[family->type]);
	if (om && *family->unit) {
		put(p, "\n# UNIT ");
		put(p, name);
		put(p, " ");
		put(p, family->unit);
	}
	put(p, "\n# HELP ");
	put(p, name);
	put(p, " ");
	put(p, family->help);
	put(p, "\n");
}

/* Samples of a family from print->row on, until there is enough text. True: all of it. */
static bool put_family(struct printer *p, struct metrics_print *print)
{
	static const char *const ends[] = {"_total", "", "_info"};
	const struct family *family = &families[print->family];
	uint32_t rows = rows_of(p->f, family->scope);

	snprintf(p->name, sizeof(p->name), "%s%s", family->name, ends[family->type]);
	if (print->row == 0)
		put_head(p, family);
	for (; print->row < rows; print->row++) {
		if (p->bytes >= HTTP_PIECE_BYTES)
			return false;
		if (!is_gone(p->f, family->scope, print->row))
			family->samples(p, print->row);
	}
	return true;
}

int metrics_print_piece(struct metrics_print *print, struct evbuffer *out)
{
	struct printer *p = malloc(sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->print = print;
	p->f = print->figures;
	p->bytes = 0;
	while (print->family < FAMILIES && p->bytes < HTTP_PIECE_BYTES) {
		if (families[print->family].scope == SCOPE_BACKEND && !print->backends) {
			print->family++;
			continue;
		}
		if (!put_family(p, print))
			break;
		print->family++;
		print->row = 0;
	}
	if (print->family == FAMILIES && print->openmetrics)
		put(p, "# EOF\n");
	err = evbuffer_add(out, p->text, p->bytes);
	free(p);
	if (err)
		return -ENOMEM;
	return print->family < FAMILIES;
}
