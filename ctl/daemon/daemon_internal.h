/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon is made of: daemon.c begins and ends it, daemon_api.c is what the control socket
 * and HTTP ask of it. Control thread.
 */
#ifndef SLUICE_DAEMON_INTERNAL_H
#define SLUICE_DAEMON_INTERNAL_H

#include "api.h"
#include "configuration.h"
#include "control.h"
#include "daemon.h"
#include "files.h"
#include "health.h"
#include "http.h"
#include "path.h"
#include "port_watch.h"
#include "publisher.h"
#include "watchdog.h"

struct daemon {
	const struct daemon_options *options;
	int64_t started_us;
	struct event_base *base;
	struct event *signals[3];
	struct event *log_timer;
	struct settings settings;
	struct files_budget files;
	uint32_t clients_max; /* of each control socket */
	struct path path;
	struct configuration *configuration;
	struct publisher *publisher;
	struct health *health;
	struct captures *captures;
	struct control *control, *readers; /* who may change things, who may only look */
	struct watchdog *watchdog;
	struct port_watch *ports;
	bool restarts;    /* ends as failed, to be started again */
	uint32_t reloads; /* asked for, and not over */
	uint32_t hangups; /* of them, by SIGHUP */
	struct http *http;
};

extern struct daemon the_daemon; /* one per process */

extern const struct daemon_api daemon_methods_api;

/* configuration_reload(), told to the service manager. */
void daemon_reload(struct daemon *d, const char *who, bool check, daemon_reloaded_fn *done,
		   void *done_ctx);

#endif
