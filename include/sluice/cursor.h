/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * The one way to a packet's bytes. A fast path fills a cursor from its own packet type; from
 * there on both paths share the code. The pointers die when the path moves the packet's head.
 *
 * CURSOR_WINDOW, which ebpf/window.bpf.c alone defines: the bytes are a copy in a map's value. Of
 * those the BPF verifier wants offsets that a mask bounds, where it learns the bounds of a frame
 * from comparisons of pointers.
 */
#ifndef SLUICE_CURSOR_H
#define SLUICE_CURSOR_H

#include "sluice/types.h"

#ifdef CURSOR_WINDOW
struct cursor {
	uint8_t *window;      /* CURSOR_WINDOW bytes, a power of two, and slack for one take */
	uint32_t offset;      /* of the next byte, below CURSOR_WINDOW */
	uint32_t end;         /* offset of the first byte that is no copy */
	uint32_t frame_bytes; /* of the whole frame */
};
#else
struct cursor {
	uint8_t *pos;
	const uint8_t *end;   /* of the bytes that can be reached; const, or LLVM drops checks */
	uint32_t frame_bytes; /* of the whole frame, parts that can't be reached (frags) included */
#ifdef __bpf__
	void *frame; /* the program's context, from which a function of its own makes another cursor */
#endif
};
#endif

/*
 * `bytes`, which are at most `mask` (a power of two less 1) anyway. Says so to the BPF verifier,
 * which forgets what a comparison has shown of a number once that was kept on the stack, and knows
 * no products. To be said of each number of bytes that is not a constant.
 */
SLUICE_INLINE uint32_t cursor_bound(uint32_t bytes, uint32_t mask)
{
#ifdef __bpf__
	asm("" : "+r"(bytes)); /* or clang leaves the mask away: it knows */
	return bytes & mask;
#else
	(void)mask;
	return bytes;
#endif
}

#ifdef CURSOR_WINDOW
SLUICE_INLINE bool cursor_reaches(const struct cursor *c, uint32_t bytes)
{
	return c->offset + bytes <= c->end;
}

SLUICE_INLINE void *cursor_take(struct cursor *c, uint32_t bytes)
{
	const uint32_t at = c->offset;

	if (!cursor_reaches(c, bytes))
		return NULL;
	c->offset = at + bytes;
	return c->window + cursor_bound(at, CURSOR_WINDOW - 1);
}
#else
/* Whether so many bytes are left; in the form from which the BPF verifier learns a bound. */
SLUICE_INLINE bool cursor_reaches(const struct cursor *c, uint32_t bytes)
{
	return c->pos + bytes <= c->end;
}

/*
 * The next `bytes` bytes, and the cursor behind them; NULL, and the cursor where it was, when
 * there are fewer.
 */
SLUICE_INLINE void *cursor_take(struct cursor *c, uint32_t bytes)
{
	uint8_t *at = c->pos;

	if (!cursor_reaches(c, bytes))
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

#endif
