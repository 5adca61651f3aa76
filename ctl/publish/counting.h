/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the census of what is in force, running.census, without ever holding the control thread up
 * for long: a count that isn't done after a few milliseconds goes on between other events.
 * Control thread.
 */
#ifndef SLUICE_COUNTING_H
#define SLUICE_COUNTING_H

struct counting;
struct event_base;
struct running;

/* `running` outlives it. NULL: no memory. */
struct counting *counting_new(struct event_base *base, struct running *running);
void counting_free(struct counting *counting); /* NULL is allowed */

/* Called when a count that counting_run() left unfinished is done: running.census is new. */
void counting_on_done(struct counting *counting, void (*done)(void *ctx), void *ctx);

/*
 * Counts, or goes on with the count that is under way, for at most some 10 ms. 0: running.census is
 * new; -EINPROGRESS: the rest follows between other events; -errno as census_go_on().
 */
int counting_run(struct counting *counting);

/* The same, to the end. */
int counting_finish(struct counting *counting);

#endif
