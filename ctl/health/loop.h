/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of the control thread. Called by daemon.c, and by who measures as it does.
 */
#ifndef SLUICE_LOOP_H
#define SLUICE_LOOP_H

struct event_base;

/*
 * Its timers come to the microsecond: epoll_wait() takes milliseconds, and a health check would begin
 * 1 to 2 ms late. And a time from now is from now: libevent would count it from the begin of the
 * loop's turn, so that what a turn starts after it has waited for the kernel would time out too soon.
 * NULL: no memory, or no epoll; errno.
 */
struct event_base *loop_new(void);

#endif
