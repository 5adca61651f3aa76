/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lays the generation out in the program's arena and runs packets through it. Called by the
 * test_xdp_* of flow memory.
 */
#include "xdp_world.h"

#include "../parity/frames.h"
#include "sluice/encap.h"
#include "sluice/service.h"

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

#define VIP4 "203.0.113.1"
#define VIP6 "2001:db8:f::1"

/* Places in the arena. */
enum {
	ARENA_BYTES = ARENA_CHUNK_BYTES,
	GENERATION_AT = 4096,
	TABLE_AT = 8192,
	TABLE_MASK = 63,
	VIPS6_AT = 12288,
	SERVICES_AT = 16384,
	SERVICE_BYTES = 4096,
	PREVIOUS_AT = 1024, /* in a service's, after its slots */
	BACKENDS_AT = 2048,
	FIRST_PORT = 80,
	OUTER_DST = 14 + 16,
};

struct program world_program;
struct flow_maps world_maps;

static const struct {
	uint8_t proto;
	bool v6;
	uint16_t flags;
} kinds[WORLD_SERVICES] = {
	[WORLD_TCP] = {IP_TCP, false, 0},
	[WORLD_UDP] = {IP_UDP, false, 0},
	[WORLD_TCP6] = {IP_TCP, true, 0},
	[WORLD_SOURCE] = {IP_TCP, false, SERVICE_HASH_SOURCE},
	[WORLD_TURN] = {IP_TCP, false, SERVICE_ROUND_ROBIN},
	[WORLD_TURN_TOO] = {IP_TCP, false, SERVICE_ROUND_ROBIN},
	[WORLD_RANDOM] = {IP_TCP, false, SERVICE_RANDOM},
	[WORLD_LEAST] = {IP_TCP, false, SERVICE_LEAST_CONN},
};

bool world_enter(void)
{
	cpu_set_t one;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
		return false;
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	return sched_setaffinity(0, sizeof(one), &one) == 0 && system("ip link set lo up") == 0;
}

static void *arena_place(uint32_t offset)
{
	return (uint8_t *)world_program.arena + offset;
}

static uint32_t service_at(enum world_service service)
{
	return SERVICES_AT + (uint32_t)service * SERVICE_BYTES;
}

struct generation *world_generation(void)
{
	return arena_place(GENERATION_AT);
}

uint16_t *world_slots(enum world_service service)
{
	return arena_place(service_at(service));
}

uint16_t *world_previous(enum world_service service)
{
	return arena_place(service_at(service) + PREVIOUS_AT);
}

struct backend *world_backend(enum world_service service, uint32_t index)
{
	return (struct backend *)arena_place(service_at(service) + BACKENDS_AT) + index;
}

static uint64_t key_of(enum world_service service)
{
	be16 port = be16_from((uint16_t)(FIRST_PORT + service));
	uint8_t vip[16];
	uint64_t addr[2];
	uint32_t addr4;

	frame_address(kinds[service].v6 ? VIP6 : VIP4, vip);
	memcpy(addr, vip, sizeof(addr));
	memcpy(&addr4, vip, sizeof(addr4));
	return service_key(kinds[service].v6 ? service_fold(addr) : addr4, port,
			   kinds[service].proto, kinds[service].v6);
}

/* Its entry, or the empty one where it belongs. */
struct service *world_service(enum world_service service)
{
	struct service *table = arena_place(TABLE_AT);
	uint64_t key = key_of(service);
	uint32_t at = service_start(key);

	while (table[at & TABLE_MASK].key != 0 && table[at & TABLE_MASK].key != key)
		at++;
	return &table[at & TABLE_MASK];
}

static void service_lay(enum world_service service)
{
	*world_service(service) = (struct service){
		.key = key_of(service),
		.slots_off = service_at(service),
		.slots = WORLD_SLOTS,
		.backends_off = service_at(service) + BACKENDS_AT,
		.id = 1 + (uint32_t)service,
		.backends = WORLD_BACKENDS,
		.flags = kinds[service].flags,
	};
	if (kinds[service].v6)
		frame_address(VIP6, arena_place(VIPS6_AT + (1 + (uint32_t)service) * 16));
	for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
		world_slots(service)[i] = (uint16_t)(i % WORLD_BACKENDS);
		world_previous(service)[i] = SLOT_NONE;
	}
	for (uint32_t i = 0; i < WORLD_BACKENDS; i++) {
		struct backend *b = world_backend(service, i);
		const uint8_t dst[4] = {10, 9, (uint8_t)service, (uint8_t)i};

		*b = (struct backend){
			.flags = BACKEND_RESOLVED | BACKEND_LIVES,
			.mtu_bytes = 1500,
			.counter = 1 + (uint32_t)service * WORLD_BACKENDS + i,
		};
		memcpy(b->outer_dst, dst, sizeof(dst));
		b->outer_sum = encap_outer_sum(b, 0);
	}
}

void world_open(uint32_t flows_max)
{
	const struct program_config config = {
		.arena_bytes = ARENA_BYTES,
		.services_max = 1 + WORLD_SERVICES,
		.backends_max = 1 + WORLD_SERVICES * WORLD_BACKENDS,
		.flows_max = flows_max,
		.ports.ifindex = {1}, /* a test run's frames come in by the loopback */
	};
	char error[FAST_PATH_ERROR_MAX] = "";

	if (program_open(&world_program, &config, error) != 0 ||
	    program_load(&world_program, error) != 0)
		fail_msg("%s", error);
	world_maps = (struct flow_maps){.program = &world_program};
	*world_generation() = (struct generation){
		.number = 1,
		.key = {{0x0123456789abcdefULL, 0xfedcba9876543210ULL}},
		.services_off = TABLE_AT,
		.services_mask = TABLE_MASK,
		.vips6_off = VIPS6_AT,
		.outer_ttl = 64,
		.idle_s =
			{
				[MEMORY_SYN] = 150,
				[MEMORY_TCP_ONCE] = 250,
				[MEMORY_TCP] = 950,
				[MEMORY_CLOSING] = 150,
				[MEMORY_UDP_ONCE] = 250,
				[MEMORY_UDP] = 350,
			},
	};
	for (int service = 0; service < WORLD_SERVICES; service++)
		service_lay((enum world_service)service);
	((struct arena_head *)arena_place(0))->current = GENERATION_AT;
}

void world_close(void)
{
	program_close(&world_program);
}

void world_transition(enum world_service service, bool is_on)
{
	world_service(service)->previous_off = is_on ? service_at(service) + PREVIOUS_AT : 0;
	world_service(service)->flags &= (uint16_t) ~(SERVICE_WAY | SERVICE_WAY_SOURCE);
}

void world_way(enum world_service service, uint32_t slots_n, uint16_t flags)
{
	struct service *s = world_service(service);

	assert_in_range(slots_n, 1, WORLD_SLOTS_MAX);
	for (uint32_t i = s->slots; i < slots_n; i++)
		world_slots(service)[i] = SLOT_NONE;
	s->slots = slots_n;
	s->flags = (uint16_t)((s->flags & (SERVICE_WAY | SERVICE_WAY_SOURCE)) | flags);
}

static struct way *previous_way(enum world_service service)
{
	return arena_place(service_at(service) + PREVIOUS_AT);
}

uint16_t *world_previous_way(enum world_service service, uint32_t slots_n, bool by_source)
{
	assert_in_range(slots_n, 1, WORLD_SLOTS_MAX);
	world_transition(service, true);
	world_service(service)->flags |=
		(uint16_t)(SERVICE_WAY | (by_source ? SERVICE_WAY_SOURCE : 0));
	*previous_way(service) = (struct way){.slots = slots_n};
	return (uint16_t *)(previous_way(service) + 1);
}

void world_change_all(enum world_service service, uint16_t current, uint16_t previous)
{
	for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
		world_slots(service)[i] = current | SLOT_CHANGED;
		world_previous(service)[i] = previous;
	}
	world_transition(service, true);
}

struct world_flow world_flow(enum world_service service, uint32_t n)
{
	return (struct world_flow){service, (uint16_t)(n >> 14), (uint16_t)(1024 + (n & 0x3fff))};
}

static struct flow flow_of(const struct world_flow *flow, char client[40])
{
	bool v6 = kinds[flow->service].v6;
	uint8_t src[16], dst[16];
	struct flow f = {
		.last = flow_last(be16_from(flow->port),
				  be16_from((uint16_t)(FIRST_PORT + flow->service)),
				  kinds[flow->service].proto, v6 ? FLOW_BYTES_V6 : FLOW_BYTES_V4),
	};

	snprintf(client, 40, v6 ? "2001:db8:c::%x" : "192.0.%u.%u",
		 v6 ? flow->client : (uint32_t)flow->client >> 8, flow->client & 0xff);
	frame_address(client, src);
	frame_address(v6 ? VIP6 : VIP4, dst);
	if (v6) {
		memcpy(f.addrs, src, 16);
		memcpy(f.addrs + 2, dst, 16);
	} else {
		memcpy(f.addrs, src, 4);
		memcpy((uint8_t *)f.addrs + 4, dst, 4);
	}
	return f;
}

uint64_t world_hash(const struct world_flow *flow)
{
	char client[40];
	struct flow f = flow_of(flow, client);

	return flow_hash(&f, &world_generation()->key);
}

/* The slot of a flow in a table of so many. */
static uint32_t slot_in(const struct world_flow *flow, uint32_t slots_n, bool by_source)
{
	const struct flow_key *key = &world_generation()->key;
	char client[40];
	struct flow f = flow_of(flow, client);
	uint64_t hash = by_source ? flow_hash_source(&f, key) : flow_hash(&f, key);

	return (uint32_t)((hash >> 32) * slots_n >> 32);
}

uint32_t world_slot(const struct world_flow *flow)
{
	const struct service *s = world_service(flow->service);

	return slot_in(flow, s->slots, s->flags & SERVICE_HASH_SOURCE);
}

uint32_t world_previous_way_slot(const struct world_flow *flow)
{
	return slot_in(flow, previous_way(flow->service)->slots,
		       world_service(flow->service)->flags & SERVICE_WAY_SOURCE);
}

static void packet_build(const struct world_flow *flow, enum world_packet packet,
			 struct frame *frame)
{
	static const uint8_t flags[WORLD_PACKETS] = {
		[WORLD_SYN] = 0x02,
		[WORLD_ACK] = 0x10,
		[WORLD_FIN] = 0x11,
		[WORLD_RST] = 0x04,
	};
	bool v6 = kinds[flow->service].v6;
	char client[40];
	struct frame_spec spec = {
		.src = client,
		.dst = v6 ? VIP6 : VIP4,
		.proto = kinds[flow->service].proto,
		.sport = flow->port,
		.dport = (uint16_t)(FIRST_PORT + flow->service),
		.flags = flags[packet],
		.payload_bytes = 40,
	};
	struct frame_spec quoted = {
		.src = spec.dst,
		.dst = client,
		.proto = spec.proto,
		.sport = spec.dport,
		.dport = spec.sport,
		.payload_bytes = 8,
	};
	struct frame_spec icmp = {
		.src = client,
		.dst = spec.dst,
		.proto = v6 ? IP_ICMP6 : IP_ICMP,
		.type = v6 ? 2 : 3,
		.code = v6 ? 0 : 4,
		.quote = &quoted,
	};

	/* Long headers of version 1 (RFC 9000 §17.2), in a datagram that is long enough for either. */
	if (packet == WORLD_QUIC_INITIAL || packet == WORLD_QUIC_HANDSHAKE) {
		spec.payload_bytes = 1200;
		spec.payload = packet == WORLD_QUIC_INITIAL ? "c0 00000001 08 8394c8f03e515708 00"
							    : "e0 00000001 08 8394c8f03e515708 00";
	}
	flow_of(flow, client);
	frame_build(packet == WORLD_ICMP_ERROR ? &icmp : &spec, frame);
}

int world_send(const struct world_flow *flow, enum world_packet packet)
{
	static uint8_t out[FRAME_MAX + 64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_out = out, .data_size_out = sizeof(out),
		    .repeat = 1);
	struct frame frame;

	packet_build(flow, packet, &frame);
	opts.data_in = frame.bytes;
	opts.data_size_in = frame.n;
	if (bpf_prog_test_run_opts(world_program.fd, &opts) != 0)
		fail_msg("test run: %s", strerror(errno));
	if (opts.retval == XDP_DROP)
		return WORLD_NOWHERE;
	assert_int_equal(opts.retval, XDP_TX);
	assert_int_equal(out[OUTER_DST + 2], flow->service);
	return out[OUTER_DST + 3];
}

static int class_fd(enum fastpath_class class)
{
	return program_map_fd(&world_program, class == FASTPATH_HALF_OPEN ? PROGRAM_HALF_OPEN
									  : PROGRAM_ESTABLISHED);
}

enum fastpath_class world_look_up(const struct world_flow *flow, struct memory *memory)
{
	uint64_t hash = world_hash(flow);
	struct memory half;
	bool is_half = bpf_map_lookup_elem(class_fd(FASTPATH_HALF_OPEN), &hash, &half) == 0;

	if (bpf_map_lookup_elem(class_fd(FASTPATH_ESTABLISHED), &hash, memory) == 0) {
		assert_false(is_half);
		return FASTPATH_ESTABLISHED;
	}
	*memory = half;
	return is_half ? FASTPATH_HALF_OPEN : FASTPATH_CLASSES;
}

void world_put(const struct world_flow *flow, enum fastpath_class class,
	       const struct memory *memory)
{
	uint64_t hash = world_hash(flow);

	assert_int_equal(bpf_map_update_elem(class_fd(class), &hash, memory, BPF_ANY), 0);
}

void world_age(uint32_t seconds)
{
	static uint64_t hashes[4 * PROGRAM_FLOWS_MIN];

	for (int class = 0; class < FASTPATH_CLASSES; class ++) {
		int fd = class_fd((enum fastpath_class) class);
		uint32_t n = 0;
		struct memory m;

		while (n < 4 * PROGRAM_FLOWS_MIN &&
		       bpf_map_get_next_key(fd, n > 0 ? &hashes[n - 1] : NULL, &hashes[n]) == 0)
			n++;
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(bpf_map_lookup_elem(fd, &hashes[i], &m), 0);
			m.seen_state = memory_stamp_move(m.seen_state, -(int32_t)seconds);
			assert_int_equal(bpf_map_update_elem(fd, &hashes[i], &m, BPF_EXIST), 0);
		}
	}
}

struct memory_counters world_counters(void)
{
	struct memory_counters counters;

	assert_int_equal(flow_maps_read(&world_maps, &counters), 0);
	return counters;
}

struct collected {
	struct memory_entry *entries;
	uint32_t n, max;
};

static void collect(void *ctx, uint32_t worker, const struct memory_entry *entry)
{
	struct collected *c = ctx;

	assert_int_equal(worker, 0);
	assert_true(c->n < c->max);
	c->entries[c->n++] = *entry;
}

uint32_t world_walk(struct memory_entry *entries, uint32_t max)
{
	struct collected c = {.entries = entries, .max = max};
	struct fast_path_walk at = {0};
	int rc;

	do {
		uint32_t before = c.n;

		rc = flow_maps_walk(&world_maps, &at, collect, &c);
		assert_in_range(c.n - before, 0, 8192);
	} while (rc > 0);
	assert_int_equal(rc, 0);
	/* Nobody sends meanwhile: each is found by its hash, too, and another hash is not. */
	for (uint32_t i = 0; i < c.n; i++) {
		struct memory found;

		assert_int_equal(flow_maps_find(&world_maps, entries[i].hash, &found), 0);
		assert_memory_equal(&found, &entries[i].memory, sizeof(found));
		assert_int_equal(flow_maps_find(&world_maps, ~entries[i].hash, &found), -ENOENT);
	}
	return c.n;
}
