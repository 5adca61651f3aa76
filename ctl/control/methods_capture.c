/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.*: packets of one service, before and after. Called by rpc.c, on the control thread.
 */
#include "methods.h"

#include "base64.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PACKETS_DEFAULT = 10000,
	PACKETS_MAX = 10000000,
	SECONDS_DEFAULT = 60,
	SECONDS_MAX = 3600,
	MEGABYTES_DEFAULT = 256,
	MEGABYTES_MAX = 16384,
	CAPTURE_ID_MAX = INT32_MAX,
};

/* False: refused. */
static bool read_verdict(struct rpc_call *call, enum verdict *verdict)
{
	const char *name = rpc_string(call->params, "verdict");
	int found = name ? enum_parse(verdict_words, name) : VERDICT_COUNT;

	*verdict = found < 0 ? VERDICT_COUNT : (enum verdict)found;
	if (found < 0)
		rpc_refuse(call, RPC_INVALID,
			   "verdict: no verdict is called \"%.64s\": \"show counters --all\" lists "
			   "them",
			   name);
	return found >= 0;
}

static bool read_request(struct rpc_call *call, struct daemon_capture_request *request)
{
	const char *backend = rpc_string(call->params, "backend");
	uint32_t megabytes = MEGABYTES_DEFAULT;

	*request = (struct daemon_capture_request){
		.service = methods_service_named(call, call->api->model(call->api->ctx)),
		.packets_max = PACKETS_DEFAULT,
		.snap_bytes = CAPTURE_SNAP_BYTES,
		.seconds = SECONDS_DEFAULT,
	};
	if (!request->service || !read_verdict(call, &request->verdict) ||
	    !rpc_integer(call, call->params, "", "packets", 1, PACKETS_MAX,
			 &request->packets_max) ||
	    !rpc_integer(call, call->params, "", "seconds", 1, SECONDS_MAX, &request->seconds) ||
	    !rpc_integer(call, call->params, "", "megabytes", 1, MEGABYTES_MAX, &megabytes) ||
	    !rpc_integer(call, call->params, "", "snap_bytes", 14, CAPTURE_SNAP_BYTES,
			 &request->snap_bytes))
		return false;
	request->bytes_max = (uint64_t)megabytes << 20;
	if (!backend)
		return true;
	request->backend = service_conf_find(request->service, backend);
	if (!request->backend)
		rpc_refuse(call, RPC_NOT_FOUND, "service \"%s\" has no backend \"%.64s\"",
			   request->service->name, backend);
	return request->backend;
}

static json_t *capture_start(struct rpc_call *call)
{
	struct daemon_capture_request request;
	struct daemon_capture running;
	json_t *result;
	uint64_t id;
	int rc;

	if (!read_request(call, &request))
		return NULL;
	rc = call->api->capture_start(call->api->ctx, &request, &id);
	if (rc == -EBUSY) {
		call->api->capture_show(call->api->ctx, &running);
		return rpc_refuse(call, RPC_CONFLICT,
				  "a capture of service \"%s\" is under way, and there is one at a "
				  "time: wait for its end, or end its sluicectl",
				  running.service);
	}
	if (rc < 0)
		return rpc_refuse(call, RPC_FAILED, "the capture can't begin: %s", strerror(-rc));
	result = json_object();
	methods_put_number(&result, "capture", id);
	return result;
}

/* The parameter that the others name it by. False: refused. */
static bool read_id(struct rpc_call *call, uint64_t *id)
{
	uint32_t number = 0;

	if (!rpc_integer(call, call->params, "", "capture", 1, CAPTURE_ID_MAX, &number))
		return false;
	*id = number;
	return true;
}

static json_t *refuse_gone(struct rpc_call *call)
{
	return rpc_refuse(call, RPC_NOT_FOUND,
			  "no such capture: it has been read to its end, or nobody asked for 3 s");
}

static void put_counts(json_t **object, const struct daemon_capture *capture)
{
	methods_put_text(object, "service", capture->service);
	methods_put_text(object, "state", capture_end_name(capture->end));
	methods_put_number(object, "packets", capture->packets);
	methods_put_number(object, "frames", capture->frames);
	methods_put_number(object, "bytes", capture->bytes);
	methods_put_number(object, "missed", capture->missed);
}

static json_t *capture_read(struct rpc_call *call)
{
	struct daemon_capture_chunk chunk;
	json_t *result = NULL;
	uint64_t id;
	char *text;

	if (!read_id(call, &id))
		return NULL;
	if (call->api->capture_read(call->api->ctx, id, &chunk) < 0)
		return refuse_gone(call);
	text = malloc(base64_text_length(chunk.bytes_n) + 1);
	if (!text)
		return NULL;
	base64_encode(chunk.bytes, chunk.bytes_n, text);
	result = json_object();
	put_counts(&result, &chunk.capture);
	methods_put(&result, "last", json_boolean(chunk.last));
	methods_put(&result, "data", json_string(text));
	free(text);
	return result;
}

static json_t *capture_stop(struct rpc_call *call)
{
	uint64_t id;

	if (!read_id(call, &id))
		return NULL;
	if (call->api->capture_stop(call->api->ctx, id) < 0)
		return refuse_gone(call);
	return json_object();
}

static json_t *capture_show(struct rpc_call *call)
{
	struct daemon_capture capture;
	json_t *result = json_object(), *latest = json_null();

	call->api->capture_show(call->api->ctx, &capture);
	if (capture.id != 0) {
		latest = json_object();
		put_counts(&latest, &capture);
	}
	methods_put_number(&result, "captures", capture.captures_all);
	methods_put_number(&result, "packets", capture.packets_all);
	methods_put_number(&result, "missed", capture.missed_all);
	methods_put(&result, "latest", latest);
	return result;
}

static const struct rpc_param start_params[] = {
	{"service", RPC_STRING, true, "name of the service", NULL},
	{"backend", RPC_STRING, false, "only packets to this one of its backends", NULL},
	{"verdict", RPC_STRING, false, "only packets with this verdict", NULL},
	{"packets", RPC_INTEGER, false, "ends after so many, 1 to 10000000; 10000 if missing",
	 NULL},
	{"seconds", RPC_INTEGER, false, "ends after so long, 1 to 3600; 60 if missing", NULL},
	{"megabytes", RPC_INTEGER, false, "ends after so much, 1 to 16384; 256 if missing", NULL},
	{"snap_bytes", RPC_INTEGER, false, "of a frame at most, 14 to 2048; 2048 if missing", NULL},
	{.name = NULL},
};

static const struct rpc_param id_params[] = {
	{"capture", RPC_INTEGER, true, "which, as capture.start said", NULL},
	{.name = NULL},
};

const struct rpc_method methods_capture[] = {
	{"capture.start", capture_start, true, start_params,
	 "begins to copy packets of a service, as they come and as they leave"},
	{"capture.read", capture_read, true, id_params, "takes what was copied since"},
	{"capture.stop", capture_stop, true, id_params, "ends a capture"},
	{"capture.show", capture_show, false, methods_no_params,
	 "tells of the latest capture, and counts of all"},
	{.name = NULL},
};
