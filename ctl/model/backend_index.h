/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a service's list a backend stands: by name, by address. Made when a service that has many
 * is searched for the first time, and kept as long as the service, which doesn't change. Used by
 * service_conf.c, on any thread.
 */
#ifndef SLUICE_BACKEND_INDEX_H
#define SLUICE_BACKEND_INDEX_H

#include "model.h"

enum {
	BACKEND_INDEX_FROM = 16, /* a service with fewer is searched as fast without */
};

struct backend_index;

/*
 * That of `s`, made if need be. NULL: `s` has too few backends, or there is no memory. Two threads
 * may ask at once.
 */
const struct backend_index *backend_index_of(const struct service_conf *s);
void backend_index_free(struct backend_index *index); /* NULL is allowed */

/* The first one's position; MODEL_NOWHERE: none. `s` is what the index is of. */
uint32_t backend_index_addr(const struct backend_index *index, const struct service_conf *s,
			    const struct ip_addr *addr);
uint32_t backend_index_name(const struct backend_index *index, const struct service_conf *s,
			    const char *name);

#endif
