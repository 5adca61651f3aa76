/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-xdp.so as sluiced uses it, on two veths (xdp_lab.h): that it outlives its daemon, is
 * taken up again and exchanged without losing a packet, and leaves nothing when it is told to.
 * Skipped without root.
 */
#include "xdp_module_world.h"

#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

enum { RESTARTS = 4 }; /* one of each kind */

static void test_forwards(void **state)
{
	struct service_counters rows[XDP_SERVICES];
	struct worker_counters workers[FAST_PATH_WORKERS_MAX];
	uint64_t forwarded = 0, by_worker = 0;

	start_well(false);
	assert_non_null(strstr(started.description, "l0 native, l1 native"));
	assert_int_equal(((struct arena_head *)started.arena)->magic, 0);
	publish();
	assert_true(lab_exchange(&lab, 0, 0)); /* back out of the port it came by */
	assert_true(lab_exchange(&lab, 1, 1)); /* out of the other */
	assert_int_equal(path->services_read(0, XDP_SERVICES, rows), 0);
	for (int i = 0; i < XDP_SERVICES; i++)
		forwarded += rows[i].packets[VERDICT_forward];
	assert_int_equal(forwarded, 2);
	assert_int_equal(path->workers_read(workers, FAST_PATH_WORKERS_MAX), started.workers);
	for (uint32_t i = 0; i < started.workers; i++)
		by_worker += workers[i].verdicts.packets[VERDICT_forward];
	assert_int_equal(by_worker, 2);
	assert_int_equal(path->services_read(1, XDP_SERVICES, rows), -ERANGE);
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

/* To any backend. */
static uint64_t packets_sent(void)
{
	struct backend_counters row;
	uint64_t n = 0;

	for (uint32_t i = 0; i < config.backends_max; i++) {
		assert_int_equal(path->backends_read(i, 1, &row), 0);
		n += row.packets;
	}
	return n;
}

static void test_outlives_and_is_adopted(void **state)
{
	uint32_t id;

	start_well(false);
	publish();
	id = lab_program_id("l0");
	stop(false);
	assert_int_equal(lab_lost(&lab, 10), 0);
	start_well(true);
	assert_non_null(strstr(logged, "adopted the tables and the program"));
	assert_int_equal(lab_program_id("l0"), id);
	assert_int_equal(((struct arena_head *)started.arena)->layout, ARENA_LAYOUT);
	assert_int_equal(packets_sent(), 10);
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
	config.arena_bytes = 2 * XDP_ARENA_BYTES;
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

		snprintf(name, sizeof(name), LAB_PINS "/link_%u", program_config.ports.ifindex[i]);
		fd = bpf_obj_get(name);
		assert_int_equal(bpf_link_update(fd, older.fd, NULL), 0);
		close(fd);
	}
	assert_int_equal(unlink(LAB_PINS "/program"), 0);
	assert_int_equal(bpf_obj_pin(older.fd, LAB_PINS "/program"), 0);
	assert_int_equal(unlink(LAB_PINS "/options"), 0);
	assert_int_equal(bpf_obj_pin(program_map_fd(&older, PROGRAM_OPTIONS), LAB_PINS "/options"),
			 0);
	program_close(&older);
}

/* The older build sends by XDP_TX, which a veth's peer sees if it has a program. */
static void peer_program_set(bool on)
{
	int fd = on ? foreign_program() : -1;

	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("p0"), fd, XDP_FLAGS_DRV_MODE, NULL),
			 0);
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
		TEST(test_quiesce),
	};

	return world_run("xdp module", tests, sizeof(tests) / sizeof(tests[0]));
}
