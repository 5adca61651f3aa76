/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of the node, its workers and its ports. Control thread.
 */
#include "metrics_samples.h"

#include <stdio.h>

/* ---- the node ---- */

void metrics_states(struct metrics_text *p, const char *service,
		    const uint32_t numbers[FIGURES_STATES])
{
	for (int i = 0; i < FIGURES_STATES; i++) {
		const char *state = backend_admin_name((enum backend_admin)i);

		if (service)
			text_series(p, "service", service, "state", state, NULL);
		else
			text_series(p, "state", state, NULL);
		text_end_number(p, numbers[i]);
	}
}

void metrics_health_states(struct metrics_text *p, const char *service,
			   const uint32_t numbers[FIGURES_HEALTH])
{
	for (int i = HEALTH_NONE; i < FIGURES_HEALTH; i++) {
		const char *state = health_state_name((enum health_state)i);

		if (service)
			text_series(p, "service", service, "state", state, NULL);
		else
			text_series(p, "state", state, NULL);
		text_end_number(p, numbers[i]);
	}
}

void node_build(struct metrics_text *p, uint32_t row)
{
	text_series(p, "version", p->f->info.version, "build", p->f->info.build, "path", p->f->path,
		    NULL);
	text_put(p, "1\n");
}

void node_start_time_seconds(struct metrics_text *p, uint32_t row)
{
	text_series(p, NULL);
	text_end_time(p, p->f->info.started_us);
}

void node_generation_published_timestamp_seconds(struct metrics_text *p, uint32_t row)
{
	text_series(p, NULL);
	text_end_time(p, p->f->generation.published_us);
}

void node_generation_publish_duration_seconds(struct metrics_text *p, uint32_t row)
{
	text_series(p, NULL);
	text_end_real(p, (double)p->f->generation.took_us / 1e6);
}

#define NODE_NUMBER(metric, value)                               \
	void node_##metric(struct metrics_text *p, uint32_t row) \
	{                                                        \
		text_series(p, NULL);                            \
		text_end_number(p, value);                       \
	}

NODE_NUMBER(services, p->f->services_live)
NODE_NUMBER(backends_unresolved, p->f->unresolved)
NODE_NUMBER(backends_unreachable, p->f->unreachable)
NODE_NUMBER(generation, p->f->generation.number)
NODE_NUMBER(health_checks_begun, p->f->stats.checks.begun)
NODE_NUMBER(tables_used_bytes, p->f->generation.arena_used_bytes)
NODE_NUMBER(tables_size_bytes, p->f->generation.arena_bytes)
#define X(member, meaning) NODE_NUMBER(flow_table_##member, p->f->memory.member)
METRICS_FLOW_TABLE(X)
#undef X

void node_backends(struct metrics_text *p, uint32_t row)
{
	metrics_states(p, NULL, p->f->states);
}

void node_transitions(struct metrics_text *p, uint32_t row)
{
	text_series(p, "state", "active", NULL);
	text_end_number(p, p->f->transitions[TRANSITION_ACTIVE]);
	text_series(p, "state", "settling", NULL);
	text_end_number(p, p->f->transitions[TRANSITION_SETTLING]);
}

void node_drains(struct metrics_text *p, uint32_t row)
{
	for (int i = DRAIN_RUNNING; i <= DRAIN_TIMED_OUT; i++) {
		text_series(p, "state", drain_state_name((enum daemon_drain_state)i), NULL);
		text_end_number(p, p->f->drains[i]);
	}
}

void node_backends_health(struct metrics_text *p, uint32_t row)
{
	metrics_health_states(p, NULL, p->f->health);
}

void node_health_checks(struct metrics_text *p, uint32_t row)
{
	text_series(p, "result", "passed", NULL);
	text_end_number(p, p->f->stats.checks.passed);
	text_series(p, "result", "failed", NULL);
	text_end_number(p, p->f->stats.checks.failed);
	text_series(p, "result", "not_made", NULL);
	text_end_number(p, p->f->stats.checks.not_made);
}

void node_health_late_seconds(struct metrics_text *p, uint32_t row)
{
	text_series(p, NULL);
	text_end_time(p, (int64_t)p->f->stats.checks.late_us);
}

void node_events(struct metrics_text *p, uint32_t row)
{
	for (int i = 0; i < EVENT_N_KINDS; i++) {
		text_series(p, "kind", event_kind_name((enum event_kind)i), NULL);
		text_end_number(p, p->f->events[i]);
	}
}

static void all_verdicts(struct metrics_text *p, const uint64_t *packets)
{
	for (int v = 0; v < VERDICT_COUNT; v++) {
		text_series(p, "verdict", verdict_name(v), NULL);
		text_end_number(p, packets[v]);
	}
}

void node_packets(struct metrics_text *p, uint32_t row)
{
	all_verdicts(p, p->f->packets);
}

void node_no_vip_packets(struct metrics_text *p, uint32_t row)
{
	all_verdicts(p, p->f->no_vip);
}

void node_scrape_duration_seconds(struct metrics_text *p, uint32_t row)
{
	if (p->print->scrape_s < 0)
		return;
	text_series(p, NULL);
	text_end_real(p, p->print->scrape_s);
}

/* ---- workers and ports ---- */

static void worker_series(struct metrics_text *p, uint32_t row)
{
	char worker[12], core[12];

	snprintf(worker, sizeof(worker), "%u", row);
	snprintf(core, sizeof(core), "%u", p->f->workers[row].core);
	text_series(p, "worker", worker, "core", core, NULL);
}

void worker_worker_packets(struct metrics_text *p, uint32_t row)
{
	uint64_t sum = 0;

	for (int v = 0; v < VERDICT_COUNT; v++)
		sum += p->f->workers[row].verdicts.packets[v];
	worker_series(p, row);
	text_end_number(p, sum);
}

#define WORKER_NUMBER(metric, value)                                      \
	void worker_worker_##metric(struct metrics_text *p, uint32_t row) \
	{                                                                 \
		worker_series(p, row);                                    \
		text_end_number(p, p->f->workers[row].value);             \
	}

WORKER_NUMBER(bursts, bursts)
WORKER_NUMBER(empty_bursts, empty_bursts)
WORKER_NUMBER(sleeps, sleeps)

void worker_worker_burst_gap_max_seconds(struct metrics_text *p, uint32_t row)
{
	worker_series(p, row);
	text_end_real(p, (double)p->f->workers[row].burst_gap_max_ns / 1e9);
}

void worker_worker_busy_ratio(struct metrics_text *p, uint32_t row)
{
	double busy = worker_load_busy(p->print->load, row);

	if (busy < 0)
		return;
	worker_series(p, row);
	text_end_real(p, busy);
}

void port_port_state(struct metrics_text *p, uint32_t row)
{
	char port[12];

	snprintf(port, sizeof(port), "%u", row);
	for (int i = 0; i < FAST_PATH_PORT_N_STATES; i++) {
		text_series(p, "port", port, "interface", p->f->ports[row].info.interface, "state",
			    fast_path_port_word((enum fast_path_port_state)i), NULL);
		text_end_number(p, p->f->ports[row].info.state == (enum fast_path_port_state)i);
	}
}

void port_port_dropped_packets(struct metrics_text *p, uint32_t row)
{
	char port[12];

	snprintf(port, sizeof(port), "%u", row);
	for (int i = 0; i < FAST_PATH_DROP_N; i++) {
		text_series(p, "port", port, "interface", p->f->ports[row].info.interface, "reason",
			    fast_path_drop_word((enum fast_path_drop)i), NULL);
		text_end_number(p, p->f->ports[row].info.dropped[i]);
	}
}

#define PORT_NUMBER(metric, member)                                                               \
	void port_port_##metric(struct metrics_text *p, uint32_t row)                             \
	{                                                                                         \
		char port[12];                                                                    \
                                                                                                  \
		snprintf(port, sizeof(port), "%u", row);                                          \
		text_series(p, "port", port, "interface", p->f->ports[row].info.interface, NULL); \
		text_end_number(p, p->f->ports[row].info.member);                                 \
	}

PORT_NUMBER(up, state == FAST_PATH_PORT_UP)
PORT_NUMBER(rx_packets, rx_packets)
PORT_NUMBER(tx_packets, tx_packets)
PORT_NUMBER(rx_missed_packets, rx_missed)
PORT_NUMBER(to_kernel_packets, to_kernel)
PORT_NUMBER(from_kernel_packets, from_kernel)
