/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8, as RFC 3629, section 4 has it: no character in more bytes than it takes, no surrogates,
 * nothing beyond U+10FFFF. Any thread.
 */
#include "utf8.h"

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Bytes of the character that begins at `c`; 0: it is none. A 0 that ends the text is no tail. */
static size_t character_bytes(const unsigned char *c)
{
	if (c[0] < 0x80)
		return 1;
	if (c[0] >= 0xc2 && c[0] <= 0xdf)
		return is_tail(c[1]) ? 2 : 0;
	if ((c[0] & 0xf0) == 0xe0) {
		const unsigned char low = c[0] == 0xe0 ? 0xa0 : 0x80;
		const unsigned char high = c[0] == 0xed ? 0x9f : 0xbf;

		return c[1] >= low && c[1] <= high && is_tail(c[2]) ? 3 : 0;
	}
	if (c[0] >= 0xf0 && c[0] <= 0xf4) {
		const unsigned char low = c[0] == 0xf0 ? 0x90 : 0x80;
		const unsigned char high = c[0] == 0xf4 ? 0x8f : 0xbf;

		return c[1] >= low && c[1] <= high && is_tail(c[2]) && is_tail(c[3]) ? 4 : 0;
	}
	return 0;
}

long utf8_fault(const char *text)
{
	const unsigned char *begin = (const unsigned char *)text, *c = begin;

	while (*c) {
		size_t bytes = character_bytes(c);

		if (bytes == 0)
			return (long)(c - begin);
		c += bytes;
	}
	return UTF8_VALID;
}

bool utf8_valid(const char *text)
{
	return utf8_fault(text) == UTF8_VALID;
}

bool utf8_has_control(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			return true;
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			return true;
	}
	return false;
}

void utf8_make_safe(char *text)
{
	if (utf8_valid(text) && !utf8_has_control(text))
		return;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?';
}
