/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fragment_table.h. The order within a set is that of the puts: seconds are too coarse to tell
 * which entry is the oldest.
 */
#include "fragment_table.h"

int fragment_table_create(struct fragment_table *t, uint32_t entries)
{
	int ret;

	*t = (struct fragment_table){.sets_n = entries / FRAGMENT_SET_ENTRIES};
	ret = region_map(&t->region, t->sets_n * sizeof(struct fragment_set), false, true);
	if (ret < 0)
		return ret;
	t->sets = t->region.start;
	return 0;
}

void fragment_table_destroy(struct fragment_table *t)
{
	region_unmap(&t->region);
	*t = (struct fragment_table){0};
}

static struct fragment_set *set_find(const struct fragment_table *t, uint64_t key)
{
	return &t->sets[key & (t->sets_n - 1)];
}

void fragment_table_put(struct fragment_table *t, uint64_t key, struct fragment fragment)
{
	struct fragment_entry *entries = set_find(t, key)->entries;
	int k = 0;

	while (k < FRAGMENT_SET_ENTRIES - 1 && entries[k].key != key)
		k++;
	for (; k > 0; k--)
		entries[k] = entries[k - 1];
	entries[0] = (struct fragment_entry){key, fragment};
}

const struct fragment *fragment_table_find(const struct fragment_table *t, uint64_t key,
					   uint32_t now_s)
{
	const struct fragment_set *set = set_find(t, key);

	for (int k = 0; k < FRAGMENT_SET_ENTRIES; k++) {
		const struct fragment_entry *e = &set->entries[k];

		if (e->key == key && fragment_lives(&e->fragment, now_s))
			return &e->fragment;
	}
	return NULL;
}
