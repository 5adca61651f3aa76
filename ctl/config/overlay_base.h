/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the file still says what it said when something was changed at run time. What it said was
 * written down as text, maybe by a release before this one, which had fewer keys; so it is read by
 * today's parser first, and compared by what it means. Used by overlay*.c, on the control thread.
 */
#ifndef SLUICE_OVERLAY_BASE_H
#define SLUICE_OVERLAY_BASE_H

#include <jansson.h>

#include "model.h"

/* What a tree is of. */
enum overlay_kind {
	OVERLAY_SERVICE,
	OVERLAY_BACKEND,
};

/*
 * Whether a value is a group whose keys are changes each by itself (health), NULL being one without
 * keys. A service's health is one only where both are there: without, nothing is checked.
 */
bool overlay_by_key(const json_t *was, const json_t *is);

/* A member by its path, "weight" or "health.port"; NULL: it has none. A borrowed reference. */
json_t *overlay_get(const json_t *tree, const char *path);

/* `value` NULL: takes it out. */
void overlay_set(json_t *tree, const char *path, json_t *value);

/*
 * Whether `base` (NULL: nothing) in the place of what `tree` says comes to the same. A number of
 * slots that is what the service gets without one counts as any: the file leaves it open, and a
 * service that grew by reloads had another.
 */
bool overlay_key_holds(const json_t *tree, enum overlay_kind kind, const char *path, json_t *base);

/* Whether a whole service or backend is what `base` means, whatever either is called. */
bool overlay_service_holds(const struct service_conf *s, const json_t *base);
bool overlay_backend_holds(const json_t *tree, const json_t *base);

#endif
