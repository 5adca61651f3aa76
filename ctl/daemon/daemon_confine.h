/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of root's power this daemon, with these settings and this fast path, needs once it has
 * started. Called by daemon.c, on the control thread, and in the
 * process that makes health checks.
 */
#ifndef SLUICE_DAEMON_CONFINE_H
#define SLUICE_DAEMON_CONFINE_H

#include "path.h"

/*
 * Before anything is started or read but the configuration: joins its group, and looks whether what
 * comes later can be done. False: the log says why.
 */
bool daemon_confine_begin(const struct settings *settings, const char *config_path);

/* Once packets flow and the sockets are open. False: the log says why; the daemon should end. */
bool daemon_confine(const struct settings *settings, const struct path *path,
		    const char *config_path);

/* The process that makes health checks, in it. False: the log says why; it should end. */
bool daemon_confine_checks(const struct settings *settings);

#endif
