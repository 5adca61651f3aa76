/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Differences in words and in hex.
 */
#include "difference.h"

#include <stdio.h>
#include <string.h>

enum {
	LINE_BYTES = 16,
	LINES_MAX = 12, /* with a difference */
};

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
#define X(name, action, text) [VERDICT_##name] = #name,
		SLUICE_VERDICTS(X)
#undef X
	};

	return verdict < VERDICT_COUNT ? names[verdict] : "none";
}

static const char *fate_name(enum parity_fate fate)
{
	switch (fate) {
	case PARITY_DROPPED:
		return "dropped";
	case PARITY_SENT:
		return "sent";
	case PARITY_KERNEL:
		return "the kernel's";
	}
	return "?";
}

/* One line; a byte that `other` has differently has a star behind it. */
static void print_line(const char *side, const uint8_t *bytes, uint32_t n, const uint8_t *other,
		       uint32_t other_n, uint32_t at)
{
	fprintf(stderr, "  %s %04x:", side, at);
	for (uint32_t i = at; i < at + LINE_BYTES && i < n; i++) {
		bool same = i < other_n && other[i] == bytes[i];

		fprintf(stderr, " %02x%c", bytes[i], same ? ' ' : '*');
	}
	fprintf(stderr, "\n");
}

static bool line_same(const struct parity_result *a, const struct parity_result *b, uint32_t at)
{
	for (uint32_t i = at; i < at + LINE_BYTES; i++)
		if ((i < a->n) != (i < b->n) || (i < a->n && a->bytes[i] != b->bytes[i]))
			return false;
	return true;
}

static void print_bytes(const struct parity_result *expected, const struct parity_result *got)
{
	uint32_t n = expected->n > got->n ? expected->n : got->n, lines = 0;

	/* Where one went nowhere there is nothing to compare. */
	if (expected->n == 0 || got->n == 0)
		return;
	for (uint32_t at = 0; at < n; at += LINE_BYTES) {
		if (line_same(expected, got, at))
			continue;
		if (lines++ == LINES_MAX) {
			fprintf(stderr, "  and further on\n");
			return;
		}
		print_line("expected", expected->bytes, expected->n, got->bytes, got->n, at);
		print_line("got     ", got->bytes, got->n, expected->bytes, expected->n, at);
	}
}

static void print_frame(const struct frame *in)
{
	for (uint32_t at = 0; at < in->n && at < 256; at += LINE_BYTES)
		print_line("came    ", in->bytes, in->n, in->bytes, in->n, at);
}

static bool port_same(const struct parity_result *expected, const struct parity_result *got)
{
	if (expected->fate != PARITY_SENT)
		return true;
	return got->port == PARITY_PORT_OTHER ? expected->port != 0 : got->port == expected->port;
}

bool result_same(const char *what, const struct frame *in, const struct parity_result *expected,
		 const struct parity_result *got)
{
	if (expected->verdict == got->verdict && expected->fate == got->fate &&
	    expected->row == got->row && expected->n == got->n && port_same(expected, got) &&
	    memcmp(expected->bytes, got->bytes, got->n) == 0)
		return true;
	fprintf(stderr, "%s: not as expected\n", what);
	if (expected->verdict != got->verdict)
		fprintf(stderr, "  verdict %s, expected %s\n", verdict_name(got->verdict),
			verdict_name(expected->verdict));
	if (expected->fate != got->fate)
		fprintf(stderr, "  %s, expected %s\n", fate_name(got->fate),
			fate_name(expected->fate));
	if (expected->row != got->row)
		fprintf(stderr, "  counted in row %u, expected %u\n", got->row, expected->row);
	if (!port_same(expected, got))
		fprintf(stderr, "  port %u, expected %u\n", got->port, expected->port);
	if (expected->n != got->n)
		fprintf(stderr, "  %u bytes, expected %u\n", got->n, expected->n);
	print_bytes(expected, got);
	print_frame(in);
	return false;
}
