/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks several times a second what has become of the fast path's ports, tells it as events, and
 * ends the daemon when only a new process can take a device up again. Control thread.
 */
#ifndef SLUICE_PORT_WATCH_H
#define SLUICE_PORT_WATCH_H

#include "path.h"

struct event_base;
struct port_watch;

enum {
	PORT_WATCH_EVERY_MS = 200,
};

/*
 * `settings` names the ports. `restart` is called, once, when a port has RETURNED and the service
 * manager would start another process; without a manager that is told only, since the other ports
 * go on. 0 or -ENOMEM.
 */
int port_watch_new(struct event_base *base, const struct path *path,
		   const struct settings *settings, void (*restart)(void *ctx), void *ctx,
		   struct port_watch **watch);
void port_watch_free(struct port_watch *watch); /* NULL is allowed */

/* What the timer does. */
void port_watch_look(struct port_watch *watch);

#endif
