/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a backend's entry. Control thread.
 */
#include "entry.h"

#include <string.h>

#include "sluice/encap.h"

/* The bits behind a prefix, as far as they lie in the address's last 32-bit word. */
static be32 entropy_mask(const struct ip_prefix *prefix)
{
	unsigned int length = prefix->addr.family == IP_V4 ? 32 : 128;
	unsigned int host_bits = length - prefix->bits;

	return host_bits >= 32 ? UINT32_MAX : be32_from((1U << host_bits) - 1);
}

/*
 * The outer source address: IPIP's prefix, whose host part carries entropy; else the configured
 * source; else the one from which the host itself would send there. IP_NONE: there is none.
 */
static struct ip_addr outer_source(const struct settings *s, enum encap encap, uint8_t family,
				   const struct nexthop *hop, be32 *mask)
{
	const struct ip_prefix *prefix = family == IP_V4 ? &s->ipip_source_v4 : &s->ipip_source_v6;
	const struct ip_addr *source = family == IP_V4 ? &s->source_v4 : &s->source_v6;

	*mask = 0;
	if (encap == ENCAP_IPIP && prefix->addr.family != IP_NONE) {
		*mask = entropy_mask(prefix);
		return prefix->addr;
	}
	if (source->family != IP_NONE)
		return *source;
	/* An IPv4 route over an IPv6 gateway (RFC 8950) still names an IPv4 source. */
	return hop->source.family == family ? hop->source : (struct ip_addr){0};
}

static uint16_t mtu_field(uint32_t bytes)
{
	return bytes < UINT16_MAX ? (uint16_t)bytes : UINT16_MAX;
}

struct nexthop_key entry_key(const struct settings *settings, enum encap encap,
			     const struct ip_addr *addr)
{
	static const struct nexthop unknown; /* no source but a configured one */
	struct nexthop_key way = {.addr = *addr};
	be32 mask;

	way.source = outer_source(settings, encap, addr->family, &unknown, &mask);
	return way;
}

bool entry_has_source(const struct settings *settings, enum encap encap, uint8_t family,
		      const struct nexthop *hop)
{
	be32 mask;

	return outer_source(settings, encap, family, hop, &mask).family != IP_NONE;
}

void entry_fill(struct backend *entry, const struct settings *settings, enum encap encap,
		const struct backend_conf *conf, const struct nexthop *hop, int32_t port,
		uint32_t row)
{
	struct ip_addr source;
	be32 mask;

	memset(entry, 0, sizeof(*entry));
	entry->encap = (uint8_t)encap;
	entry->counter = row;
	if (conf->addr.family == IP_V6)
		entry->flags |= BACKEND_OUTER_V6;
	memcpy(entry->outer_dst, conf->addr.bytes, sizeof(entry->outer_dst));
	source = outer_source(settings, encap, conf->addr.family, hop, &mask);
	memcpy(entry->outer_src, source.bytes, sizeof(entry->outer_src));
	entry->entropy_mask = mask;
	entry->outer_sum = encap_outer_sum(entry, be16_from(settings->gue_port));
	if (hop->state != NEXTHOP_RESOLVED || port < 0 || source.family == IP_NONE)
		return;
	memcpy(entry->dst_mac, hop->dst_mac, sizeof(entry->dst_mac));
	memcpy(entry->src_mac, hop->src_mac, sizeof(entry->src_mac));
	entry->vlan_tci = be16_from(hop->vlan);
	entry->mtu_bytes = mtu_field(hop->mtu_bytes);
	backend_set_first_mtu_bytes(entry, mtu_field(hop->first_mtu_bytes));
	entry->port = (uint16_t)port;
	entry->flags |= BACKEND_RESOLVED;
}
