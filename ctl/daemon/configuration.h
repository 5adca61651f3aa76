/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where what is in force comes from: the configuration file as it was last loaded, and the run-time
 * changes over it, which a state file keeps over restarts (overlay.h has the rule for what wins).
 * Made by daemon.c; control thread.
 */
#ifndef SLUICE_CONFIGURATION_H
#define SLUICE_CONFIGURATION_H

#include "publisher.h"
#include "reload.h"

struct configuration;

/*
 * `file` was loaded from `path`, and is taken over in any case. *start gets the model to start
 * with: the file's, and over it what the state file has. `publisher`, which has no model yet, gets
 * what an earlier process noted there (publisher_go_on()). A state file that can't be read is told
 * in the log, and done without. 0 or -ENOMEM.
 */
int configuration_new(struct event_base *base, const char *path, struct publisher *publisher,
		      struct model *file, struct configuration **configuration,
		      struct model **start);

/* The file's services without what the state file has. NULL: no memory. */
struct model *configuration_plain(const struct configuration *configuration);

/* From now on run-time changes of what `publisher` has in force are kept. */
void configuration_attach(struct configuration *configuration, struct publisher *publisher);

/*
 * Another model is in force, or time or health made something else of it (publisher_watch()): what
 * of it is to be kept is written within some 20 ms.
 */
void configuration_changed(struct configuration *configuration);

/*
 * Ends reloads and saves that are not over (-ECANCELED), and waits until the last change is kept. NULL
 * is allowed. Before publisher_free().
 */
void configuration_free(struct configuration *configuration);

/* As daemon_api has them. */
void configuration_reload(struct configuration *configuration, const char *who, bool check,
			  daemon_reloaded_fn *done, void *done_ctx);
int configuration_text(struct configuration *configuration, bool effective, bool secrets,
		       char **text);
int configuration_diff(struct configuration *configuration, struct model_diff *diff);
void configuration_save(struct configuration *configuration, const char *who, daemon_saved_fn *done,
			void *done_ctx);
void configuration_state(const struct configuration *configuration, struct daemon_state *out);
void configuration_reloads(const struct configuration *configuration, struct daemon_reloads *out);

#endif
