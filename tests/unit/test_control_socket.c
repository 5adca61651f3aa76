/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control server's socket file: made, stale, alive, something else, and removed at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control_room.h"

#include <fcntl.h>
#include <sys/stat.h>

/* The socket's file, or another in its place. */
static bool exists(void)
{
	struct stat st;

	return lstat(room.path, &st) == 0;
}

static void test_file(void **state)
{
	const struct control_config c = config();
	struct stat st;

	serve(&c); /* makes the folder too */
	assert_int_equal(stat(room.path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
	control_free(room.control);
	room.control = NULL;
	assert_false(exists());
}

static void test_unknown_group(void **state)
{
	struct control_config c = config();

	c.group = "no-such-group-here";
	serve(&c);
	expect_service();
}

/* Leaves a socket that nobody listens on, as a killed daemon does. */
static void make_stale(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char folder[96];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(folder, sizeof(folder), "%s/run", room.folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", room.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
	assert_true(exists());
}

static void expect_refusal(const struct control_config *c, int rc, const char *want);

/* Whoever can put a link in its way makes root change no other file, nor listen elsewhere. */
static void test_links(void **state)
{
	struct control_config c = config();
	char folder[96], victim[96];
	struct stat st;
	FILE *file;

	snprintf(folder, sizeof(folder), "%s/run", room.folder);
	snprintf(victim, sizeof(victim), "%s/victim", room.folder);
	file = fopen(victim, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(chmod(victim, 0600), 0);
	/* The socket's name. */
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(symlink(victim, room.path), 0);
	c.reads_only = true; /* 0666 */
	expect_refusal(&c, -EEXIST, "the file there is no socket");
	assert_int_equal(stat(victim, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(room.path), 0);
	/* Its folder. */
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(symlink("/tmp", folder), 0);
	expect_refusal(&c, -ENOTDIR, "its folder can't be opened, or is a symbolic link");
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(unlink(victim), 0);
}

static void test_stale(void **state)
{
	const struct control_config c = config();

	make_stale();
	serve(&c);
	expect_service();
}

static void expect_refusal(const struct control_config *c, int rc, const char *want)
{
	const struct daemon_api api = fake_api(&room.fake);
	struct control *second = NULL;
	char error[CONTROL_ERROR_MAX];

	assert_int_equal(control_new(room.base, c, &api, &second, error), rc);
	assert_null(second);
	if (!strstr(error, want))
		fail_msg("want \"%s\" in \"%s\"", want, error);
}

static void test_live(void **state)
{
	const struct control_config c = config();
	char want[160];

	serve(&c);
	snprintf(want, sizeof(want), "another sluiced is running on %s", room.path);
	expect_refusal(&c, -EADDRINUSE, want);
	expect_service();
}

static void test_bad_paths(void **state)
{
	struct control_config c = config();
	char folder[96], long_path[200];
	int fd;

	snprintf(folder, sizeof(folder), "%s/run", room.folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	fd = open(room.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	expect_refusal(&c, -EEXIST, "no socket: remove it");
	assert_true(exists());
	c.path = folder;
	expect_refusal(&c, -EEXIST, "no socket: remove it");
	snprintf(long_path, sizeof(long_path), "%s/%0120d", room.folder, 0);
	c.path = long_path;
	expect_refusal(&c, -ENAMETOOLONG, "longer than 107 bytes");
	c.path = "";
	expect_refusal(&c, -EINVAL, "no path");
	c.path = "/nonexistent/a/b";
	expect_refusal(&c, -ENOENT, "its folder is missing and can't be made");
}

/* A file that another has put in the socket's place is left alone. */
static void test_replaced(void **state)
{
	const struct control_config c = config();
	int fd;

	serve(&c);
	assert_int_equal(unlink(room.path), 0);
	fd = open(room.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	control_free(room.control);
	room.control = NULL;
	assert_true(exists());
}

/* Ends with clients connected and answers under way: they see the end, and nothing leaks
 * (AddressSanitizer looks). */
static void test_end_with_clients(void **state)
{
	const struct control_config c = config();
	int silent, fds[10];

	serve(&c);
	silent = client_connect();
	for (int i = 0; i < 10; i++) {
		fds[i] = client_connect();
		send_text(fds[i], SHOW "\n" SHOW);
	}
	control_free(room.control);
	room.control = NULL;
	assert_false(exists());
	expect_end(silent);
	close(silent);
	for (int i = 0; i < 10; i++)
		close(fds[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_file),     TEST(test_unknown_group),
		TEST(test_links),    TEST(test_stale),
		TEST(test_live),     TEST(test_bad_paths),
		TEST(test_replaced), TEST(test_end_with_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
