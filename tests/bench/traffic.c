/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic.h.
 */
#include "traffic.h"

#include "../parity/frames.h"
#include "balancer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

enum {
	KINDS = 8,
	/* Clients' ports: 1024 and so many on; then comes the next client. */
	PORT_FIRST = 1024,
	PORT_BITS = 15,
	/* Where things stand in frames without tags, options or extension headers. */
	V4_SRC_AT = 14 + 12,
	V4_DST_AT = 14 + 16,
	V4_L4_AT = 14 + 20,
	V6_SRC_AT = 14 + 8 + 12,
	V6_DST_AT = 14 + 24 + 12,
	V6_L4_AT = 14 + 40,
	ICMP_BYTES = 8,
	RECEIVE_AHEAD = 4, /* buffers whose metadata is fetched ahead, as drivers do */
};

#define FROM4 "10.128.0.0"
#define FROM6 "2001:db8:c::"
#define TO4   .src = FROM4, .dst = BALANCER_VIP4, .dport = BALANCER_PORT, .pad_to = 60
#define TO6   .src = FROM6, .dst = BALANCER_VIP6, .dport = BALANCER_PORT

static const struct frame_spec quoted4 = {
	.src = BALANCER_VIP4,
	.dst = FROM4,
	.proto = IP_TCP,
	.sport = BALANCER_PORT,
};
static const struct frame_spec quoted6 = {
	.src = BALANCER_VIP6,
	.dst = FROM6,
	.proto = IP_TCP,
	.sport = BALANCER_PORT,
};

static const struct {
	const char *name;
	enum verdict verdict;
	uint8_t proto;
	struct frame_spec spec;
} specs[KINDS] = {
	{"tcp4", VERDICT_forward, IP_TCP, {TO4, .proto = IP_TCP, .flags = 0x10}},
	{"tcp6", VERDICT_forward, IP_TCP, {TO6, .proto = IP_TCP, .flags = 0x10}},
	{"udp4", VERDICT_forward, IP_UDP, {TO4, .proto = IP_UDP, .payload_bytes = 18}},
	{"udp6", VERDICT_forward, IP_UDP, {TO6, .proto = IP_UDP, .payload_bytes = 12}},
	{"syn4", VERDICT_forward, IP_TCP, {TO4, .proto = IP_TCP, .flags = 0x02}},
	{"icmp4",
	 VERDICT_icmp_forward,
	 IP_TCP,
	 {TO4, .proto = IP_ICMP, .type = 3, .code = 4, .quote = &quoted4, .quote_bytes = 28}},
	{"icmp6",
	 VERDICT_icmp_forward,
	 IP_TCP,
	 {TO6, .proto = IP_ICMP6, .type = 2, .quote = &quoted6, .quote_bytes = 60}},
	{"pass",
	 VERDICT_no_service,
	 IP_TCP,
	 {.src = FROM4, .dst = "192.0.2.1", .dport = BALANCER_PORT, .proto = IP_TCP, .pad_to = 60}},
};

static void kind_locate(struct traffic_kind *kind, const struct frame_spec *spec)
{
	uint8_t l4_at = kind->v6 ? V6_L4_AT : V4_L4_AT;
	uint8_t quote_at = (uint8_t)(l4_at + ICMP_BYTES - 14);

	kind->client_at[0] = kind->v6 ? V6_SRC_AT : V4_SRC_AT;
	kind->vip_at[0] = kind->v6 ? V6_DST_AT : V4_DST_AT;
	kind->port_at[0] = l4_at;
	if (kind->verdict == VERDICT_no_service)
		kind->vip_at[0] = 0;
	if (!spec->quote)
		return;
	/* The quoted packet went the other way. */
	kind->client_at[1] = (uint8_t)(quote_at + (kind->v6 ? V6_DST_AT : V4_DST_AT));
	kind->vip_at[1] = (uint8_t)(quote_at + (kind->v6 ? V6_SRC_AT : V4_SRC_AT));
	kind->port_at[0] = 0;
	kind->port_at[1] = (uint8_t)(quote_at + l4_at + 2);
}

const struct traffic_kind *traffic_kind(const char *name)
{
	static struct traffic_kind kinds[KINDS];

	for (int i = 0; i < KINDS; i++) {
		struct traffic_kind *kind = &kinds[i];
		struct frame frame;

		if (strcmp(specs[i].name, name) != 0)
			continue;
		if (kind->name)
			return kind;
		frame_build(&specs[i].spec, &frame);
		if (frame.n > TRAFFIC_FRAME_MAX)
			abort();
		*kind = (struct traffic_kind){
			.name = name,
			.verdict = specs[i].verdict,
			.v6 = frame.bytes[12] == 0x86,
			.proto = specs[i].proto,
			.bytes = (uint16_t)frame.n,
		};
		memcpy(kind->frame, frame.bytes, frame.n);
		kind_locate(kind, &specs[i].spec);
		return kind;
	}
	return NULL;
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15ULL;
	return (x ^ x >> 29) * 0xbf58476d1ce4e5b9ULL;
}

void traffic_init(struct traffic *t, struct rte_mempool *pool)
{
	if (rte_pktmbuf_alloc_bulk(pool, t->pkts, TRAFFIC_BUFFERS) != 0) {
		fprintf(stderr, "bench: traffic: no buffers\n");
		abort();
	}
	for (uint32_t i = TRAFFIC_BUFFERS - 1; i > 0; i--) {
		uint32_t j = (uint32_t)((mix(i) >> 32) * (i + 1) >> 32);
		struct rte_mbuf *m = t->pkts[i];

		t->pkts[i] = t->pkts[j];
		t->pkts[j] = m;
	}
}

void traffic_release(struct traffic *t)
{
	rte_pktmbuf_free_bulk(t->pkts, TRAFFIC_BUFFERS);
}

static void add32(uint8_t *frame, const uint8_t at[2], uint32_t n)
{
	for (int i = 0; i < 2; i++) {
		be32 was;

		if (at[i] == 0)
			continue;
		memcpy(&was, frame + at[i], sizeof(was));
		frame_put32(frame + at[i], be32_to(was) + n);
	}
}

uint64_t traffic_write(const struct traffic *t, const struct traffic_kind *kind, uint64_t first,
		       uint64_t flows, uint32_t services)
{
	uint64_t flow = first % flows;

	for (uint32_t i = 0; i < TRAFFIC_BUFFERS; i++) {
		uint8_t *frame = (uint8_t *)t->pkts[i]->buf_addr + RTE_PKTMBUF_HEADROOM;
		uint32_t service = (uint32_t)((mix(flow) >> 32) * services >> 32);

		memcpy(frame, kind->frame, kind->bytes);
		add32(frame, kind->client_at, (uint32_t)(flow >> PORT_BITS));
		add32(frame, kind->vip_at, service);
		for (int k = 0; k < 2; k++)
			if (kind->port_at[k] != 0)
				frame_put16(frame + kind->port_at[k],
					    (uint16_t)(PORT_FIRST + flow % (1 << PORT_BITS)));
		flow = flow + 1 == flows ? 0 : flow + 1;
	}
	return flow;
}

struct rte_mbuf **traffic_receive(struct traffic *t, uint32_t i, uint16_t bytes)
{
	struct rte_mbuf **pkts = &t->pkts[i * TRAFFIC_BURST];

	for (uint32_t k = 0; k < TRAFFIC_BURST; k++) {
		struct rte_mbuf *m = pkts[k];

		if (i + 1 < TRAFFIC_BURSTS || k + RECEIVE_AHEAD < TRAFFIC_BURST)
			rte_prefetch0(pkts[k + RECEIVE_AHEAD]);
		m->data_off = RTE_PKTMBUF_HEADROOM;
		rte_mbuf_refcnt_set(m, 1);
		m->nb_segs = 1;
		m->port = 0;
		m->ol_flags = 0;
		m->packet_type = 0;
		m->pkt_len = bytes;
		m->data_len = bytes;
	}
	return pkts;
}
