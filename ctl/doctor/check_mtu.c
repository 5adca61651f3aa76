// SPDX-License-Identifier: Apache-2.0
/*
 * Is there room for the outer headers on the way to the backends? Said once for each interface,
 * of the packet that needs most. Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"
#include "sluice/encap.h"

enum {
	INNER_BYTES = 1500, /* what clients on Ethernet send */
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
	uint8_t encap = ENCAP_IPIP;

	if (text)
		(void)encap_parse(text, &encap);
	return encap;
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
	json_decref(services);
	for (i = 0; i < n; i++)
		say(d, &links[i]);
	if (n == 0 && seen > 0)
		doctor_say(d, FINDING_GOOD, "mtu", NULL,
			   "packets of %d bytes fit with their outer headers on the way to all "
			   "backends",
			   INNER_BYTES);
}
