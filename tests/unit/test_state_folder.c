/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that root writes where others may be: whatever a member of the folder's group has put
 * there, no other file is replaced, read, or given away by it. Each row is tried for state.json,
 * its ".new" and
 * ".bak", and sluicectl save; the links lead to a file that must stay as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "state_file.h"
#include "state_folder.h"

#define VICTIM_TEXT "root:x:0:0::/root:/bin/sh\n"

static char root[] = "/tmp/sluice-folder.XXXXXX";
static char folder[64], path[96], victim[64];

static int forget(const char *name, const struct stat *st, int flag, struct FTW *where)
{
	return remove(name);
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void text_of(const char *name, char text[256])
{
	FILE *file = fopen(name, "r");
	size_t bytes = file ? fread(text, 1, 255, file) : 0;

	text[bytes] = '\0';
	if (file)
		fclose(file);
}

static void victim_is_whole(const char *what)
{
	struct stat st;
	char text[256];

	text_of(victim, text);
	if (strcmp(text, VICTIM_TEXT) != 0)
		fail_msg("%s: the other file has become: %s", what, text);
	assert_int_equal(stat(victim, &st), 0);
	if ((st.st_mode & 07777) != 0600 || st.st_gid != 0)
		fail_msg("%s: the other file has mode %o, group %u", what, st.st_mode, st.st_gid);
}

static int setup(void **state)
{
	strcpy(root, "/tmp/sluice-folder.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(folder, sizeof(folder), "%s/lib", root);
	snprintf(path, sizeof(path), "%s/state.json", folder);
	snprintf(victim, sizeof(victim), "%s/ld.so.preload", root);
	put(victim, VICTIM_TEXT);
	/* As the packages before had it: the group may write. */
	return chmod(victim, 0600) == 0 && mkdir(folder, 0770) == 0 && chmod(folder, 0770) == 0 &&
			       chown(folder, 0, 1) == 0
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	return nftw(root, forget, 8, FTW_DEPTH | FTW_PHYS);
}

enum trap { SYMLINK, HARD_LINK, FIFO, FOLDER };

static void trap_set(const char *name, enum trap trap)
{
	switch (trap) {
	case SYMLINK:
		assert_int_equal(symlink(victim, name), 0);
		break;
	case HARD_LINK:
		assert_int_equal(link(victim, name), 0);
		break;
	case FIFO:
		assert_int_equal(mkfifo(name, 0600), 0);
		break;
	case FOLDER:
		assert_int_equal(mkdir(name, 0700), 0);
		break;
	}
}

static void trap_clear(const char *name)
{
	if (unlink(name) != 0)
		rmdir(name);
}

static const struct {
	const char *name, *suffix; /* where, beside state.json */
	enum trap trap;
	int backup;
	int written; /* 0: the new file is there; or what is refused */
} writes[] = {
	{"the file is a link", "", SYMLINK, 0, -ELOOP},
	{"save: the file is a link", "", SYMLINK, 1, -ELOOP},
	{"the file is a second name of another", "", HARD_LINK, 0, 0},
	{"the file is a FIFO", "", FIFO, 0, -EINVAL},
	{"the file is a folder", "", FOLDER, 0, -EINVAL},
	{"a link where it is written aside", ".new", SYMLINK, 0, 0},
	{"a second name where it is written aside", ".new", HARD_LINK, 0, 0},
	{"a FIFO where it is written aside", ".new", FIFO, 0, 0},
	{"save: a link where it is written aside", ".new", SYMLINK, 1, 0},
	{"save: a link where the old one is kept", ".bak", SYMLINK, 1, 0},
	{"save: a second name where the old one is kept", ".bak", HARD_LINK, 1, 0},
};

static void test_writes(void **state)
{
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		char trap[128], text[256];
		int rc;

		print_message("# row: %s\n", writes[i].name);
		if (*writes[i].suffix)
			put(path, "old");
		snprintf(trap, sizeof(trap), "%s%s", path, writes[i].suffix);
		trap_set(trap, writes[i].trap);
		rc = state_file_write(path, "new", writes[i].backup);
		if (rc != writes[i].written)
			fail_msg("%s: %s", writes[i].name, strerror(-rc));
		victim_is_whole(writes[i].name);
		if (rc == 0) {
			text_of(path, text);
			assert_string_equal(text, "new");
		}
		trap_clear(trap);
		snprintf(trap, sizeof(trap), "%s.bak", path);
		trap_clear(trap);
		trap_clear(path);
	}
}

/* What another has put there is not read: it could name programs to run, or be told in the log. */
static void test_reads(void **state)
{
	static const struct {
		const char *name;
		enum trap trap;
		int rc;
	} rows[] = {
		{"a link", SYMLINK, -ELOOP},
		{"a second name", HARD_LINK, -EPERM},
		{"a FIFO, which would hold it up", FIFO, -EPERM},
		{"a folder", FOLDER, -EPERM},
	};
	json_t *json;
	char error[256] = "";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char bad[128];
		int rc;

		print_message("# row: %s\n", rows[i].name);
		trap_set(path, rows[i].trap);
		rc = state_file_read(path, &json, error);
		if (rc != rows[i].rc)
			fail_msg("%s: %s", rows[i].name, strerror(-rc));
		assert_null(json);
		assert_string_equal(error, "");
		victim_is_whole(rows[i].name);
		snprintf(bad, sizeof(bad), "%s.bad", path);
		trap_clear(bad);
		trap_clear(path);
	}
	/* Another user's, in a folder that is root's. */
	put(path, "{\"version\": 1, \"services\": []}");
	assert_int_equal(chown(path, 65534, 1), 0);
	assert_int_equal(state_file_read(path, &json, error), -EPERM);
	/* The folder's owner's: the daemon was that user, before it was root again. */
	put(path, "{\"version\": 1, \"services\": []}");
	assert_int_equal(chown(path, 65534, 1), 0);
	assert_int_equal(chown(folder, 65534, 1), 0);
	assert_int_equal(state_file_read(path, &json, error), 0);
	json_decref(json);
}

static void test_folder_is_a_link(void **state)
{
	char other[64], name[96];
	json_t *json;
	char error[256];

	snprintf(other, sizeof(other), "%s/other", root);
	assert_int_equal(symlink(folder, other), 0);
	snprintf(name, sizeof(name), "%s/state.json", other);
	assert_int_equal(state_file_write(name, "new", 0), -ELOOP);
	assert_int_equal(state_file_write(name, "new", 1), -ELOOP);
	assert_int_equal(state_file_read(name, &json, error), -ELOOP);
	assert_int_equal(state_file_remove(name), -ELOOP);
	assert_int_equal(access(path, F_OK), -1);
}

static mode_t folder_mode(void)
{
	struct stat st;

	assert_int_equal(stat(folder, &st), 0);
	return st.st_mode & 07777;
}

static uid_t folder_owner(void)
{
	struct stat st;

	assert_int_equal(stat(folder, &st), 0);
	return st.st_uid;
}

/* The folder becomes the daemon's own at its start. */
static void test_take(void **state)
{
	const struct passwd *entry = getpwnam("nobody");
	char done[STATE_FOLDER_ERROR_MAX];

	assert_non_null(entry);
	assert_int_equal(state_folder_take(path, "", done), 0);
	assert_int_equal(folder_mode(), 0750);
	assert_non_null(strstr(done, "only the daemon may write"));
	assert_int_equal(state_folder_take(path, "", done), 0);
	assert_string_equal(done, "");
	/* Of another group: who made it so has other plans. */
	assert_int_equal(state_folder_take(path, "nobody", done), 0);
	assert_int_equal(folder_owner(), 0);
	/* Of the user's group: the user's, and back. */
	assert_int_equal(chown(folder, 0, entry->pw_gid), 0);
	assert_int_equal(state_folder_take(path, "nobody", done), 0);
	assert_int_equal(folder_owner(), entry->pw_uid);
	assert_int_equal(folder_mode(), 0750);
	assert_int_equal(state_folder_take(path, "", done), 0);
	assert_int_equal(folder_owner(), 0);
	/* One that all share stays so. */
	assert_int_equal(chmod(folder, 01777), 0);
	assert_int_equal(state_folder_take(path, "", done), 0);
	assert_int_equal(folder_mode(), 01777);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_writes),
		TEST(test_reads),
		TEST(test_folder_is_a_link),
		TEST(test_take),
	};

	if (geteuid() != 0) {
		puts("1..0 # SKIP not root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
