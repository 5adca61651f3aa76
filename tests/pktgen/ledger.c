/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books of the run. Packet path of the generator.
 */
#include "ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const uint64_t window = 1ULL << LEDGER_WINDOW_LOG2;
static const uint64_t moved_bit = 1ULL << 63;

int ledger_create(struct ledger *l, uint32_t places)
{
	size_t bytes = 2 * (size_t)places * sizeof(*l->flows);
	void *flows;

	*l = (struct ledger){.places = places};
	l->sent_tsc = calloc(window, sizeof(*l->sent_tsc));
	flows = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!l->sent_tsc || flows == MAP_FAILED) {
		free(l->sent_tsc);
		return -ENOMEM;
	}
	(void)madvise(flows, bytes, MADV_HUGEPAGE); /* millions of flows, met in any order */
	l->flows = flows;
	for (uint64_t i = 0; i < 2 * (uint64_t)places; i++)
		l->flows[i].backend = LEDGER_NO_BACKEND;
	return 0;
}

void ledger_destroy(struct ledger *l)
{
	free(l->sent_tsc);
	if (l->flows)
		munmap(l->flows, 2 * (size_t)l->places * sizeof(*l->flows));
	*l = (struct ledger){0};
}

enum ledger_return ledger_return(struct ledger *l, uint64_t number, uint64_t tsc,
				 uint64_t *latency_tsc)
{
	uint64_t *sent_tsc = &l->sent_tsc[number & (window - 1)];

	if (number >= l->next)
		return RETURN_UNKNOWN;
	if (l->next - number > window) {
		l->received++;
		l->too_late++;
		return RETURN_TOO_LATE;
	}
	if (*sent_tsc == 0) {
		l->duplicates++;
		return RETURN_DUPLICATE;
	}
	*latency_tsc = tsc - *sent_tsc;
	*sent_tsc = 0;
	l->received++;
	return RETURN_FIRST;
}

bool ledger_flow(struct ledger *l, uint32_t place, uint32_t life, uint64_t number, uint32_t backend)
{
	struct ledger_flow *f = &l->flows[2 * (uint64_t)place + (life & 1)];

	/* Another life: the flow before the one before has ended long ago. */
	if (f->backend == LEDGER_NO_BACKEND || f->life != life) {
		*f = (struct ledger_flow){.life = life, .backend = backend, .last = number};
		l->flows_seen++;
		return true;
	}
	if (number < (f->last & ~moved_bit))
		l->reordered++;
	else
		f->last = number | (f->last & moved_bit);
	if (f->backend != backend && !(f->last & moved_bit)) {
		f->last |= moved_bit;
		if (l->flows_moved++ == 0)
			l->moved_example = place + (uint64_t)life * l->places;
	}
	return false;
}
