/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to sluiced over its control socket. Used by cli.c and others.
 */
#ifndef SLUICE_CLI_CLIENT_H
#define SLUICE_CLI_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

enum {
	CLIENT_ERROR_MAX = 20000, /* a config file's faults, a line each */
	CLIENT_TIMEOUT_MS = 5000,
};

/*
 * Connects, asks, and waits for the answer, timeout_ms in all. `params` is an object, and stays
 * the caller's. *result is a new reference.
 * Returns 0, or, with a text for people in `error` that says what to do next,
 * -EREMOTEIO: the daemon refused; -ESRCH: since there is no such service or backend;
 * -EPROTO: what came is no answer;
 * -ETIMEDOUT; -ENOENT, -ECONNREFUSED: no daemon; -EACCES; another -errno.
 */
int client_request(const char *socket_path, const char *method, json_t *params, int timeout_ms,
		   json_t **result, char error[CLIENT_ERROR_MAX]);

/* Gets each notification: its method (NULL: it has none) and params. False: no more are wanted. */
typedef bool client_each(void *ctx, const char *method, const json_t *params);

/*
 * Asks as client_request, and hands what is notified on the connection to `each`, until it returns
 * false (0), or there is an error: as client_request; -EPROTO: the daemon closed the connection.
 */
int client_follow(const char *socket_path, const char *method, json_t *params, client_each *each,
		  void *ctx, char error[CLIENT_ERROR_MAX]);

#endif
