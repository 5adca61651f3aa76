/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XDP program in the kernel, by BPF_PROG_TEST_RUN, on no interface. Works in a network
 * namespace of its own, in which port 0 is the loopback (a test run's frames come in by it) and
 * the others are taps, which end with the process. What is counted in the maps tells the verdict.
 * Environment: PARITY_LINEAR, path_xdp_linear_bytes.
 */
#include "path.h"

#include "../../ebpf/counters.h"
#include "../../ebpf/program.h"
#include "oracle.h"
#include "sluice/fragment.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <net/if.h>

enum {
	TEST_RUN_MIN = 14, /* the kernel takes no frame shorter than Ethernet's header */
	CHUNK_BYTES = 1 << 20,
};

uint32_t path_xdp_linear_bytes = UINT32_MAX;

static struct program program;
static int taps[FIXTURE_PORTS] = {-1, -1, -1};
static uint32_t rows_n;
static bool keeps_fragments;
static struct service_counters before[FIXTURE_ROWS_MAX], after[FIXTURE_ROWS_MAX];

_Static_assert(FIXTURE_ARENA_BYTES % CHUNK_BYTES == 0, "whole values of the map");

/* Returns the interface's index, 0 if it could not be made. */
static uint32_t tap_make(uint32_t port)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return 0;
	taps[port] = fd;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "parity%u", port);
	if (ioctl(fd, TUNSETIFF, &request) != 0)
		return 0;
	return if_nametoindex(request.ifr_name);
}

/* Counters are summed over all CPUs; on one they are read in the order in which they were made. */
static int stay_on_one_cpu(void)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	CPU_ZERO(&one);
	CPU_SET((size_t)(cpu < 0 ? 0 : cpu), &one);
	return sched_setaffinity(0, sizeof(one), &one);
}

static int xdp_open(const struct fixture *fixture, char why[PARITY_ERROR_MAX])
{
	struct program_config config = {
		.arena_bytes = FIXTURE_ARENA_BYTES,
		.services_max = FIXTURE_ROWS_MAX,
		.backends_max = fixture_backend_rows(fixture),
		.ports.ifindex = {1},
		.macs = true,
	};
	const char *linear = getenv("PARITY_LINEAR");
	struct fastpath_mac macs[MACS_MAX];
	int rc;

	if (linear)
		path_xdp_linear_bytes = (uint32_t)strtoul(linear, NULL, 10);
	_Static_assert((int)PARITY_ERROR_MAX >= (int)FAST_PATH_ERROR_MAX,
		       "program_open() writes into `why`");
	if (geteuid() != 0) {
		snprintf(why, PARITY_ERROR_MAX, "needs root");
		return -ENOTSUP;
	}
	if (unshare(CLONE_NEWNET) != 0 || stay_on_one_cpu() != 0) {
		rc = -errno;
		snprintf(why, PARITY_ERROR_MAX, "a namespace of its own: %s", strerror(-rc));
		return rc == -EPERM ? -ENOTSUP : rc;
	}
	for (uint32_t port = 1; port < FIXTURE_PORTS; port++) {
		config.ports.ifindex[port] = tap_make(port);
		if (config.ports.ifindex[port] == 0) {
			snprintf(why, PARITY_ERROR_MAX, "tap: %s", strerror(errno));
			return -ENOTSUP;
		}
	}
	libbpf_set_print(NULL);
	rc = program_open(&program, &config, why);
	if (rc == 0)
		rc = program_load(&program, why);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < fixture_macs_of_port.n; i++)
		macs[i] =
			(struct fastpath_mac){.word = fixture_macs_of_port.words[i], .ifindex = 1};
	program_macs_set(&program, macs, fixture_macs_of_port.n);
	rows_n = fixture_service_rows(fixture);
	keeps_fragments = fixture->keeps_fragments;
	fixture_lay(fixture, program.arena, FIXTURE_ARENA_BYTES);
	memset(before, 0, sizeof(before));
	return 0;
}

static void xdp_close(void)
{
	if (program.skeleton)
		program_close(&program);
	for (uint32_t port = 0; port < FIXTURE_PORTS; port++) {
		if (taps[port] >= 0)
			close(taps[port]);
		taps[port] = -1;
	}
}

/* The one number that has grown, by one; VERDICT_COUNT if there is no such. */
static void verdict_find(struct parity_result *result)
{
	uint32_t found = 0;

	result->verdict = VERDICT_COUNT;
	result->row = 0;
	if (counters_read_services(&program, 0, rows_n, after) != 0)
		return;
	for (uint32_t row = 0; row < rows_n; row++) {
		if (memcmp(&before[row], &after[row], sizeof(before[row])) == 0)
			continue;
		for (uint32_t verdict = 0; verdict < VERDICT_COUNT; verdict++) {
			uint64_t grown = after[row].packets[verdict] - before[row].packets[verdict];

			found += grown < 2 ? (uint32_t)grown : 2;
			if (grown != 1)
				continue;
			result->verdict = (enum verdict)verdict;
			result->row = row;
		}
		before[row] = after[row];
	}
	if (found != 1)
		result->verdict = VERDICT_COUNT;
}

/* The map of fragments: all goes. */
static void fragments_clear(void)
{
	int fd = program_map_fd(&program, PROGRAM_FRAGMENTS);
	uint64_t key;

	while (bpf_map_get_next_key(fd, NULL, &key) == 0)
		bpf_map_delete_elem(fd, &key);
}

/* The kernel's clock can't be moved: what is known gets older instead. */
static void xdp_wait(uint32_t seconds)
{
	static uint64_t keys[FRAGMENT_ENTRIES];
	int fd = program_map_fd(&program, PROGRAM_FRAGMENTS);
	const uint64_t *last = NULL;
	struct fragment fragment;
	uint32_t n = 0;

	while (n < FRAGMENT_ENTRIES && bpf_map_get_next_key(fd, last, &keys[n]) == 0)
		last = &keys[n++];
	for (uint32_t i = 0; i < n; i++) {
		if (bpf_map_lookup_elem(fd, &keys[i], &fragment) != 0)
			continue;
		fragment.seen_proto = memory_stamp_move(fragment.seen_proto, -(int32_t)seconds);
		bpf_map_update_elem(fd, &keys[i], &fragment, BPF_EXIST);
	}
}

static void xdp_run_one(const struct frame *frame, struct parity_result *result)
{
	static uint8_t bytes[FRAME_MAX + PARITY_GROWTH_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->n,
		    .data_out = bytes, .data_size_out = sizeof(bytes), .repeat = 1);
	struct xdp_md ctx = {.data_end = path_xdp_linear_bytes};

	if (path_xdp_linear_bytes < frame->n) {
		opts.ctx_in = &ctx;
		opts.ctx_size_in = sizeof(ctx);
	}
	result->n = 0;
	result->port = 0;
	if (bpf_prog_test_run_opts(program.fd, &opts) != 0) {
		fprintf(stderr, "xdp: test run of %u bytes: %s\n", frame->n, strerror(errno));
		result->verdict = VERDICT_COUNT;
		return;
	}
	verdict_find(result);
	if (!keeps_fragments) {
		struct view view;

		(void)view_read(frame, &view);
		if (view.fragment)
			fragments_clear();
	}
	result->fate = opts.retval == XDP_PASS                                ? PARITY_KERNEL
		       : opts.retval == XDP_TX || opts.retval == XDP_REDIRECT ? PARITY_SENT
									      : PARITY_DROPPED;
	if (opts.retval == XDP_REDIRECT)
		result->port = PARITY_PORT_OTHER;
	if (result->fate == PARITY_DROPPED)
		return;
	result->n = opts.data_size_out;
	memcpy(result->bytes, bytes, result->n);
}

static void xdp_run(const struct frame *frames, uint32_t n, struct parity_result *results)
{
	for (uint32_t i = 0; i < n; i++)
		xdp_run_one(&frames[i], &results[i]);
}

const struct parity_path path_xdp = {
	.name = "xdp",
	.shortest_bytes = TEST_RUN_MIN,
	.open = xdp_open,
	.run = xdp_run,
	.wait = xdp_wait,
	.close = xdp_close,
};
