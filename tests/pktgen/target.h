/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the generator sends to: services, each with its share of the flows. Which one a flow goes
 * to follows from the flow's number alone. Any thread; immutable after parsing.
 */
#ifndef SLUICE_PKTGEN_TARGET_H
#define SLUICE_PKTGEN_TARGET_H

#include "address.h"

enum {
	TARGETS_MAX = 65536,         /* an index fits 16 bits */
	TARGETS_WHEEL_MAX = 1 << 20, /* sum of all shares */
};

struct target {
	struct address address;
	uint16_t port;
	uint8_t proto; /* 6 or 17 */
	uint16_t share;
};

struct targets {
	struct target *list;
	uint32_t n;
	uint32_t *wheel; /* each target as often as its share */
	uint32_t wheel_n;
};

/*
 * Adds what "ADDRESS:PORT/tcp" says; IPv6 in brackets. "*N" behind it: N services, at addresses
 * that follow one another; "@N": each gets N shares of the flows. -EINVAL: it isn't one; -E2BIG:
 * more than TARGETS_MAX; -ENOMEM.
 */
int targets_add(struct targets *targets, const char *text);

/* After the last targets_add(). -E2BIG: more shares than TARGETS_WHEEL_MAX; -ENOMEM. */
int targets_wheel(struct targets *targets);

void targets_free(struct targets *targets);

static inline uint32_t targets_of_flow(const struct targets *targets, uint64_t flow)
{
	/* A division of 64 bits costs several times one of 32, which nearly all flows do with. */
	if (flow >> 32 == 0)
		return targets->wheel[(uint32_t)flow % targets->wheel_n];
	return targets->wheel[flow % targets->wheel_n];
}

#endif
