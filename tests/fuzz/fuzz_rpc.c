/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the control socket's requests, a line each, to a fake daemon with a real model.
 * Each line comes from a client that may only read, which must not change anything, then from one
 * that may all. An answer is JSON-RPC: it can be written and read again, echoes the request's id,
 * and has a result, or an error with one of our codes and a text. Called by libFuzzer, on one
 * thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../unit/fake_daemon.h"
#include "../unit/stream_answer.h"
#include "fuzz.h"
#include "log.h"

enum {
	LINES_MAX = 16, /* of an input; the rest is not read */
};

static struct fake_daemon fake;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(FAST_PATH_LOG_ERROR); /* what is refused is logged as a warning */
	return 0;
}

static bool code_known(json_int_t code)
{
	static const int codes[] = {
#define X(id, code, when) (code),
		RPC_ERRORS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static void check_error(const json_t *error)
{
	const char *message = json_string_value(json_object_get(error, "message"));
	json_int_t code = json_integer_value(json_object_get(error, "code"));

	if (!code_known(code))
		fuzz_fail("an error with code %lld", (long long)code);
	if (code == RPC_INTERNAL)
		fuzz_fail("out of memory, or a result that could not be built: %s", message);
	if (!message || !message[0])
		fuzz_fail("an error without a message");
}

/* The answer, as a client reads it. */
static void check_answer(const json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);
	json_t *read = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *result = json_object_get(read, "result");
	const json_t *error = json_object_get(read, "error");
	const char *version = json_string_value(json_object_get(read, "jsonrpc"));

	if (!read)
		fuzz_fail("an answer that is no JSON: %s", text ? text : "(none)");
	if (!version || strcmp(version, "2.0") != 0 || !json_object_get(read, "id"))
		fuzz_fail("an answer without jsonrpc or id: %s", text);
	if (!result == !error)
		fuzz_fail("an answer with neither result nor error, or both: %s", text);
	if (error)
		check_error(error);
	json_decref(read);
	free(text);
}

/* An id that a client may choose comes back. */
static void check_id(const char *line, size_t line_bytes, const json_t *answer)
{
	json_t *request = json_loadb(line, line_bytes, JSON_REJECT_DUPLICATES, NULL);
	const json_t *id = json_object_get(request, "id");
	const json_t *back = json_object_get(answer, "id");

	if (id && (json_is_string(id) || json_is_number(id)) && !json_equal(id, back))
		fuzz_fail("the answer has another id");
	json_decref(request);
}

static void take_answer(void *ctx, int rc, json_t *answer, struct rpc_stream *stream)
{
	if (rc != 0)
		fuzz_fail("no answer, for want of memory");
	*(json_t **)ctx = stream ? answer_of_stream(stream) : answer;
}

static void ask(const struct rpc_peer *peer, const char *line, size_t line_bytes)
{
	const struct daemon_api api = fake_api(&fake);
	json_t *answer = NULL;

	if (rpc_answer(&api, peer, line, line_bytes, false, take_answer, &answer) < 0)
		fuzz_fail("a line is to come again, though nothing waits");
	if (!answer)
		return;
	check_answer(answer);
	check_id(line, line_bytes, answer);
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	static const struct rpc_peer reader = {.uid = 65534, .pid = 1, .reads_only = true};
	static const struct rpc_peer writer = {.uid = 0, .pid = 1};
	const char *line = (const char *)data, *end = line + data_bytes;

	fake.flows = 3;
	fake_init(&fake);
	for (int i = 0; i < LINES_MAX && line < end; i++) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t line_bytes = (size_t)((stop ? stop : end) - line);
		const struct model *before = fake.model;
		/* Of just the line's size: rpc_answer() may not count on a 0 behind it. */
		char *copy = malloc(line_bytes);

		if (!copy)
			fuzz_fail("no memory");
		memcpy(copy, line, line_bytes);
		ask(&reader, copy, line_bytes);
		if (fake.model != before)
			fuzz_fail("a reader changed something");
		ask(&writer, copy, line_bytes);
		free(copy);
		line += line_bytes + 1;
	}
	model_free(fake.model);
	fake.model = NULL;
	return 0;
}
