/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two nodes must have in common, as numbers. Used by control, for `sluicectl doctor`; on the
 * control thread.
 */
#include "fingerprint.h"

#include <string.h>

#include "sluice/flow.h"

uint64_t fingerprint_seed(const struct flow_key *seed)
{
	struct flow fixed = {.last = flow_last(0, 0, 0, FLOW_BYTES_V6)};
	static const char text[sizeof(fixed.addrs)] = "sluice: fingerprint of a seed";

	memcpy(fixed.addrs, text, sizeof(text));
	return flow_hash(&fixed, seed);
}

/* The hash of an address and three numbers, as if they were a flow. */
static uint64_t mix(const struct ip_addr *addr, uint64_t a, uint64_t b, uint64_t c)
{
	static const struct flow_key key = {{0x736c75696365, 1}};
	struct flow words = {.last = flow_last(0, 0, 0, FLOW_BYTES_V6)};
	uint64_t halves[2];

	memcpy(halves, addr->bytes, sizeof(halves));
	words.addrs[0] = halves[0];
	words.addrs[1] = halves[1] ^ a;
	words.addrs[2] = b;
	words.addrs[3] = c ^ (uint64_t)addr->family << 56;
	return flow_hash(&words, &key);
}

uint64_t fingerprint_service(const struct service_conf *s)
{
	uint64_t backends = 0;

	/* A sum, so that the order doesn't matter. */
	for (uint32_t i = 0; i < s->backends_n; i++) {
		const struct backend_conf *b = &s->backends[i];

		backends += mix(&b->addr, 0, b->weight, b->admin);
	}
	return mix(&s->vip, (uint64_t)s->port << 8 | s->proto, backends,
		   (uint64_t)s->slots << 16 | (uint64_t)s->scheduler << 8 | s->hash_source);
}
