/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `top --once`: the same numbers without a screen. Used by top.c.
 */
#ifndef SLUICE_CLI_TOP_PRINT_H
#define SLUICE_CLI_TOP_PRINT_H

#include "top_list.h"

#include <jansson.h>
#include <stdio.h>

void top_print(const struct top_rates *rates, const struct top_list *list, FILE *out);

/* docs/json/top.json is its form. A new object; NULL: no memory. */
json_t *top_json(const struct top_rates *rates, const struct top_list *list);

#endif
