/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of sluiced itself. Control thread.
 */
#include "metrics_samples.h"

#include "shortage.h"

void node_shortages(struct metrics_text *p, uint32_t row)
{
	for (int i = 0; i < SHORTAGE_N; i++) {
		text_series(p, "what", shortage_word((enum shortage)i), NULL);
		text_end_number(p, shortage_read((enum shortage)i).failures);
	}
}

#define DAEMON_NUMBER(metric, value)                             \
	void node_##metric(struct metrics_text *p, uint32_t row) \
	{                                                        \
		text_series(p, NULL);                            \
		text_end_number(p, p->f->stats.value);           \
	}

DAEMON_NUMBER(files_limit, files.limit)
DAEMON_NUMBER(health_checks_with_file, checks.with_file)
DAEMON_NUMBER(health_checks_with_file_max, checks.with_file_max)
DAEMON_NUMBER(health_checks_queued, checks.queued)
DAEMON_NUMBER(health_checks_paced, checks.paced)
DAEMON_NUMBER(health_checks_unhurried, checks.unhurried)
DAEMON_NUMBER(health_answers_lost, checks.lost_answers)
DAEMON_NUMBER(health_process_restarts, life.deaths)
DAEMON_NUMBER(state_pending, state.pending)
DAEMON_NUMBER(state_write_failures, state.failures)
DAEMON_NUMBER(config_last_reload_successful, reloads.last_failed ? 0 : 1)
DAEMON_NUMBER(next_hop_pictures, next_hops.pictures)
DAEMON_NUMBER(next_hop_failures, next_hops.failures)
DAEMON_NUMBER(next_hop_overruns, next_hops.lost)
DAEMON_NUMBER(next_hop_solicitations, next_hops.solicited)
DAEMON_NUMBER(next_hops_unresolved, next_hops.n_unresolved)
DAEMON_NUMBER(path_mtus, next_hops.n_path_mtus)
DAEMON_NUMBER(log_lines, log.lines)
DAEMON_NUMBER(log_lines_lost, log.lost)

void node_health_process_silent_seconds(struct metrics_text *p, uint32_t row)
{
	text_series(p, NULL);
	text_end_time(p, p->f->stats.life.still_us);
}

void node_state_written_timestamp_seconds(struct metrics_text *p, uint32_t row)
{
	text_series(p, NULL);
	text_end_time(p, p->f->stats.state.written_us);
}

void node_config_reloads(struct metrics_text *p, uint32_t row)
{
	const struct daemon_reloads *reloads = &p->f->stats.reloads;

	text_series(p, "result", "done", NULL);
	text_end_number(p, reloads->done);
	text_series(p, "result", "refused", NULL);
	text_end_number(p, reloads->refused);
	text_series(p, "result", "failed", NULL);
	text_end_number(p, reloads->failed);
}

void node_config_last_reload_success_timestamp_seconds(struct metrics_text *p, uint32_t row)
{
	int64_t done_us = p->f->stats.reloads.done_us;

	text_series(p, NULL);
	text_end_time(p, done_us != 0 ? done_us : p->f->info.started_us);
}

void node_next_hop_picture_duration_seconds(struct metrics_text *p, uint32_t row)
{
	text_series(p, NULL);
	text_end_time(p, (int64_t)p->f->stats.next_hops.picture_us);
}

void node_path_mtu_messages(struct metrics_text *p, uint32_t row)
{
	const struct nexthops_stats *stats = &p->f->stats.next_hops;

	for (int i = 0; i < PATH_MTU_N_RESULTS; i++) {
		text_series(p, "result", path_mtu_result_name((enum path_mtu_result)i), NULL);
		text_end_number(p, stats->path_mtu[i]);
	}
	text_series(p, "result", "lost", NULL);
	text_end_number(p, stats->path_mtu_lost);
}

/* ---- control sockets ---- */

#define CLIENTS_NUMBER(metric, member)                                         \
	void node_control_##metric(struct metrics_text *p, uint32_t row)       \
	{                                                                      \
		for (int i = 0; i < DAEMON_SOCKETS; i++) {                     \
			text_series(p, "socket", daemon_socket_name(i), NULL); \
			text_end_number(p, p->f->stats.clients[i].member);     \
		}                                                              \
	}

CLIENTS_NUMBER(clients, connected)
CLIENTS_NUMBER(clients_accepted, accepted)
CLIENTS_NUMBER(clients_refused, refused)
CLIENTS_NUMBER(clients_slow, slow)
CLIENTS_NUMBER(requests, requests)
