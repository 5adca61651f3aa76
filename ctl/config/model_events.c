/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of the model, as events. Control thread.
 */
#include "model_events.h"

#include "events.h"

static enum event_kind kind_of(const struct model_change *change)
{
	if (change->kind == MODEL_CHANGE_SETTING)
		return EVENT_CONFIG;
	return *change->backend ? EVENT_BACKEND : EVENT_SERVICE;
}

void model_events_tell(const struct model_diff *diff, const char *who)
{
	char words[MODEL_CHANGE_WORDS_MAX];

	for (uint32_t i = 0; i < diff->n && i < MODEL_EVENTS_MAX; i++) {
		const struct model_change *change = &diff->changes[i];

		events_add(kind_of(change), who, change->service, change->backend, "%s%s",
			   model_change_words(change, words),
			   change->kind == MODEL_CHANGE_SETTING ? ": takes effect at a restart"
								: "");
	}
	if (diff->n > MODEL_EVENTS_MAX)
		events_add(EVENT_CONFIG, who, NULL, NULL,
			   "%u more services, backends and keys of "
			   "them changed",
			   diff->n - MODEL_EVENTS_MAX);
}
