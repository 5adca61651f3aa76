/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large the numbers of a config file are. Called by config_text.c; pure functions.
 */
#include "config_number.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool config_number_begins(const char *text)
{
	if (*text == '-' || *text == '+')
		text++;
	return is_digit(*text) || (*text == '.' && is_digit(text[1]));
}

/* Length of a float's text, from its start; any "e" counts if digits follow. */
static size_t float_length(const char *text)
{
	const char *p = text;

	p += *p == '-' || *p == '+';
	p += strspn(p, DIGITS ".");
	if (*p == 'e' || *p == 'E') {
		const char *exponent = p + 1;

		exponent += *exponent == '-' || *exponent == '+';
		if (is_digit(*exponent))
			p = exponent + strspn(exponent, DIGITS);
	}
	return (size_t)(p - text);
}

size_t config_number_length(const char *text, enum config_number *kind)
{
	const char *digits = text + (*text == '-' || *text == '+');
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') &&
		   isxdigit((unsigned char)digits[2]);
	const char *end = digits;
	long long value;

	*kind = CONFIG_NUMBER_PLAIN;
	end += hex ? 2 + strspn(digits + 2, DIGITS "abcdefABCDEF") : strspn(digits, DIGITS);
	if (!hex && (*end == '.' || *end == 'e' || *end == 'E'))
		return float_length(text);
	errno = 0;
	value = strtoll(text, NULL, hex ? 16 : 10);
	if (errno == ERANGE)
		*kind = CONFIG_NUMBER_TOO_BIG;
	else if (*end != 'L' && (value < INT32_MIN || value > INT32_MAX))
		*kind = CONFIG_NUMBER_LONG;
	while (*end == 'L')
		end++;
	return (size_t)(end - text);
}
