/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * The one way to a packet's bytes. A fast path fills a cursor from its own packet type; from
 * there on both paths share the code. The pointers die when the path moves the packet's head.
 */
#ifndef SLUICE_CURSOR_H
#define SLUICE_CURSOR_H

#include "sluice/types.h"

struct cursor {
	uint8_t *pos;
	const uint8_t *end;   /* of the bytes that can be reached; const, or LLVM drops checks */
	uint32_t frame_bytes; /* of the whole frame, parts that can't be reached (frags) included */
};

/*
 * The next `bytes` bytes, and the cursor behind them; NULL, and the cursor where it was, when
 * there are fewer. The comparison adds to the packet's pointer because that is the only form
 * from which the BPF verifier learns a bound.
 */
SLUICE_INLINE void *cursor_take(struct cursor *c, uint32_t bytes)
{
	uint8_t *at = c->pos;

	if (at + bytes > c->end)
		return NULL;
	c->pos = at + bytes;
#ifdef __bpf__
	/*
	 * Else clang puts the comparison off to where the caller looks at the result, and does it
	 * twice where there are two; of which the verifier has forgotten the first's outcome.
	 */
	asm("" : "+r"(at));
	__builtin_assume(at != NULL);
#endif
	return at;
}

#endif
