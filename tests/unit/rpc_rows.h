/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a fake daemon and what its answers must hold, in named rows; for the tests of the
 * control protocol.
 */
#ifndef SLUICE_TESTS_UNIT_RPC_ROWS_H
#define SLUICE_TESTS_UNIT_RPC_ROWS_H

#include "fake_daemon.h"
#include "stream_answer.h"

static struct fake_daemon fake; /* zeroed by setup */

enum { ASKER = 1000 };
static uid_t asker = ASKER; /* who asks */

static int setup(void **state)
{
	memset(&fake, 0, sizeof(fake));
	fake_init(&fake);
	return 0;
}

static int teardown(void **state)
{
	model_free(fake.model);
	fake.model = NULL;
	return 0;
}

static void take_answer(void *ctx, int rc, json_t *answer, struct rpc_stream *stream)
{
	assert_int_equal(rc, 0);
	*(json_t **)ctx = stream ? answer_of_stream(stream) : answer;
}

/* The answer as text, sorted; NULL if there is none. */
static char *ask_bytes(const char *line, size_t line_bytes)
{
	const struct rpc_peer peer = {.uid = asker, .pid = 4711};
	const struct daemon_api api = fake_api(&fake);
	json_t *answer = NULL;
	char *text;

	assert_int_equal(rpc_answer(&api, &peer, line, line_bytes, false, take_answer, &answer), 0);
	text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	json_decref(answer);
	return text;
}

static char *ask(const char *line)
{
	return ask_bytes(line, strlen(line));
}

static void check(const char *name, char *answer, const char *want)
{
	print_message("# row: %s\n", name);
	if (!want) {
		if (answer)
			fail_msg("%s: an answer came: %s", name, answer);
		return;
	}
	if (!answer)
		fail_msg("%s: no answer came", name);
	if (!strstr(answer, want))
		fail_msg("%s: want %s\nin %s", name, want, answer);
	free(answer);
}

#define ERROR(code, text) "\"error\":{\"code\":" #code ",\"message\":\"" text
#define CALL(method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":" params "}"

#define DONE(id) "{\"jsonrpc\":\"2.0\",\"result\":{\"generation\":8,\"took_us\":412},\"id\":" id "}"

#define ADD(rest) CALL("service.add", "{\"name\":\"new\",\"vip\":\"192.0.2.1\"," rest "}")

/* want: what the answer holds; NULL: no answer. changed: a generation was published. */
struct row {
	const char *name, *line, *want;
	bool changed;
};

static void run_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fake.generation = 7;
		check(rows[i].name, ask(rows[i].line), rows[i].want);
		if (fake.generation != (rows[i].changed ? 8U : 7U))
			fail_msg("%s: generation %u", rows[i].name, (unsigned int)fake.generation);
	}
}

#endif
