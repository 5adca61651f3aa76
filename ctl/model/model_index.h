/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a model's list a service stands: by name, by vip + port + protocol, and which service
 * is the first on a vip. It holds positions, no pointers, so that all models which differ only
 * within their services share one. Used by model*.c, on the control thread.
 */
#ifndef SLUICE_MODEL_INDEX_H
#define SLUICE_MODEL_INDEX_H

#include "model.h"

enum model_index_table {
	INDEX_NAME,
	INDEX_ENDPOINT, /* vip, port, protocol */
	INDEX_VIP,      /* the first service on each vip */
	INDEX_TABLES,
};

/* Three open-addressing tables of positions + 1, at most half full. */
struct model_index {
	uint32_t refs;   /* counted atomically */
	uint32_t vips_n; /* distinct vips */
	uint32_t mask;   /* cells of a table, a power of two, less 1 */
	uint32_t cells[];
};

/* Empty, with one reference and room for `services_n`. NULL: no memory. */
struct model_index *model_index_new(uint32_t services_n);
void model_index_ref(struct model_index *index);   /* one more of several models that share it */
void model_index_unref(struct model_index *index); /* NULL is allowed */

/*
 * Puts services[position] into one table, unless its key stands there already: returns the
 * position of the service that has it then, else MODEL_NOWHERE.
 */
uint32_t model_index_insert(struct model_index *index, struct service_conf *const services[],
			    enum model_index_table table, uint32_t position);

/* Position of the service, or MODEL_NOWHERE. */
uint32_t model_index_name(const struct model_index *index, struct service_conf *const services[],
			  const char *name);
uint32_t model_index_endpoint(const struct model_index *index,
			      struct service_conf *const services[],
			      const struct service_conf *like);
uint32_t model_index_vip(const struct model_index *index, struct service_conf *const services[],
			 const struct ip_addr *vip);

#endif
