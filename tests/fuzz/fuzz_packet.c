/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a frame through the core (parse, service look-up, steering, outer headers or
 * answer), by the parity table's generation. The first two bytes say how much of the frame can be
 * reached: all (0, or more than there is), and then the oracle must come to the same verdict and
 * the same bytes; or a part, and then nothing behind it may be touched. Memory is of just the
 * frame's size: AddressSanitizer sees a byte too far. Called by libFuzzer, on one thread.
 */
#include "difference.h"
#include "fuzz.h"
#include "oracle.h"
#include "reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REACH_BYTES = 2, /* of the input, little-endian */
};

static struct fixture *fixture;
static struct arena *arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char why[PARITY_ERROR_MAX];

	fixture = fixture_new();
	if (path_core.open(fixture, why) != 0)
		fuzz_fail("core: %s", why);
	arena = aligned_alloc(ARENA_CHUNK_BYTES, FIXTURE_ARENA_BYTES);
	if (!arena)
		fuzz_fail("no memory");
	memset(arena, 0, FIXTURE_ARENA_BYTES);
	fixture_lay(fixture, arena, FIXTURE_ARENA_BYTES);
	return 0;
}

static void check_whole(const struct frame *frame)
{
	static struct parity_result expected, got;

	oracle_expect(fixture, frame, &expected);
	path_core.run(frame, 1, &got);
	if (got.verdict >= VERDICT_COUNT)
		fuzz_fail("verdict %d", (int)got.verdict);
	if (!result_same("core", frame, &expected, &got))
		fuzz_fail("the core and the oracle differ");
}

static void check_part(const struct frame *frame, uint32_t reach)
{
	bool written, whole_written;
	enum verdict whole = reach_steer(arena, frame, frame->n, &whole_written);
	enum verdict verdict = reach_steer(arena, frame, reach, &written);

	if (verdict != whole && !reach_verdict_short(verdict))
		fuzz_fail("%s, and with %u of %u bytes in reach %s", verdict_name(whole), reach,
			  frame->n, verdict_name(verdict));
	if (verdict_action(verdict) == ACTION_FORWARD && !written)
		fuzz_fail("parsed, but not encapsulated, with %u of %u bytes in reach", reach,
			  frame->n);
	if (written && !whole_written)
		fuzz_fail("written with %u of %u bytes in reach, but not with all", reach,
			  frame->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	static struct frame frame;
	uint32_t reach;

	if (data_bytes <= REACH_BYTES || data_bytes - REACH_BYTES > FRAME_MAX)
		return -1;
	reach = data[0] | (uint32_t)data[1] << 8;
	frame.n = (uint32_t)(data_bytes - REACH_BYTES);
	memcpy(frame.bytes, data + REACH_BYTES, frame.n);
	if (reach == 0 || reach >= frame.n)
		check_whole(&frame);
	else
		check_part(&frame, reach);
	return 0;
}
