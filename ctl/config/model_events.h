/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells a change of the model as events, one for each thing that differs. Called by whoever put it
 * in force; control thread.
 */
#ifndef SLUICE_MODEL_EVENTS_H
#define SLUICE_MODEL_EVENTS_H

#include "model_diff.h"

enum {
	MODEL_EVENTS_MAX = 256, /* of one change; how many more there are is told by one more */
};

/* `who` as events_add() takes it. */
void model_events_tell(const struct model_diff *diff, const char *who);

#endif
