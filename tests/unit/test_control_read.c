/* SPDX-License-Identifier: Apache-2.0
 *
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
		send_text(fd, line);
		if (method->changes) {
			snprintf(line, sizeof(line),
				 "{\"code\":-32007,\"message\":\"%s changes something, and this "
				 "socket only reads: use the control socket, as root or as a "
				 "member of its group",
				 method->name);
			expect_line(fd, line);
			refused_n++;
		} else {
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_mode),
		TEST(test_methods),
		TEST(test_quietly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
