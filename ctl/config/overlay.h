/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run-time changes as a layer over the configuration file: what of the services in force differs
 * from the file, each with the value that the file had, so that it can be told whether the file
 * was edited since. A key's value that was changed stays changed as long as the file says what it
 * said; where the file says something else by now, the file holds, and the change is lost. The same
 * for a service or backend as a whole that was added or removed. Which service and backend a change
 * is about, "of" and "address" tell, whatever they are called by now; without, the name does.
 * Control thread.
 *
 * As JSON, values as in the file (config_json.h); a "now" of null is "removed", no "base" "added":
 *   [{"name": "web", "of": "198.51.100.10:80/tcp",
 *     "keys": [{"key": "transition_s", "base": 300, "now": 60},
 *              {"key": "health.interval_ms", "base": 2000, "now": 500}],
 *     "backends": [{"name": "b1", "address": "10.0.0.11",
 *                   "keys": [{"key": "weight", "base": 100, "now": 50}]},
 *                  {"name": "b2", "base": {...}, "now": null},
 *                  {"name": "b4", "now": {...}}]},
 *    {"name": "late", "now": {...}}]
 */
#ifndef SLUICE_OVERLAY_H
#define SLUICE_OVERLAY_H

#include <jansson.h>

#include "config.h"
#include "model.h"

/* What `now` has that `file` doesn't: an array, empty for nothing. NULL: no memory. */
json_t *overlay_make(const struct model *file, const struct model *now);

/* Told of each change that is lost: "service web: b1 weight 50 (was 100): the file says 70 now". */
typedef void overlay_lost_fn(void *ctx, const char *text);

/*
 * The model of `file`, with `overlay` over it and `settings` for its own. What the overlay says
 * that is nothing of the sort, or can't be beside the file, is lost. NULL: the file's services
 * can't be in force with these settings, and `error` says why, as config_load() does, without
 * lines.
 */
struct model *overlay_apply(const struct model *file, const struct settings *settings,
			    const json_t *overlay, overlay_lost_fn *lost, void *ctx,
			    char error[CONFIG_ERROR_MAX]);

#endif
