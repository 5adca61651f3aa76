/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A count of the remembered flows: whose they are, and in which slots some go elsewhere than the
 * lookup table says. One walk over the fast path's tables, in steps, between which the control
 * thread may do other things. Control thread.
 */
#ifndef SLUICE_CENSUS_H
#define SLUICE_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

struct running;
struct census_count; /* one under way */

/* Of one service that has any. Flows that were silent for too long count nowhere. */
struct tally {
	uint64_t entries;     /* all, also those of backends that don't live */
	uint64_t flows;       /* of living backends */
	uint64_t on_previous; /* of these, where they go is the previous choice of their slot */
	uint32_t *by_index;   /* entries, by index of the backend */
	uint32_t indices_n;
	/* Slots of flows that go elsewhere (transition.h); NULL: not known, or no slots by hash. */
	uint64_t *elsewhere;
};

struct census {
	uint64_t number;  /* of the generation that was in force; 0: none was taken */
	int64_t taken_us; /* monotonic; when the count began */
	int64_t took_us;  /* of work, pauses apart */
	uint32_t rows_n;
	struct tally **rows; /* by row of the service; NULL: no flows */
};

/* Begins to count, for the services and the generation that are in force. NULL: no memory. */
struct census_count *census_begin(const struct running *running);

/*
 * Goes on with it for `budget_us`, or a step's time where that is longer (fast_path.memory_walk()).
 * Returns 1: there is more to count; or, with the count freed,
 * 0: `census` is replaced;
 * -ESTALE: another generation is in force by now; -ENOMEM, or what struct fast_path.memory_walk
 * says; `census` is as it was.
 */
int census_go_on(struct census_count *count, int64_t budget_us, struct census *census);

/* Gives it up. NULL is allowed. */
void census_abandon(struct census_count *count);

/* Forgets it. */
void census_clear(struct census *census);

/* NULL: the service has no remembered flows. */
const struct tally *census_tally(const struct census *census, uint32_t row);

/* Remembered flows of one backend. */
uint64_t census_flows(const struct census *census, uint32_t row, uint16_t index);

/* Until when (from taken_us on) another would take more than a twentieth of the time. */
int64_t census_rest_us(const struct census *census);

#endif
