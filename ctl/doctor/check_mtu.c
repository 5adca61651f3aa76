/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there room for the outer headers on the way to the backends? Said once for each interface,
 * of the packet that needs most. Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"
#include "sluice/encap.h"

enum {
	INNER_BYTES = 1500, /* what clients on Ethernet send */
	/* What no sender goes below: RFC 8200 §5; and what each IPv4 host takes: RFC 791 §3.1. */
	INNER_V6_MIN = 1280,
	INNER_V4_MIN = 576,
	TOLD_MAX = 10, /* backends one by one; of more only the number */
	LINKS_MAX = FAST_PATH_PORTS_MAX,
};

struct shortage {
	const char *interface;
	json_int_t mtu_bytes;
	uint32_t need_bytes;
	unsigned int backends;
};

/* The encapsulation of a backend's service. */
static uint8_t encap_of(const json_t *services, const char *service)
{
	const json_t *row = json_object_get(services, service);
	const char *text = json_string_value(json_object_get(row, "encap"));
	int encap = text ? enum_parse(encap_words, text) : ENCAP_IPIP;

	return encap < 0 ? ENCAP_IPIP : (uint8_t)encap;
}

static uint32_t need_bytes(const json_t *services, const json_t *backend)
{
	const char *service = json_string_value(json_object_get(backend, "service"));
	const char *address = json_string_value(json_object_get(backend, "address"));
	struct backend outer = {.encap = encap_of(services, service ? service : "")};

	if (address && strchr(address, ':'))
		outer.flags = BACKEND_OUTER_V6;
	return INNER_BYTES + encap_outer_bytes(&outer);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

/* The way to a backend is so narrow that a client can't send packets that are short enough. */
static void say_narrow(struct doctor *d, const json_t *backend, uint32_t outer_bytes,
		       uint32_t inner_bytes)
{
	const json_t *hop = json_object_get(backend, "next_hop");
	json_int_t mtu_bytes = json_integer_value(json_object_get(hop, "mtu_bytes"));
	json_int_t first_bytes = json_integer_value(json_object_get(hop, "first_mtu_bytes"));
	uint32_t need_bytes = inner_bytes + outer_bytes;
	bool told = first_bytes >= (json_int_t)need_bytes;

	doctor_say(
		d, FINDING_WRONG, "mtu",
		told ? mend_with("give the link behind %s, on the way to %s, an MTU of %u",
				 text_of(hop, "via"), text_of(backend, "address"), need_bytes)
		     : mend_with("ip link set dev %s mtu %u, and as much on the way to %s",
				 text_of(hop, "interface"), need_bytes,
				 text_of(backend, "address")),
		"%s of %s (%s): %s carries %lld bytes, of which outer headers take %u: packets of "
		"%u, which each IPv%d client may send, don't fit and are dropped",
		text_of(backend, "name"), text_of(backend, "service"), text_of(backend, "address"),
		told ? "the path, as a router on it says," : text_of(hop, "interface"),
		(long long)mtu_bytes, outer_bytes, inner_bytes,
		inner_bytes == INNER_V6_MIN ? 6 : 4);
}

/* What clients of a backend's service send at least. */
static uint32_t inner_min_bytes(const json_t *services, const json_t *backend)
{
	const json_t *row = json_object_get(services, text_of(backend, "service"));

	return strchr(text_of(row, "vip"), ':') ? INNER_V6_MIN : INNER_V4_MIN;
}

static void check_narrow(struct doctor *d, const json_t *services)
{
	size_t i, narrow = 0;
	json_t *backend;

	json_array_foreach (json_object_get(d->patient->backends, "backends"), i, backend) {
		const json_t *hop = json_object_get(backend, "next_hop");
		json_int_t mtu_bytes = json_integer_value(json_object_get(hop, "mtu_bytes"));
		uint32_t outer_bytes = need_bytes(services, backend) - INNER_BYTES;
		uint32_t inner_bytes = inner_min_bytes(services, backend);

		if (mtu_bytes == 0 || mtu_bytes >= (json_int_t)inner_bytes + outer_bytes)
			continue;
		if (narrow++ < TOLD_MAX)
			say_narrow(d, backend, outer_bytes, inner_bytes);
	}
	if (narrow > TOLD_MAX)
		doctor_say(d, FINDING_WRONG, "mtu",
			   mend_with("sluicectl show backends tells which"),
			   "%zu more backends have ways that are as narrow", narrow - TOLD_MAX);
}

static struct shortage *shortage_of(struct shortage links[], size_t *n, const char *interface)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(links[i].interface, interface) == 0)
			return &links[i];
	if (*n == LINKS_MAX)
		return &links[LINKS_MAX - 1];
	links[*n] = (struct shortage){.interface = interface};
	return &links[(*n)++];
}

static void say(struct doctor *d, const struct shortage *s)
{
	doctor_say(d, FINDING_SLOW, "mtu",
		   mend_with("ip link set dev %s mtu %u, and as much on the way to the backends",
			     s->interface, s->need_bytes),
		   "%s carries %lld bytes, but clients' packets of %d need %u with their outer "
		   "headers (%u backends): senders are told to send less, and those that can't "
		   "lose packets",
		   s->interface, (long long)s->mtu_bytes, INNER_BYTES, s->need_bytes, s->backends);
}

void check_mtu(struct doctor *d)
{
	json_t *services = doctor_index(json_object_get(d->patient->services, "services"), "name");
	struct shortage links[LINKS_MAX];
	size_t i, n = 0, seen = 0;
	json_t *backend;

	json_array_foreach (json_object_get(d->patient->backends, "backends"), i, backend) {
		const json_t *hop = json_object_get(backend, "next_hop");
		const char *interface = json_string_value(json_object_get(hop, "interface"));
		json_int_t mtu_bytes = json_integer_value(json_object_get(hop, "mtu_bytes"));
		uint32_t need = need_bytes(services, backend);
		struct shortage *s;

		if (!interface || mtu_bytes == 0)
			continue;
		seen++;
		if (mtu_bytes >= (json_int_t)need)
			continue;
		s = shortage_of(links, &n, interface);
		s->backends++;
		s->mtu_bytes = mtu_bytes;
		if (need > s->need_bytes)
			s->need_bytes = need;
	}
	check_narrow(d, services);
	json_decref(services);
	for (i = 0; i < n; i++)
		say(d, &links[i]);
	if (n == 0 && seen > 0)
		doctor_say(d, FINDING_GOOD, "mtu", NULL,
			   "packets of %d bytes fit with their outer headers on the way to all "
			   "backends",
			   INNER_BYTES);
}
