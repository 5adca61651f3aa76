/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 both ways, a group of three bytes at a time. Called by the daemon's capture and by
 * sluicectl. Any thread.
 */
#include "base64.h"

#include <errno.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const uint8_t *bytes, size_t bytes_n, char *text)
{
	for (size_t i = 0; i < bytes_n; i += 3) {
		size_t left = bytes_n - i;
		uint32_t word = (uint32_t)bytes[i] << 16;

		word |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		word |= left > 2 ? bytes[i + 2] : 0;
		*text++ = letters[word >> 18];
		*text++ = letters[word >> 12 & 63];
		*text++ = left > 1 ? letters[word >> 6 & 63] : '=';
		*text++ = left > 2 ? letters[word & 63] : '=';
	}
	*text = 0;
}

static int letter_value(char c)
{
	const char *at = c ? strchr(letters, c) : NULL;

	return at ? (int)(at - letters) : -1;
}

ssize_t base64_decode(const char *text, size_t length, uint8_t *bytes)
{
	uint8_t *to = bytes;

	if (length % 4 != 0)
		return -EINVAL;
	for (size_t i = 0; i < length; i += 4) {
		size_t padding = 0;
		uint32_t word = 0;

		/* At the end alone, and two letters at least stay. */
		if (i + 4 == length)
			padding = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
		for (size_t k = 0; k < 4 - padding; k++) {
			int value = letter_value(text[i + k]);

			if (value < 0)
				return -EINVAL;
			word |= (uint32_t)value << (18 - 6 * k);
		}
		*to++ = (uint8_t)(word >> 16);
		if (padding < 2)
			*to++ = (uint8_t)(word >> 8);
		if (padding < 1)
			*to++ = (uint8_t)word;
	}
	return to - bytes;
}
