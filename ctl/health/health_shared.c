/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that the daemon and the process that makes checks share. A record is written under a
 * sequence number (a seqlock), so that neither side ever waits for the other.
 */
#include "health_wire.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "utf8.h"

enum {
	READ_TRIES =
		64, /* a write takes less than a microsecond, unless the writer was stopped in it */
};

static size_t news_words(uint32_t slots_n)
{
	return (size_t)slots_n / 64 + 1;
}

static size_t shared_bytes(uint32_t slots_n)
{
	return sizeof(struct health_page) + news_words(slots_n) * sizeof(uint64_t) +
	       ((size_t)slots_n + 1) * sizeof(struct health_record);
}

struct health_shared *health_shared_new(uint32_t slots_n)
{
	struct health_shared *shared = calloc(1, sizeof(*shared));

	if (!shared)
		return NULL;
	shared->slots_n = slots_n;
	shared->page = mmap(NULL, shared_bytes(slots_n), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shared->page == MAP_FAILED) {
		free(shared);
		return NULL;
	}
	shared->news = (uint64_t *)(shared->page + 1);
	shared->records = (struct health_record *)(shared->news + news_words(slots_n));
	return shared;
}

void health_shared_free(struct health_shared *shared)
{
	if (!shared)
		return;
	munmap(shared->page, shared_bytes(shared->slots_n));
	free(shared);
}

void health_record_write(struct health_record *record, uint32_t tenant,
			 const struct health_known *known)
{
	/* One that was killed in the middle left it odd. */
	const uint32_t sequence = __atomic_load_n(&record->sequence, __ATOMIC_RELAXED) | 1;

	__atomic_store_n(&record->sequence, sequence, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	record->tenant = tenant;
	record->known = *known;
	__atomic_store_n(&record->sequence, sequence + 1, __ATOMIC_RELEASE);
}

bool health_record_read(const struct health_record *record, uint32_t tenant,
			struct health_known *out)
{
	for (int i = 0; i < READ_TRIES; i++) {
		uint32_t sequence = __atomic_load_n(&record->sequence, __ATOMIC_ACQUIRE), of;

		if (sequence & 1)
			continue;
		of = record->tenant;
		*out = record->known;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&record->sequence, __ATOMIC_RELAXED) != sequence)
			continue;
		if (of != tenant || (uint32_t)out->track.state > HEALTH_DOWN ||
		    (uint32_t)out->was > HEALTH_DOWN)
			return false;
		out->track.out = out->track.state == HEALTH_UNKNOWN
					 ? out->track.out
					 : out->track.state == HEALTH_DOWN;
		out->reason[sizeof(out->reason) - 1] = '\0';
		utf8_make_safe(out->reason);
		return true;
	}
	return false;
}
