/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /api/status: what the status page shows, as JSON. Called by http.c; control thread.
 */
#ifndef SLUICE_STATUS_PAGE_H
#define SLUICE_STATUS_PAGE_H

#include "api.h"
#include "http_server.h"
#include "worker_load.h"

enum {
	STATUS_SERVICES_MAX = 1000, /* in one answer */
};

/*
 * `why`: why packets are not forwarded as they should be, "" if they are. `query`: `search`,
 * `offset` and `limit` of the services, and the `service` whose backends are told, as in
 * docs/metrics.md. `api` and `load` outlive the page.
 */
void status_page(struct http_page *page, const struct daemon_api *api,
		 const struct worker_load *load, const char *why, const char *query);

#endif
