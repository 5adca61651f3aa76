/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are made in pieces (rpc_stream.c, listing.c, reply_queue.c): over a real socket they
 * are one line among others, in their order, and nothing else waits for them; between two pieces
 * services go, change, and can't be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config_json.h"
#include "config_print.h"
#include "control_room.h"
#include "events.h"
#include "log.h"
#include "stream_answer.h"

enum {
	SERVICES = 1500, /* some 400 kB of services.list */
	ANSWER_MAX_BYTES = 4 << 20,
};

#define ASK(method, id) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":{}}\n"

/* s0, s1 ... with a backend each. */
static struct model *model_make(uint32_t n)
{
	const struct settings settings = {
		.services_max = 4 * SERVICES, .backends_max = 4 * SERVICES, .tables_mb = 64};
	struct service_conf **specs = calloc(n, sizeof(struct service_conf *));
	struct model *model;

	for (uint32_t i = 0; i < n; i++) {
		struct service_conf *s = specs[i] = service_conf_new(1);

		snprintf(s->name, sizeof(s->name), "s%u", i);
		s->vip = (struct ip_addr){
			.family = IP_V4,
			.bytes = {198, 18, (uint8_t)(i / 250), (uint8_t)(i % 250 + 1)}};
		s->port = 80;
		s->proto = 6;
		strcpy(s->backends[0].name, "b1");
		s->backends[0].addr = (struct ip_addr){.family = IP_V4, .bytes = {10, 0, 0, 11}};
		s->backends[0].weight = 100;
	}
	model = model_build(&settings, specs, n, NULL, NULL);
	for (uint32_t i = 0; i < n; i++)
		service_conf_unref(specs[i]);
	free(specs);
	assert_non_null(model);
	return model;
}

static int many_setup(void **state)
{
	struct control_config c;

	log_set_level(FAST_PATH_LOG_ERROR);
	setup(state);
	model_free(room.fake.model);
	room.fake.model = model_make(SERVICES);
	c = config();
	serve(&c);
	return 0;
}

/* All of a line, of a length that no buffer on the stack has. To be freed. */
static json_t *long_line(int fd)
{
	int64_t end_ms = now_ms() + PATIENCE_MS;
	char *text = calloc(1, ANSWER_MAX_BYTES);
	size_t n_bytes = 0;
	json_t *answer;

	while ((n_bytes == 0 || text[n_bytes - 1] != '\n') && now_ms() < end_ms) {
		ssize_t got = recv(fd, text + n_bytes, 1, MSG_PEEK);

		if (got > 0) {
			/* Not beyond the line. */
			got = recv(fd, text + n_bytes, ANSWER_MAX_BYTES - 1 - n_bytes, MSG_PEEK);
			for (ssize_t i = 0; i < got; i++)
				if (text[n_bytes + (size_t)i] == '\n')
					got = i + 1;
			recv(fd, text + n_bytes, (size_t)got, 0);
			n_bytes += (size_t)got;
		} else {
			step();
		}
	}
	text[n_bytes] = '\0';
	answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!answer)
		fail_msg("no JSON, %zu bytes: %.200s", n_bytes, text);
	free(text);
	return answer;
}

static json_t *rows_of(json_t *answer, const char *list)
{
	return json_object_get(json_object_get(answer, "result"), list);
}

/* Each row, in order; then what was asked behind it, and not before. */
static void test_order(void **state)
{
	int fd = client_connect();
	json_t *answer;
	char name[16];

	send_text(fd, ASK("services.list", "1") ASK("backends.list", "2") ASK("version", "3"));
	answer = long_line(fd);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 1);
	assert_int_equal(json_array_size(rows_of(answer, "services")), SERVICES);
	for (int i = 0; i < SERVICES; i++) {
		json_t *row = json_array_get(rows_of(answer, "services"), (size_t)i);

		snprintf(name, sizeof(name), "s%d", i);
		assert_string_equal(json_string_value(json_object_get(row, "name")), name);
	}
	json_decref(answer);
	answer = long_line(fd);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 2);
	assert_int_equal(json_array_size(rows_of(answer, "backends")), SERVICES);
	json_decref(answer);
	expect_line(fd, "\"version\":");
	close(fd);
}

/* A client that doesn't read its long answer holds up nobody, and the daemon makes no more of it. */
static void test_others_go_on(void **state)
{
	struct control_stats stats;
	int slow = client_connect();
	json_t *answer;

	send_text(slow, ASK("backends.list", "1") ASK("version", "2"));
	for (int i = 0; i < 50; i++)
		expect_service();
	stats = control_stats(room.control);
	/* The second line is not handled before the answer to the first is out. */
	assert_int_equal(stats.requests, 51);
	answer = long_line(slow);
	assert_int_equal(json_array_size(rows_of(answer, "backends")), SERVICES);
	json_decref(answer);
	expect_line(slow, "\"version\":");
	close(slow);
}

/* Events don't get amid the answer's pieces. */
static void test_events_wait(void **state)
{
	int fd = client_connect();
	json_t *answer;

	/* A row a turn: there is always room for an event. */
	model_free(room.fake.model);
	room.fake.model = model_make(50);
	room.fake.read_ns = RPC_STREAM_TURN_US * 1000;
	send_text(fd, ASK("events.follow", "1"));
	expect_line(fd, "\"last\":");
	send_text(fd, ASK("backends.list", "2"));
	for (int i = 0; i < 20; i++) {
		events_add(EVENT_SERVICE, "config", "web", NULL, "number %d.", i);
		step();
	}
	answer = long_line(fd);
	assert_int_equal(json_array_size(rows_of(answer, "backends")), 50);
	json_decref(answer);
	for (int i = 0; i < 20; i++) {
		char want[32];

		snprintf(want, sizeof(want), "number %d.", i);
		expect_line(fd, want);
	}
	close(fd);
}

/* The client goes amid its answer. */
static void test_gone(void **state)
{
	int fd = client_connect();

	send_text(fd, ASK("backends.list", "1"));
	step();
	close(fd);
	expect_service();
}

/* The configuration in force is one text, made service by service, and the same as if at once. */
static void test_text(void **state)
{
	int fd = client_connect();
	json_t *answer, *services = json_array(), *tree;
	const char *text;
	char *whole;

	send_text(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.show\",\"params\":"
		      "{\"effective\":true}}\n");
	answer = long_line(fd);
	text = json_string_value(rows_of(answer, "text"));
	assert_non_null(text);
	for (uint32_t i = 0; i < SERVICES; i++)
		json_array_append_new(services, config_json_service(room.fake.model->services[i]));
	tree = json_pack("{s:o}", "services", services);
	whole = config_print(tree);
	assert_true(strncmp(text, "outer = { };\n", 13) == 0);
	assert_string_equal(text + 13, whole);
	free(whole);
	json_decref(tree);
	json_decref(answer);
	/* Without services. */
	model_free(room.fake.model);
	room.fake.model = model_make(0);
	send_text(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.show\",\"params\":"
		      "{\"effective\":true}}\n");
	expect_line(fd, "\"text\":\"outer = { };\\nservices = ();\\n\"},\"id\":1}");
	close(fd);
}

/* What can't be read any more amid an answer ends the connection, and the log says why. */
static void test_fails_amid(void **state)
{
	int fd, saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	char log[512] = "";
	ssize_t got;

	assert_non_null(file);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	/* A row a turn. */
	room.fake.read_ns = RPC_STREAM_TURN_US * 1000;
	fd = client_connect();
	send_text(fd, ASK("counters.list", "1"));
	while (recv(fd, log, 1, MSG_PEEK) <= 0)
		step();
	room.fake.read_rc = -EIO;
	for (int64_t end_ms = now_ms() + PATIENCE_MS; now_ms() < end_ms;) {
		got = recv(fd, log, sizeof(log), 0);
		if (got == 0)
			break;
		step();
	}
	log_flush(true);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(got, 0);
	rewind(file);
	log[fread(log, 1, sizeof(log) - 1, file)] = '\0';
	fclose(file);
	if (!strstr(log,
		    "control: an answer can't be made: Input/output error; the client is closed"))
		fail_msg("%s", log);
	room.fake.read_rc = 0;
	expect_service();
	close(fd);
}

/* ---- between two pieces ---- */

static void take(void *ctx, int rc, json_t *answer, struct rpc_stream *stream)
{
	assert_int_equal(rc, 0);
	assert_null(answer);
	*(struct rpc_stream **)ctx = stream;
}

static struct rpc_stream *stream_of(const char *line)
{
	const struct rpc_peer peer = {.uid = 1000, .pid = 4711};
	static struct daemon_api api;
	struct rpc_stream *stream = NULL;

	api = fake_api(&room.fake);
	assert_int_equal(rpc_answer(&api, &peer, line, strlen(line), false, take, &stream), 0);
	assert_non_null(stream);
	return stream;
}

static void test_services_go(void **state)
{
	struct rpc_stream *stream = stream_of(ASK("services.list", "1"));
	struct evbuffer *out = evbuffer_new();
	char last[16], *text;
	size_t n_bytes;
	json_t *answer;

	assert_int_equal(rpc_stream_go_on(stream, out), 1);
	/* It comes no further than a turn is long. */
	assert_in_range(evbuffer_get_length(out), 1, RPC_STREAM_TURN_BYTES + 4096);
	/* All but the first 1,000 go, and none is read that is not there. */
	model_free(room.fake.model);
	room.fake.model = model_make(1000);
	while (rpc_stream_go_on(stream, out) > 0)
		;
	rpc_stream_free(stream);
	n_bytes = evbuffer_get_length(out);
	text = calloc(1, n_bytes + 1);
	evbuffer_remove(out, text, n_bytes);
	answer = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(rows_of(answer, "services")), 1000);
	snprintf(last, sizeof(last), "s%d", 999);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(rows_of(answer, "services"), 999), "name")),
			    last);
	json_decref(answer);
	free(text);
	evbuffer_free(out);
}

static void test_reading_fails(void **state)
{
	struct rpc_stream *stream = stream_of(ASK("counters.list", "1"));
	struct evbuffer *out = evbuffer_new();
	int fd;

	assert_int_equal(rpc_stream_go_on(stream, out), 1);
	room.fake.read_rc = -EIO;
	assert_int_equal(rpc_stream_go_on(stream, out), -EIO);
	rpc_stream_free(stream);
	evbuffer_free(out);
	/* From the start: a refusal, and the connection stays. */
	fd = client_connect();
	send_text(fd, ASK("counters.list", "7"));
	expect_line(fd, "\"error\":{\"code\":-32000,\"message\":\"the counters can't be read: ");
	room.fake.read_rc = 0;
	send_text(fd, SHOW "\n");
	expect_line(fd, "\"generation\":");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, many_setup, teardown),
		cmocka_unit_test_setup_teardown(test_others_go_on, many_setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_wait, many_setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, many_setup, teardown),
		cmocka_unit_test_setup_teardown(test_fails_amid, many_setup, teardown),
		cmocka_unit_test_setup_teardown(test_text, many_setup, teardown),
		cmocka_unit_test_setup_teardown(test_services_go, many_setup, teardown),
		cmocka_unit_test_setup_teardown(test_reading_fails, many_setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
