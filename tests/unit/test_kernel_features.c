/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebpf/kernel_features.c on the running kernel, and on older ones: a seccomp filter answers a
 * command of bpf(2) as a kernel does that doesn't have it, and the error must name the feature and
 * the kernel that brought it. Skipped without root.
 */
#include "kernel_features.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

enum {
	MIB = 1 << 20,
	EXIT_SAID = 42, /* of a child whose kernel was refused as it should be */
};

static const struct lacking {
	const char *name;
	uint32_t command; /* of bpf(2), that the kernel doesn't take */
	uint32_t answer;
	int err;
	const char *says;
} rows[] = {
	{"no XDP", BPF_PROG_LOAD, EINVAL, -ENOTSUP, "kernel has no XDP programs; needs 4.8"},
	{"no maps of devices", BPF_MAP_CREATE, EINVAL, -ENOTSUP,
	 "kernel has no maps of devices (BPF_MAP_TYPE_DEVMAP); needs 4.14"},
	{"no batches", BPF_MAP_LOOKUP_BATCH, EINVAL, -ENOTSUP,
	 "kernel has no batched look-ups of per-CPU arrays; needs 5.13"},
	{"no look-up with deletion", BPF_MAP_LOOKUP_AND_DELETE_ELEM, EOPNOTSUPP, -ENOTSUP,
	 "kernel has no LRU hash maps with look-up and deletion in one; needs 5.14"},
	{"not allowed", BPF_PROG_LOAD, EPERM, -EPERM, "not allowed to use BPF: run as root"},
	{"no memory", BPF_MAP_CREATE, ENOMEM, -ENOMEM,
	 "no memory for BPF (maps of devices (BPF_MAP_TYPE_DEVMAP))"},
};

/* Of this process, for good. */
static int kernel_forget(const struct lacking *row)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, row->command, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | row->answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

static int child(const struct lacking *row)
{
	char error[FAST_PATH_ERROR_MAX] = "";
	int err = kernel_forget(row);

	if (err) {
		fprintf(stderr, "seccomp: %s\n", strerror(-err));
		return 1;
	}
	err = features_check(error);
	if (err == row->err && strncmp(error, row->says, strlen(row->says)) == 0)
		return EXIT_SAID;
	fprintf(stderr, "%d, \"%s\"\n", err, error);
	return 1;
}

static void test_lacking(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = 0;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(child(&rows[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SAID)
			fail_msg("%s", rows[i].name);
	}
}

/* As major * 1000 + minor. */
static long running(void)
{
	struct utsname name;
	char *end;
	long major;

	uname(&name);
	major = strtol(name.release, &end, 10);
	return major * 1000 + strtol(end + 1, NULL, 10);
}

static void test_running(void **state)
{
	char error[FAST_PATH_ERROR_MAX] = "";

	if (features_check(error) != 0)
		fail_msg("%s", error);
	assert_true(features_have_values(MIB));
	/* 5.15 has none of more than 4 MiB; which kernel brought them was not tried. */
	if (running() == 5015 || running() >= 6001)
		assert_int_equal(features_have_values(64 * MIB), running() >= 6001);
	/* The verifier's BPF_MAX_VAR_OFF, of any kernel. */
	assert_false(features_have_values(1ULL << 30));
	assert_int_equal(features_have_frags(), running() >= 5018);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_lacking),
	};

	if (geteuid() != 0) {
		print_message("skip: the use of BPF needs root\n");
		return 77;
	}
	libbpf_set_print(NULL);
	return cmocka_run_group_tests_name("kernel-features", tests, NULL, NULL);
}
