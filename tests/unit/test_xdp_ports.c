/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports of sluice-xdp.so whose interfaces come late, go, come again, or can't be asked for, on two
 * veths (xdp_lab.h) and a third that the tests make: late0, with late1 at its other end. Skipped
 * without root.
 */
#include "xdp_module_world.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <linux/if_link.h>

static void shell(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void late_make(void)
{
	shell("ip link add late0 type veth peer name late1 && ip link set late0 up && "
	      "ip link set late1 up");
}

static void late_remove(void)
{
	shell("ip link del late0");
}

static enum fast_path_port_state state_of(uint32_t port)
{
	struct fast_path_port_info info;

	assert_int_equal(path->port_read(port, &info), 0);
	assert_string_equal(info.interface, config.ports[port].interface);
	return info.state;
}

/* The process has no free file until it is given back. */
static void files_take(struct rlimit *before)
{
	struct rlimit none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	none = *before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void files_give(const struct rlimit *before)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, before), 0);
}

static void test_no_free_file(void **state)
{
	struct fast_path_port_info info;
	struct rlimit before;
	uint32_t l0, l1;
	int rc, read;

	start_well(false);
	publish();
	l0 = lab_program_id("l0");
	l1 = lab_program_id("l1");
	files_take(&before);
	rc = path->ports_changed();
	read = path->port_read(0, &info);
	files_give(&before);
	assert_int_equal(rc, 0);
	assert_int_equal(read, 0);
	assert_int_equal(info.state, FAST_PATH_PORT_UP);
	assert_int_equal(lab_program_id("l0"), l0);
	assert_int_equal(lab_program_id("l1"), l1);
	assert_int_equal(lab_lost(&lab, 10), 0);
	stop(true);
	assert_nothing_left();
}

static void test_late(void **state)
{
	config.ports[1].interface = "late0";
	start_well(false);
	publish();
	assert_non_null(strstr(logged, "late0: there is no such interface"));
	assert_int_equal(state_of(0), FAST_PATH_PORT_UP);
	assert_int_equal(state_of(1), FAST_PATH_PORT_WAITING);
	assert_int_equal(path->ports_changed(), 0);
	assert_int_equal(lab_lost(&lab, 10), 0);
	for (int i = 0; i < 2; i++) { /* it comes, and comes again */
		late_make();
		assert_int_equal(path->ports_changed(), 0);
		assert_int_equal(state_of(1), FAST_PATH_PORT_UP);
		assert_int_equal(lab_program_id("late0"), lab_program_id("l0"));
		assert_true(lab_exchange(&lab, 0, 0));
		late_remove();
		assert_int_equal(state_of(1), FAST_PATH_PORT_WAITING);
		assert_int_equal(path->ports_changed(), 0);
		assert_int_equal(state_of(1), FAST_PATH_PORT_WAITING);
		assert_int_equal(lab_lost(&lab, 10), 0);
	}
	assert_non_null(strstr(logged, "late0: the interface is gone"));
	stop(true);
	assert_nothing_left();
}

/* It needs files when it comes, and gets them later. */
static void test_late_without_files(void **state)
{
	struct rlimit before;
	int rc, again;

	config.ports[1].interface = "late0";
	start_well(false);
	publish();
	late_make();
	files_take(&before);
	rc = path->ports_changed();
	again = path->ports_changed();
	files_give(&before);
	assert_int_equal(rc, -EMFILE);
	assert_int_equal(again, -EMFILE);
	assert_int_equal(state_of(1), FAST_PATH_PORT_REFUSED);
	assert_int_equal(lab_lost(&lab, 10), 0);
	assert_int_equal(path->ports_changed(), 0);
	assert_int_equal(state_of(1), FAST_PATH_PORT_UP);
	assert_non_null(strstr(logged, "late0: is as it should be again"));
	assert_int_equal(lab_program_id("late0"), lab_program_id("l0"));
	stop(true);
	late_remove();
	assert_nothing_left();
}

/* A daemon goes on with the tables of one whose interfaces were others. */
static void test_restarts(void **state)
{
	config.ports[1].interface = "late0";
	late_make();
	start_well(false);
	publish();
	stop(false);
	late_remove();
	start_well(true); /* gone meanwhile */
	publish();
	assert_int_equal(state_of(1), FAST_PATH_PORT_WAITING);
	stop(false);
	late_make();
	start_well(true); /* came meanwhile */
	publish();
	assert_int_equal(state_of(1), FAST_PATH_PORT_UP);
	stop(false);
	late_remove();
	late_make();
	start_well(true); /* another of the same name */
	publish();
	assert_int_equal(state_of(1), FAST_PATH_PORT_UP);
	assert_int_equal(lab_program_id("late0"), lab_program_id("l0"));
	assert_int_equal(lab_lost(&lab, 10), 0);
	stop(true);
	late_remove();
	assert_nothing_left();
}

/* All are missing, and the program has to be that for any interface that may come. */
static void test_none_there(void **state)
{
	config.ports[0].interface = "late0";
	config.ports_n = 1;
	start_well(false);
	publish();
	assert_int_equal(state_of(0), FAST_PATH_PORT_WAITING);
	stop(false);
	start_well(true);
	publish();
	late_make();
	shell("ip link set late0 mtu 9000 && ip link set late1 mtu 9000");
	assert_int_equal(path->ports_changed(), 0);
	assert_int_equal(state_of(0), FAST_PATH_PORT_UP);
	assert_null(strstr(logged, "generic"));
	stop(true);
	late_remove();
	assert_nothing_left();
}

/* What sits on the interface is another's: told once, and taken up when it has gone. */
static void test_refused(void **state)
{
	int fd;

	config.ports[1].interface = "late0";
	start_well(false);
	publish();
	late_make();
	fd = foreign_program();
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("late0"), fd, XDP_FLAGS_DRV_MODE, NULL),
			 0);
	close(fd);
	assert_int_equal(path->ports_changed(), -EBUSY);
	assert_int_equal(path->ports_changed(), -EBUSY);
	assert_int_equal(state_of(1), FAST_PATH_PORT_REFUSED);
	assert_non_null(strstr(logged, "late0: the XDP program foreign"));
	assert_null(strstr(strstr(logged, "late0: the XDP program foreign") + 1,
			   "late0: the XDP program foreign"));
	shell("ip link set dev late0 xdp off");
	assert_int_equal(path->ports_changed(), 0);
	assert_int_equal(state_of(1), FAST_PATH_PORT_UP);
	stop(true);
	late_remove();
	assert_nothing_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_free_file), TEST(test_late),       TEST(test_late_without_files),
		TEST(test_restarts),     TEST(test_none_there), TEST(test_refused),
	};

	return world_run("xdp ports", tests, sizeof(tests) / sizeof(tests[0]));
}
