/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of the ports. Control thread.
 */
#include "port_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "notify.h"

struct port_watch {
	const struct fast_path *module;
	const struct settings *settings;
	uint32_t ports_n;
	struct event *timer;
	enum fast_path_port_state states[FAST_PATH_PORTS_MAX];
	void (*restart)(void *ctx); /* NULL: it was called */
	void *ctx;
};

/* "port 0 (sl0, 0000:01:00.0)" */
static void port_name(const struct port_watch *watch, uint32_t port, char name[256])
{
	const struct port_conf *conf = &watch->settings->ports[port];
	bool is_dpdk = strcmp(watch->module->name, "dpdk") == 0;
	struct fast_path_port_info info = {.interface = ""};

	(void)watch->module->port_read(port, &info);
	snprintf(name, 256, "port %u (%s%s%.180s)", port, info.interface, is_dpdk ? ", " : "",
		 is_dpdk ? conf->device : "");
}

static const char *consequence(enum fast_path_port_state state, bool restarts)
{
	switch (state) {
	case FAST_PATH_PORT_DOWN:
		return ": no link: nothing comes or goes by it";
	case FAST_PATH_PORT_WAITING:
		return ": its device is not there; the other ports go on";
	case FAST_PATH_PORT_REFUSED:
		return ": its device is there, but can't be used now";
	case FAST_PATH_PORT_RETURNED:
		return restarts ? ": its device can be taken up by a new process: ending, to be "
				  "started again"
				: ": its device can be taken up by a new process alone: restart "
				  "sluiced";
	default:
		return "";
	}
}

static void tell(const struct port_watch *watch, uint32_t port, enum fast_path_port_state before,
		 enum fast_path_port_state now)
{
	char name[256];

	port_name(watch, port, name);
	if (now == FAST_PATH_PORT_UP)
		events_add(EVENT_PORT, "daemon", NULL, NULL, "%s: %s -> up", name,
			   fast_path_port_word(before));
	else
		events_warn(EVENT_PORT, "daemon", NULL, NULL, "%s: %s -> %s%s", name,
			    fast_path_port_word(before), fast_path_port_word(now),
			    consequence(now, notify_has_manager()));
}

void port_watch_look(struct port_watch *watch)
{
	bool returned = false;

	for (uint32_t i = 0; i < watch->ports_n; i++) {
		enum fast_path_port_state now, before = watch->states[i];

		if (watch->module->port_look(i, &now) != 0 || now == before)
			continue;
		watch->states[i] = now;
		tell(watch, i, before, now);
		returned |= now == FAST_PATH_PORT_RETURNED;
	}
	if (returned && watch->restart && notify_has_manager()) {
		watch->restart(watch->ctx);
		watch->restart = NULL;
	}
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	port_watch_look(ctx);
}

int port_watch_new(struct event_base *base, const struct path *path,
		   const struct settings *settings, void (*restart)(void *ctx), void *ctx,
		   struct port_watch **out)
{
	static const struct timeval every = {.tv_usec = PORT_WATCH_EVERY_MS * 1000};
	struct port_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	*watch = (struct port_watch){
		.module = path->module,
		.settings = settings,
		.ports_n = path->ports_n,
		.restart = restart,
		.ctx = ctx,
	};
	for (uint32_t i = 0; i < watch->ports_n; i++)
		watch->states[i] = FAST_PATH_PORT_UP;
	watch->timer = event_new(base, -1, EV_PERSIST, on_timer, watch);
	if (!watch->timer || event_add(watch->timer, &every) != 0) {
		port_watch_free(watch);
		return -ENOMEM;
	}
	/* All count as up, so that those that aren't are told. */
	port_watch_look(watch);
	*out = watch;
	return 0;
}

void port_watch_free(struct port_watch *watch)
{
	if (!watch)
		return;
	if (watch->timer)
		event_free(watch->timer);
	free(watch);
}
