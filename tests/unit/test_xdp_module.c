/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-xdp.so as sluiced uses it, on two veths (xdp_lab.h): that it outlives its daemon, is
 * taken up again and exchanged without losing a packet, respects other programs, and leaves
 * nothing when it is told to. Skipped without root.
 */
#include "../parity/fixture.h"
#include "xdp_lab.h"

#include "program.h"
#include "sluice/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <linux/if_link.h>
#include <net/if.h>

enum {
	ARENA_BYTES = 8 << 20,
	SERVICES = FIXTURE_ROWS_MAX,
	BACKENDS = FIXTURE_ROWS_MAX * FIXTURE_BACKENDS_MAX,
	RESTARTS = 8,
};

static struct lab lab;
static const struct fast_path *path;
static struct fast_path_config config;
static struct fast_path_started started;
static bool is_running;
static char error[FAST_PATH_ERROR_MAX];
static char logged[16384]; /* all lines since start() */

static void log_line(enum fast_path_log level, const char *line)
{
	size_t at = strlen(logged);

	if (level != FAST_PATH_LOG_DEBUG)
		snprintf(logged + at, sizeof(logged) - at, "%s\n", line);
}

static int start(void)
{
	int err;

	logged[0] = error[0] = 0;
	err = path->start(&config, &started, error);
	is_running = err == 0;
	return err;
}

static void stop(bool detach)
{
	is_running = false;
	path->stop(detach);
}

static void start_well(bool adopted)
{
	if (start() != 0)
		fail_msg("start: %s", error);
	if (started.adopted != adopted)
		fail_msg("adopted: %d; the log:\n%s", started.adopted, logged);
	assert_int_equal(started.arena_bytes, config.arena_bytes);
}

/* What the daemon does: lays a generation out, unless it finds one, and publishes. */
static void publish(void)
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

static void assert_nothing_left(void)
{
	struct stat st;

	assert_int_equal(lab_program_id("l0"), 0);
	assert_int_equal(lab_program_id("l1"), 0);
	assert_int_equal(stat(LAB_PINS, &st), -1);
}

static int before_each(void **state)
{
	config = (struct fast_path_config){
		.ports = {{.interface = "l0"}, {.interface = "l1"}},
		.ports_n = 2,
		.arena_bytes = ARENA_BYTES,
		.services_max = SERVICES,
		.backends_max = BACKENDS,
		.pin_dir = LAB_PINS,
		.log = log_line,
	};
	return 0;
}

/* So that one failure stays one. */
static int after_each(void **state)
{
	if (is_running)
		stop(true);
	return 0;
}

/* A program that isn't ours. */
static int foreign_program(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", pass, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void test_forwards(void **state)
{
	struct service_counters rows[SERVICES];
	struct worker_counters workers[FAST_PATH_WORKERS_MAX];
	uint64_t forwarded = 0, by_worker = 0;

	start_well(false);
	assert_non_null(strstr(started.description, "l0 native, l1 native"));
	assert_int_equal(((struct arena_head *)started.arena)->magic, 0);
	publish();
	assert_true(lab_exchange(&lab, 0, 0)); /* back out of the port it came by */
	assert_true(lab_exchange(&lab, 1, 1)); /* out of the other */
	assert_int_equal(path->services_read(0, SERVICES, rows), 0);
	for (int i = 0; i < SERVICES; i++)
		forwarded += rows[i].packets[VERDICT_forward];
	assert_int_equal(forwarded, 2);
	assert_int_equal(path->workers_read(workers, FAST_PATH_WORKERS_MAX), started.workers);
	for (uint32_t i = 0; i < started.workers; i++)
		by_worker += workers[i].verdicts.packets[VERDICT_forward];
	assert_int_equal(by_worker, 2);
	assert_int_equal(path->services_read(1, SERVICES, rows), -ERANGE);
	stop(true);
	assert_nothing_left();
}

static void test_stop_before_publish(void **state)
{
	start_well(false);
	stop(false);
	assert_int_equal(lab_program_id("l0"), 0);
	start_well(false);
	stop(true);
	assert_nothing_left();
}

static void test_outlives_and_is_adopted(void **state)
{
	struct backend_counters row;
	uint32_t id, counter = 1 + FIXTURE_BACKENDS_MAX * 20; /* way 0's first: fixture.c */

	start_well(false);
	publish();
	id = lab_program_id("l0");
	stop(false);
	assert_int_equal(lab_lost(&lab, 10), 0);
	start_well(true);
	assert_non_null(strstr(logged, "adopted the tables and the program"));
	assert_int_equal(lab_program_id("l0"), id);
	assert_int_equal(((struct arena_head *)started.arena)->layout, ARENA_LAYOUT);
	assert_int_equal(path->backends_read(counter, 1, &row), 0);
	assert_int_equal(row.packets, 10);
	assert_int_equal(lab_lost(&lab, 10), 0);
	stop(true);
	assert_nothing_left();
}

static void test_killed(void **state)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (start() != 0)
			_exit(1);
		publish();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(lab_lost(&lab, 10), 0);
	start_well(true);
	stop(true);
	assert_nothing_left();
}

/* Without the daemon, removing the pins takes all off. */
static void test_pins_removed_by_hand(void **state)
{
	start_well(false);
	publish();
	stop(false);
	assert_int_equal(system("rm -r " LAB_PINS), 0);
	for (int i = 0; i < 1000 && lab_program_id("l0") + lab_program_id("l1") != 0; i++)
		usleep(10000); /* the kernel lets go of it in the background */
	assert_nothing_left();
}

static void test_sizes_changed(void **state)
{
	uint32_t id;

	start_well(false);
	publish();
	stop(false);
	id = lab_program_id("l0");
	config.arena_bytes = 2 * ARENA_BYTES;
	start_well(false);
	assert_non_null(strstr(logged, "arena has another size"));
	/* The old one goes on until there is something to go on with. */
	assert_int_equal(lab_program_id("l0"), id);
	assert_int_equal(lab_lost(&lab, 10), 0);
	publish();
	assert_int_not_equal(lab_program_id("l0"), id);
	assert_int_equal(lab_lost(&lab, 10), 0);
	stop(false);
	start_well(true);
	stop(false);
	config.backends_max++;
	start_well(false);
	assert_non_null(strstr(logged, "backends has another size"));
	stop(true);
	assert_nothing_left();
}

/* A port that is no longer one is left alone. */
static void test_ports_changed(void **state)
{
	start_well(false);
	publish();
	stop(false);
	config.ports_n = 1;
	start_well(false);
	assert_non_null(strstr(logged, "ports are others"));
	assert_int_not_equal(lab_program_id("l1"), 0);
	publish();
	assert_int_equal(lab_program_id("l1"), 0);
	assert_int_not_equal(lab_program_id("l0"), 0);
	stop(true);
	assert_nothing_left();
}

/* Puts another build's program in the place of ours: other options, the same tables. */
static void older_build_install(void)
{
	struct program_config program_config = {
		.arena_bytes = config.arena_bytes,
		.services_max = config.services_max,
		.backends_max = config.backends_max,
		.ports.ifindex = {if_nametoindex("l0"), if_nametoindex("l1")},
		.no_frags = true, /* as ours, for this MTU */
		.no_tx = false,   /* which ours sets for a veth */
	};
	struct program older;
	char name[128];

	assert_int_equal(program_open(&older, &program_config, error), 0);
	for (int i = 0; i < PROGRAM_MAPS_ADOPTED; i++) {
		int fd;

		snprintf(name, sizeof(name), LAB_PINS "/%s", program_map_name(i));
		fd = bpf_obj_get(name);
		assert_int_equal(program_adopt(&older, i, fd), 0);
		close(fd);
	}
	if (program_load(&older, error) != 0)
		fail_msg("%s", error);
	for (int i = 0; i < 2; i++) {
		int fd;

		snprintf(name, sizeof(name), LAB_PINS "/link_%u",
			 program_config.ports.ifindex[i]);
		fd = bpf_obj_get(name);
		assert_int_equal(bpf_link_update(fd, older.fd, NULL), 0);
		close(fd);
	}
	assert_int_equal(unlink(LAB_PINS "/program"), 0);
	assert_int_equal(bpf_obj_pin(older.fd, LAB_PINS "/program"), 0);
	assert_int_equal(unlink(LAB_PINS "/options"), 0);
	assert_int_equal(bpf_obj_pin(program_map_fd(&older, PROGRAM_OPTIONS),
				     LAB_PINS "/options"), 0);
	program_close(&older);
}

/* The older build sends by XDP_TX, which a veth's peer sees if it has a program. */
static void peer_program_set(bool on)
{
	int fd = on ? foreign_program() : -1;

	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("p0"), fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	if (on)
		close(fd);
}

static void test_other_build(void **state)
{
	uint32_t id;

	peer_program_set(true);
	start_well(false);
	publish();
	stop(false);
	older_build_install();
	id = lab_program_id("l0");
	assert_int_equal(lab_lost(&lab, 10), 0);
	start_well(true);
	assert_non_null(strstr(logged, "another build"));
	assert_int_not_equal(lab_program_id("l0"), id);
	assert_int_equal(lab_program_id("l0"), lab_program_id("l1"));
	assert_int_equal(lab_lost(&lab, 10), 0);
	peer_program_set(false);
	stop(true);
	assert_nothing_left();
}

/* Everything above, under traffic: each packet is waited for, so a lost one is seen. */
static void test_nothing_lost(void **state)
{
	struct lab_loop *loop;
	unsigned int sent, lost;

	peer_program_set(true);
	start_well(false);
	publish();
	loop = lab_loop_start(&lab);
	for (int i = 0; i < RESTARTS; i++) {
		stop(false);
		if (i % 4 == 1)
			older_build_install();
		if (i % 4 == 3)
			config.backends_max++;
		start_well(i % 4 != 3);
		publish();
	}
	lost = lab_loop_stop(loop, &sent);
	stop(true);
	assert_true(sent > 100);
	if (lost > 0)
		fail_msg("%u of %u lost", lost, sent);
	print_message("%u restarts, %u packets, none lost\n", RESTARTS, sent);
	peer_program_set(false);
	assert_nothing_left();
}

static void test_other_program(void **state)
{
	int ifindex = (int)if_nametoindex("l1"), fd = foreign_program();
	uint32_t id;

	assert_int_equal(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	id = lab_program_id("l1");
	assert_int_equal(start(), -EBUSY);
	assert_non_null(strstr(error, "l1: the XDP program foreign (id "));
	assert_non_null(strstr(error, "ip link set dev l1 xdp off"));
	assert_non_null(strstr(error, "--replace"));
	assert_int_equal(lab_program_id("l0"), 0);
	assert_int_equal(lab_program_id("l1"), id);
	config.replace = true;
	start_well(false);
	assert_int_not_equal(lab_program_id("l1"), id);
	publish();
	assert_true(lab_exchange(&lab, 1, 1));
	stop(true);
	/* A generic one is in the way of a native one too. */
	assert_int_equal(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_SKB_MODE, NULL), 0);
	start_well(false);
	stop(true);
	close(fd);
	assert_nothing_left();
}

static void test_other_link(void **state)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int fd = foreign_program();
	int link = bpf_link_create(fd, (int)if_nametoindex("l0"), BPF_XDP, &opts);

	assert_true(link >= 0);
	assert_int_equal(start(), -EBUSY);
	assert_non_null(strstr(error, "bpftool link detach id "));
	config.replace = true;
	start_well(false);
	publish();
	assert_true(lab_exchange(&lab, 0, 0));
	close(link);
	assert_true(lab_exchange(&lab, 0, 0));
	stop(true);
	close(fd);
	assert_nothing_left();
}

static void test_generic(void **state)
{
	config.attach = FAST_PATH_ATTACH_GENERIC;
	start_well(false);
	assert_non_null(strstr(started.description, "l0 generic, l1 generic"));
	publish();
	assert_true(lab_exchange(&lab, 0, 0));
	assert_true(lab_exchange(&lab, 1, 1));
	stop(false);
	config.attach = FAST_PATH_ATTACH_AUTO; /* takes what is there */
	start_well(true);
	assert_non_null(strstr(started.description, "l0 generic"));
	stop(false);
	config.attach = FAST_PATH_ATTACH_NATIVE;
	start_well(true);
	assert_non_null(strstr(started.description, "l0 native"));
	assert_int_equal(lab_lost(&lab, 10), 0);
	stop(true);
	assert_nothing_left();
}

/* The loopback has no XDP of its own. */
static void test_no_native(void **state)
{
	config.ports[0].interface = "lo";
	config.ports_n = 1;
	config.attach = FAST_PATH_ATTACH_NATIVE;
	assert_int_equal(start(), -ENOTSUP);
	assert_non_null(strstr(error, "lo: native XDP refused"));
	config.attach = FAST_PATH_ATTACH_AUTO;
	start_well(false);
	assert_non_null(strstr(started.description, "lo generic"));
	assert_non_null(strstr(logged, "lo: no native XDP"));
	stop(true);
}

/* A longer MTU wants a program for frames of several buffers, which can't share a devmap. */
static void test_mtu_raised(void **state)
{
	start_well(false);
	publish();
	stop(false);
	assert_int_equal(system("ip link set l0 mtu 3400"), 0);
	start_well(false);
	assert_non_null(strstr(logged, "all is made anew"));
	publish();
	assert_int_equal(lab_lost(&lab, 10), 0);
	stop(false);
	start_well(true);
	stop(true);
	assert_int_equal(system("ip link set l0 mtu 1500"), 0);
	assert_nothing_left();
}

static void test_interface_made_anew(void **state)
{
	start_well(false);
	publish();
	stop(false);
	assert_int_equal(system("ip link del l1 && ip link add l1 type veth peer name p1 && "
				"ip link set l1 up && ip link set p1 up"), 0);
	start_well(false);
	publish();
	assert_int_equal(lab_lost(&lab, 10), 0);
	assert_int_not_equal(lab_program_id("l1"), 0);
	stop(true);
	assert_nothing_left();
}

static void test_ports_read(void **state)
{
	struct fast_path_port_info before, info;

	start_well(false);
	publish();
	assert_int_equal(path->port_read(0, &before), 0);
	assert_int_equal(lab_lost(&lab, 10), 0);
	assert_int_equal(path->port_read(0, &info), 0);
	assert_string_equal(info.interface, "l0");
	assert_string_equal(info.driver, "veth");
	assert_true(info.up);
	assert_int_not_equal(info.mac[0] | info.mac[3] | info.mac[5], 0);
	assert_true(info.rx_packets >= before.rx_packets + 10);
	assert_int_equal(path->port_read(2, &info), -ENOENT);
	assert_int_equal(system("ip link set l1 down"), 0);
	assert_int_equal(path->port_read(1, &info), 0);
	assert_false(info.up);
	assert_int_equal(system("ip link set l1 up"), 0);
	stop(true);
	assert_nothing_left();
}

static void test_errors(void **state)
{
	config.ports[1].interface = "nosuch0";
	assert_int_equal(start(), -ENODEV);
	assert_non_null(strstr(error, "ports[1]: no interface nosuch0"));
	config.ports[1].interface = "l0";
	assert_int_equal(start(), -EINVAL);
	assert_non_null(strstr(error, "ports[1]: l0 is ports[0] already"));
	config.ports[1].interface = NULL;
	assert_int_equal(start(), -EINVAL);
	config.ports[1].interface = "l1";
	config.pin_dir = "relative";
	assert_int_equal(start(), -EINVAL);
	config.pin_dir = "/proc/sluice";
	assert_true(start() < 0);
	assert_non_null(strstr(error, "mount -t bpf bpf /proc/sluice"));
	config.pin_dir = LAB_PINS;
	config.arena_bytes = 1ULL << 50;
	assert_true(start() < 0);
	assert_int_not_equal(error[0], 0);
	assert_int_equal(lab_program_id("l0"), 0);
}

static void test_held_by_another(void **state)
{
	int to_child[2], from_child[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(to_child) | pipe(from_child), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (start() != 0 || write(from_child[1], &byte, 1) != 1 ||
		    read(to_child[0], &byte, 1) != 1)
			_exit(1);
		stop(true);
		_exit(0);
	}
	close(from_child[1]);
	assert_int_equal(read(from_child[0], &byte, 1), 1);
	assert_int_equal(start(), -EBUSY);
	assert_non_null(strstr(error, "held by another sluiced"));
	assert_int_equal(write(to_child[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	start_well(false);
	stop(true);
	assert_nothing_left();
}

/* No bpffs there: one is mounted. */
static void test_mounts_bpffs(void **state)
{
	config.pin_dir = "/tmp/sluice-test-xdp-pins/deep";
	start_well(false);
	assert_non_null(strstr(logged, "mounted a bpffs at /tmp/sluice-test-xdp-pins/deep"));
	assert_non_null(strstr(logged, "a mount namespace of our own"));
	publish();
	stop(false);
	assert_int_equal(lab_lost(&lab, 10), 0);
	start_well(true);
	stop(true);
	assert_int_equal(lab_program_id("l0"), 0);
	assert_int_equal(system("umount /tmp/sluice-test-xdp-pins/deep && "
				"rmdir -p /tmp/sluice-test-xdp-pins/deep 2>/dev/null; true"), 0);
}

static void test_quiesce(void **state)
{
	struct timespec from, to;
	double ms;

	start_well(false);
	publish();
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 10; i++)
		path->quiesce();
	clock_gettime(CLOCK_MONOTONIC, &to);
	ms = (double)(to.tv_sec - from.tv_sec) * 1e2 + (double)(to.tv_nsec - from.tv_nsec) / 1e7;
	print_message("quiesce: %.2f ms\n", ms);
	/* A call that only stored something would take a microsecond: a grace period takes longer. */
	assert_true(ms > 0.05 && ms < 1000);
	stop(true);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_forwards),
		TEST(test_stop_before_publish),
		TEST(test_outlives_and_is_adopted),
		TEST(test_killed),
		TEST(test_pins_removed_by_hand),
		TEST(test_sizes_changed),
		TEST(test_ports_changed),
		TEST(test_other_build),
		TEST(test_nothing_lost),
		TEST(test_other_program),
		TEST(test_other_link),
		TEST(test_generic),
		TEST(test_no_native),
		TEST(test_mtu_raised),
		TEST(test_ports_read),
		TEST(test_errors),
		TEST(test_held_by_another),
		TEST(test_mounts_bpffs),
		TEST(test_quiesce),
		/* Last: p1 is another one afterwards. */
		TEST(test_interface_made_anew),
	};
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
	failed = cmocka_run_group_tests_name("xdp module", tests, NULL, NULL);
	rmdir(LAB_BPFFS);
	return failed;
}
