/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutations of frames. Most hit the headers, where they matter.
 */
#include "mutate.h"

#include <string.h>

enum {
	HEADERS_BYTES = 120,
};

uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

uint32_t random_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((random_next(state) >> 32) * n >> 32);
}

/* An offset into a frame that is not empty. */
static uint32_t random_at(uint64_t *state, const struct frame *frame)
{
	uint32_t n = frame->n;

	if (n > HEADERS_BYTES && random_below(state, 8) != 0)
		n = HEADERS_BYTES;
	return random_below(state, n);
}

static void flip_bit(uint64_t *state, struct frame *frame)
{
	frame->bytes[random_at(state, frame)] ^= (uint8_t)(1 << random_below(state, 8));
}

static void set_byte(uint64_t *state, struct frame *frame)
{
	/* Edges, and the numbers of protocols, extension headers, ICMP types, header lengths. */
	static const uint8_t values[] = {0,  1,  2,  3,  4,   5,   6,   7,   8,   11, 12,
					 15, 17, 41, 43, 44,  50,  51,  58,  59,  60, 64,
					 69, 70, 79, 96, 127, 128, 129, 240, 254, 255};

	frame->bytes[random_at(state, frame)] = values[random_below(state, sizeof(values))];
}

static void set_word(uint64_t *state, struct frame *frame)
{
	static const uint16_t values[] = {0,      1,      7,      8,      19,     20,
					  40,     53,     80,     443,    511,    512,
					  1480,   1500,   0x0800, 0x2000, 0x4000, 0x7fff,
					  0x8000, 0x8100, 0x86dd, 0x88a8, 0xfff8, 0xffff};
	uint32_t at = random_at(state, frame) & ~1U;

	if (at + 2 <= frame->n)
		frame_put16(frame->bytes + at,
			    values[random_below(state, sizeof(values) / sizeof(values[0]))]);
}

static void set_random(uint64_t *state, struct frame *frame)
{
	uint32_t at = random_at(state, frame), n = 1 + random_below(state, 8);

	for (uint32_t i = at; i < at + n && i < frame->n; i++)
		frame->bytes[i] = (uint8_t)random_next(state);
}

static void truncate_frame(uint64_t *state, struct frame *frame)
{
	frame->n = random_below(state, 4) ? random_at(state, frame) : random_below(state, frame->n);
}

static void extend_frame(uint64_t *state, struct frame *frame)
{
	uint32_t n = 1 + random_below(state, 200);

	while (n-- > 0 && frame->n < FRAME_MAX)
		frame->bytes[frame->n++] = (uint8_t)random_next(state);
}

/* The head of `frame`, then `other` from somewhere near on. */
static void splice(uint64_t *state, struct frame *frame, const struct frame *other)
{
	uint32_t at = random_at(state, frame);
	uint32_t from = random_below(state, 2) ? at : random_at(state, other);
	uint32_t n;

	if (from >= other->n)
		return;
	n = other->n - from;
	if (n > FRAME_MAX - at)
		n = FRAME_MAX - at;
	memcpy(frame->bytes + at, other->bytes + from, n);
	frame->n = at + n;
}

/* The IP length says what there is, as if the sender had meant it. */
static void mend_length(struct frame *frame)
{
	uint32_t l3 = 14;

	while (l3 <= 18 && frame->n >= l3 + 4 && frame_get16(frame->bytes + l3 - 2) == 0x8100)
		l3 += 4;
	if (frame->n < l3 + 6)
		return;
	if (frame_get16(frame->bytes + l3 - 2) == 0x0800)
		frame_put16(frame->bytes + l3 + 2, (uint16_t)(frame->n - l3));
	else if (frame->n >= l3 + 40)
		frame_put16(frame->bytes + l3 + 4, (uint16_t)(frame->n - l3 - 40));
}

static void mutate_once(uint64_t *state, const struct row_list *rows, struct frame *frame)
{
	struct frame other;

	switch (random_below(state, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		flip_bit(state, frame);
		break;
	case 4:
	case 5:
	case 6:
		set_byte(state, frame);
		break;
	case 7:
	case 8:
		set_word(state, frame);
		break;
	case 9:
	case 10:
	case 11:
		set_random(state, frame);
		break;
	case 12:
		truncate_frame(state, frame);
		break;
	case 13:
		extend_frame(state, frame);
		break;
	case 14:
		frame_build(&rows->rows[random_below(state, (uint32_t)rows->n)].spec, &other);
		splice(state, frame, &other);
		break;
	case 15:
		mend_length(frame);
		break;
	}
}

/* Most often one that is not dropped: rows that are cut or lie have little left to break. */
static const struct row *random_row(uint64_t *state, const struct row_list *rows)
{
	const struct row *row;

	for (int i = 0; i < 4; i++) {
		row = &rows->rows[random_below(state, (uint32_t)rows->n)];
		if (verdict_action(row->verdict) != ACTION_DROP)
			break;
	}
	return row;
}

void mutate_make(uint64_t *state, const struct row_list *rows, struct frame *frame)
{
	uint32_t times = 1 + random_below(state, 4);

	frame_build(&random_row(state, rows)->spec, frame);
	for (uint32_t i = 0; i < times && frame->n > 0; i++)
		mutate_once(state, rows, frame);
}
