/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enums as words, and back. A list X(id, word, ...) states each value's word once; the table made
 * from it serves the config file, the control socket, sluicectl, metrics and messages. Any thread.
 */
#ifndef SLUICE_BASE_WORDS_H
#define SLUICE_BASE_WORDS_H

#include <stddef.h>
#include <stdint.h>

enum { ENUM_LIST_MAX = 256 };

/* Makes the enumerators and the rows of a table from a list of X(id, word, ...). */
#define ENUM_ID(id, word, ...)   id,
#define ENUM_WORD(id, word, ...) [id] = (word),

/* Declares the table noun_words, indexed by value and ended by NULL, and noun_name(). */
#define ENUM_DECLARE(noun)                                   \
	extern const char *const noun##_words[];             \
	static inline const char *noun##_name(int64_t value) \
	{                                                    \
		return enum_name(noun##_words, value);       \
	}                                                    \
	_Static_assert(1, "swallows the semicolon")

/* Defines noun_words from `list`, whose ids are whole enumerators. */
#define ENUM_DEFINE(noun, list) const char *const noun##_words[] = {list(ENUM_WORD) NULL}

/* "unknown": `value` is not in the table. */
const char *enum_name(const char *const words[], int64_t value);

/* The value that `text` names; -EINVAL: it names none. */
int enum_parse(const char *const words[], const char *text);

/*
 * All words, with `between` between two of them and `last` before the last one: ", " and " or ".
 * What does not fit is cut. Returns buf.
 */
const char *enum_list(const char *const words[], const char *between, const char *last, char *buf,
		      size_t buf_bytes);

#endif
