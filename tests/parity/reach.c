/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core over a frame that can be reached in part only. Memory is just as large as the reach, so
 * that AddressSanitizer sees a byte too far.
 */
#include "reach.h"

#include "sluice/steer.h"

#include <stdlib.h>
#include <string.h>

bool reach_verdict_short(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_short_frame:
	case VERDICT_short_ip:
	case VERDICT_bad_ip_header:
	case VERDICT_bad_extension:
	case VERDICT_bad_tcp:
	case VERDICT_bad_udp:
	case VERDICT_bad_icmp:
	case VERDICT_bad_quote:
	case VERDICT_no_service:
		return true;
	default:
		return false;
	}
}

static struct cursor cursor_make(uint8_t *bytes, uint32_t reach, uint32_t n)
{
	return (struct cursor){.pos = bytes, .end = bytes + reach, .frame_bytes = n};
}

/* As the paths do it; false: it said that it could not. */
static bool rewrite(enum verdict verdict, const struct packet *p, const struct steering *st,
		    const struct generation *g, const struct frame *frame, uint32_t reach)
{
	uint32_t growth = verdict_action(verdict) == ACTION_FORWARD
				  ? encap_growth_bytes(st->backend, p)
			  : verdict_action(verdict) == ACTION_TOO_BIG ? answer_too_big_growth(p)
			  : verdict_action(verdict) == ACTION_REJECT  ? reject_growth(p)
								      : 0;
	uint8_t *bytes = malloc(growth + reach);
	struct cursor c = cursor_make(bytes, growth + reach, growth + frame->n);
	struct reject reject;
	bool done;

	if (!bytes)
		abort();
	memcpy(bytes + growth, frame->bytes, reach);
	/* What can't be reached of a SYN stays as it is. */
	if (steer_clamps(st->service, p))
		mss_clamp(cursor_make(bytes + growth, reach, frame->n), p->l4_offset, 88);
	if (verdict_action(verdict) == ACTION_FORWARD)
		done = encap_write(&c, g, st->backend, p, st->hash);
	else if (verdict_action(verdict) == ACTION_TOO_BIG)
		done = answer_too_big(c, p, steer_inner_mtu_bytes(st->backend, p));
	else if (verdict_action(verdict) == ACTION_REJECT)
		done = reject_read(cursor_make(bytes + growth, reach, frame->n), p, &reject) &&
		       reject_write(c, p, &reject);
	else
		done = answer_echo(c, p);
	free(bytes);
	return done;
}

enum verdict reach_steer(const struct arena *arena, const struct frame *frame, uint32_t reach,
			 bool *written)
{
	const struct arena_head *head = arena_at(arena, 0, sizeof(*head));
	const struct generation *g = arena_at(arena, head->current, sizeof(*g));
	uint8_t *bytes = malloc(reach);
	struct cursor c = cursor_make(bytes, reach, frame->n);
	struct steering st = {0};
	struct packet p;
	enum verdict verdict;

	if (!bytes)
		abort();
	memcpy(bytes, frame->bytes, reach);
	verdict = steer_start(arena, g, &c, true, &p, &st);
	if (verdict == VERDICT_forward) /* no slot of the fixture is changed */
		verdict = steer_finish(arena, &p, st.value, &st);
	free(bytes);
	*written = false;
	switch (verdict_action(verdict)) {
	case ACTION_FORWARD:
	case ACTION_ECHO:
	case ACTION_TOO_BIG:
	case ACTION_REJECT:
		*written = rewrite(verdict, &p, &st, g, frame, reach);
		break;
	case ACTION_PASS:
	case ACTION_DROP:
		break;
	}
	return verdict;
}
