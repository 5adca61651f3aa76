/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time has made of the services, written down for a later process to go on from: sizes of
 * lookup tables that were chosen and kept since, the time that transitions, slow starts and drains
 * have left, and which backends are down. It depends neither on a path nor on how a build lays out
 * its tables, so an upgrade and a reboot take it along too; the tables themselves are adopted
 * (adopted.h). JSON, for the state file. Control thread.
 */
#ifndef SLUICE_NOTES_H
#define SLUICE_NOTES_H

#include <jansson.h>

#include "plan.h"

struct running;
struct notes; /* what an earlier process wrote down */

/*
 * An object with a member for each service in force about which there is something to note, by its
 * "VIP:PORT/PROTOCOL". Times in it are microseconds of the monotonic clock. NULL: no memory.
 */
json_t *notes_make(const struct running *running);

/*
 * `services` (notes_make()), which stays the caller's, with what the clocks say now, so that
 * notes_read() can tell the times in it. NULL: no memory.
 */
json_t *notes_stamp(json_t *services, int64_t now_us, int64_t now_real_us);

/*
 * `tree` is as notes_stamp() made it; what is missing in it or malformed counts as not noted.
 * Within one boot of the host times are those of the monotonic clock; after a reboot the wall clock
 * tells how much time went by, and none did if it was set back. NULL: no memory.
 */
struct notes *notes_read(const json_t *tree, int64_t now_us, int64_t now_real_us);
void notes_free(struct notes *notes); /* NULL is allowed */

/* How many slots the service's lookup table had; 0: not noted. */
uint32_t notes_slots(const struct notes *notes, const struct service_conf *service);

/*
 * When the service's tables last changed, in phase->changed_us, changed_real_us and
 * previous_seen_us. False, with *phase as it was: not noted, or these tables are younger than the
 * note.
 */
bool notes_phase(const struct notes *notes, const struct service_conf *service,
		 const struct former *tables, struct phase *phase);

/*
 * Slow starts, drains and health of service->backends, in their order, for the caller to free;
 * all else in it is 0. NULL: nothing is noted, or no memory.
 */
struct course *notes_courses(const struct notes *notes, const struct service_conf *service);

#endif
