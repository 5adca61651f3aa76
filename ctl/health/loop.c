/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop. Control thread.
 */
#include "loop.h"

#include <event2/event.h>
#include <stddef.h>

struct event_base *loop_new(void)
{
	const int flags = EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NO_CACHE_TIME;
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config, flags) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}
