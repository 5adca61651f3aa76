/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "did you mean": of many words, the one that a mistyped word most likely stands for: commands,
 * keys of the configuration, methods. Any thread.
 */
#ifndef SLUICE_BASE_NEAR_H
#define SLUICE_BASE_NEAR_H

enum { NEAR_WORD_MAX = 80 };

struct near {
	const char *word;
	const char *best; /* of those tried, the first of the nearest; NULL: none is near */
	unsigned int distance;
};

/* `word`, and the candidates, outlive it. */
struct near near_to(const char *word);

void near_try(struct near *near, const char *candidate);

/* How many letters must be changed, added, left out, or swapped with their neighbour. */
unsigned int near_distance(const char *a, const char *b);

/* "; did you mean "web"?", or "". Returns buf. */
const char *near_text(const struct near *near, char buf[NEAR_WORD_MAX + 32]);

#endif
