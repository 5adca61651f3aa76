/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that a daemon before this one laid out, and packets still see (xdp): what each of them
 * was, for the first generation of this process to go on from. So a restart moves no flow, and
 * what is remembered stays right. Control thread.
 */
#ifndef SLUICE_ADOPTED_H
#define SLUICE_ADOPTED_H

#include "running.h"

struct adopted;

/*
 * Reads the generation that running->laid holds, which must stay until adopted_free(). Each service
 * of `next` that it has gets its row back. *adopted NULL: there is nothing to go on from, for the
 * seed is another, so that each flow has another hash. 0, or -ENOMEM.
 */
int adopted_read(struct running *running, const struct model *next, struct adopted **adopted);
void adopted_free(struct adopted *adopted); /* NULL is allowed */

/* What the service was: valid until adopted_free(). NULL: it is new, or no memory. */
const struct former *adopted_former(struct adopted *adopted, const struct service_conf *conf);

#endif
