/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `make bench-xdp`: what a packet costs in ebpf/fastpath.bpf.c, without the kernel's way to it.
 *
 *	bench_xdp [-b BACKENDS] [-r ROUNDS] [PART-OF-A-NAME]
 *
 * tells of each case (result.h), named xdp.TRAFFIC.ENCAP.FLOWS. A round runs PACKETS frames through
 * the driver (driver.bpf.c) into the fast path, and as many through the driver into nothing; the
 * difference of the two is the round's figure, in whole nanoseconds as the kernel gives them. The
 * tables: bench_tables.h, with BACKENDS for each service. Method and figures: docs/performance.md.
 * Exits 77 without root.
 */
#include "../parity/frames.h"
#include "bench_tables.h"
#include "driver.h"
#include "result.h"

#include "counters.h"
#include "program.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "driver.skel.h"

enum {
	BACKENDS = 20,
	ROUNDS = 101,
	ROUNDS_MAX = 1001,
	PACKETS = 20000, /* a round's: shorter than a time slice */
	TRIES = 4,       /* of a round, until nobody else has the CPU in it */
	ARENA_BYTES = 64 << 20,
	IPV4_CLIENT_AT = 14 + 12,
	IPV6_CLIENT_AT = 14 + 8 + 12,
	IPV4_PORTS_AT = 14 + 20,
	IPV6_PORTS_AT = 14 + 40,
};

#define FROM4 "10.0.0.0"
#define FROM6 "2001:db8:c::"

struct bench_frame {
	const char *name;
	enum verdict verdict;
	bool quoted; /* the flow is that of a packet which an ICMP error quotes */
	struct frame_spec spec;
};

/*
 * Long enough to need no Ethernet padding: the fast path cuts padding off, and the driver could then no
 * longer tell by a frame's length how far its head has moved. As long as a segment with timestamps.
 */
#define TO4 .src = FROM4, .dst = BENCH_VIP4, .dport = BENCH_PORT, .payload_bytes = 12
#define TO6 .src = FROM6, .dst = BENCH_VIP6, .dport = BENCH_PORT, .payload_bytes = 12

static const struct frame_spec quoted4 = {
	.src = BENCH_VIP4,
	.dst = FROM4,
	.proto = IP_TCP,
	.sport = BENCH_PORT,
};
static const struct frame_spec quoted6 = {
	.src = BENCH_VIP6,
	.dst = FROM6,
	.proto = IP_TCP,
	.sport = BENCH_PORT,
};

static const struct bench_frame frames[] = {
	{"tcp4", VERDICT_forward, false, {TO4, .proto = IP_TCP}},
	{"tcp6", VERDICT_forward, false, {TO6, .proto = IP_TCP}},
	{"udp4", VERDICT_forward, false, {TO4, .proto = IP_UDP}},
	{"udp6", VERDICT_forward, false, {TO6, .proto = IP_UDP}},
	{"syn4", VERDICT_forward, false, {TO4, .proto = IP_TCP, .flags = 0x02}},
	{"icmp4",
	 VERDICT_icmp_forward,
	 true,
	 {TO4, .proto = IP_ICMP, .type = 3, .code = 4, .quote = &quoted4, .quote_bytes = 28}},
	{"icmp6",
	 VERDICT_icmp_forward,
	 true,
	 {TO6, .proto = IP_ICMP6, .type = 2, .quote = &quoted6, .quote_bytes = 60}},
	{"pass",
	 VERDICT_no_service,
	 false,
	 {.src = FROM4,
	  .dst = "192.0.2.1",
	  .dport = BENCH_PORT,
	  .proto = IP_TCP,
	  .payload_bytes = 12}},
};

static const struct {
	const char *name;
	uint32_t n;
} flow_counts[] = {{"1", 1}, {"1k", 1 << 10}, {"64k", 1 << 16}, {"1m", 1 << 20}};

static void give_up(const char *what, int err)
{
	fprintf(stderr, "bench_xdp: %s: %s\n", what, strerror(err));
	exit(1);
}

/* One CPU, so that the driver's counter has one writer, and caches stay. */
static void stay_here(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) != 0)
		give_up("sched_setaffinity", errno);
}

/* Where the flow stands in a frame. */
static struct driver_options options_for(const struct bench_frame *f, const struct frame *frame,
					 uint32_t flows)
{
	bool v6 = frame->bytes[12] == 0x86;
	uint32_t client_at = v6 ? IPV6_CLIENT_AT : IPV4_CLIENT_AT;
	uint32_t ports_at = v6 ? IPV6_PORTS_AT : IPV4_PORTS_AT;
	struct driver_options o = {
		.frame_bytes = frame->n,
		.flows_mask = flows - 1,
		.client_shift = f->quoted ? 16 : 0,
		.service_shift = f->quoted ? 8 : 24,
	};

	if (f->quoted) { /* behind the ICMP header, the other way round */
		client_at = ports_at + (v6 ? 8 + 8 + 16 + 12 : 8 + 16);
		ports_at += v6 ? 8 + 40 : 8 + 20;
	}
	o.client_at = client_at;
	o.ports_at = ports_at;
	memcpy(o.start, frame->bytes, sizeof(o.start));
	memcpy(&o.client, frame->bytes + client_at, sizeof(o.client));
	memcpy(&o.ports, frame->bytes + ports_at, sizeof(o.ports));
	o.ports &= f->quoted ? 0xffff : 0xffff0000;
	return o;
}

static struct driver_bpf *driver_load(const struct driver_options *options, int next_fd, bool frags)
{
	struct driver_bpf *driver = driver_bpf__open();
	uint32_t key = 0, flags = frags ? 1U << 5 /* BPF_F_XDP_HAS_FRAGS */ : 0;
	int fd;

	if (!driver)
		give_up("driver", errno);
	memcpy((void *)&driver->rodata->driver_options, options, sizeof(*options));
	/* Programs that tail-call each other must be alike in this. */
	bpf_program__set_flags(driver->progs.driver, flags);
	bpf_program__set_flags(driver->progs.driver_empty, flags);
	if (driver_bpf__load(driver) != 0)
		give_up("driver", errno);
	fd = next_fd >= 0 ? next_fd : bpf_program__fd(driver->progs.driver_empty);
	if (bpf_map_update_elem(bpf_map__fd(driver->maps.driver_next), &key, &fd, BPF_ANY) != 0)
		give_up("driver", errno);
	return driver;
}

/* Nanoseconds a packet, over `packets` of them. */
static uint32_t run(const struct driver_bpf *driver, const struct frame *frame, uint32_t packets)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->n,
		    .repeat = (int)packets);

	if (bpf_prog_test_run_opts(bpf_program__fd(driver->progs.driver), &opts) != 0)
		give_up("test run", errno);
	if (opts.retval != XDP_TX && opts.retval != XDP_PASS)
		give_up("test run: a packet was dropped", EIO);
	return opts.duration;
}

static uint64_t counted(const struct program *program, enum verdict verdict)
{
	struct service_counters rows[BENCH_SERVICE_ROWS];
	uint64_t n = 0;

	if (counters_read_services(program, 0, BENCH_SERVICE_ROWS, rows) != 0)
		give_up("counters", EIO);
	for (int i = 0; i < BENCH_SERVICE_ROWS; i++)
		n += rows[i].packets[verdict];
	return n;
}

/* How often another took our CPU from us. */
static long preempted(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nivcsw;
}

/* One round's figure. One in which another ran, and left its own in the caches, doesn't count. */
static double round_net(const struct driver_bpf *path, const struct driver_bpf *nothing,
			const struct frame *frame, uint64_t *packets)
{
	double net = 0;

	for (int i = 0; i < TRIES; i++) {
		long before = preempted();
		int own = (int)run(nothing, frame, PACKETS);

		net = (int)run(path, frame, PACKETS) - own;
		*packets += PACKETS;
		if (preempted() == before)
			break;
	}
	return net;
}

static void measure(const struct program *program, const struct bench_frame *f, const char *name,
		    uint32_t flows, int rounds)
{
	uint32_t warm = flows > PACKETS ? flows : PACKETS;
	struct driver_bpf *path, *nothing;
	struct driver_options options;
	uint64_t before, packets = 0;
	struct frame frame;
	double net[ROUNDS_MAX];

	frame_build(&f->spec, &frame);
	options = options_for(f, &frame, flows);
	path = driver_load(&options, program->fd, program->options.frags);
	nothing = driver_load(&options, -1, program->options.frags);
	run(path, &frame, warm);
	before = counted(program, f->verdict);
	for (int i = 0; i < rounds; i++)
		net[i] = round_net(path, nothing, &frame, &packets);
	if (counted(program, f->verdict) != before + packets)
		give_up(name, EBADMSG); /* not what it is called */
	result_tell(name, "ns_per_packet", net, (uint32_t)rounds, NULL);
	driver_bpf__destroy(path);
	driver_bpf__destroy(nothing);
}

static void measure_all(const struct program *program, const struct bench_tables *tables,
			const char *part, int rounds)
{
	static const char *const encaps[] = {"ipip", "gue"};

	for (size_t f = 0; f < sizeof(frames) / sizeof(frames[0]); f++)
		for (size_t e = 0; e < 2; e++)
			for (size_t n = 0; n < sizeof(flow_counts) / sizeof(flow_counts[0]); n++) {
				char name[64];

				snprintf(name, sizeof(name), "xdp.%s.%s.%s", frames[f].name,
					 encaps[e], flow_counts[n].name);
				if (part && !strstr(name, part))
					continue;
				bench_tables_publish(tables, e);
				measure(program, &frames[f], name, flow_counts[n].n, rounds);
			}
}

static int usage(void)
{
	fprintf(stderr, "usage: bench_xdp [-b BACKENDS] [-r ROUNDS] [PART-OF-A-NAME]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct program_config config = {
		.arena_bytes = ARENA_BYTES,
		.services_max = BENCH_SERVICE_ROWS,
		.macs = true,
		.ports.ifindex = {1}, /* a test run's frames come in by the loopback */
		.no_frags = true,     /* as the module does it for an MTU of 1500 */
	};
	int backends = BACKENDS, rounds = ROUNDS, option;
	char error[FAST_PATH_ERROR_MAX];
	/* FRAME_MAC_OWN */
	const struct fastpath_mac mac = {.word = 0x0b0000000002ULL << 16, .ifindex = 1};
	struct bench_tables *tables;
	struct program program;

	while ((option = getopt(argc, argv, "b:r:")) != -1) {
		if (option == 'b')
			backends = atoi(optarg);
		else if (option == 'r')
			rounds = atoi(optarg);
		else
			return usage();
	}
	if (rounds < 1 || rounds > ROUNDS_MAX || backends < 1 || backends > BENCH_BACKENDS_MAX ||
	    argc > optind + 1)
		return usage();
	config.backends_max = bench_tables_backend_rows((uint32_t)backends);
	if (geteuid() != 0) {
		fprintf(stderr, "bench_xdp: skip: loading BPF programs needs root\n");
		return 77;
	}
	stay_here();
	if (program_open(&program, &config, error) != 0 || program_load(&program, error) != 0 ||
	    program_macs_set(&program, &mac, 1) != 0) {
		fprintf(stderr, "bench_xdp: %s\n", error);
		return 1;
	}
	tables = bench_tables_new(program.arena, ARENA_BYTES, (uint32_t)backends);
	measure_all(&program, tables, argv[optind], rounds);
	bench_tables_free(tables);
	program_close(&program);
	return 0;
}
