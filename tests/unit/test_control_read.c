/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket for readers: who may connect, and that nothing can be changed by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control_room.h"
#include "rpc.h"

#include <sys/stat.h>

static unsigned int mode(void)
{
	struct stat st;

	assert_int_equal(stat(room.path, &st), 0);
	return st.st_mode & 0777;
}

static void test_mode(void **state)
{
	static const struct {
		const char *name, *group;
		bool reads_only;
		unsigned int mode;
	} rows[] = {
		{"all methods, no group", "", false, 0660},
		{"all methods, a group", "root", false, 0660},
		{"reads only, no group", "", true, 0666},
		{"reads only, a group", "root", true, 0660},
		{"reads only, an unknown group", "no-such-group-here", true, 0660},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct control_config c = config();

		print_message("# row: %s\n", rows[i].name);
		c.group = rows[i].group;
		c.reads_only = rows[i].reads_only;
		serve(&c);
		assert_int_equal(mode(), rows[i].mode);
		control_free(room.control);
		room.control = NULL;
	}
}

/* Each method there is, as methods.list tells them. */
static void test_methods(void **state)
{
	struct control_config c = config();
	const struct model *before = room.fake.model;
	const struct rpc_method *method;
	uint32_t refused_n = 0;
	int fd;

	c.reads_only = true;
	serve(&c);
	fd = client_connect();
	for (size_t i = 0; (method = rpc_method_at(i)); i++) {
		char line[256];

		print_message("# row: %s\n", method->name);
		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\","
			 "\"params\":{\"service\":\"web\",\"backend\":\"b1\"}}\n",
			 method->name);
		if (strcmp(method->name, "flow.explain") != 0) /* test_private() */
			send_text(fd, line);
		if (method->changes) {
			snprintf(line, sizeof(line),
				 "{\"code\":-32007,\"message\":\"%s changes something, and this "
				 "socket only reads: use the control socket, as root or as a "
				 "member of its group",
				 method->name);
			expect_line(fd, line);
			refused_n++;
		} else if (strcmp(method->name, "flow.explain") != 0) {
			char answer[1 << 16];

			read_line(fd, answer, sizeof(answer));
			assert_null(strstr(answer, "-32007"));
		}
	}
	assert_true(refused_n >= 8);
	assert_ptr_equal(room.fake.model, before);
	assert_string_equal(room.fake.who, "");
	close(fd);
}

/* A notification is not answered, and a dry run is a change all the same. */
static void test_quietly(void **state)
{
	struct control_config c = config();
	const struct model *before = room.fake.model;
	int fd;

	c.reads_only = true;
	serve(&c);
	fd = client_connect();
	send_text(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"service.remove\","
		      "\"params\":{\"service\":\"web\"}}\n" SHOW "\n");
	expect_line(fd, "\"generation\":7,");
	send_text(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"service.remove\","
		      "\"params\":{\"service\":\"web\",\"dry_run\":true}}\n");
	expect_line(fd, "-32007");
	assert_ptr_equal(room.fake.model, before);
	close(fd);
}

#define CALL(method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"" method "\",\"params\":{" params "}}\n"

/* The answer to a call by a new client of the socket. */
static void asked(bool reads_only, const char *line, char *answer, size_t answer_bytes)
{
	struct control_config c = config();
	int fd;

	c.reads_only = reads_only;
	serve(&c);
	fd = client_connect();
	send_text(fd, line);
	read_line(fd, answer, answer_bytes);
	close(fd);
	control_free(room.control);
	room.control = NULL;
}

/*
 * Readers may be anybody: they are told of no flow by which a client's port could be found (hash, slot,
 * backend), and none of what checks send, look for, or give to programs. Who may change things is.
 */
static void test_private(void **state)
{
	static const struct {
		const char *name, *line;
		const char *to_reader, *to_others; /* what must be in the answer */
		const char *never;                 /* in the reader's; NULL: nothing */
	} rows[] = {
		{"a packet's way",
		 CALL("flow.explain", "\"protocol\":\"tcp\",\"source\":\"192.0.2.1\","
				      "\"source_port\":4000,\"destination\":\"198.51.100.10\","
				      "\"destination_port\":80"),
		 "{\"code\":-32007,\"message\":\"flow.explain tells of single flows, and this "
		 "socket "
		 "is for readers: use the control socket, as root or as a member of its group",
		 "\"slot\":", "\"slot\""},
		{"remembered flows", CALL("flows.list", "\"service\":\"web\""), "\"hash\":null",
		 "\"hash\":\"", "\"hash\":\""},
		{"a program's arguments", CALL("config.show", "\"effective\":true"),
		 "program = \\\"/bin/true\\\"", "--password=geheim", "geheim"},
		{"... and that there are some", CALL("config.show", "\"effective\":true"),
		 "args = [ \\\"(hidden)\\\" ]", "--password=geheim", "geheim"},
		{"what a check sends", CALL("config.show", "\"effective\":true"),
		 "send = \\\"(hidden)\\\"", "send = \\\"community\\\"", "community"},
		{"what a check expects", CALL("config.show", "\"effective\":true"),
		 "expect = \\\"(hidden)\\\"", "expect = \\\"token\\\"", "token"},
	};
	static const char exec[] =
		CALL("service.set", "\"service\":\"web\",\"health\":{\"type\":\"exec\",\"program\":"
				    "\"/bin/true\",\"args\":[\"--password=geheim\"]}");
	static const char udp[] =
		CALL("service.add", "\"name\":\"dns9\",\"vip\":\"198.51.100.99\",\"port\":53,"
				    "\"protocol\":\"udp\",\"health\":{\"type\":\"udp\",\"send\":"
				    "\"community\",\"expect\":\"token\"}");
	char answer[1 << 16];

	strcpy(room.fake.model->settings.exec_user, "nobody");
	room.fake.flows = 3;
	asked(false, exec, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"result\""));
	asked(false, udp, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"result\""));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# row: %s\n", rows[i].name);
		asked(false, rows[i].line, answer, sizeof(answer));
		if (!strstr(answer, rows[i].to_others))
			fail_msg("not for others: %s", answer);
		asked(true, rows[i].line, answer, sizeof(answer));
		if (!strstr(answer, rows[i].to_reader) || strstr(answer, rows[i].never))
			fail_msg("for readers: %s", answer);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_mode),
		TEST(test_methods),
		TEST(test_quietly),
		TEST(test_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
