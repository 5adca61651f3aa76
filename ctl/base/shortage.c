/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of failures for want of something. Any thread.
 */
#include "shortage.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"

static const struct {
	const char *word, *text;
} names[] = {
#define X(id, word, text) [SHORTAGE_##id] = {word, text},
	SHORTAGES(X)
#undef X
};

/* A reader may see the members of two failures: each is right by itself. */
static struct shortage_count own[SHORTAGE_N], *counts = own;

bool shortage_is(int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EAGAIN: /* no thread, process or lockable page is left */
	case ENOSPC: /* of a disk, or of epoll's watches */
	case EDQUOT:
		return true;
	}
	return false;
}

bool shortage_note(enum shortage what, int error)
{
	struct shortage_count *count = &counts[what];

	if (error < 0)
		error = -error;
	if (!shortage_is(error))
		return false;
	__atomic_fetch_add(&count->failures, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&count->error, error, __ATOMIC_RELAXED);
	__atomic_store_n(&count->last_us, clock_us(CLOCK_REALTIME), __ATOMIC_RELAXED);
	return true;
}

struct shortage_count shortage_read(enum shortage what)
{
	const struct shortage_count *count = &counts[what];

	return (struct shortage_count){
		.failures = __atomic_load_n(&count->failures, __ATOMIC_RELAXED),
		.error = __atomic_load_n(&count->error, __ATOMIC_RELAXED),
		.last_us = __atomic_load_n(&count->last_us, __ATOMIC_RELAXED),
	};
}

int shortage_share(void)
{
	struct shortage_count *shared;

	if (counts != own)
		return 0;
	shared = mmap(NULL, sizeof(own), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	memcpy(shared, own, sizeof(own));
	counts = shared;
	return 0;
}

const char *shortage_word(enum shortage what)
{
	return names[what].word;
}

const char *shortage_text(enum shortage what)
{
	return names[what].text;
}
