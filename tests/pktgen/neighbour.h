/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Being found, and finding: answers ARP (RFC 826) and neighbour solicitations (RFC 4861 §7.2)
 * for the addresses that the generator stands for, so that the balancer's kernel resolves its next
 * hops; and learns the balancer's MAC from what it hears. The generator's core alone.
 */
#ifndef SLUICE_PKTGEN_NEIGHBOUR_H
#define SLUICE_PKTGEN_NEIGHBOUR_H

#include "address.h"

#include <stddef.h>

enum {
	NEIGHBOUR_PREFIXES_MAX = 64,
	NEIGHBOUR_FRAME_MAX_BYTES = 86, /* a neighbour advertisement */
};

struct neighbour {
	uint8_t mac[6];                            /* ours */
	struct prefix own[NEIGHBOUR_PREFIXES_MAX]; /* answered for */
	uint32_t own_n;
	struct address peers[2];  /* of the balancer, by family (v6): asked for its MAC */
	bool asks[2], replied[2]; /* asking tells it ours as well */
	bool known;               /* peer_mac is */
	uint8_t peer_mac[6];
	uint64_t answered;
};

/*
 * Looks at a received frame of `n` bytes. Returns the length of the answer that it has written to
 * `answer` (of NEIGHBOUR_FRAME_MAX_BYTES), or 0.
 */
size_t neighbour_take(struct neighbour *nb, const uint8_t *frame, size_t n, uint8_t *answer);

/* Is there an address of this family that was asked for and has not replied? */
static inline bool neighbour_is_open(const struct neighbour *nb, bool v6)
{
	return nb->asks[v6] && !nb->replied[v6];
}

/* Writes a question for the MAC of the peer's address of this family; returns its length. */
size_t neighbour_ask(const struct neighbour *nb, bool v6, uint8_t *frame);

#endif
