/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of config_json.h as the text of a config file. Pure functions, any thread.
 */
#ifndef SLUICE_CONFIG_PRINT_H
#define SLUICE_CONFIG_PRINT_H

#include <jansson.h>

/* What sluiced accepts as a file, if the tree is a whole one. To be freed; NULL: no memory. */
char *config_print(const json_t *root);

/*
 * The list `name` of config_print() in parts, which joined are the same text: for each row, with its
 * number from 0 on, and at the end for NULL with how many there were. As above.
 */
char *config_print_row(const char *name, const json_t *row, size_t number);

/* One value as a file has it, on one line, strings without quotes if `bare`. As above. */
char *config_print_value(const json_t *value, int bare);

#endif
