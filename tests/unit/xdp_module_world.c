/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads sluice-xdp.so with a generation and puts it on the lab's wires. Called by the test_xdp_*
 * that need the module.
 */
#include "xdp_module_world.h"

#include "../parity/fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <linux/bpf.h>

enum { BACKENDS = FIXTURE_ROWS_MAX * FIXTURE_BACKENDS_MAX };

struct lab lab;
const struct fast_path *path;
struct fast_path_config config;
struct fast_path_started started;
static bool is_running;
char error[FAST_PATH_ERROR_MAX];
char logged[16384];

static void log_line(enum fast_path_log level, const char *line)
{
	size_t at = strlen(logged);

	if (level != FAST_PATH_LOG_DEBUG)
		snprintf(logged + at, sizeof(logged) - at, "%s\n", line);
}

int start(void)
{
	int err;

	logged[0] = error[0] = 0;
	err = path->start(&config, &started, error);
	is_running = err == 0;
	return err;
}

void stop(bool detach)
{
	is_running = false;
	path->stop(detach);
}

void start_well(bool adopted)
{
	if (start() != 0)
		fail_msg("start: %s", error);
	if (started.adopted != adopted)
		fail_msg("adopted: %d; the log:\n%s", started.adopted, logged);
	assert_int_equal(started.arena_bytes, config.arena_bytes);
}

void publish(void)
{
	struct arena_head *head = (struct arena_head *)started.arena;
	uint32_t offset = head->current;

	if (!started.adopted) {
		struct fixture *fixture = fixture_new();

		offset = fixture_lay(fixture, started.arena, started.arena_bytes);
		head->current = 0; /* the fixture has stored it, which is the module's to do */
		fixture_free(fixture);
	}
	path->publish(offset);
	path->quiesce();
}

void assert_nothing_left(void)
{
	struct stat st;

	assert_int_equal(lab_program_id("l0"), 0);
	assert_int_equal(lab_program_id("l1"), 0);
	assert_int_equal(stat(LAB_PINS, &st), -1);
}

int before_each(void **state)
{
	config = (struct fast_path_config){
		.ports = {{.interface = "l0"}, {.interface = "l1"}},
		.ports_n = 2,
		.arena_bytes = XDP_ARENA_BYTES,
		.services_max = XDP_SERVICES,
		.backends_max = BACKENDS,
		.pin_dir = LAB_PINS,
		.log = log_line,
	};
	return 0;
}

int after_each(void **state)
{
	if (is_running)
		stop(true);
	return 0;
}

int foreign_program(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", pass, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

int world_run(const char *name, const struct CMUnitTest *tests, size_t n)
{
	void *module = dlopen(XDP_MODULE, RTLD_NOW | RTLD_LOCAL);
	int failed;

	if (!module) {
		print_message("%s\n", dlerror());
		return 1;
	}
	path = dlsym(module, FAST_PATH_SYMBOL);
	if (!path || path->abi != FAST_PATH_ABI) {
		print_message("%s is no fast path of this ABI\n", XDP_MODULE);
		return 1;
	}
	if (!lab_enter(&lab)) {
		print_message("skip: namespaces and BPF need root\n");
		return 77;
	}
	failed = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	rmdir(LAB_BPFFS);
	return failed;
}
