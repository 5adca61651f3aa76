/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads libconfig's settings by tables of keys: a table says what a group may hold, and one
 * function per type reads a value, or reports what is wrong with it and leaves the default.
 * Used by config*.c, on the control thread.
 */
#ifndef SLUICE_CONFIG_VALUE_H
#define SLUICE_CONFIG_VALUE_H

#include <jansson.h>
#include <libconfig.h>

#include "config_report.h"
#include "config_text.h"

struct config_reader {
	struct config_report *report;
	const struct config_text *text; /* NULL: there is no file, and faults have no line */
};

struct config_key;

/* Writes what `s` says to `out`, which is what key->offset is the offset of. */
typedef void config_read_fn(struct config_reader *r, const config_setting_t *s,
			    const struct config_key *key, void *out);

/* The value at `in` as JSON, a new reference; NULL: the file would leave the key out. */
typedef json_t *config_json_fn(const struct config_key *key, const void *in);

/* A group's keys, the last one's name being NULL. */
struct config_key {
	const char *name;
	const char *fallback; /* the default as a file would have it; "": none; NULL: required */
	config_read_fn *read;
	size_t offset;                 /* of the value in the struct that the group fills */
	size_t size;                   /* of an integer: 1, 2, 4; of a text: its room */
	int64_t min, max;              /* of an integer; of a prefix's length in bits */
	uint8_t family;                /* of an address or prefix: IP_V4, IP_V6; 0: either */
	const char *const *choices;    /* of config_read_choice: values from 0 on; NULL ends them */
	const struct config_key *keys; /* of a group, or of the groups in a list */
	const char *mend;              /* what to do when it is missing; NULL: that is plain */
	bool list;                     /* takes several texts, an array */
	bool secret;                   /* only those who may read the file learn its value */
	config_json_fn *json;          /* the way back; NULL: as config_json.c has it for `read` */
};

/* Reports a fault of a setting, or of `key` in a group `s` that may lack it. */
__attribute__((format(printf, 4, 5), nonnull(4))) void config_fault(struct config_reader *r,
								    const config_setting_t *s,
								    const char *key,
								    const char *format, ...);

/* Whether its value is a number within min and max. */
bool config_key_is_integer(const struct config_key *key);

/* "an integer" */
const char *config_type_name(const config_setting_t *s);

/*
 * Reads a group's settings. A key that isn't in the table is a fault, which names the nearest
 * that is; so is a required one that isn't there.
 */
void config_group_read(struct config_reader *r, const config_setting_t *group,
		       const struct config_key *keys, void *out);

config_read_fn config_read_group;
config_read_fn config_read_integer;  /* unsigned, of key->size bytes */
config_read_fn config_read_bool;     /* one byte */
config_read_fn config_read_text;     /* char[key->size] */
config_read_fn config_read_path;     /* the same, and begins with a / */
config_read_fn config_read_filename; /* the same, and does not end with one */
config_read_fn config_read_ifname;   /* char[IFNAMSIZ], as the kernel takes it */
config_read_fn config_read_name;     /* char[MODEL_NAME_MAX]; the model judges it */
config_read_fn config_read_choice;   /* an enum: key->size is 1 or 4 */
config_read_fn config_read_addr;     /* struct ip_addr; the model judges vips and backends */
config_read_fn config_read_source;   /* struct ip_addr to send from */
config_read_fn config_read_prefix;   /* struct ip_prefix */

/*
 * The text of a string setting, or NULL with a fault: wrong type, no UTF-8 (then it could not be kept in
 * the state file, or shown), or control characters in it.
 */
const char *config_string(struct config_reader *r, const config_setting_t *s);

/* An integer setting within bounds; false with a fault. */
bool config_integer(struct config_reader *r, const config_setting_t *s, int64_t min, int64_t max,
		    int64_t *value);

#endif
