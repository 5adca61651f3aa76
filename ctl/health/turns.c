/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that are due, and wait for their turn. One thread.
 */
#include "turns.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "shortage.h"

enum {
	TELL_EVERY_US = 60000000,
	TELL_LATE_US = 250000, /* what waited less is told nobody */
};

static bool is_time(int64_t *told_us, int64_t now_us)
{
	if (*told_us != 0 && now_us - *told_us < TELL_EVERY_US)
		return false;
	*told_us = now_us;
	return true;
}

static void wait_in(struct turn *turn, enum turn_list list)
{
	struct turns *turns = turn->turns;

	STAILQ_INSERT_TAIL(&turns->lists[list], turn, link);
	turn->waits = (uint8_t)(1 + list);
	if (list == TURN_FILE)
		turns->totals->waiting++;
	else
		turns->totals->pacing++;
}

static void wait_end(struct turn *turn)
{
	struct turns *turns = turn->turns;

	if (turn->waits == 0)
		return;
	STAILQ_REMOVE(&turns->lists[turn->waits - 1], turn, turn, link);
	if (turn->waits == 1 + TURN_FILE)
		turns->totals->waiting--;
	else
		turns->totals->pacing--;
	turn->waits = 0;
}

/* ---- files ---- */

static bool has_room(const struct turns *turns)
{
	return turns->totals->with_file < turns->totals->with_file_max;
}

static void go(struct turn *turn)
{
	turn->has_file = turn->wants_file;
	turn->turns->totals->with_file += turn->has_file;
	turn->run(turn);
}

/* It has its place in the pace. */
static void go_or_wait(struct turn *turn)
{
	struct turns *turns = turn->turns;

	if (!turn->wants_file || (has_room(turns) && STAILQ_EMPTY(&turns->lists[TURN_FILE]))) {
		go(turn);
		return;
	}
	wait_in(turn, TURN_FILE);
	turns->totals->queued++;
	if (is_time(&turns->told_files_us, clock_now_us()))
		log_warning("health checks: %u are under way, as many as the limit of open files "
			    "allows: others wait for their turn, and are late; raise LimitNOFILE "
			    "(ulimit -n)",
			    turns->totals->with_file);
}

/* From the event loop: a file is free. */
static void on_more(evutil_socket_t fd, short events, void *ctx)
{
	struct turns *turns = ctx;
	struct turn *turn;

	(void)fd;
	(void)events;
	while (has_room(turns) && (turn = STAILQ_FIRST(&turns->lists[TURN_FILE]))) {
		wait_end(turn);
		go(turn);
	}
}

/* ---- the pace ---- */

static struct turn *first_paced(const struct turns *turns)
{
	struct turn *turn = STAILQ_FIRST(&turns->lists[TURN_HURRIED]);

	return turn ? turn : STAILQ_FIRST(&turns->lists[TURN_PACED]);
}

static void paced_tell(struct turns *turns, const struct turn *turn, int64_t now_us)
{
	if (now_us - turn->due_us < TELL_LATE_US)
		return;
	turns->totals->paced++;
	if (is_time(&turns->told_pace_us, now_us))
		log_warning(
			"health checks: more are due than health.rate allows, %u a second: %u wait "
			"for their turn, and are late; nobody is down for that",
			turns->pace.rate, turns->totals->pacing);
}

static void paced_wait(struct turns *turns, int64_t wait_us)
{
	const struct timeval wait = {.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000};

	turns->unarmed = evtimer_add(turns->paced, &wait) != 0;
	if (turns->unarmed)
		shortage_note(SHORTAGE_TIMER, ENOMEM);
}

/* As many as may; what pace.h lets begin at once bounds them. */
static void paced_go(struct turns *turns)
{
	struct turn *turn;
	int64_t now_us, wait_us;

	while ((turn = first_paced(turns))) {
		now_us = clock_now_us();
		if (!pace_take(&turns->pace, now_us, &wait_us)) {
			paced_wait(turns, wait_us);
			return;
		}
		wait_end(turn);
		paced_tell(turns, turn, now_us);
		go_or_wait(turn);
	}
}

static void on_paced(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	paced_go(ctx);
}

static void on_beat(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	pace_beat(&((struct turns *)ctx)->pace, clock_now_us());
}

void turns_again(struct turns *turns)
{
	if (turns->unarmed)
		paced_go(turns);
}

/* ---- a turn ---- */

void turn_take(struct turn *turn)
{
	struct turns *turns = turn->turns;
	int64_t wait_us;

	if (!first_paced(turns) && pace_take(&turns->pace, clock_now_us(), &wait_us)) {
		go_or_wait(turn);
		return;
	}
	wait_in(turn, turn->hurries ? TURN_HURRIED : TURN_PACED);
	if (!evtimer_pending(turns->paced, NULL))
		paced_go(turns);
}

void turn_end(struct turn *turn)
{
	struct turns *turns = turn->turns;

	wait_end(turn);
	if (!turn->has_file)
		return;
	turn->has_file = false;
	turns->totals->with_file--;
	if (!STAILQ_EMPTY(&turns->lists[TURN_FILE]))
		event_active(turns->more, EV_TIMEOUT, 0);
}

/* ---- life ---- */

int turns_init(struct turns *turns, struct event_base *base, uint32_t rate,
	       struct health_totals *totals)
{
	static const struct timeval each = {.tv_usec = PACE_BEAT_MS * 1000};

	*turns = (struct turns){.pace.rate = rate, .totals = totals};
	for (int i = 0; i < TURN_LISTS; i++)
		STAILQ_INIT(&turns->lists[i]);
	turns->paced = evtimer_new(base, on_paced, turns);
	turns->more = evtimer_new(base, on_more, turns);
	turns->beat = event_new(base, -1, EV_PERSIST, on_beat, turns);
	return turns->paced && turns->more && turns->beat && event_add(turns->beat, &each) == 0
		       ? 0
		       : -ENOMEM;
}

void turns_clear(struct turns *turns)
{
	if (turns->paced)
		event_free(turns->paced);
	if (turns->more)
		event_free(turns->more);
	if (turns->beat)
		event_free(turns->beat);
}
