/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where sluice-xdp.so attaches its program (xdp_lab.h): it respects other programs, takes the mode
 * that it is told or can have, follows an interface that changes, and says what is wrong. Skipped
 * without root.
 */
#include "xdp_module_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

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
	assert_non_null(
		strstr(error, "does not support XDP in native mode")); /* the kernel's words */
	assert_null(strstr(error, "ip link set")); /* which are not about the MTU */
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
				"ip link set l1 up && ip link set p1 up"),
			 0);
	start_well(true);
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
	assert_int_equal(info.state, FAST_PATH_PORT_UP);
	assert_int_not_equal(info.mac[0] | info.mac[3] | info.mac[5], 0);
	assert_true(info.rx_packets >= before.rx_packets + 10);
	assert_int_equal(path->port_read(2, &info), -ENOENT);
	assert_int_equal(system("ip link set l1 down"), 0);
	assert_int_equal(path->port_read(1, &info), 0);
	assert_int_equal(info.state, FAST_PATH_PORT_DOWN);
	assert_int_equal(system("ip link set l1 up"), 0);
	stop(true);
	assert_nothing_left();
}

static void test_errors(void **state)
{
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
				"rmdir -p /tmp/sluice-test-xdp-pins/deep 2>/dev/null; true"),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_other_program),
		TEST(test_other_link),
		TEST(test_generic),
		TEST(test_no_native),
		TEST(test_mtu_raised),
		TEST(test_ports_read),
		TEST(test_errors),
		TEST(test_held_by_another),
		TEST(test_mounts_bpffs),
		/* Last: p1 is another one afterwards. */
		TEST(test_interface_made_anew),
	};

	return world_run("xdp attach", tests, sizeof(tests) / sizeof(tests[0]));
}
