/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0 (jsonrpc.org/specification): reading a request, finding its method, checking its
 * parameters, making the answer. Called by control.c, on the control thread.
 */
#include "rpc.h"

#include "api.h"
#include "log.h"
#include "near.h"
#include "rpc_params.h"
#include "rpc_stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *rpc_text(const char *text)
{
	json_t *json = json_string(text);
	char *copy;

	if (json || !(copy = strdup(text)))
		return json;
	for (char *c = copy; *c; c++) {
		if (*c & 0x80)
			*c = '?';
	}
	json = json_string(copy);
	free(copy);
	return json;
}

json_t *rpc_refuse(struct rpc_call *call, enum rpc_error_code error, const char *format, ...)
{
	char *text;
	va_list args;

	call->error = error;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	free(call->error_text); /* which may be among the arguments */
	call->error_text = text;
	return NULL;
}

/* Takes `id` over; NULL stands for null. */
static json_t *error_answer(json_t *id, enum rpc_error_code error, const char *text)
{
	return json_pack("{s:s, s:{s:i, s:o}, s:o}", "jsonrpc", "2.0", "error", "code", (int)error,
			 "message", rpc_text(text), "id", id ? id : json_null());
}

json_t *rpc_error_answer(enum rpc_error_code error, const char *text)
{
	return error_answer(NULL, error, text);
}

static const struct rpc_method *method_find(const char *name)
{
	const struct rpc_method *method;

	for (size_t i = 0; (method = rpc_method_at(i)); i++) {
		if (strcmp(method->name, name) == 0)
			return method;
	}
	return NULL;
}

static void refuse_method(struct rpc_call *call, const char *name)
{
	const struct rpc_method *method;
	struct near near = near_to(name);

	for (size_t i = 0; (method = rpc_method_at(i)); i++)
		near_try(&near, method->name);
	if (near.best)
		rpc_refuse(call, RPC_METHOD, "no method \"%.64s\"; the nearest is \"%s\"", name,
			   near.best);
	else
		rpc_refuse(call, RPC_METHOD, "no method \"%.64s\"; methods.list tells them", name);
}

/* Checks what any request has. Returns its method's name, or NULL with call's error set. */
static const char *request_check(struct rpc_call *call, json_t *request)
{
	static const char *const members[] = {"jsonrpc", "method", "params", "id"};
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const char *method = json_string_value(json_object_get(request, "method"));
	const char *key;
	json_t *value;

	json_object_foreach (request, key, value) {
		size_t i = 0;

		while (i < sizeof(members) / sizeof(members[0]) && strcmp(key, members[i]) != 0)
			i++;
		if (i == sizeof(members) / sizeof(members[0])) {
			rpc_refuse(call, RPC_REQUEST,
				   "unknown member \"%.64s\"; a request has "
				   "jsonrpc, method, params and id",
				   key);
			return NULL;
		}
	}
	if (!version || strcmp(version, "2.0") != 0) {
		rpc_refuse(call, RPC_REQUEST, "the member \"jsonrpc\" must be \"2.0\"");
		return NULL;
	}
	if (!method)
		rpc_refuse(call, RPC_REQUEST, "the member \"method\" must be a string");
	return method;
}

/* At most a line a second: any user of the host may be able to bring it about. */
static void log_refused_change(const struct rpc_call *call)
{
	static uint64_t unlogged;
	static time_t last_s;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (last_s != 0 && now.tv_sec == last_s) {
		unlogged++;
		return;
	}
	if (unlogged > 0)
		log_warning("control: %llu more requests for changes were refused",
			    (unsigned long long)unlogged);
	log_warning("control: uid %u pid %d: %s refused: the socket only reads",
		    (unsigned int)call->peer.uid, (int)call->peer.pid, call->method->name);
	last_s = now.tv_sec;
	unlogged = 0;
}

/* A reader asked for a change. Whoever may do that has another socket. */
static void refuse_change(struct rpc_call *call)
{
	log_refused_change(call);
	rpc_refuse(call, RPC_DENIED,
		   "%s changes something, and this socket only reads: use the control "
		   "socket, as root or as a member of its group (control.socket and "
		   "control.group in sluiced's config)",
		   call->method->name);
}

/* Whether the call is right as far as its table tells. */
static bool method_check(struct rpc_call *call, const char *name, json_t *given)
{
	call->method = method_find(name);
	if (!call->method) {
		refuse_method(call, name);
		return false;
	}
	if (call->method->changes && call->peer.reads_only) {
		refuse_change(call);
		return false;
	}
	if (given && !json_is_object(given) && !(json_is_array(given) && !json_array_size(given))) {
		rpc_refuse(call, RPC_PARAMS,
			   "%s: parameters go by name: \"params\" must be "
			   "an object, not %s",
			   name, rpc_kind(given));
		return false;
	}
	call->params = json_is_object(given) ? json_incref(given) : json_object();
	return call->params && rpc_params_check(call);
}

static void refuse_no_memory(struct rpc_call *call)
{
	rpc_refuse(call, RPC_INTERNAL, "%s: out of memory", call->method->name);
}

void rpc_call_free(struct rpc_call *call)
{
	json_decref(call->params);
	json_decref(call->id);
	free(call->error_text);
	free(call);
}

/* Answers, and frees the call. */
static void call_end(struct rpc_call *call, json_t *result)
{
	json_t *answer = NULL;
	bool notification = !call->id;

	if (notification)
		json_decref(result);
	else if (result)
		answer = json_pack("{s:s, s:o, s:O}", "jsonrpc", "2.0", "result", result, "id",
				   call->id);
	else
		answer = error_answer(json_incref(call->id), call->error,
				      call->error_text ? call->error_text : "out of memory");
	call->answered(call->ctx, answer || notification ? 0 : -ENOMEM, answer, NULL);
	rpc_call_free(call);
}

/* The first piece is made here: what refuses the call refuses it whole. */
static void call_stream(struct rpc_call *call)
{
	struct rpc_stream *stream = call->id ? rpc_stream_new(call) : NULL;

	if (stream) {
		call->answered(call->ctx, 0, NULL, stream);
		return;
	}
	call->pieces.end(call->pieces.ctx);
	call_end(call, NULL);
}

static void call_run(struct rpc_call *call)
{
	json_t *result;

	call->state = RPC_CALL_RUNS;
	call->handling = true;
	refuse_no_memory(call);
	result = call->method->handler(call);
	call->handling = false;
	if (call->state == RPC_CALL_PIECES)
		call_stream(call);
	else if (call->state != RPC_CALL_LATER)
		call_end(call, call->state == RPC_CALL_ENDED ? call->result : result);
}

json_t *rpc_later(struct rpc_call *call)
{
	call->state = RPC_CALL_LATER;
	refuse_no_memory(call);
	return NULL;
}

json_t *rpc_in_pieces(struct rpc_call *call, const struct rpc_pieces *pieces)
{
	call->state = RPC_CALL_PIECES;
	call->pieces = *pieces;
	return NULL;
}

void rpc_end(struct rpc_call *call, json_t *result)
{
	if (call->handling) {
		if (call->state != RPC_CALL_PIECES)
			call->state = RPC_CALL_ENDED;
		call->result = result;
	} else if (call->state == RPC_CALL_PIECES) {
		call_stream(call);
	} else {
		call_end(call, result);
	}
}

void rpc_again(struct rpc_call *call)
{
	call_run(call);
}

/* Whether the call, which is a right one, has to find the changes before it in force. */
static bool reads(const struct rpc_call *call)
{
	return !call->method->changes || rpc_flag(call->params, "dry_run");
}

/* As rpc_answer(). Takes `call` over, unless -EAGAIN is returned. */
static int request_answer(struct rpc_call *call, json_t *request, bool waiting)
{
	json_t *id = json_object_get(request, "id");
	bool id_valid = !id || json_is_string(id) || json_is_number(id) || json_is_null(id);
	const char *name;
	bool holds;

	rpc_refuse(call, RPC_INTERNAL, "out of memory");
	name = request_check(call, request);
	/* What is no request is answered in any case. */
	if (id && id_valid)
		call->id = json_incref(id);
	else if (!name || !id_valid)
		call->id = json_null();
	if (name && !id_valid) {
		rpc_refuse(call, RPC_REQUEST,
			   "the member \"id\" must be a string or a number, not %s", rpc_kind(id));
		name = NULL;
	}
	if (!name || !method_check(call, name, json_object_get(request, "params"))) {
		call_end(call, NULL);
		return 0;
	}
	if (waiting && reads(call))
		return -EAGAIN;
	holds = call->method->changes == RPC_CHANGES_ALL;
	call_run(call);
	return holds;
}

static bool is_blank(const char *line, size_t line_bytes)
{
	for (size_t i = 0; i < line_bytes; i++) {
		if (!memchr(" \t\r", line[i], 3))
			return false;
	}
	return true;
}

json_t *rpc_nested(struct rpc_call *call, const char *name, json_t *params)
{
	if (!method_check(call, name, params))
		return NULL;
	if (!call->method->changes || strncmp(name, "config.", 7) == 0)
		return rpc_refuse(call, RPC_INVALID,
				  "%s: no method that changes services or backends", name);
	if (rpc_flag(call->params, "dry_run"))
		return rpc_refuse(call, RPC_INVALID,
				  "%s: dry_run is for all changes together, or for none", name);
	refuse_no_memory(call);
	return call->method->handler(call);
}

/* Says why a line is no request. */
static void refuse_line(struct rpc_call *call, const json_t *json, const json_error_t *error)
{
	if (!json)
		rpc_refuse(call, RPC_PARSE, "the line is not JSON: column %d: %s", error->column,
			   error->text);
	else if (json_is_array(json))
		rpc_refuse(call, RPC_REQUEST,
			   "batches are not supported: send one request object a line");
	else
		rpc_refuse(call, RPC_REQUEST, "a request is an object, not %s", rpc_kind(json));
}

int rpc_answer(const struct daemon_api *api, const struct rpc_peer *peer, const char *line,
	       size_t line_bytes, bool waiting, rpc_answered_fn *answered, void *ctx)
{
	struct rpc_call *call;
	json_error_t error;
	json_t *json;
	int rc = 0;

	if (is_blank(line, line_bytes)) {
		answered(ctx, 0, NULL, NULL);
		return 0;
	}
	call = calloc(1, sizeof(*call));
	if (!call) {
		answered(ctx, -ENOMEM, NULL, NULL);
		return 0;
	}
	*call = (struct rpc_call){.api = api, .peer = *peer, .answered = answered, .ctx = ctx};
	json = json_loadb(line, line_bytes, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(json)) {
		rc = request_answer(call, json, waiting);
	} else {
		call->id = json_null();
		refuse_line(call, json, &error);
		call_end(call, NULL);
	}
	json_decref(json);
	if (rc == -EAGAIN)
		rpc_call_free(call);
	return rc;
}
