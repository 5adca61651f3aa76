/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path MTUs in an array in order of the address, found by halving it. Called by nexthop.c.
 * Control thread.
 */
#include "path_mtu.h"

#include <stdlib.h>
#include <string.h>

static uint32_t least_bytes(const struct ip_addr *addr)
{
	return addr->family == IP_V4 ? PATH_MTU_MIN_V4_BYTES : PATH_MTU_MIN_V6_BYTES;
}

/* Where it is, or would be. */
static size_t place_of(const struct path_mtus *paths, const struct ip_addr *addr)
{
	size_t low = 0, high = paths->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ip_compare(&paths->paths[middle].addr, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct path_mtus *paths, size_t at, const struct ip_addr *addr)
{
	return at < paths->n && ip_equal(&paths->paths[at].addr, addr);
}

static bool insert(struct path_mtus *paths, size_t at, const struct path_mtu *path)
{
	if (paths->n == paths->room) {
		size_t room = paths->room > 0 ? 2 * paths->room : 16;
		struct path_mtu *more = realloc(paths->paths, room * sizeof(*more));

		if (!more)
			return false;
		paths->paths = more;
		paths->room = room;
	}
	memmove(&paths->paths[at + 1], &paths->paths[at], (paths->n - at) * sizeof(*paths->paths));
	paths->paths[at] = *path;
	paths->n++;
	return true;
}

enum path_mtu_result path_mtus_take(struct path_mtus *paths, const struct path_mtu_message *message,
				    uint32_t way_mtu_bytes, int64_t now_us, int64_t keep_us)
{
	uint32_t least = least_bytes(&message->destination);
	struct path_mtu path = {
		.addr = message->destination,
		.mtu_bytes = message->mtu_bytes > least ? message->mtu_bytes : least,
		.until_us = now_us + keep_us,
	};
	size_t at = place_of(paths, &path.addr);

	/* RFC 8201 §4, RFC 5927 §7: a packet that fits makes no router complain, nor does one that
	 * was never sent, being longer than the way's first link. */
	if (message->packet_bytes <= message->mtu_bytes || message->packet_bytes > way_mtu_bytes)
		return PATH_MTU_IMPLAUSIBLE;
	if (path.mtu_bytes >= way_mtu_bytes)
		return PATH_MTU_KNOWN;
	if (!is_at(paths, at, &path.addr))
		return insert(paths, at, &path) ? PATH_MTU_LEARNED : PATH_MTU_FULL;
	if (path.mtu_bytes > paths->paths[at].mtu_bytes)
		return PATH_MTU_KNOWN;
	if (path.mtu_bytes == paths->paths[at].mtu_bytes) {
		paths->paths[at].until_us = path.until_us;
		return PATH_MTU_KNOWN;
	}
	paths->paths[at] = path;
	return PATH_MTU_LEARNED;
}

uint32_t path_mtus_get(const struct path_mtus *paths, const struct ip_addr *addr)
{
	size_t at = place_of(paths, addr);

	return is_at(paths, at, addr) ? paths->paths[at].mtu_bytes : 0;
}

bool path_mtus_expire(struct path_mtus *paths, int64_t now_us)
{
	size_t kept = 0, n = paths->n;

	for (size_t i = 0; i < n; i++) {
		if (paths->paths[i].until_us > now_us)
			paths->paths[kept++] = paths->paths[i];
	}
	paths->n = kept;
	return kept < n;
}

int64_t path_mtus_next_us(const struct path_mtus *paths)
{
	int64_t next_us = 0;

	for (size_t i = 0; i < paths->n; i++) {
		if (next_us == 0 || paths->paths[i].until_us < next_us)
			next_us = paths->paths[i].until_us;
	}
	return next_us;
}

void path_mtus_free(struct path_mtus *paths)
{
	free(paths->paths);
	*paths = (struct path_mtus){0};
}

const char *const path_mtu_result_words[] = {
#define X(id, word, meaning) [PATH_MTU_##id] = word,
	PATH_MTU_RESULTS(X)
#undef X
		NULL,
};
