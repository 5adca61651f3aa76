/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebpf/fastpath.bpf.c in the kernel (BPF_PROG_TEST_RUN), on no interface: every frame of the
 * parity table comes out as include/sluice says in plain C, and counts as one packet of that
 * verdict. Further, what that table can't hold: jumbo frames, tables at the arena's far end, no
 * generation, counters. Skipped without root.
 */
#include "../parity/fixture.h"
#include "../parity/rows.h"

#include "counters.h"
#include "flow_maps.h"
#include "program.h"
#include "sluice/steer.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <net/if.h>

enum {
	ARENA_BYTES = 64 << 20,
	SERVICES = FIXTURE_ROWS_MAX,
	BACKENDS = FIXTURE_ROWS_MAX * FIXTURE_BACKENDS_MAX,
	HEADROOM = 256,
	JUMBO_BYTES = 9014,
	BUFFER_BYTES = 16384,
	TEST_MIN = 14, /* BPF_PROG_TEST_RUN takes no shorter frame */
};

/* What became of a frame. */
struct outcome {
	int action; /* XDP's */
	uint32_t n;
	uint8_t room[HEADROOM + BUFFER_BYTES];
	uint8_t *bytes;
};

static struct program loaded;
static struct service_counters counted; /* all services, as last read */

static uint32_t ifindex_of(const char *name)
{
	uint32_t ifindex = if_nametoindex(name);

	assert_int_not_equal(ifindex, 0);
	return ifindex;
}

static void load(struct program *p, bool old_kernel)
{
	struct program_config config = {
		.arena_bytes = ARENA_BYTES,
		.services_max = SERVICES,
		.backends_max = BACKENDS,
		/* A test run's frames come in by the loopback. */
		.chunks = old_kernel,
		.no_frags = old_kernel,
		.ports.ifindex = {ifindex_of("lo"), ifindex_of("x1"), ifindex_of("x2")},
	};
	char error[FAST_PATH_ERROR_MAX] = "";

	if (program_open(p, &config, error) != 0)
		fail_msg("%s", error);
	if (program_load(p, error) != 0)
		fail_msg("%s", error);
	counted = (struct service_counters){0};
}

static void run(const uint8_t *frame, uint32_t n, struct outcome *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = n,
		    .data_out = out->room, .data_size_out = sizeof(out->room), .repeat = 1);

	if (bpf_prog_test_run_opts(loaded.fd, &opts) != 0)
		fail_msg("test run of %u bytes: %s", n, strerror(errno));
	out->action = (int)opts.retval;
	out->n = opts.data_size_out;
	out->bytes = out->room;
}

/* The one verdict that has grown, by one. */
static enum verdict verdict_read(void)
{
	struct service_counters rows[SERVICES], now = {0};
	enum verdict found = VERDICT_COUNT;

	assert_int_equal(counters_read_services(&loaded, 0, SERVICES, rows), 0);
	for (uint32_t row = 0; row < SERVICES; row++)
		for (uint32_t v = 0; v < VERDICT_COUNT; v++)
			now.packets[v] += rows[row].packets[v];
	for (uint32_t v = 0; v < VERDICT_COUNT; v++) {
		if (now.packets[v] == counted.packets[v])
			continue;
		assert_int_equal(now.packets[v], counted.packets[v] + 1);
		assert_int_equal(found, VERDICT_COUNT);
		found = v;
	}
	counted = now;
	return found;
}

static struct cursor cursor_over(uint8_t *bytes, uint32_t n)
{
	return (struct cursor){.pos = bytes, .end = bytes + n, .frame_bytes = n};
}

/* The same in C: what the DPDK path does, one packet at a time. */
static enum verdict reference(const uint8_t *frame, uint32_t n, struct outcome *out)
{
	const struct arena_head *head = (const struct arena_head *)loaded.arena;
	const struct generation *g =
		arena_at(loaded.arena, head->current, sizeof(struct generation));
	struct cursor c;
	struct steering st = {0};
	struct reject reject;
	struct packet p;
	enum verdict verdict;

	out->bytes = out->room + HEADROOM;
	out->n = n;
	memcpy(out->bytes, frame, n);
	c = cursor_over(out->bytes, n);
	verdict = steer_start(loaded.arena, g, &c, true, &p, &st);
	if (verdict == VERDICT_forward) { /* no slot of the fixture is changed */
		assert_false(steer_looks_further(&st));
		verdict = steer_finish(loaded.arena, &p, st.value, &st);
	}
	if (st.service && steer_clamps(st.service, &p))
		mss_clamp(cursor_over(out->bytes, n), p.l4_offset,
			  service_mss(loaded.arena, st.service));
	switch (verdict_action(verdict)) {
	case ACTION_FORWARD:
		out->bytes -= encap_growth_bytes(st.backend, &p);
		out->n += encap_growth_bytes(st.backend, &p);
		c = cursor_over(out->bytes, out->n);
		assert_true(encap_write(&c, g, st.backend, &p, st.hash));
		out->n = encap_frame_bytes(st.backend, &p);
		out->action = st.backend->port == 0 ? XDP_TX : XDP_REDIRECT;
		break;
	case ACTION_ECHO:
		out->action = XDP_TX;
		if (!answer_echo(cursor_over(out->bytes, n), &p)) {
			verdict = VERDICT_bad_icmp;
			out->action = XDP_DROP;
		}
		if (out->n > answer_echo_bytes(&p))
			out->n = answer_echo_bytes(&p);
		break;
	case ACTION_TOO_BIG:
		out->bytes -= answer_too_big_growth(&p);
		out->n = answer_too_big_bytes(&p);
		assert_true(answer_too_big(cursor_over(out->bytes, out->n), &p,
					   steer_inner_mtu_bytes(st.backend, &p)));
		out->action = XDP_TX;
		break;
	case ACTION_REJECT:
		assert_true(reject_read(cursor_over(out->bytes, n), &p, &reject));
		out->bytes -= reject_growth(&p);
		out->n = reject_bytes(&p);
		assert_true(reject_write(cursor_over(out->bytes, out->n), &p, &reject));
		out->action = XDP_TX;
		break;
	case ACTION_PASS:
		out->action = XDP_PASS;
		break;
	case ACTION_DROP:
		out->action = XDP_DROP;
		break;
	}
	return verdict;
}

static void hex_print(const char *what, const uint8_t *bytes, uint32_t n)
{
	fprintf(stderr, "%s (%u):", what, n);
	for (uint32_t i = 0; i < n; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n  ", bytes[i]);
	fprintf(stderr, "\n");
}

/* Each row stands alone: what the first fragments of others told is gone. */
static void fragments_forget(void)
{
	int fd = program_map_fd(&loaded, PROGRAM_FRAGMENTS);
	uint64_t key;

	while (bpf_map_get_next_key(fd, NULL, &key) == 0)
		assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
}

/* Runs a frame both ways. */
static enum verdict compare(const char *name, const uint8_t *frame, uint32_t n)
{
	static struct outcome kernel, plain;
	enum verdict expected = reference(frame, n, &plain), got;

	fragments_forget();
	run(frame, n, &kernel);
	got = verdict_read();
	if (got != expected || kernel.action != plain.action)
		fail_msg("row %s: verdict %u, action %d, not %u, %d", name, got, kernel.action,
			 expected, plain.action);
	if (kernel.n == plain.n && memcmp(kernel.bytes, plain.bytes, plain.n) == 0)
		return got;
	hex_print("kernel", kernel.bytes, kernel.n);
	hex_print("C", plain.bytes, plain.n);
	fail_msg("row %s: other bytes", name);
	return got;
}

static void rows_compare(void)
{
	struct row_list list = {0};

	rows_make(&list);
	assert_true(list.n >= 200);
	for (size_t i = 0; i < list.n; i++) {
		struct frame frame;

		frame_build(&list.rows[i].spec, &frame);
		if (frame.n >= TEST_MIN)
			compare(list.rows[i].name, frame.bytes, frame.n);
	}
	rows_free(&list);
}

/* In a steady state, and this is one, no packet looks for its flow. */
static void test_rows(void **state)
{
	struct flow_maps maps = {.program = &loaded};
	struct memory_counters memory;

	rows_compare();
	assert_int_equal(flow_maps_read(&maps, &memory), 0);
	assert_int_equal(memory.lookups, 0);
	assert_int_equal(memory.inserts, 0);
	assert_int_equal(memory.entries, 0);
	assert_int_equal(memory.capacity, 2 * PROGRAM_FLOWS_MIN);
}

/* A TCP frame of JUMBO_BYTES; test runs put what is beyond a page into further buffers. */
static uint32_t jumbo_build(const char *vip, uint8_t *bytes)
{
	struct frame_spec spec = {TCP(NULL, 80), .fragment = V4_DF, .payload_bytes = 2000};
	struct frame frame;

	spec.dst = vip;
	frame_build(&spec, &frame);
	memcpy(bytes, frame.bytes, frame.n);
	for (uint32_t i = frame.n; i < JUMBO_BYTES; i++)
		bytes[i] = (uint8_t)i;
	/* The IPv4 header's checksum isn't verified: that is the backend's. */
	if (bytes[12] == 0x08)
		frame_put16(bytes + 16, JUMBO_BYTES - 14);
	else
		frame_put16(bytes + 18, JUMBO_BYTES - 54);
	return JUMBO_BYTES;
}

static void test_jumbo_frames(void **state)
{
	static uint8_t frame[JUMBO_BYTES];
	uint32_t n;

	n = jumbo_build("203.0.113.19", frame); /* a way with an MTU of 1500 */
	assert_int_equal(compare("jumbo v4", frame, n), VERDICT_too_big);
	n = jumbo_build("2001:db8:f::16", frame);
	assert_int_equal(compare("jumbo v6", frame, n), VERDICT_too_big);
	/* A length between the first buffer's and the frame's is true; one beyond it is not. */
	frame_put16(frame + 18, JUMBO_BYTES - 54 + 1);
	assert_int_equal(compare("jumbo lies", frame, n), VERDICT_bad_ip_length);
}

/* One service whose every table lies in the arena's last chunk. */
static void test_far_end(void **state)
{
	struct arena_head *head = (struct arena_head *)loaded.arena;
	uint8_t *base = (uint8_t *)loaded.arena;
	const uint32_t top = ARENA_BYTES - 4096, was = head->current;
	struct generation *g = (struct generation *)(base + top);
	struct service *s;
	struct backend *b;
	struct frame_spec spec = {TCP("203.0.113.99", 80)};
	struct frame frame;
	uint8_t vip[16];
	uint32_t addr;
	uint64_t key;

	*g = *(struct generation *)(base + was);
	g->services_off = top + 1024;
	g->services_mask = 1;
	g->flags = 0;
	frame_address("203.0.113.99", vip);
	memcpy(&addr, vip, sizeof(addr));
	key = service_key(addr, be16_from(80), PROTO_TCP, false);
	s = (struct service *)(base + g->services_off) + (service_start(key) & 1);
	*s = (struct service){.key = key,
			      .id = SERVICES - 1,
			      .slots = 1,
			      .backends = 1,
			      .slots_off = ARENA_BYTES - 2,
			      .backends_off = ARENA_BYTES - 128};
	b = (struct backend *)(base + s->backends_off);
	*b = (struct backend){.flags = BACKEND_RESOLVED | BACKEND_LIVES,
			      .mtu_bytes = 1500,
			      .counter = BACKENDS - 1,
			      .outer_dst = {0x0100000a}};
	b->outer_sum = encap_outer_sum(b, g->gue_port);
	*(uint16_t *)(base + s->slots_off) = 0;
	__atomic_store_n(&head->current, top, __ATOMIC_RELEASE);
	frame_build(&spec, &frame);
	assert_int_equal(compare("far end", frame.bytes, frame.n), VERDICT_forward);
	__atomic_store_n(&head->current, was, __ATOMIC_RELEASE);
	assert_int_equal(compare("no vip", frame.bytes, frame.n), VERDICT_no_service);
}

static void test_no_generation(void **state)
{
	struct arena_head *head = (struct arena_head *)loaded.arena;
	const uint32_t was = head->current;
	struct frame_spec spec = {TCP(WEB4, 80)};
	struct outcome out;
	struct frame frame;

	frame_build(&spec, &frame);
	head->current = 0;
	run(frame.bytes, frame.n, &out);
	head->current = was;
	assert_int_equal(out.action, XDP_PASS);
	assert_int_equal(verdict_read(), VERDICT_COUNT);
	assert_int_equal(compare("published again", frame.bytes, frame.n), VERDICT_forward);
}

/* A broken table does no harm, and is counted as what it is. */
static void test_bad_tables(void **state)
{
	const struct arena_head *head = (struct arena_head *)loaded.arena;
	struct frame_spec spec = {TCP(WEB4, 80)};
	struct outcome out;
	struct frame frame;
	struct generation *g;
	struct service *s;

	frame_build(&spec, &frame);
	g = (struct generation *)((uint8_t *)loaded.arena + head->current);
	for (uint32_t i = 0; i <= g->services_mask; i++) {
		s = (struct service *)((uint8_t *)loaded.arena + g->services_off) + i;
		s->slots_off += ARENA_BYTES;
	}
	run(frame.bytes, frame.n, &out);
	for (uint32_t i = 0; i <= g->services_mask; i++) {
		s = (struct service *)((uint8_t *)loaded.arena + g->services_off) + i;
		s->slots_off -= ARENA_BYTES;
	}
	assert_int_equal(out.action, XDP_DROP);
	assert_int_equal(verdict_read(), VERDICT_bad_tables);
	assert_int_equal(compare("mended", frame.bytes, frame.n), VERDICT_forward);
}

static void test_counters(void **state)
{
	struct service_counters *all = calloc(SERVICES, sizeof(*all)), one, cpus[1024];
	struct backend_counters backend, before;
	struct frame_spec spec = {TCP(WEB4, 80), .payload_bytes = 100};
	const uint32_t row = 1, counter = 1; /* web4's, the first of fixture.c */
	struct outcome out;
	struct frame frame;
	uint64_t sum = 0;

	assert_non_null(all);
	frame_build(&spec, &frame);
	assert_int_equal(counters_read_services(&loaded, row, 1, &one), 0);
	assert_int_equal(counters_read_backends(&loaded, counter, 1, &before), 0);
	for (int i = 0; i < 10; i++) {
		run(frame.bytes, frame.n, &out);
		assert_int_equal(verdict_read(), VERDICT_forward);
	}
	assert_int_equal(counters_read_services(&loaded, 0, SERVICES, all), 0);
	assert_int_equal(all[row].packets[VERDICT_forward], one.packets[VERDICT_forward] + 10);
	assert_int_equal(counters_read_backends(&loaded, counter, 1, &backend), 0);
	assert_int_equal(backend.packets, before.packets + 10);
	assert_int_equal(backend.bytes, before.bytes + 10 * (frame.n - 14));
	/* Summed by service or by CPU, it is the same. */
	assert_in_range(loaded.cpus, 1, 1024);
	assert_int_equal(counters_read_cpus(&loaded, loaded.cpus, cpus), 0);
	for (uint32_t i = 0; i < SERVICES; i++)
		sum += all[i].packets[VERDICT_forward];
	for (uint32_t i = 0; i < loaded.cpus; i++)
		sum -= cpus[i].packets[VERDICT_forward];
	assert_int_equal(sum, 0);
	assert_int_equal(counters_read_services(&loaded, SERVICES - 1, 1, &one), 0);
	assert_int_equal(counters_read_services(&loaded, SERVICES - 1, 2, all), -ERANGE);
	assert_int_equal(counters_read_backends(&loaded, BACKENDS, 1, &backend), -ERANGE);
	free(all);
}

/* As on a 5.15: no frames of several buffers, and the arena in chunks. */
static void test_old_kernel(void **state)
{
	struct program with = loaded;
	struct fixture *fixture = fixture_new();

	load(&loaded, true);
	fixture_lay(fixture, loaded.arena, ARENA_BYTES);
	rows_compare();
	test_far_end(state);
	test_bad_tables(state);
	program_close(&loaded);
	fixture_free(fixture);
	loaded = with;
}

static int setup(void **state)
{
	struct fixture *fixture;

	if (system("ip link set lo up && ip link add x1 type veth peer name x2") != 0)
		return -1;
	load(&loaded, false);
	fixture = fixture_new();
	fixture_lay(fixture, loaded.arena, ARENA_BYTES);
	fixture_free(fixture);
	return 0;
}

/* Runs the frame until its verdict is `limited`: a bucket has one a second, and a slow machine takes as long. */
static void run_until(const struct frame *frame, enum verdict limited, struct outcome *out)
{
	enum verdict verdict = limited;

	for (int i = 0; i < 20; i++) {
		run(frame->bytes, frame->n, out);
		verdict = verdict_read();
		if (verdict == limited)
			break;
	}
	assert_int_equal(verdict, limited);
}

/* ICMP errors are limited by the sender: 64 of a second, so one for each bucket. */
static void test_errors_limited(void **state)
{
	const struct arena_head *head = (const struct arena_head *)loaded.arena;
	struct generation *g = (struct generation *)((uint8_t *)loaded.arena + head->current);
	const uint32_t rate_per_s = g->errors_per_s;
	struct frame_spec spec = {TCP(TIGHT4, 80), .fragment = V4_DF, .payload_bytes = 1000};
	struct outcome out;
	struct frame frame;

	g->errors_per_s = LIMIT_BUCKETS;
	spec.src = "192.0.2.201"; /* who has had none yet */
	frame_build(&spec, &frame);
	run(frame.bytes, frame.n, &out);
	assert_int_equal(verdict_read(), VERDICT_too_big);
	assert_int_equal(out.action, XDP_TX);
	run_until(&frame, VERDICT_error_limited, &out);
	assert_int_equal(out.action, XDP_DROP);
	g->errors_per_s = rate_per_s;
	assert_int_equal(compare("again", frame.bytes, frame.n), VERDICT_too_big);
}

/* Refusals, TCP resets too, have limits of their own. */
static void test_refusals_limited(void **state)
{
	const struct arena_head *head = (const struct arena_head *)loaded.arena;
	struct generation *g = (struct generation *)((uint8_t *)loaded.arena + head->current);
	const uint32_t rate_per_s = g->errors_per_s;
	struct frame_spec refused = {TCP(REFUSE4, 81), .src = "192.0.2.202"};
	struct frame_spec big = {TCP(TIGHT4, 80), .src = "192.0.2.202", .fragment = V4_DF,
				 .payload_bytes = 1000};
	struct outcome out;
	struct frame frame;

	g->errors_per_s = LIMIT_BUCKETS;
	frame_build(&refused, &frame);
	run(frame.bytes, frame.n, &out);
	assert_int_equal(verdict_read(), VERDICT_unserved_reject);
	run_until(&frame, VERDICT_reject_limited, &out);
	assert_int_equal(out.action, XDP_DROP);
	frame_build(&big, &frame);
	run(frame.bytes, frame.n, &out);
	assert_int_equal(verdict_read(), VERDICT_too_big);
	g->errors_per_s = rate_per_s;
}

static int teardown(void **state)
{
	program_close(&loaded);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),           cmocka_unit_test(test_jumbo_frames),
		cmocka_unit_test(test_far_end),        cmocka_unit_test(test_no_generation),
		cmocka_unit_test(test_bad_tables),     cmocka_unit_test(test_counters),
		cmocka_unit_test(test_errors_limited), cmocka_unit_test(test_refusals_limited),
		cmocka_unit_test(test_old_kernel),
	};

	/* Interfaces of our own: they go with the process. */
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		print_message("skip: loading BPF programs needs root\n");
		return 77;
	}
	return cmocka_run_group_tests_name("xdp", tests, setup, teardown);
}
