/* SPDX-License-Identifier: Apache-2.0 */
/*
 * laid_generation.h, and of layout.h what has to do with a generation that is laid out already.
 */
#include "laid_generation.h"

#include <stdlib.h>

struct laid_generation *laid_generation_alloc(uint32_t parts_max)
{
	struct laid_generation *laid;

	return calloc(1, sizeof(*laid) + parts_max * sizeof(laid->parts[0]));
}

void laid_generation_add(struct laid_generation *laid, struct part *part)
{
	if (part)
		laid->parts[laid->parts_n++] = part;
}

uint32_t laid_generation_offset(const struct laid_generation *laid)
{
	return laid->header->offset;
}

const struct generation *laid_generation_header(const struct laid_generation *laid)
{
	return part_data(laid->header);
}

void laid_generation_free(struct laid_generation *laid)
{
	if (!laid)
		return;
	part_unref(laid->header);
	part_unref(laid->services);
	part_unref(laid->vips6);
	for (uint32_t i = 0; i < laid->parts_n; i++)
		part_unref(laid->parts[i]);
	free(laid);
}
