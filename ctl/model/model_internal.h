/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the model (model*.c, service_conf.c) do with each other's things, beside what
 * model.h offers everyone.
 */
#ifndef SLUICE_MODEL_INTERNAL_H
#define SLUICE_MODEL_INTERNAL_H

#include "model.h"

/* Without services and index, but with room for `services_n`. NULL: no memory. */
struct model *model_alloc(const struct settings *settings, uint32_t services_n);

/* The model takes over the reference. There must be room. */
void model_append(struct model *m, struct service_conf *s);

/*
 * A copy with one reference and `backends_n` backends: the first ones of `s`, and zeroed ones
 * behind them if there are more. NULL: no memory.
 */
struct service_conf *service_conf_copy(const struct service_conf *s, uint32_t backends_n);

/* `s` with the backends of another, and one reference. NULL: no memory. */
struct service_conf *service_conf_with(const struct service_conf *s,
				       const struct service_conf *backends_of);

/* Whether all is the same, the backends' order too. */
bool service_conf_equal(const struct service_conf *a, const struct service_conf *b);

/* Turns a `slots` of 0 into a size that fits the backends. */
void service_conf_choose_slots(struct service_conf *s);

#endif
