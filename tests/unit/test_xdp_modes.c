/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All ports of sluice-xdp.so run the program in one mode, native or generic: packets from one to the
 * other arrive. On the wires of xdp_lab.h and a third, whose driver refuses native mode: a veth with
 * fewer receive queues than its peer has to send by (veth_xdp_set() in drivers/net/veth.c); its peer
 * has neither XDP nor GRO, so that veth_xdp_xmit() takes nothing for it. Skipped without root.
 */
#include "xdp_module_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void shell(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* late0, with late1 at its other end, in the place of l1. Returns the wire that was there. */
static int odd_make(void)
{
	int before = lab.wires[1];

	shell("ip link add late0 numtxqueues 1 numrxqueues 1 type veth "
	      "peer name late1 numtxqueues 2 numrxqueues 2 && "
	      "ip link set late0 up && ip link set late1 up");
	lab.wires[1] = lab_wire("late1");
	config.ports[1].interface = "late0";
	return before;
}

static void odd_remove(int before)
{
	close(lab.wires[1]);
	lab.wires[1] = before;
	shell("ip link del late0");
}

static void assert_mode(const char *mode)
{
	for (uint32_t i = 0; i < config.ports_n; i++) {
		struct fast_path_port_info info;

		assert_int_equal(path->port_read(i, &info), 0);
		assert_int_equal(info.state, FAST_PATH_PORT_UP);
		assert_string_equal(info.mode, mode);
	}
}

static void assert_both_ways(void)
{
	assert_true(lab_exchange(&lab, 0, 0));
	assert_true(lab_exchange(&lab, 1, 1));
}

static void test_native(void **state)
{
	start_well(false);
	publish();
	assert_mode("native");
	assert_both_ways();
}

static void test_one_refuses(void **state)
{
	int before = odd_make();

	start_well(false);
	publish();
	assert_mode("generic");
	assert_non_null(strstr(logged, "late0: no native XDP"));
	assert_non_null(strstr(logged, "number of rx queues"));
	assert_non_null(strstr(logged, "l0: from native to generic mode"));
	assert_both_ways();
	/* And the sluiced after it. */
	stop(false);
	start_well(true);
	publish();
	assert_mode("generic");
	assert_both_ways();
	stop(true);
	assert_nothing_left();
	odd_remove(before);
}

static void test_one_refuses_late(void **state)
{
	int before = lab.wires[1];

	config.ports[1].interface = "late0";
	start_well(false);
	publish();
	assert_true(lab_exchange(&lab, 0, 0));
	for (int i = 0; i < 2; i++) { /* it comes, and comes again */
		before = odd_make();
		assert_int_equal(path->ports_changed(), 0);
		assert_mode("generic");
		assert_both_ways();
		odd_remove(before);
		assert_int_equal(path->ports_changed(), 0);
	}
	assert_non_null(strstr(logged, "l0: from native to generic mode"));
	/* One that could be native joins them. */
	shell("ip link add late0 type veth peer name late1 && ip link set late0 up && "
	      "ip link set late1 up");
	lab.wires[1] = lab_wire("late1");
	assert_int_equal(path->ports_changed(), 0);
	assert_mode("generic");
	assert_both_ways();
	/* The pins are those of the links that hold now. */
	stop(false);
	start_well(true);
	publish();
	assert_both_ways();
	stop(true);
	assert_nothing_left();
	odd_remove(before);
}

/* A mode asked for by hand is not another one. */
static void test_native_by_hand(void **state)
{
	int before = odd_make();

	config.attach = FAST_PATH_ATTACH_NATIVE;
	assert_int_not_equal(start(), 0);
	assert_non_null(strstr(error, "late0: native XDP refused"));
	assert_non_null(strstr(error, "xdp_attach = \"auto\""));
	assert_int_equal(lab_program_id("l0"), 0);
	assert_int_equal(lab_program_id("late0"), 0);
	odd_remove(before);
	/* Late: the port is refused, the other goes on. */
	config.ports[1].interface = "late0";
	start_well(false);
	publish();
	before = odd_make();
	assert_int_not_equal(path->ports_changed(), 0);
	assert_non_null(strstr(logged, "late0: native XDP refused"));
	assert_true(lab_exchange(&lab, 0, 0));
	stop(true);
	odd_remove(before);
}

/* What was left generic by a sluiced with that one port. */
static void test_adopts_generic(void **state)
{
	config.ports_n = 1;
	config.attach = FAST_PATH_ATTACH_GENERIC;
	start_well(false);
	publish();
	stop(false);
	config.ports_n = 2;
	config.attach = FAST_PATH_ATTACH_AUTO;
	assert_int_equal(start(), 0);
	publish();
	assert_mode("generic");
	assert_non_null(strstr(logged, "l0: stays in generic mode"));
	assert_both_ways();
	stop(false);
	config.attach = FAST_PATH_ATTACH_NATIVE;
	start_well(true);
	publish();
	assert_mode("native");
	assert_both_ways();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_native),         TEST(test_one_refuses),    TEST(test_one_refuses_late),
		TEST(test_native_by_hand), TEST(test_adopts_generic),
	};

	return world_run("xdp modes", tests, sizeof(tests) / sizeof(tests[0]));
}
