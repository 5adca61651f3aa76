/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What drivers drop after the verdict is counted, by its cause, at the port that it should have left by:
 * on the wires of xdp_lab.h, of which the second is made to fail. Skipped without root.
 */
#include "xdp_module_world.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

static void shell(const char *command)
{
	assert_int_equal(system(command), 0);
}

static uint64_t dropped(uint32_t port, enum fast_path_drop reason)
{
	struct fast_path_port_info info;

	assert_int_equal(path->port_read(port, &info), 0);
	return info.dropped[reason];
}

/* Sends five packets that can't leave by port 1, and sees them counted there for that reason alone. */
static void assert_counts(enum fast_path_drop reason)
{
	struct fast_path_port_info before[2], now[2];
	int tries = 0;

	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(path->port_read(i, &before[i]), 0);
	for (int i = 0; i < 5; i++)
		lab_send(&lab, 1);
	while (dropped(1, reason) < before[1].dropped[reason] + 5 && tries++ < 1000)
		usleep(10000);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(path->port_read(i, &now[i]), 0);
	assert_int_equal(now[1].dropped[reason], before[1].dropped[reason] + 5);
	now[1].dropped[reason] -= 5;
	for (uint32_t i = 0; i < 2; i++)
		assert_memory_equal(now[i].dropped, before[i].dropped, sizeof(now[i].dropped));
}

static void test_native(void **state)
{
	start_well(false);
	publish();
	assert_true(lab_exchange(&lab, 1, 1));
	assert_int_equal(dropped(1, FAST_PATH_DROP_NO_XDP), 0);
	shell("ethtool -K p1 gro off");
	assert_counts(FAST_PATH_DROP_NO_XDP);
	/* It outlives the daemon, and goes on while there is none. */
	stop(false);
	lab_send(&lab, 1);
	usleep(200000);
	start_well(true);
	publish();
	assert_int_equal(dropped(1, FAST_PATH_DROP_NO_XDP), 6);
	assert_counts(FAST_PATH_DROP_NO_XDP);
	assert_int_equal(dropped(1, FAST_PATH_DROP_NO_XDP), 11);
	shell("ethtool -K p1 gro on && ip link set l1 mtu 80");
	assert_counts(FAST_PATH_DROP_TOO_LONG);
	shell("ip link set l1 mtu 1500 && ip link set l1 down");
	assert_counts(FAST_PATH_DROP_DOWN);
	shell("ip link set l1 up");
	assert_true(lab_exchange(&lab, 1, 1));
	stop(true);
	assert_nothing_left();
}

/* Generic mode needs neither XDP nor NAPI at the peer; the MTU and the link count. */
static void test_generic(void **state)
{
	config.attach = FAST_PATH_ATTACH_GENERIC;
	start_well(false);
	publish();
	assert_true(lab_exchange(&lab, 1, 1));
	shell("ip link set l1 mtu 80");
	assert_counts(FAST_PATH_DROP_TOO_LONG);
	shell("ip link set l1 mtu 1500 && ip link set l1 down");
	assert_counts(FAST_PATH_DROP_DOWN);
	shell("ip link set l1 up");
}

/* Redirects all that comes by q0 to q1, which takes nothing: r1 has neither XDP nor GRO. */
static void other_namespace(unsigned int q0, unsigned int q1)
{
	const struct bpf_insn redirect[] = {
		{.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = (int)q1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const uint8_t frame[64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	char command[256];
	int fd, wire;

	if (unshare(CLONE_NEWNET) != 0)
		_exit(1);
	snprintf(command, sizeof(command),
		 "ip link add q0 index %u type veth peer name r0 && ip link add q1 index %u "
		 "type veth peer name r1 && for i in q0 q1 r0 r1; do ip link set $i up; done",
		 q0, q1);
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "redirect", "GPL", redirect, 4, NULL);
	if (system(command) != 0 || fd < 0 ||
	    bpf_xdp_attach((int)q0, fd, XDP_FLAGS_DRV_MODE, NULL) != 0)
		_exit(1);
	wire = lab_wire("r0");
	for (int i = 0; i < 5; i++)
		if (send(wire, frame, sizeof(frame), 0) != sizeof(frame))
			_exit(1);
	usleep(200000);
	_exit(0);
}

/* Another network namespace has interfaces of the same indices, and they lose as much. */
static void test_not_others(void **state)
{
	unsigned int l0 = if_nametoindex("l0"), l1 = if_nametoindex("l1");
	int status;
	pid_t pid;

	start_well(false);
	publish();
	assert_true(lab_exchange(&lab, 1, 1));
	pid = fork();
	if (pid == 0)
		other_namespace(l0, l1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < FAST_PATH_DROP_N; i++)
		assert_int_equal(dropped(1, (enum fast_path_drop)i), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_native),
		TEST(test_generic),
		TEST(test_not_others),
	};

	return world_run("xdp drops", tests, sizeof(tests) / sizeof(tests[0]));
}
