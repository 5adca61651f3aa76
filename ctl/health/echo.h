/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Echo requests and their answers: one socket for each family, opened early, while the process has
 * the right to. Used by probe_icmp.c; one thread.
 */
#ifndef SLUICE_HEALTH_ECHO_H
#define SLUICE_HEALTH_ECHO_H

#include "ip.h"

struct event_base;
struct echo;

/* Who waits for an answer. */
struct echo_wait {
	struct ip_addr addr;
	uint16_t sequence;
	uint64_t token; /* of the request that is out; 0: none */
	void (*answered)(struct echo_wait *wait);
};

/* NULL: no memory. That a socket can't be had is said by echo_send(). */
struct echo *echo_new(struct event_base *base);
void echo_free(struct echo *echo); /* NULL is allowed */

/* Sends one; wait->answered() is called when the answer is there. 0, or -errno. */
int echo_send(struct echo *echo, struct echo_wait *wait);

/*
 * How many answers of any family the kernel threw away since they came faster than they were read. Who
 * waited meanwhile can't tell whether its own was among them.
 */
uint64_t echo_dropped(const struct echo *echo);

/* Waits no longer. */
void echo_forget(struct echo *echo, struct echo_wait *wait);

#endif
