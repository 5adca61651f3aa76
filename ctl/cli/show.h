/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the results of the daemon's methods look like for people. Called by main.c through the
 * table in commands.c. A member that a result lacks (another version's daemon) shows as "-" or 0.
 */
#ifndef SLUICE_CLI_SHOW_H
#define SLUICE_CLI_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct show {
	FILE *out;
	bool all;   /* with the rows that are 0; with each difference */
	bool color; /* the stream is a terminal, or color is wanted */
};

typedef void show_function(const struct show *show, const json_t *result);

show_function show_services;
show_function show_backends;
show_function show_hosts;
show_function show_counters;
show_function show_capture;
show_function show_explain;
show_function show_flows;
show_function show_transitions;
show_function show_memory;
show_function show_generation;
show_function show_dataplane;
show_function show_events;
show_function show_log_level;
show_function show_version;
show_function show_change;
show_function show_config;
show_function show_reload; /* show->all: with every difference */
show_function show_save;

/* "-" for what is missing or null. */
const char *show_text(const json_t *object, const char *key);
json_int_t show_number(const json_t *object, const char *key);

/* "33.3%", or "-" of nothing. Returns buf. */
const char *show_share(json_int_t part, json_int_t whole, char buf[32]);

/* "2026-11-22 14:50:01.123456 UTC", from µs since the epoch. Returns buf. */
const char *show_time(json_int_t us, char buf[64]);

#endif
