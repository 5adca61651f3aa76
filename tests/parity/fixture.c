/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parity table's generation: what the services are, and their layout.
 */
#include "fixture.h"

#include "frames.h"

#include "layout.h"
#include "maglev.h"
#include "sluice/encap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE(addr_, encap_)                                 \
	{                                                  \
		{                                          \
			.addr = (addr_), .encap = (encap_) \
		}                                          \
	}
#define GUE0 ENCAP_GUE_VARIANT0
#define REJECTS                          \
	{                                \
		.flags = SERVICE_REJECTS \
	}

static const struct fixture_service services[] = {
	{"web4", WEB4, 80, IP_TCP, 0, ONE("10.1.0.1", ENCAP_IPIP), {0}},
	{"web4 udp", WEB4, 53, IP_UDP, 0, ONE("2001:db8:1::1", ENCAP_GUE), {0}},
	{"web6", WEB6, 80, IP_TCP, 0, ONE("2001:db8:1::1", ENCAP_IPIP), {0}},
	{"web6 udp", WEB6, 53, IP_UDP, 0, ONE("2001:db8:1::2", ENCAP_GUE), {0}},
	{"all4", ALL4, 0, IP_TCP, 0, ONE("10.1.0.2", ENCAP_IPIP), {0}},
	{"all4 udp", ALL4, 0, IP_UDP, 0, ONE("10.1.0.3", ENCAP_GUE), {0}},
	{"all4 443", ALL4, 443, IP_TCP, 0, ONE("2001:db8:1::3", ENCAP_GUE), {0}},
	{"all6", ALL6, 0, IP_TCP, 0, ONE("2001:db8:1::4", GUE0), {0}},
	{"all6 udp", ALL6, 0, IP_UDP, 0, ONE("2001:db8:1::5", ENCAP_GUE), {0}},
	{"all6 443", ALL6, 443, IP_TCP, 0, ONE("10.1.0.4", ENCAP_IPIP), {0}},
	{"dns4", DNS4, 53, IP_UDP, 0, ONE("10.1.0.5", GUE0), {0}},
	{"dns6", DNS6, 53, IP_UDP, 0, ONE("10.1.0.6", ENCAP_GUE), {0}},
	{"spread4",
	 SPREAD4,
	 80,
	 IP_TCP,
	 1009,
	 {{.addr = "10.2.0.1", .encap = ENCAP_IPIP, .port = 1},
	  {.addr = "10.2.0.2", .encap = ENCAP_GUE, .port = 2, .vlan_tci = 0x2007},
	  {.addr = "2001:db8:2::1", .encap = ENCAP_GUE},
	  {.addr = "2001:db8:2::2", .encap = GUE0, .port = 1},
	  {.addr = "2001:db8:2::3", .encap = ENCAP_IPIP, .vlan_tci = 0x0fff, .mtu_bytes = 9000}},
	 {0}},
	{"spread6",
	 SPREAD6,
	 80,
	 IP_TCP,
	 251,
	 {{.addr = "10.2.0.1", .encap = GUE0, .port = 1},
	  {.addr = "2001:db8:2::1", .encap = ENCAP_GUE, .port = 2},
	  {.addr = "10.2.0.3", .encap = ENCAP_IPIP},
	  {.addr = "2001:db8:2::4", .encap = ENCAP_IPIP},
	  {.addr = "2001:db8:2::5", .encap = ENCAP_GUE, .vlan_tci = 0x0001}},
	 {0}},
	{"empty4", EMPTY4, 80, IP_TCP, 0, {{.addr = NULL}}, {0}},
	{"empty6", EMPTY6, 80, IP_TCP, 0, {{.addr = NULL}}, {0}},
	{"lost4", LOST4, 80, IP_TCP, 0, {{.addr = "10.3.0.1", .unresolved = true}}, {0}},
	{"lost6", LOST6, 80, IP_TCP, 0, {{.addr = "2001:db8:3::1", .unresolved = true}}, {0}},
	{"tight4", TIGHT4, 80, IP_TCP, 0, {{.addr = "10.3.0.2", .mtu_bytes = 400}}, {0}},
	{"narrow4",
	 NARROW4,
	 80,
	 IP_TCP,
	 0,
	 {{.addr = "10.3.0.4", .mtu_bytes = 1400, .first_mtu_bytes = 1500}},
	 {0}},
	{"narrow6",
	 NARROW6,
	 80,
	 IP_TCP,
	 0,
	 {{.addr = "2001:db8:3::4", .mtu_bytes = 1300, .first_mtu_bytes = 1500}},
	 {0}},
	{"twin6", TWIN6, 80, IP_TCP, 0, ONE("10.3.0.3", ENCAP_GUE), {0}},
	{"refuse4",
	 REFUSE4,
	 80,
	 IP_TCP,
	 0,
	 ONE("10.3.0.5", ENCAP_IPIP),
	 {.unserved = SERVICE_UNSERVED_REJECT}},
	{"refuse6",
	 REFUSE6,
	 80,
	 IP_TCP,
	 0,
	 ONE("10.3.0.5", ENCAP_IPIP),
	 {.unserved = SERVICE_UNSERVED_REJECT}},
	{"deaf4",
	 DEAF4,
	 80,
	 IP_TCP,
	 0,
	 ONE("10.3.0.5", ENCAP_IPIP),
	 {.unserved = SERVICE_UNSERVED_DROP}},
	{"deaf6",
	 DEAF6,
	 80,
	 IP_TCP,
	 0,
	 ONE("10.3.0.5", ENCAP_IPIP),
	 {.unserved = SERVICE_UNSERVED_DROP}},
	{"vacant4", VACANT4, 80, IP_TCP, 0, {{.addr = NULL}}, REJECTS},
	{"vacant4 udp", VACANT4, 53, IP_UDP, 0, {{.addr = NULL}}, REJECTS},
	{"vacant6", VACANT6, 80, IP_TCP, 0, {{.addr = NULL}}, REJECTS},
	{"vacant6 udp", VACANT6, 53, IP_UDP, 0, {{.addr = NULL}}, REJECTS},
	{"clamp4", CLAMP4, 80, IP_TCP, 0, ONE("2001:db8:3::5", ENCAP_GUE), {.mss = 1360}},
	{"clamp6", CLAMP6, 80, IP_TCP, 0, ONE("10.3.0.6", ENCAP_IPIP), {.mss = 1220}},
};

#define TWO                                                            \
	{                                                              \
		{.addr = "10.5.0.1", .encap = ENCAP_IPIP},             \
			{.addr = "2001:db8:5::2", .encap = ENCAP_GUE}, \
	}
#define FIVE                                                                      \
	{                                                                         \
		{.addr = "10.6.0.1"}, {.addr = "10.6.0.2"}, {.addr = "10.6.0.3"}, \
			{.addr = "10.6.0.4"}, {.addr = "10.6.0.5"},               \
	}
#define THREE                                               \
	{                                                   \
		{.addr = "10.7.0.1"}, {.addr = "10.7.0.2"}, \
		{                                           \
			.addr = "10.7.0.3"                  \
		}                                           \
	}
#define WAY(flag)                             \
	{                                     \
		.flags = SERVICE_WAY | (flag) \
	}
#define WAY_SOURCE(flag) WAY(SERVICE_WAY_SOURCE | (flag))
#define ODD(flag)                                              \
	{                                                      \
		.flags = (flag), .odd_slot = FIXTURE_FLOW_SLOT \
	}

/* Of fixture_new_flows(). Chance doesn't hit one slot of so many. */
static const struct fixture_service flow_services[] = {
	{"moved4", MOVED4, 80, IP_TCP, 0, TWO, {.moved = true}},
	{"moved6", MOVED6, 80, IP_TCP, 0, TWO, {.moved = true}},
	{"moved4 udp", MOVED_UDP4, 443, IP_UDP, 0, TWO, {.moved = true}},
	{"moved6 udp", MOVED_UDP6, 443, IP_UDP, 0, TWO, {.moved = true}},
	{"turns4", TURNS4, 80, IP_TCP, 5, FIVE, {.flags = SERVICE_ROUND_ROBIN}},
	{"chance4", CHANCE4, 80, IP_TCP, 65521, TWO, ODD(SERVICE_RANDOM)},
	{"least4", LEAST4, 80, IP_TCP, 1009, TWO, ODD(SERVICE_LEAST_CONN)},
	{"longer4", LONGER4, 80, IP_TCP, 0, THREE, WAY(0)},
	{"longer6", LONGER6, 80, IP_TCP, 0, THREE, WAY(0)},
	{"source4", SOURCE4, 80, IP_TCP, 0, THREE, WAY(SERVICE_HASH_SOURCE)},
	{"source6", SOURCE6, 80, IP_TCP, 0, THREE, WAY(SERVICE_HASH_SOURCE)},
	{"flows4", FLOWS4, 80, IP_TCP, 0, THREE, WAY_SOURCE(0)},
	{"flows6", FLOWS6, 80, IP_TCP, 0, THREE, WAY_SOURCE(0)},
	{"drawn4", DRAWN4, 80, IP_TCP, 5, FIVE, WAY(SERVICE_ROUND_ROBIN)},
	{"drawn6", DRAWN6, 80, IP_TCP, 5, FIVE, WAY_SOURCE(SERVICE_ROUND_ROBIN)},
};

/* The way of the services from FIXTURE_WAYS_FIRST on, in the order of rows_encap.c. */
static const struct fixture_backend ways[FIXTURE_WAYS] = {
	{.addr = "10.4.0.1", .encap = ENCAP_IPIP},
	{.addr = "10.4.0.2", .encap = ENCAP_IPIP, .vlan_tci = 0x0064, .port = 1},
	{.addr = "10.4.0.3", .encap = ENCAP_GUE},
	{.addr = "10.4.0.4", .encap = ENCAP_GUE, .vlan_tci = 0x6065, .port = 2},
	{.addr = "10.4.0.5", .encap = GUE0},
	{.addr = "10.4.0.6", .encap = GUE0, .vlan_tci = 0x0ffe},
	{.addr = "2001:db8:4::1", .encap = ENCAP_IPIP},
	{.addr = "2001:db8:4::2", .encap = ENCAP_IPIP, .vlan_tci = 0x0064, .port = 1},
	{.addr = "2001:db8:4::3", .encap = ENCAP_GUE},
	{.addr = "2001:db8:4::4", .encap = ENCAP_GUE, .vlan_tci = 0x6065, .port = 2},
	{.addr = "2001:db8:4::5", .encap = GUE0},
	{.addr = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .encap = GUE0, .vlan_tci = 0x0ffe},
};

static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "tests/parity: %s: %s\n", what, why);
	abort();
}

static struct ip_addr parse_addr(const char *text)
{
	struct ip_addr addr;

	if (ip_parse(text, &addr) != 0)
		give_up(text, "no address");
	return addr;
}

static void append_way(struct fixture *fixture, unsigned int way, bool v6, bool udp)
{
	struct fixture_service *s = &fixture->services[fixture->services_n++];

	*s = (struct fixture_service){
		.name = "a way",
		.port = udp ? 53 : 80,
		.proto = udp ? IP_UDP : IP_TCP,
		.backends = {ways[way]},
	};
	if (v6)
		snprintf(s->vip, sizeof(s->vip), WAYS6, FIXTURE_WAYS_FIRST + way);
	else
		snprintf(s->vip, sizeof(s->vip), WAYS4, FIXTURE_WAYS_FIRST + way);
}

static uint32_t backends_count(const struct fixture_service *s)
{
	uint32_t n = 0;

	while (n < FIXTURE_BACKENDS_MAX && s->backends[n].addr)
		n++;
	return n;
}

/* Slots that no lookup table fills. False: Maglev does. */
static bool slots_fill(const struct fixture_service *s, uint16_t *slots)
{
	for (uint16_t slot = 0; slot < s->slots; slot++) {
		if (s->flows.moved ||
		    (s->flows.flags & SERVICE_WAY && !(s->flows.flags & SERVICE_ROUND_ROBIN)))
			slots[slot] = 1 | SLOT_CHANGED;
		else if (s->flows.odd_slot)
			slots[slot] = slot != s->flows.odd_slot;
		else if (s->flows.flags & SERVICE_ROUND_ROBIN)
			slots[slot] = slot;
		else
			return false;
	}
	return true;
}

/* What is 0 in the table gets its value, and the slots are filled. */
static void service_complete(struct fixture *fixture, uint32_t index)
{
	struct fixture_service *s = &fixture->services[index];
	struct maglev_backend backends[FIXTURE_BACKENDS_MAX];
	uint32_t n = backends_count(s);

	if (s->slots == 0)
		s->slots = MAGLEV_SLOTS_MIN;
	for (uint32_t i = 0; i < n; i++) {
		struct ip_addr addr = parse_addr(s->backends[i].addr);

		if (s->backends[i].mtu_bytes == 0)
			s->backends[i].mtu_bytes = FIXTURE_MTU;
		if (s->backends[i].first_mtu_bytes == 0)
			s->backends[i].first_mtu_bytes = s->backends[i].mtu_bytes;
		backends[i] = (struct maglev_backend){
			.identity = maglev_identity(&fixture->key, &addr),
			.weight = 1,
			.index = (uint16_t)i,
		};
	}
	fixture->slots[index] = calloc(s->slots, sizeof(uint16_t));
	if (!fixture->slots[index])
		give_up(s->name, "no memory");
	if (!slots_fill(s, fixture->slots[index]) &&
	    maglev_build(fixture->slots[index], s->slots, backends, n) != 0)
		give_up(s->name, "no lookup table");
}

static struct fixture *fixture_empty(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		give_up("fixture", "no memory");
	fixture->key = (struct flow_key){{0x736c756963652d70ULL, 0x61726974792d6b65ULL}};
	return fixture;
}

struct fixture *fixture_new(void)
{
	struct fixture *fixture = fixture_empty();

	memcpy(fixture->services, services, sizeof(services));
	fixture->services_n = sizeof(services) / sizeof(services[0]);
	for (unsigned int way = 0; way < FIXTURE_WAYS; way++)
		for (unsigned int i = 0; i < 4; i++)
			append_way(fixture, way, i / 2, i % 2);
	for (uint32_t i = 0; i < fixture->services_n; i++)
		service_complete(fixture, i);
	return fixture;
}

static void append_flow_services(struct fixture *fixture)
{
	for (size_t i = 0; i < sizeof(flow_services) / sizeof(flow_services[0]); i++) {
		fixture->services[fixture->services_n] = flow_services[i];
		service_complete(fixture, fixture->services_n++);
	}
}

struct fixture *fixture_new_flows(void)
{
	struct fixture *fixture = fixture_empty();

	append_flow_services(fixture);
	return fixture;
}

struct fixture *fixture_new_fragments(void)
{
	struct fixture *fixture = fixture_new();

	append_flow_services(fixture);
	fixture->keeps_fragments = true;
	return fixture;
}

void fixture_free(struct fixture *fixture)
{
	if (!fixture)
		return;
	for (uint32_t i = 0; i < fixture->services_n; i++)
		free(fixture->slots[i]);
	free(fixture);
}

void fixture_macs(uint32_t service, uint32_t backend, uint8_t dst[6], uint8_t src[6])
{
	const uint8_t macs[12] = {0x06, 0xde, (uint8_t)service, (uint8_t)backend, 0, 1,
				  0x06, 0x5e, (uint8_t)service, (uint8_t)backend, 0, 2};

	memcpy(dst, macs, 6);
	memcpy(src, macs + 6, 6);
}

uint32_t fixture_source(const struct fixture_backend *b, bool v6, uint8_t bytes[16])
{
	bool ipip = b->encap == ENCAP_IPIP;

	frame_address(v6 ? (ipip ? "2001:db8:64::" : "2001:db8:65::1")
			 : (ipip ? "10.64.0.0" : "10.65.0.1"),
		      bytes);
	if (!ipip)
		return 0;
	return v6 ? 32 : 18;
}

static struct backend make_backend(const struct fixture_service *s, uint32_t service,
				   uint32_t index)
{
	const struct fixture_backend *from = &s->backends[index];
	uint8_t dst[16] = {0}, src[16] = {0};
	struct backend b = {
		.vlan_tci = be16_from(from->vlan_tci),
		.encap = (uint8_t)from->encap,
		.flags = BACKEND_LIVES | (from->unresolved ? 0 : BACKEND_RESOLVED),
		.load = s->flows.odd_slot && index == 0 ? UINT16_MAX : 0,
		.mtu_bytes = from->mtu_bytes,
		.port = from->port,
		.counter = 1 + service * FIXTURE_BACKENDS_MAX + index,
	};
	bool v6 = frame_address(from->addr, dst) == 16;
	uint32_t bits = fixture_source(from, v6, src);

	if (v6)
		b.flags |= BACKEND_OUTER_V6;
	if (bits > 0)
		b.entropy_mask = be32_from((uint32_t)((1ULL << bits) - 1));
	fixture_macs(service, index, b.dst_mac, b.src_mac);
	memcpy(b.outer_src, src, sizeof(b.outer_src));
	memcpy(b.outer_dst, dst, sizeof(b.outer_dst));
	backend_set_first_mtu_bytes(&b, from->first_mtu_bytes);
	b.outer_sum = encap_outer_sum(&b, be16_from(FIXTURE_GUE_PORT));
	return b;
}

/* The way before: the slots of test_flows.c's flows lead to the last backend. */
static struct part *make_way(const struct fixture_service *s, struct arena_space *space)
{
	bool by_source = s->flows.flags & SERVICE_WAY_SOURCE;
	uint16_t home = (uint16_t)(backends_count(s) - 1);
	struct {
		struct way way;
		uint16_t slots[FIXTURE_WAY_SLOTS];
	} way = {.way = {.slots = FIXTURE_WAY_SLOTS}};

	/* Of both tables as parts of one length: where they overlap. */
	for (uint32_t i = 0; i < FIXTURE_WAY_SLOTS; i++)
		if (by_source ? i == FIXTURE_WAY_SOURCE_SLOT
			      : (i + 1) * s->slots > FIXTURE_FLOW_SLOT * FIXTURE_WAY_SLOTS &&
					i * s->slots < (FIXTURE_FLOW_SLOT + 1) * FIXTURE_WAY_SLOTS)
			way.slots[i] = home;
	return part_new(space, &way, sizeof(way));
}

static struct layout_service make_service(const struct fixture *fixture, uint32_t index,
					  struct arena_space *space)
{
	const struct fixture_service *s = &fixture->services[index];
	struct backend backends[FIXTURE_BACKENDS_MAX + 1];
	static const uint16_t previous[MAGLEV_SLOTS_MIN];
	uint32_t n = backends_count(s);
	struct layout_service laid = {
		.vip = parse_addr(s->vip),
		.port = s->port,
		.proto = s->proto,
		.id = 1 + index,
		.flags = s->flows.flags,
		.slots = part_new(space, fixture->slots[index],
				  (uint32_t)(s->slots * sizeof(uint16_t))),
	};

	for (uint32_t i = 0; i < n; i++)
		backends[i] = make_backend(s, index, i);
	if (s->flows.mss) {
		backends[n++] = (struct backend){.mtu_bytes = s->flows.mss};
		laid.flags |= SERVICE_CLAMPS;
	}
	if (n > 0)
		laid.backends = part_new(space, backends, (uint32_t)(n * sizeof(backends[0])));
	if (s->flows.moved) /* all from backend 0 */
		laid.previous = part_new(space, previous, (uint32_t)(s->slots * sizeof(uint16_t)));
	if (s->flows.flags & SERVICE_WAY)
		laid.previous = make_way(s, space);
	if (s->flows.flags & SERVICE_WAY && !laid.previous)
		give_up(s->name, "the arena is full");
	if (!laid.slots || (s->flows.moved && !laid.previous) || (n > 0 && !laid.backends))
		give_up(s->name, "the arena is full");
	return laid;
}

/* Each address of the services once. Returns how many. */
static uint32_t make_vips(const struct fixture *fixture, const struct layout_service *laid,
			  struct layout_vip *vips)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fixture->services_n; i++) {
		bool known = false;

		for (uint32_t k = 0; k < n; k++)
			known = known || ip_equal(&vips[k].addr, &laid[i].vip);
		if (known)
			continue;
		vips[n] = (struct layout_vip){laid[i].vip, fixture->services_n + 1 + n,
					      fixture->services[i].flows.unserved};
		n++;
	}
	return n;
}

const struct macs fixture_macs_of_port = {
	.words = {0x0b0000000002ULL << 16, 0x0a01005e0000ULL << 16}, /* FRAME_MAC_OWN, _VIRTUAL */
	.n = 2,
};

uint32_t fixture_lay(const struct fixture *fixture, struct arena *arena, uint64_t arena_bytes)
{
	static struct layout_service laid[FIXTURE_ROWS_MAX];
	static struct layout_vip vips[FIXTURE_ROWS_MAX];
	struct layout_spec spec = {
		.number = 1,
		.key = fixture->key,
		.gue_port = FIXTURE_GUE_PORT,
		.outer_ttl = FIXTURE_OUTER_TTL,
		.errors_per_s = FIXTURE_ERRORS_PER_S,
		.idle_s = {0, 100, 100, 100, 100, 100, 100},
		.services = laid,
		.services_n = fixture->services_n,
		.vips = vips,
	};
	struct laid_generation *generation;
	char error[LAYOUT_ERROR_MAX];
	struct arena_space *space;
	uint32_t offset;

	arena_init(arena, arena_bytes);
	space = arena_space_new(arena, arena_bytes);
	if (!space)
		give_up("arena", "no space");
	for (uint32_t i = 0; i < fixture->services_n; i++)
		laid[i] = make_service(fixture, i, space);
	spec.vips_n = make_vips(fixture, laid, vips);
	if (laid_generation_new(space, &spec, &generation, error) != 0)
		give_up("layout", error);
	offset = laid_generation_offset(generation);
	/* Freed in the books only: nothing else is laid out, so the bytes stay as they are. */
	for (uint32_t i = 0; i < fixture->services_n; i++) {
		part_unref(laid[i].slots);
		part_unref(laid[i].previous);
		part_unref(laid[i].backends);
	}
	laid_generation_free(generation);
	arena_space_free(space);
	((struct arena_head *)(void *)arena)->current = offset;
	return offset;
}

uint32_t fixture_service_rows(const struct fixture *fixture)
{
	/* At most one vip for each service. */
	return 1 + 2 * fixture->services_n;
}

uint32_t fixture_backend_rows(const struct fixture *fixture)
{
	return 1 + fixture->services_n * FIXTURE_BACKENDS_MAX;
}
