/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A count of the remembered flows: whose they are, and in which slots some go elsewhere than the
 * lookup table says. One walk over the fast path's tables; control thread.
 */
#ifndef SLUICE_CENSUS_H
#define SLUICE_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

struct running;

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
	int64_t taken_us; /* monotonic */
	int64_t took_us;
	uint32_t rows_n;
	struct tally **rows; /* by row of the service; NULL: no flows */
};

/*
 * Counts, for the services and the generation that are in force. Returns 0, or, with what was in
 * `census` as it was, -ENOMEM or what struct fast_path.memory_walk says.
 */
int census_take(struct census *census, const struct running *running);

/* Forgets it. */
void census_clear(struct census *census);

/* NULL: the service has no remembered flows. */
const struct tally *census_tally(const struct census *census, uint32_t row);

/* Remembered flows of one backend. */
uint64_t census_flows(const struct census *census, uint32_t row, uint16_t index);

/* Until when (from taken_us on) another would take more than a twentieth of the time. */
int64_t census_rest_us(const struct census *census);

#endif
