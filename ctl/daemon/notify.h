/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon tells the service manager that started it (sd_notify(3), systemd's Type=notify):
 * datagrams to the socket that $NOTIFY_SOCKET names. Without one, nothing is told. Called by the
 * daemon, on the control thread.
 */
#ifndef SLUICE_NOTIFY_H
#define SLUICE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the environment, and takes what it read out of it: programs that are run later must not
 * speak for us. Before the first of the others; again for another environment. */
void notify_open(void);
void notify_close(void);

/* Whether a service manager listens, who starts us again when we fail. */
bool notify_has_manager(void);

/* How often the manager wants a sign of life at least (WatchdogSec=); 0: never. */
uint64_t notify_watchdog_us(void);

/* Packets are forwarded, and the control socket answers; also the end of a reload. What is told is
 * a line for people: `systemctl status` shows it. */
void notify_ready(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A reload begins; notify_ready() ends it, whether or not it changed anything. */
void notify_reloading(void);

void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
void notify_stopping(void);
void notify_alive(void);

#endif
