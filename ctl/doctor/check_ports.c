/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are all ports up, and do their devices spread what comes over the workers as they were asked to?
 * By what the daemon says of them. Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static char *mend_state(const struct doctor *d, const char *state, const char *interface)
{
	if (strcmp(state, "returned") == 0)
		return mend_with("systemctl restart sluiced");
	if (strcmp(state, "waiting") == 0)
		return mend_with(
			"put the device back, bound to the driver that it had, or take the "
			"port out of dataplane.ports in %s",
			d->patient->config_path);
	if (patient_runs(d->patient, "dpdk"))
		return mend_with(
			"look at the cable, and at the switch's port; the device is DPDK's, "
			"so that \"ip link\" doesn't set it up");
	return mend_with("ip link set dev %s up; look at the cable, and at the switch's port",
			 interface);
}

/* Returns whether it is up. */
static bool check_link(struct doctor *d, const json_t *port, const char *interface)
{
	const char *state = text_of(port, "state");

	if (strcmp(state, "up") != 0)
		doctor_say(d, FINDING_WRONG, "port", mend_state(d, state, interface),
			   "%s is %s: no packet comes or goes by it", interface, state);
	return strcmp(state, "up") == 0;
}

static void check_queues_of(struct doctor *d, const json_t *port, const char *interface)
{
	json_int_t queues = json_integer_value(json_object_get(port, "queues"));
	const char *spread = text_of(port, "spread"), *how = text_of(port, "spread_how");

	if (queues < 2 || !how[0])
		return;
	if (strcmp(spread, "none") == 0)
		doctor_say(
			d, FINDING_SLOW, "rss",
			mend_with("give the port a device with RSS, or dataplane.cores one core"),
			"%s: %s", interface, how);
	else if (strcmp(spread, "some") == 0)
		doctor_say(d, FINDING_SLOW, "rss", NULL,
			   "%s: %s: a client's flows of the other kinds all meet one worker",
			   interface, how);
	else
		doctor_say(d, FINDING_GOOD, "rss", NULL, "%s: %s", interface, how);
}

/* Buffers are on the port's node: a worker of another one fetches each packet from there. */
static void check_node(struct doctor *d, const json_t *port, const char *interface)
{
	const json_t *node = json_object_get(port, "numa_node"), *worker;
	size_t i;

	json_array_foreach (json_object_get(d->patient->dataplane, "workers"), i, worker) {
		const json_t *other = json_object_get(worker, "numa_node");

		if (!json_is_integer(node) || !json_is_integer(other) || json_equal(node, other))
			continue;
		doctor_say(
			d, FINDING_SLOW, "numa",
			mend_with("name cores of node %lld in dataplane.cores: cat "
				  "/sys/devices/system/node/node%lld/cpulist",
				  (long long)json_integer_value(node),
				  (long long)json_integer_value(node)),
			"%s is at NUMA node %lld, worker %zu at node %lld: its packets cross over",
			interface, (long long)json_integer_value(node), i,
			(long long)json_integer_value(other));
	}
}

void check_ports(struct doctor *d)
{
	const json_t *ports = json_object_get(d->patient->dataplane, "ports"), *port;
	size_t i, up = 0, n = json_array_size(ports);

	json_array_foreach (ports, i, port) {
		const char *interface = text_of(port, "interface");

		up += check_link(d, port, interface);
		check_queues_of(d, port, interface);
		check_node(d, port, interface);
	}
	if (up == n && n > 0)
		doctor_say(d, FINDING_GOOD, "port", NULL, "%zu of %zu have a link", up, n);
}
