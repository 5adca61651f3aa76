/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared headers in plain C, one packet at a time: what the other paths are compared with.
 * Every step works on memory of just the frame's size, so that AddressSanitizer sees a byte too
 * far.
 */
#include "path.h"

#include "sluice/steer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FLOWS_MAX = 4096, /* more than a test has */
	NOW_S = 1000,     /* time stands still, but for fragments */
	FRAGMENTS_MAX = 1 << 18,
};

static struct arena *arena;

/* What is known of datagrams: all first fragments, in the order in which they came. */
static bool keeps_fragments;
static uint32_t fragments_now_s;
static struct fragment_entry fragments[FRAGMENTS_MAX];
static uint32_t fragments_n;

/* The table of flows: a list that is searched from end to end. */
static struct memory_entry flows[FLOWS_MAX];
static uint32_t flows_n;

/* How many flows of services that don't hash have come, by service.id. */
static uint64_t tickets[FIXTURE_ROWS_MAX];

static struct memory_entry *flow_find(uint64_t hash)
{
	for (uint32_t i = 0; i < flows_n; i++)
		if (flows[i].hash == hash)
			return &flows[i];
	return NULL;
}

static void flow_put(uint64_t hash, struct memory memory)
{
	struct memory_entry *e = flow_find(hash);

	if (!e && flows_n == FLOWS_MAX)
		abort();
	if (!e)
		e = &flows[flows_n++];
	*e = (struct memory_entry){hash, memory};
}

static void flow_remove(uint64_t hash)
{
	struct memory_entry *e = flow_find(hash);

	if (e)
		*e = flows[--flows_n];
}

/*
 * Step 4. Each path has a count of its own, from 0, for each service that doesn't hash; what is
 * chance elsewhere, it is here too.
 */
static enum verdict look_further(const struct generation *g, const struct packet *p,
				 struct steering *st, uint16_t *index)
{
	const struct memory_entry *e = flow_find(st->hash);
	const struct memory *found = e ? &e->memory : NULL;
	const struct memory *known = steer_known(arena, g, st->service, found, NOW_S);
	struct memory_choice choice;
	struct memory_slot choices;
	enum verdict verdict;
	uint16_t previous;

	verdict = steer_previous(
		arena, st, service_way_hash(st->service, &p->flow, st->hash, &g->key), &previous);
	if (verdict == VERDICT_forward && steer_draws_slot(st->service, p, known, previous)) {
		st->slot = steer_free_slot(arena, st->service, tickets[st->service->id]++);
		verdict = steer_slot(arena, st);
	}
	if (verdict != VERDICT_forward)
		return verdict;
	choices = steer_choices(st, previous);
	choice = steer_choose(found, known, p, &choices, NOW_S);
	if (choice.action == MEMORY_WRITE)
		flow_put(st->hash, choice.memory);
	else if (choice.action == MEMORY_FORGET)
		flow_remove(st->hash);
	*index = choice.backend;
	return VERDICT_forward;
}

/* Step 0. */
static enum verdict join(const struct generation *g, struct cursor c, struct packet *p)
{
	uint64_t key = 0;
	enum fragment_part part;
	uint32_t id;

	if (!packet_fragment_id(&c, p->l3_offset, p->flags & PACKET_V6, &id))
		return VERDICT_fragment;
	part = steer_fragment(arena, g, p, id, &key);
	if (part == FRAGMENT_FIRST && keeps_fragments) {
		if (fragments_n == FRAGMENTS_MAX)
			abort();
		fragments[fragments_n++] =
			(struct fragment_entry){key, fragment_make(&p->flow, fragments_now_s)};
	}
	if (part == FRAGMENT_FIRST)
		return VERDICT_forward;
	for (uint32_t i = fragments_n; i-- > 0 && part == FRAGMENT_LATER;) {
		if (fragments[i].key != key)
			continue;
		if (!fragment_lives(&fragments[i].fragment, fragments_now_s))
			return VERDICT_fragment;
		packet_join(p, &fragments[i].fragment);
		return VERDICT_forward;
	}
	return VERDICT_fragment;
}

static enum verdict steer(const struct generation *g, struct cursor *c, struct packet *p,
			  struct steering *st)
{
	struct cursor start = *c;
	enum verdict verdict = packet_parse(c, p);
	uint16_t index;

	if (start.frame_bytes >= sizeof(struct ether_header) &&
	    !macs_have(&fixture_macs_of_port, mac_word(start.pos)))
		verdict = packet_not_ours(p, verdict);
	if (verdict == VERDICT_fragment)
		verdict = join(g, start, p);
	verdict = steer_parsed(arena, g, p, verdict, st);
	if (verdict == VERDICT_no_service)
		verdict = steer_unserved(arena, g, p, &st->service);
	index = st->value;
	if (verdict == VERDICT_forward && steer_looks_further(st))
		verdict = look_further(g, p, st, &index);
	return verdict == VERDICT_forward ? steer_finish(arena, p, index, st) : verdict;
}

static int core_open(const struct fixture *fixture, char why[PARITY_ERROR_MAX])
{
	arena = aligned_alloc(ARENA_CHUNK_BYTES, FIXTURE_ARENA_BYTES);
	if (!arena) {
		snprintf(why, PARITY_ERROR_MAX, "no memory for the arena");
		return -ENOMEM;
	}
	memset(arena, 0, FIXTURE_ARENA_BYTES);
	fixture_lay(fixture, arena, FIXTURE_ARENA_BYTES);
	flows_n = 0;
	memset(tickets, 0, sizeof(tickets));
	keeps_fragments = fixture->keeps_fragments;
	fragments_now_s = NOW_S;
	fragments_n = 0;
	return 0;
}

static void core_wait(uint32_t seconds)
{
	fragments_now_s += seconds;
}

static void core_close(void)
{
	free(arena);
	arena = NULL;
}

/* A copy of the frame, `growth` bytes in front of it, at an address as odd as the frame is. */
static uint8_t *copy_frame(const struct frame *frame, uint32_t growth, uint8_t **memory)
{
	uint32_t skew = frame->n % 4;
	/* glibc's malloc(0) is not NULL. */
	uint8_t *start = malloc(skew + growth + frame->n);

	if (!start)
		abort();
	*memory = start;
	memcpy(start + skew + growth, frame->bytes, frame->n);
	return start + skew;
}

static struct cursor cursor_make(uint8_t *bytes, uint32_t n)
{
	return (struct cursor){.pos = bytes, .end = bytes + n, .frame_bytes = n};
}

/* Rewrites the frame; returns `verdict`, or why it could not. */
static enum verdict rewrite(const struct generation *g, const struct packet *p,
			    const struct steering *st, const struct frame *frame,
			    enum verdict verdict, struct parity_result *result)
{
	enum action action = verdict_action(verdict);
	uint32_t growth = action == ACTION_FORWARD   ? encap_growth_bytes(st->backend, p)
			  : action == ACTION_TOO_BIG ? answer_too_big_growth(p)
			  : action == ACTION_REJECT  ? reject_growth(p)
						     : 0;
	uint32_t n = action == ACTION_TOO_BIG  ? answer_too_big_bytes(p)
		     : action == ACTION_REJECT ? reject_bytes(p)
					       : growth + frame->n;
	uint8_t *memory, *bytes = copy_frame(frame, growth, &memory);
	struct cursor c = cursor_make(bytes, n);
	struct reject reject;

	if (st->service && steer_clamps(st->service, p))
		mss_clamp(cursor_make(bytes + growth, frame->n), p->l4_offset,
			  service_mss(arena, st->service));

	if (action == ACTION_FORWARD) {
		if (!encap_write(&c, g, st->backend, p, st->hash))
			verdict = VERDICT_no_headroom;
		result->port = st->backend->port;
	} else if (action == ACTION_TOO_BIG) {
		if (!answer_too_big(c, p, steer_inner_mtu_bytes(st->backend, p)))
			verdict = VERDICT_no_headroom;
	} else if (action == ACTION_REJECT) {
		if (!reject_read(cursor_make(bytes + growth, frame->n), p, &reject) ||
		    !reject_write(c, p, &reject))
			verdict = VERDICT_no_headroom;
	} else if (!answer_echo(c, p)) {
		verdict = VERDICT_bad_icmp;
	}
	if (verdict_action(verdict) == action) {
		uint32_t cut_n = action == ACTION_FORWARD ? encap_frame_bytes(st->backend, p)
				 : action == ACTION_ECHO  ? answer_echo_bytes(p)
							  : n;

		n = n < cut_n ? n : cut_n;
		result->fate = PARITY_SENT;
		result->n = n;
		memcpy(result->bytes, bytes, n);
	}
	free(memory);
	return verdict;
}

static void core_run_one(const struct frame *frame, struct parity_result *result)
{
	const struct arena_head *head = arena_at(arena, 0, sizeof(*head));
	const struct generation *g = arena_at(arena, head->current, sizeof(*g));
	uint8_t *memory, *bytes = copy_frame(frame, 0, &memory);
	struct cursor c = cursor_make(bytes, frame->n);
	struct steering st = {0};
	struct packet p;
	enum verdict verdict = steer(g, &c, &p, &st);

	result->fate = PARITY_DROPPED;
	result->port = 0;
	result->n = 0;
	result->row = steer_counter_row(st.service);
	switch (verdict_action(verdict)) {
	case ACTION_FORWARD:
	case ACTION_ECHO:
	case ACTION_TOO_BIG:
	case ACTION_REJECT:
		verdict = rewrite(g, &p, &st, frame, verdict, result);
		break;
	case ACTION_PASS:
		result->fate = PARITY_KERNEL;
		result->n = frame->n;
		memcpy(result->bytes, bytes, frame->n);
		break;
	case ACTION_DROP:
		break;
	}
	result->verdict = verdict;
	free(memory);
}

static void core_run(const struct frame *frames, uint32_t n, struct parity_result *results)
{
	for (uint32_t i = 0; i < n; i++)
		core_run_one(&frames[i], &results[i]);
}

const struct parity_path path_core = {
	.name = "core",
	.open = core_open,
	.run = core_run,
	.wait = core_wait,
	.close = core_close,
};
