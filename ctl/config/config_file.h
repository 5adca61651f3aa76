/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a whole file into memory. Used by config_text.c, on the control thread.
 */
#ifndef SLUICE_CONFIG_FILE_H
#define SLUICE_CONFIG_FILE_H

#include <stddef.h>

/*
 * *data gets the file's bytes and a 0 behind them, to be freed. Returns 0, or -errno of open or
 * read; -EISDIR; -EFBIG: more than bytes_max; -ENOMEM.
 */
int config_file_read(const char *path, size_t bytes_max, char **data, size_t *bytes);

#endif
