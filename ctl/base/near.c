/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "did you mean". Any thread.
 */
#include "near.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned int min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: the rows of the usual matrix, of which three are needed. */
unsigned int near_distance(const char *a, const char *b)
{
	unsigned int rows[3][NEAR_WORD_MAX + 1];
	size_t a_n = strnlen(a, NEAR_WORD_MAX), b_n = strnlen(b, NEAR_WORD_MAX);

	for (unsigned int j = 0; j <= b_n; j++)
		rows[0][j] = j;
	for (unsigned int i = 1; i <= a_n; i++) {
		unsigned int *row = rows[i % 3], *above = rows[(i + 2) % 3];

		row[0] = i;
		for (unsigned int j = 1; j <= b_n; j++) {
			bool same = a[i - 1] == b[j - 1];

			row[j] = min(above[j - 1] + !same, min(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min(row[j], rows[(i + 1) % 3][j - 2] + 1);
		}
	}
	return rows[a_n % 3][b_n];
}

struct near near_to(const char *word)
{
	/* A letter, and a quarter of them, may be wrong: beyond that it is another word. */
	return (struct near){.word = word, .distance = (unsigned int)strlen(word) / 4 + 2};
}

void near_try(struct near *near, const char *candidate)
{
	unsigned int distance = near_distance(near->word, candidate);

	/* What begins with the whole word is near, however long. */
	if (near->word[0] && strncmp(near->word, candidate, strlen(near->word)) == 0)
		distance = min(distance, 1);
	/* "b1" and "b9" are near, "b" and "x" are not. */
	if (distance >= near->distance || distance >= strlen(candidate))
		return;
	near->best = candidate;
	near->distance = distance;
}

const char *near_text(const struct near *near, char buf[NEAR_WORD_MAX + 32])
{
	if (near->best)
		snprintf(buf, NEAR_WORD_MAX + 32, "; did you mean \"%.*s\"?", NEAR_WORD_MAX,
			 near->best);
	else
		buf[0] = 0;
	return buf;
}
