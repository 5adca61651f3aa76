/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that a daemon before this one laid out, in tables that the path adopted, and what it
 * noted of them (notes.h): what each of them was, for the first generation of this process to go on
 * from. So a restart moves no flow, and what is remembered stays right. Control thread.
 */
#ifndef SLUICE_ADOPTED_H
#define SLUICE_ADOPTED_H

#include "notes.h"
#include "running.h"

struct adopted;

/*
 * Reads the generation that running->laid holds (NULL: none), which must stay until adopted_free(),
 * as must `notes` (NULL: none). Each service of `next` that it has gets its row back. If the seed is
 * another, so that each flow has another hash, the notes alone count. 0, or -ENOMEM.
 */
int adopted_read(struct running *running, const struct model *next, const struct notes *notes,
		 struct adopted **adopted);
void adopted_free(struct adopted *adopted); /* NULL is allowed */

/* What the service was: valid until the next call. NULL: it is new, or no memory. */
const struct former *adopted_former(struct adopted *adopted, const struct service_conf *conf);

/* How many slots the service's lookup table has there; 0: it has none whose size was chosen. */
uint32_t adopted_slots(const struct running *running, const struct service_conf *conf);

#endif
