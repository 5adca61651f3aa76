/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has each service a backend, and each backend a way to it? Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"

enum {
	TOLD_MAX = 10, /* backends one by one; of more only the number */
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

static char *mend_for(const json_t *hop, const char *address)
{
	const char *state = text_of(hop, "state"), *interface = text_of(hop, "interface");

	if (strcmp(state, "no_route") == 0)
		return mend_with("ip route add %s via GATEWAY", address);
	if (strcmp(state, "link_down") == 0)
		return mend_with("ip link set dev %s up", interface);
	if (strcmp(state, "no_neighbour") == 0)
		return mend_with("ping %s; is it on, and in this network? ip neigh show dev %s",
				 address, interface);
	if (strcmp(state, "no_port") == 0)
		return mend_with("ip route get %s; route it through a port, or add the interface "
				 "to dataplane.ports",
				 address);
	return mend_with("ip route get %s", address);
}

static void say_backend(struct doctor *d, const json_t *backend)
{
	const json_t *hop = json_object_get(backend, "next_hop");
	const char *address = text_of(backend, "address");
	bool takes = json_integer_value(json_object_get(backend, "slots")) > 0;

	doctor_say(d, FINDING_WRONG, "next hop", mend_for(hop, address), "%s of %s (%s): %s: %s",
		   text_of(backend, "name"), text_of(backend, "service"), address,
		   text_of(hop, "text"),
		   takes ? "its packets are dropped"
		   : strcmp(text_of(backend, "down"), "next_hop") == 0
			   ? "it counts as down, and others take its flows"
			   : "it takes no new flows, and packets for it are dropped");
}

static void check_backends(struct doctor *d)
{
	size_t i, wrong = 0, n = 0;
	json_t *backend;

	json_array_foreach (json_object_get(d->patient->backends, "backends"), i, backend) {
		const json_t *hop = json_object_get(backend, "next_hop");

		if (strcmp(text_of(backend, "state"), "disabled") == 0)
			continue;
		n++;
		if (strcmp(text_of(hop, "state"), "resolved") != 0 && ++wrong <= TOLD_MAX)
			say_backend(d, backend);
	}
	if (wrong > TOLD_MAX)
		doctor_say(d, FINDING_WRONG, "next hop",
			   mend_with("sluicectl show backends lists them"),
			   "and %zu backends more have none", wrong - TOLD_MAX);
	else if (wrong == 0)
		doctor_say(d, FINDING_GOOD, "next hop", NULL, "all %zu backends have one", n);
}

static void check_services(struct doctor *d)
{
	json_t *service;
	size_t i;

	json_array_foreach (json_object_get(d->patient->services, "services"), i, service) {
		const char *name = text_of(service, "name");

		if (json_integer_value(json_object_get(service, "backends_enabled")) == 0)
			doctor_say(d, FINDING_WRONG, "service",
				   mend_with("sluicectl backend enable %s BACKEND, or: sluicectl "
					     "backend add %s NAME ADDRESS",
					     name, name),
				   "%s has no enabled backend: new connections are dropped", name);
	}
}

void check_next_hops(struct doctor *d)
{
	if (!d->patient->backends)
		return;
	check_services(d);
	check_backends(d);
}
