/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of health checks, for tests of them: a daemon around them, and servers in this process,
 * on loopback, that they meet. Used by test_health.c and test_health_kinds.c.
 */
#ifndef SLUICE_TESTS_UNIT_HEALTH_WORLD_H
#define SLUICE_TESTS_UNIT_HEALTH_WORLD_H

#include "checker.h"

struct event;
struct event_base;
struct evconnlistener;

enum {
	TIMEOUT_MS = 200,    /* of a check */
	PATIENCE_MS = 20000, /* of a test that waits for something */
};

/* An answer of the server. */
#define HTTP(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body

/* The daemon around the checks, and the servers that they meet. */
struct health_world {
	struct event_base *base;
	struct settings settings;
	struct checker_ops ops;
	struct checker *checker;
	struct model *model;
	const char *answer; /* of the server: NULL: none */
	struct event *stand_still;
	bool stands_still; /* after a check has begun */
	char request[1024];
	uint16_t tcp_port, udp_port, closed_port;
	struct evconnlistener *listener;
	struct event *udp;
	char down[256];                 /* backends, as they were told: "b1- b1+ " */
	char why[4][HEALTH_REASON_MAX]; /* the first ones' reasons, when they were told last */
	const char *kept_out;           /* a backend; NULL: none */
	uint32_t due_n[10];             /* checks that were due in each tenth of the interval */
	uint32_t began_n;               /* checks */
};

extern struct health_world world;

/* Before and after each test: cmocka's. */
int world_setup(void **state);
int world_teardown(void **state);

/* The service web with n backends b1 ... on 127.0.0.1 ..., checked as `health` says. */
struct model *world_model(const struct health_conf *health, uint32_t n);

/* Puts the model, which is taken over, in the place of the one that was. */
void world_follow(struct model *model);

/* What is known of backend i. */
struct health_report world_report(uint32_t i);

/*
 * Runs the loop until backend i has that state and its reason that text, or had it when it came into
 * that state: "2 of 2" is gone with the next check, 20 ms later. Fails after PATIENCE_MS.
 */
void world_becomes(uint32_t i, enum health_state state, const char *reason);

/* A check of that type, of this world's server: down by the second failure, 20 ms after the first. */
struct health_conf world_conf(enum health_type type);

#endif
