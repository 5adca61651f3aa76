/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The samples of each family of metrics_table.h: a function each, which writes those of one row of
 * the figures. Of the node, workers and ports in metrics_node.c, of sluiced itself in metrics_daemon.c; of vips, services and backends in
 * metrics_services.c. Called through the table in metrics_print.c; control thread.
 */
#ifndef SLUICE_METRICS_SAMPLES_H
#define SLUICE_METRICS_SAMPLES_H

#include "metrics_table.h"
#include "metrics_text.h"

typedef void metrics_samples_fn(struct metrics_text *p, uint32_t row);

/* The function of a family. */
#define METRICS_NODE_FN(name)    node_##name
#define METRICS_WORKER_FN(name)  worker_##name
#define METRICS_PORT_FN(name)    port_##name
#define METRICS_VIP_FN(name)     vip_##name
#define METRICS_SERVICE_FN(name) service_##name
#define METRICS_BACKEND_FN(name) backend_##name

#define X(scope, name, type, unit, labels, help) metrics_samples_fn METRICS_##scope##_FN(name);
METRICS_NODE(X)
METRICS_DAEMON(X)
METRICS_SCRAPE(X)
METRICS_WORKER(X)
METRICS_PORT(X)
METRICS_VIP(X)
METRICS_SERVICE(X)
METRICS_BACKEND(X)
#undef X
#define X(member, meaning) metrics_samples_fn node_flow_table_##member;
METRICS_FLOW_TABLE(X)
#undef X

/* By admin state, and by health: of a service, or (NULL) of all. */
void metrics_states(struct metrics_text *p, const char *service,
		    const uint32_t numbers[FIGURES_STATES]);
void metrics_health_states(struct metrics_text *p, const char *service,
			   const uint32_t numbers[FIGURES_HEALTH]);

#endif
