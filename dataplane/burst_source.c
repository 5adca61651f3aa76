/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage of burst_run(): sources that are no host (sluice/source.h), over the burst's flows as they lie
 * packed for the hash. In vectors that say of four packets, or two of IPv6, whether there may be one;
 * only then each is looked at. So it costs 3 instructions a packet, where a look at each in
 * burst_parse() cost 15. Called by the workers.
 */
#include "burst.h"
#include "sluice/source.h"

enum {
	LANES = 4,
};

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint32_t words4 __attribute__((vector_size(16)));
typedef uint64_t pair __attribute__((vector_size(16)));

_Static_assert(HASH_BURST_LANES % LANES == 0, "what is behind the last packet can be read");

SLUICE_INLINE words4 words_load(const uint64_t *at)
{
	words4 words;

	__builtin_memcpy(&words, at, sizeof(words));
	return words;
}

SLUICE_INLINE bool any(words4 words)
{
	const pair halves = (pair)words;

	return halves[0] | halves[1];
}

/* Of the sources' first octets, each in the lowest byte of its word. */
SLUICE_INLINE words4 first_octets(bytes16 found)
{
	return (words4)found & 0xff;
}

/* May say yes where there is none: of IPv6 packets, and of what is behind the last. */
static bool doubts_v4(const uint64_t *addrs, uint32_t n)
{
	bytes16 octets = {0};
	words4 same = {0};

	for (uint32_t i = 0; i < n; i += LANES) {
		const words4 low = words_load(&addrs[i]), high = words_load(&addrs[i + 2]);
		const words4 src = __builtin_shufflevector(low, high, 0, 2, 4, 6);
		const words4 dst = __builtin_shufflevector(low, high, 1, 3, 5, 7);
		const bytes16 first = (bytes16)src;

		octets |= (bytes16)(first + 32 <= 32) | (bytes16)(first == 127);
		same |= (words4)(src == dst);
	}
	return any(first_octets(octets) | same);
}

/* The same of IPv4's. By the first octet, 0 or 255, and the lower halves of the addresses. */
static bool doubts_v6(const struct hash_burst_flows *flows, uint32_t n)
{
	bytes16 octets = {0};
	pair same = {0};

	for (uint32_t i = 0; i < n; i += 2) {
		const bytes16 upper = (bytes16)words_load(&flows->addrs[0][i]);
		const pair src = (pair)words_load(&flows->addrs[1][i]);
		const pair dst = (pair)words_load(&flows->addrs[3][i]);

		octets |= (bytes16)(upper + 1 <= 1);
		same |= (pair)(src == dst);
	}
	return any((words4)((pair)octets & 0xff) | (words4)same);
}

static __attribute__((noinline)) void look_at_each(struct burst *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct packet *p = &b->packets[i];
		const uint64_t *addrs = p->flow.addrs;

		/* Of all others packet_parse() has seen to it; an error's flow is what it quotes. */
		if (b->verdict[i] != VERDICT_forward || p->flags & PACKET_ICMP_ERROR)
			continue;
		if (p->flags & PACKET_V6 ? source_is_bad_v6(&addrs[0], &addrs[2])
					 : source_is_bad_v4((be32)addrs[0], (be32)(addrs[0] >> 32)))
			b->verdict[i] = VERDICT_bad_source;
	}
}

void burst_check_sources(struct burst *b)
{
	if ((b->v6_n < b->n && doubts_v4(b->flows.addrs[0], b->n)) ||
	    (b->v6_n > 0 && doubts_v6(&b->flows, b->n)))
		look_at_each(b);
}
