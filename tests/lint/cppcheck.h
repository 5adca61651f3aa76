/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cppcheck can't know without the libraries' headers: macros that look like no C to it. Only
 * for tests/lint/run.sh (--include); nothing is compiled with this.
 */
#ifndef SLUICE_LINT_CPPCHECK_H
#define SLUICE_LINT_CPPCHECK_H

#define json_array_foreach(array, index, value)                                                   \
	for (index = 0; index < json_array_size(array) && (value = json_array_get(array, index)); \
	     index++)
#define json_object_foreach(object, key, value) \
	for (key = json_first(object); key && (value = json_value(key)); key = json_next(key))
#define LIST_HEAD(name, type)          \
	struct name {                  \
		struct type *lh_first; \
	}
#define STAILQ_HEAD(name, type)          \
	struct name {                    \
		struct type *stqh_first; \
	}
#define TAILQ_HEAD(name, type)          \
	struct name {                   \
		struct type *tqh_first; \
	}
#define SEC(name)
#define LIBBPF_OPTS(type, name, ...) struct type name = {__VA_ARGS__}

#endif
