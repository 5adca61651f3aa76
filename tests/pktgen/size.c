/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame sizes from the command line. Any thread.
 */
#include "size.h"

#include <stdlib.h>
#include <string.h>

/* The "simple IMIX" that most testers have; with IPv4 over Ethernet. */
static const char imix[] = "64:7,594:4,1518:1";

bool sizes_parse(struct sizes *sizes, const char *text)
{
	uint32_t shares = 0;

	*sizes = (struct sizes){0};
	if (strcmp(text, "imix") == 0)
		text = imix;
	for (;;) {
		unsigned long bytes, share = 1;
		char *end;

		bytes = strtoul(text, &end, 10);
		if (end == text || bytes < SIZE_MIN_BYTES || bytes > SIZE_MAX_BYTES ||
		    sizes->n == SIZES_MAX)
			return false;
		if (*end == ':') {
			text = end + 1;
			share = strtoul(text, &end, 10);
			if (end == text || share < 1 || share > 65535)
				return false;
		}
		shares += (uint32_t)share;
		sizes->frame_bytes[sizes->n] = (uint16_t)bytes;
		sizes->until[sizes->n++] = shares;
		if (*end == '\0')
			return true;
		if (*end != ',')
			return false;
		text = end + 1;
	}
}
