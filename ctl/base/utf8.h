/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside (files, arguments) has to be UTF-8 (RFC 3629), or it can't be put into JSON,
 * which state files and the control socket are. Any thread.
 */
#ifndef SLUICE_BASE_UTF8_H
#define SLUICE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

enum { UTF8_VALID = -1 };

/* UTF8_VALID, or how many bytes come before the first that is not part of a character. */
long utf8_fault(const char *text);

bool utf8_valid(const char *text);

/* Whether a valid text has a control character: U+0000 to 1F, 7F to 9F. */
bool utf8_has_control(const char *text);

/* Of a text that may be neither: then '?' for each byte that isn't printable ASCII. */
void utf8_make_safe(char *text);

#endif
