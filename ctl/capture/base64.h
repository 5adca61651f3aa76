/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648 §4, with padding): bytes in JSON, written by the daemon, read by sluicectl. Pure
 * functions.
 */
#ifndef SLUICE_BASE64_H
#define SLUICE_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Length of the text, without its 0. */
static inline size_t base64_text_length(size_t bytes_n)
{
	return (bytes_n + 2) / 3 * 4;
}

/* Writes base64_text_length() letters and a 0. */
void base64_encode(const uint8_t *bytes, size_t bytes_n, char *text);

/* `bytes` has room for length / 4 * 3. Returns how many there are; -EINVAL: the text is no base64. */
ssize_t base64_decode(const char *text, size_t length, uint8_t *bytes);

#endif
