/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells people how what a path did differs from what had to happen.
 */
#ifndef SLUICE_TESTS_PARITY_DIFFERENCE_H
#define SLUICE_TESTS_PARITY_DIFFERENCE_H

#include "path.h"

const char *verdict_name(enum verdict verdict);

/* True if both are the same; else prints `what`, each difference, and the bytes in hex. */
bool result_same(const char *what, const struct frame *in, const struct parity_result *expected,
		 const struct parity_result *got);

#endif
