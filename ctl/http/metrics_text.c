/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples as text. Control thread.
 */
#include "metrics_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put_bytes(struct metrics_text *p, const char *bytes, size_t n_bytes)
{
	if (p->bytes + n_bytes > sizeof(p->text))
		return;
	memcpy(p->text + p->bytes, bytes, n_bytes);
	p->bytes += n_bytes;
}

void text_put(struct metrics_text *p, const char *text)
{
	put_bytes(p, text, strlen(text));
}

void text_number(struct metrics_text *p, uint64_t value)
{
	char digits[20], *first = digits + sizeof(digits);

	do
		*--first = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	put_bytes(p, first, (size_t)(digits + sizeof(digits) - first));
}

/* As both formats want it between quotes; what is no ASCII comes as "?", for it may be no UTF-8. */
static void put_escaped(struct metrics_text *p, const char *text)
{
	char out[2] = "";

	while (*text) {
		size_t plain = 0;

		while (text[plain] > 0 && !strchr("\\\"\n", text[plain]))
			plain++;
		put_bytes(p, text, plain);
		text += plain;
		if (*text == '\n') {
			text_put(p, "\\n");
		} else if (*text) {
			out[0] = *text < 0 ? '?' : *text;
			text_put(p, *text < 0 ? "" : "\\");
			text_put(p, out);
		}
		text += *text != '\0';
	}
}

void text_series(struct metrics_text *p, ...)
{
	const char *key, *before = "{";
	va_list args;

	text_put(p, p->name);
	va_start(args, p);
	while ((key = va_arg(args, const char *))) {
		text_put(p, before);
		text_put(p, key);
		text_put(p, "=\"");
		put_escaped(p, va_arg(args, const char *));
		text_put(p, "\"");
		before = ",";
	}
	va_end(args);
	text_put(p, *before == ',' ? "} " : " ");
}

void text_end_number(struct metrics_text *p, uint64_t value)
{
	text_number(p, value);
	text_put(p, "\n");
}

void text_end_real(struct metrics_text *p, double value)
{
	char digits[40];

	snprintf(digits, sizeof(digits), "%.9g\n", value);
	text_put(p, digits);
}

void text_end_time(struct metrics_text *p, int64_t us)
{
	char digits[40];

	snprintf(digits, sizeof(digits), "%lld.%06d\n", (long long)(us / 1000000),
		 (int)(us % 1000000));
	text_put(p, digits);
}
