/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle's decisions: whose a frame is, which backend, whether it fits.
 */
#include "oracle.h"

#include "../unit/siphash_bytes.h"

#include <string.h>

enum {
	/* What a "too big" answer quotes; who is shorter gets none. */
	QUOTE_BYTES = 512,
	/* A path doesn't follow an echo request's headers further than this. */
	ECHO_L4_MAX = 1023,
	NONE = -1,
};

static bool is_vip(const struct fixture_service *s, const uint8_t *addr, size_t addr_bytes)
{
	uint8_t vip[16];

	return frame_address(s->vip, vip) == addr_bytes && memcmp(vip, addr, addr_bytes) == 0;
}

/* The service's index, or NONE. */
static int find_service(const struct fixture *fixture, const struct view *view, uint16_t port)
{
	for (uint32_t i = 0; i < fixture->services_n; i++) {
		const struct fixture_service *s = &fixture->services[i];

		if (s->port == port && s->proto == view->flow_proto &&
		    is_vip(s, view->flow_dst, view->addr_bytes))
			return (int)i;
	}
	return NONE;
}

/*
 * The counter row of the vip that a frame is for, or 0: behind those of the services, vips in the
 * order in which they first appear.
 */
static uint32_t find_vip(const struct fixture *fixture, const struct view *view)
{
	uint32_t row = fixture->services_n;

	for (uint32_t i = 0; i < fixture->services_n; i++) {
		bool first = true;

		for (uint32_t k = 0; k < i; k++)
			if (strcmp(fixture->services[k].vip, fixture->services[i].vip) == 0)
				first = false;
		row += first;
		if (first && is_vip(&fixture->services[i], view->dst, view->addr_bytes))
			return row;
	}
	return 0;
}

uint64_t oracle_hash(const struct fixture *fixture, const struct view *view)
{
	uint8_t message[37];
	size_t n = view->addr_bytes;

	memcpy(message, view->flow_src, n);
	memcpy(message + n, view->flow_dst, n);
	frame_put16(message + 2 * n, view->sport);
	frame_put16(message + 2 * n + 2, view->dport);
	message[2 * n + 4] = view->flow_proto;
	return siphash_bytes_hash(fixture->key.k, message, 2 * n + 5);
}

/* A packet of service `index`, whose flow is known. */
static enum verdict expect_forward(const struct fixture *fixture, const struct frame *frame,
				   const struct view *view, uint32_t index,
				   struct parity_result *expected)
{
	static struct frame clamped;
	const struct fixture_service *s = &fixture->services[index];
	uint64_t hash = oracle_hash(fixture, view);
	/* The hash as a fraction of 1, of the number of slots. */
	uint16_t slot = (uint16_t)((unsigned __int128)(hash >> 32) * s->slots / 0x100000000ULL);
	uint16_t chosen = fixture->slots[index][slot];
	const struct fixture_backend *b;
	bool fits;

	if (chosen >= FIXTURE_BACKENDS_MAX) {
		if (!(s->flows.flags & SERVICE_REJECTS) || !oracle_may_reject(frame, view))
			return VERDICT_no_backend;
		oracle_reject(frame, view, expected);
		return VERDICT_no_backend_reject;
	}
	if (s->flows.mss) {
		oracle_clamp(frame, view, s->flows.mss, &clamped);
		frame = &clamped;
	}
	b = &s->backends[chosen];
	if (b->unresolved)
		return VERDICT_no_next_hop;
	/* RFC 791: routers fragment IPv4 without DF, and only that. */
	fits = view->ip_bytes + oracle_outer_bytes(b) <=
	       (view->df || strchr(b->addr, ':') ? b->mtu_bytes : b->first_mtu_bytes);
	if (!fits) {
		if (!view->df || view->error || view->ip_bytes < QUOTE_BYTES)
			return VERDICT_too_big_dropped;
		oracle_too_big(b, frame, view, expected);
		return VERDICT_too_big;
	}
	oracle_encap(fixture, frame, view, index, chosen, hash, expected);
	return view->error ? VERDICT_icmp_forward : VERDICT_forward;
}

/* A flow that no service has. */
static enum verdict expect_unserved(const struct fixture *fixture, const struct frame *frame,
				    const struct view *view, struct parity_result *expected)
{
	uint16_t unserved = 0;

	expected->row = find_vip(fixture, view);
	if (!expected->row)
		return VERDICT_no_service;
	for (uint32_t i = fixture->services_n; i-- > 0;)
		if (is_vip(&fixture->services[i], view->dst, view->addr_bytes))
			unserved = fixture->services[i].flows.unserved;
	if (!unserved)
		return VERDICT_unserved;
	if (unserved == SERVICE_UNSERVED_DROP || !oracle_may_reject(frame, view))
		return VERDICT_unserved_drop;
	oracle_reject(frame, view, expected);
	return VERDICT_unserved_reject;
}

/* RFC 1812 §5.3.4, RFC 1122 §3.3.6: nothing is done to it here but to count it, if it's to a vip. */
static enum verdict expect_other_mac(const struct fixture *fixture, const struct view *view,
				     enum verdict verdict, struct parity_result *expected)
{
	if (verdict == VERDICT_not_ip || verdict == VERDICT_no_service || !view->dst)
		return verdict == VERDICT_not_ip ? verdict : VERDICT_no_service;
	expected->row = find_vip(fixture, view);
	return expected->row ? VERDICT_other_mac : VERDICT_no_service;
}

static bool to_this_port(const struct frame *frame)
{
	static const uint8_t own[6] = FRAME_MAC_OWN, virtual[6] = FRAME_MAC_VIRTUAL;

	return memcmp(frame->bytes, own, 6) == 0 || memcmp(frame->bytes, virtual, 6) == 0;
}

static enum verdict expect(const struct fixture *fixture, const struct frame *frame,
			   struct parity_result *expected)
{
	struct view view;
	enum verdict verdict = view_read(frame, &view);
	int service;

	if (frame->n >= 14 && !to_this_port(frame))
		return expect_other_mac(fixture, &view, verdict, expected);
	switch (verdict) {
	case VERDICT_forward:
		break;
	case VERDICT_bad_extension:
	case VERDICT_bad_tcp:
	case VERDICT_bad_udp:
	case VERDICT_bad_icmp:
	case VERDICT_bad_quote:
	case VERDICT_bad_source:
	case VERDICT_fragment:
		/* What is odd but for nobody here is the kernel's. */
		expected->row = find_vip(fixture, &view);
		return expected->row ? verdict : VERDICT_no_service;
	default:
		return verdict;
	}
	if (view.echo) {
		expected->row = find_vip(fixture, &view);
		if (!expected->row)
			return VERDICT_no_service;
		if (view.l4 > ECHO_L4_MAX)
			return VERDICT_bad_icmp;
		oracle_echo(frame, &view, expected);
		return VERDICT_echo_reply;
	}
	service = find_service(fixture, &view, view.dport);
	if (service == NONE)
		service = find_service(fixture, &view, 0);
	if (service == NONE)
		return expect_unserved(fixture, frame, &view, expected);
	expected->row = 1 + (uint32_t)service;
	return expect_forward(fixture, frame, &view, (uint32_t)service, expected);
}

void oracle_expect(const struct fixture *fixture, const struct frame *frame,
		   struct parity_result *expected)
{
	expected->row = 0;
	expected->port = 0;
	expected->n = 0;
	expected->fate = PARITY_DROPPED;
	expected->verdict = expect(fixture, frame, expected);
	switch (expected->verdict) {
	case VERDICT_forward:
	case VERDICT_icmp_forward:
	case VERDICT_echo_reply:
	case VERDICT_too_big:
	case VERDICT_unserved_reject:
	case VERDICT_no_backend_reject:
		expected->fate = PARITY_SENT;
		break;
	case VERDICT_not_ip:
	case VERDICT_no_service:
	case VERDICT_unserved:
	case VERDICT_other_mac:
		expected->fate = PARITY_KERNEL;
		expected->n = frame->n;
		memcpy(expected->bytes, frame->bytes, frame->n);
		break;
	default:
		break;
	}
}
