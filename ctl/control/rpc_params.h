/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call's parameters: checking them against the method's table, and reading them afterwards.
 * Used by rpc.c and methods_*.c, on the control thread.
 */
#ifndef SLUICE_CONTROL_RPC_PARAMS_H
#define SLUICE_CONTROL_RPC_PARAMS_H

#include "rpc.h"

#include <stdint.h>

enum {
	RPC_PLACE_MAX = 48, /* "backends[32766].", with its 0 */
};

/* What a value is, for people: "a string", "an array", "nothing". */
const char *rpc_kind(const json_t *value);

/* Whether call->params has what call->method's table asks for, and nothing else. If not, the
 * call's error names the method, the parameter and the type expected. */
bool rpc_params_check(struct rpc_call *call);

/* A parameter that may be missing: NULL then. Lives as long as the object. */
const char *rpc_string(const json_t *object, const char *name);

/* A boolean that may be missing: false then. */
bool rpc_flag(const json_t *object, const char *name);

/* Reads an integer of `object`, which stands at `place` ("", or "backends[0].") of the
 * parameters. *out stays if there is none. Returns false, with RPC_INVALID for the call's error,
 * if it is not within [min, max]. */
bool rpc_integer(struct rpc_call *call, const json_t *object, const char *place, const char *name,
		 uint32_t min, uint32_t max, uint32_t *out);

#endif
