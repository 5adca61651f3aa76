/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * How many ICMP errors and TCP resets Sluice sends: RFC 4443 §2.4 f (a MUST), RFC 1812 §4.3.2.8. A worker,
 * or a CPU on XDP, has a struct limit of its own for each kind, so that none writes what another reads, and
 * a flood to ports that nobody serves doesn't keep others from learning a path's MTU; all that is sent about
 * packets that can't go on is asked for here first.
 *
 * The rate is shared out over LIMIT_BUCKETS token buckets, and the sender's address says which is its
 * own. So path MTU discovery goes on for others while one sender listens to no answer, or many that
 * are forged come from a few addresses.
 */
#ifndef SLUICE_LIMIT_H
#define SLUICE_LIMIT_H

#include "sluice/flow.h"
#include "sluice/generation.h"

enum {
	LIMIT_BUCKETS = 64, /* a power of two */
	/* Of a generation that names none: Linux's net.ipv4.icmp_msgs_per_sec. */
	LIMIT_RATE_PER_S = 1000,
};

/* What is limited apart. */
enum limit_kind {
	LIMIT_ERRORS,   /* "too big" */
	LIMIT_REFUSALS, /* port unreachable, and TCP resets: reject.h */
	LIMIT_KINDS,
};

/*
 * Zeroed: all may be sent. Of each bucket the time from which on its tokens are whole again, in ticks
 * of the path's clock (the generic cell rate algorithm, ITU-T I.371 annex A: a bucket in one word).
 */
struct limit {
	uint64_t whole_at[LIMIT_BUCKETS];
};

/* By a flow's source: an IPv4 address, or the upper half of an IPv6 one, of which a host has many. */
SLUICE_INLINE uint32_t limit_bucket(const struct generation *g, const struct flow *f)
{
	const struct flow source = {
		.addrs = {flow_is_v4(f) ? (uint32_t)f->addrs[0] : f->addrs[0]},
		.last = flow_last(0, 0, 0, FLOW_BYTES_V4), /* one word of addresses */
	};

	/* Keyed, so that nobody can aim at another's bucket. */
	return (uint32_t)flow_hash(&source, &g->key) & (LIMIT_BUCKETS - 1);
}

/*
 * Whether one more error may go to the flow's source at `now`; counts it then. A bucket saves up what a
 * second brings, and one at least. `ticks_per_s`: of the clock that `now` is of, which doesn't go back.
 */
SLUICE_INLINE bool limit_take(struct limit *limit, const struct generation *g, const struct flow *f,
			      uint64_t now, uint64_t ticks_per_s)
{
	const uint32_t rate_per_s = g->errors_per_s ? g->errors_per_s : LIMIT_RATE_PER_S;
	const uint64_t each = ticks_per_s * LIMIT_BUCKETS / rate_per_s;
	const uint64_t saved = each < ticks_per_s ? ticks_per_s : each;
	uint64_t *whole_at = &limit->whole_at[limit_bucket(g, f)];
	const uint64_t from = *whole_at > now ? *whole_at : now;

	if (from - now + each > saved)
		return false;
	*whole_at = from + each;
	return true;
}

#endif
