/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sent a signal, for the events that come of it: libevent tells which signal came, and not from
 * whom. Control thread; what is noted is noted by the signal's handler.
 */
#ifndef SLUICE_SIGNAL_SENDER_H
#define SLUICE_SIGNAL_SENDER_H

enum {
	SIGNAL_SENDER_MAX = 96,
};

/* From now on the sender of this signal is noted, before the handler that there is runs (it must be
 * one of libevent's). 0 or -errno of sigaction(2). */
int signal_sender_note(int number);

/* "SIGHUP uid 0 (root) pid 4711", of the latest; "SIGHUP": none came, or the kernel sent it. */
const char *signal_sender(int number, char text[SIGNAL_SENDER_MAX]);

#endif
