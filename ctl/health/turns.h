/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that are due, and wait for their turn: since more are due than health.rate allows a second, or
 * since as many are under way as may have a file. First come, first served, so that no backend is left
 * out for ever; but those of backends in doubt, of which pace.h bounds the number, go before others. Used by
 * check.c; one thread.
 */
#ifndef SLUICE_HEALTH_TURNS_H
#define SLUICE_HEALTH_TURNS_H

#include <sys/queue.h>

#include "checker.h"
#include "pace.h"

struct event_base;

/* What a check has of it. */
struct turn {
	STAILQ_ENTRY(turn) link;
	struct turns *turns;
	void (*run)(struct turn *turn); /* its turn has come */
	int64_t due_us;
	uint8_t waits; /* in which list, 1 + enum turn_list; 0: in none */
	bool hurries;  /* of a backend in doubt */
	bool wants_file, has_file;
};

enum turn_list {
	TURN_HURRIED, /* for its place in the pace */
	TURN_PACED,
	TURN_FILE, /* has that, and waits for a file */
	TURN_LISTS,
};

struct turns {
	struct pace pace;
	struct health_totals *totals;
	STAILQ_HEAD(, turn) lists[TURN_LISTS];
	struct event *paced, *more, *beat;
	int64_t told_files_us, told_pace_us; /* when the log was told that some wait */
	bool unarmed;                        /* `paced` could not be set: turns_again() */
};

/* 0 or -ENOMEM. */
int turns_init(struct turns *turns, struct event_base *base, uint32_t rate,
	       struct health_totals *totals);
void turns_clear(struct turns *turns);

/* It is due, since turn->due_us: runs, now or when its turn comes. */
void turn_take(struct turn *turn);

/* The run is over: its file is another's. Or it doesn't wait any more. */
void turn_end(struct turn *turn);

/* Goes on where a timer could not be set. Each second. */
void turns_again(struct turns *turns);

#endif
