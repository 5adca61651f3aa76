/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, whatever their owners are called. Gives services, vips and backends their rows (rows.h) of the fast path's
 * counters, and reads these as they grew since the row was given. Control thread.
 */
#ifndef SLUICE_LEDGER_H
#define SLUICE_LEDGER_H

#include "model.h"
#include "sluice/module.h"

struct ledger;

/* `used`: the rows hold counts of another process, which ledger_read_*() leaves out. */
struct ledger *ledger_new(const struct fast_path *path, const struct settings *settings, bool used);
void ledger_free(struct ledger *ledger);

/*
 * The rows of a service, of its vip's own entry, and of its backends in their order
 * (`backend_rows`: service->backends_n of them). -ENOMEM; -ENOSPC: services_max or backends_max
 * is too small, and those that were taken stay taken until ledger_sweep().
 */
int ledger_take(struct ledger *ledger, const struct service_conf *service, uint32_t *service_row,
		uint32_t *vip_row, uint32_t *backend_rows);

/* The row of one backend more. As ledger_take(). */
int ledger_take_backend(struct ledger *ledger, const struct service_conf *service,
			const struct backend_conf *backend, uint32_t *row);

/*
 * For a service that another process ran with this row: it keeps it, by which the fast path's
 * remembered flows know it. Before any ledger_take(). 0, or as rows_claim() and the fast path's
 * services_read() say; then it gets another row.
 */
int ledger_claim(struct ledger *ledger, const struct service_conf *service, uint32_t row);

/* A row of a service that is gone: given out last, when its remembered flows are forgotten. */
void ledger_defer(struct ledger *ledger, uint32_t row);

/* Gives back the rows of what stands in `before` and not in `after`. */
void ledger_sweep(struct ledger *ledger, const struct model *before, const struct model *after);

/* Since the row was given; `service` NULL: packets of no vip. 0, or what the fast path says. */
int ledger_read_service(const struct ledger *ledger, const struct service_conf *service,
			struct service_counters *out);
int ledger_read_vip(const struct ledger *ledger, const struct ip_addr *vip,
		    struct service_counters *out);
int ledger_read_backend(const struct ledger *ledger, const struct service_conf *service,
			const struct backend_conf *backend, struct backend_counters *out);

#endif
