/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of config_json.h as the text of a config file. Pure functions, any thread.
 */
#ifndef SLUICE_CONFIG_PRINT_H
#define SLUICE_CONFIG_PRINT_H

#include <jansson.h>

/* What sluiced accepts as a file, if the tree is a whole one. To be freed; NULL: no memory. */
char *config_print(const json_t *root);

/* One value as a file has it, on one line, strings without quotes if `bare`. As above. */
char *config_print_value(const json_t *value, int bare);

#endif
