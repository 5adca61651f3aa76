/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capture that is under way, if one is: takes frames from the fast path, makes pcapng of them,
 * and holds that until its client has read it. Bounded in packets, bytes and time, and by how long
 * a client may not ask. Control thread.
 */
#ifndef SLUICE_CAPTURE_H
#define SLUICE_CAPTURE_H

#include "api.h"

enum {
	CAPTURE_BUFFER_BYTES = 8 << 20, /* made, but not read: what comes beyond is missed */
	CAPTURE_CHUNK_BYTES = 1 << 20,  /* of one read */
	CAPTURE_LEASE_MS = 3000,        /* a client that hasn't asked for so long is gone */
};

struct captures;
struct event_base;
struct path;
struct publisher;

/* `path` has started; both outlive it. NULL: no memory. */
struct captures *captures_new(struct event_base *base, const struct path *path,
			      struct publisher *publisher);
void captures_free(struct captures *captures); /* NULL is allowed */

/* As daemon_api's. */
int captures_start(struct captures *captures, const struct daemon_capture_request *request,
		   uint64_t *id);
int captures_read(struct captures *captures, uint64_t id, struct daemon_capture_chunk *chunk);
int captures_stop(struct captures *captures, uint64_t id);
void captures_show(const struct captures *captures, struct daemon_capture *out);

#endif
