/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path MTUs to backends that routers on the way have told, each for as long as the operator
 * lets it count (RFC 1191 §6.3, RFC 8201 §4, RFC 2003 §5.1). Used by nexthop.c, on the control
 * thread. No I/O, no clock of its own.
 */
#ifndef SLUICE_NEXTHOP_PATH_MTU_H
#define SLUICE_NEXTHOP_PATH_MTU_H

#include "ip.h"
#include "path_mtu_message.h"
#include "words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* A path is never taken for narrower, whatever a message says: who forges messages
	 * can't make packets smaller than this. RFC 791 §3.1 (what every host takes), RFC 8200 §5. */
	PATH_MTU_MIN_V4_BYTES = 576,
	PATH_MTU_MIN_V6_BYTES = 1280,
};

/* X(identifier, word, meaning): what became of a message. */
#define PATH_MTU_RESULTS(X)                                                                        \
	X(LEARNED, "learned", "the path is narrower than was known")                               \
	X(KNOWN, "known", "the path is known to be as narrow, or narrower")                        \
	X(NOT_OURS, "not_ours", "it is about a packet that this node doesn't send")                \
	X(IMPLAUSIBLE, "implausible",                                                              \
	  "it contradicts itself: the packet that it quotes fits the MTU that it names, or could " \
	  "not have been sent")                                                                    \
	X(FULL, "full", "no memory to learn it")

enum path_mtu_result {
#define X(id, word, meaning) PATH_MTU_##id,
	PATH_MTU_RESULTS(X)
#undef X
		PATH_MTU_N_RESULTS,
};

struct path_mtu {
	struct ip_addr addr;
	uint32_t mtu_bytes;
	int64_t until_us; /* as now_us below */
};

struct path_mtus {
	struct path_mtu *paths; /* sorted by addr, each once */
	size_t n, room;
};

/* Takes what a router says of the path to message->destination. `way_mtu_bytes`: what is known to
 * fit there without any router's word; now_us: CLOCK_MONOTONIC; keep_us: how long it counts from now
 * on. A message never widens a path. Returns LEARNED if the path's MTU is another now, else why not. */
enum path_mtu_result path_mtus_take(struct path_mtus *paths, const struct path_mtu_message *message,
				    uint32_t way_mtu_bytes, int64_t now_us, int64_t keep_us);

/* The MTU told for an address; 0: none. */
uint32_t path_mtus_get(const struct path_mtus *paths, const struct ip_addr *addr);

/* Forgets those whose time is over: the next packet that doesn't fit makes a router speak again.
 * Returns whether there was one. */
bool path_mtus_expire(struct path_mtus *paths, int64_t now_us);

/* When the next one's time is over; 0: there is none. */
int64_t path_mtus_next_us(const struct path_mtus *paths);

void path_mtus_free(struct path_mtus *paths);

ENUM_DECLARE(path_mtu_result);

#endif
