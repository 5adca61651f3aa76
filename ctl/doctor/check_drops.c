/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the counters say of packets that were lost for want of something here. Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"
#include "sluice/module.h"

/* Verdicts that mean a fault of this node, not of the packet. docs/counters.md has all. */
static const struct {
	const char *verdict, *mend;
} rows[] = {
	{"no_next_hop", "sluicectl show backends tells which; docs/operations.md"},
	{"no_backend", "sluicectl show backends; enable or add one"},
	{"no_backend_reject", "sluicectl show backends; enable or add one"},
	{"too_big_dropped", "raise the MTU towards the backends: see the line on mtu"},
	{"error_limited",
	 "senders of too long packets get no answer: raise the MTU towards the backends, "
	 "or icmp.rate_per_s"},
};

static json_int_t sum_of(const struct patient *p, const char *verdict)
{
	json_int_t sum = 0;
	json_t *service;
	size_t i;

	json_array_foreach (json_object_get(p->counters, "services"), i, service)
		sum += json_integer_value(
			json_object_get(json_object_get(service, "packets"), verdict));
	return sum;
}

static void check_missed(struct doctor *d)
{
	json_t *port;
	size_t i;

	json_array_foreach (json_object_get(d->patient->dataplane, "ports"), i, port) {
		json_int_t missed = json_integer_value(json_object_get(port, "rx_missed"));
		json_int_t received = json_integer_value(json_object_get(port, "rx_packets"));
		const char *interface = json_string_value(json_object_get(port, "interface"));

		if (missed > 0)
			doctor_say(d, FINDING_SLOW, "drops",
				   mend_with("more workers (dataplane.cores) or queues; dpdk: idle "
					     "= \"busy\"; sluicectl top shows the load"),
				   "%s: %lld of %lld packets came when no buffer was free",
				   interface ? interface : "?", (long long)missed,
				   (long long)(received + missed));
	}
}

/* What was lost at ports, beside the verdicts. %s: the interface. */
static const struct {
	enum fast_path_drop drop;
	enum finding_level level;
	const char *cause, *mend;
} drop_rows[] = {
	{FAST_PATH_DROP_NO_XDP, FINDING_WRONG,
	 "its device took no frames from XDP; a veth takes some only if its peer has XDP or GRO",
	 "of a veth, at its other end: ethtool -K PEER gro on; else dataplane.xdp_attach = "
	 "\"generic\""},
	{FAST_PATH_DROP_TOO_LONG, FINDING_WRONG, "they were longer than its MTU",
	 "ip link set dev %s mtu 1556, or as the line on mtu says; the switch must take that, too"},
	{FAST_PATH_DROP_DOWN, FINDING_WRONG, "it was down", "ip link set dev %s up"},
	{FAST_PATH_DROP_FULL, FINDING_SLOW, "its transmit queue was full",
	 "ethtool -G %s tx 4096; ethtool -L for more queues; a veth's peer must have its MTU"},
	{FAST_PATH_DROP_FAILED, FINDING_WRONG, "its driver did not send them",
	 "ethtool -S %s tells what its driver counts"},
	{FAST_PATH_DROP_KERNEL_CONTROL, FINDING_WRONG,
	 "ARP, ND and the like came faster than the kernel takes them",
	 "tcpdump -ni %s 'arp or icmp6' tells who sends them"},
	{FAST_PATH_DROP_KERNEL_NODE, FINDING_WRONG,
	 "packets to this node came faster than the kernel takes them",
	 "tcpdump -ni %s tells who sends them; filter them in front of the node"},
	{FAST_PATH_DROP_KERNEL_VIP, FINDING_SLOW,
	 "packets to vips that nobody serves came faster than the kernel takes them",
	 "tcpdump -ni %s tells who sends them; filter them in front of the node"},
	{FAST_PATH_DROP_TAP, FINDING_WRONG, "the kernel's interface took none",
	 "ip link set dev %s up"},
	{FAST_PATH_DROP_FROM_KERNEL, FINDING_SLOW,
	 "the kernel sent by it faster than it takes packets, or it was down",
	 "sluicectl show dataplane tells its state"},
};

static void check_port(struct doctor *d, const json_t *port)
{
	const json_t *dropped = json_object_get(port, "dropped");
	const char *interface = json_string_value(json_object_get(port, "interface"));

	if (!interface)
		interface = "?";
	for (size_t i = 0; i < sizeof(drop_rows) / sizeof(drop_rows[0]); i++) {
		const char *word = fast_path_drop_word(drop_rows[i].drop);
		json_int_t packets = json_integer_value(json_object_get(dropped, word));
		const char *at = strstr(drop_rows[i].mend, "%s");
		int before = at ? (int)(at - drop_rows[i].mend) : (int)strlen(drop_rows[i].mend);

		if (packets > 0)
			doctor_say(d, drop_rows[i].level, "drops",
				   mend_with("%.*s%s%s", before, drop_rows[i].mend,
					     at ? interface : "", at ? at + 2 : ""),
				   "%s: %lld packets were lost (%s): %s", interface,
				   (long long)packets, word, drop_rows[i].cause);
	}
}

static void check_ports_of(struct doctor *d)
{
	json_t *port;
	size_t i;

	json_array_foreach (json_object_get(d->patient->dataplane, "ports"), i, port)
		check_port(d, port);
}

void check_drops(struct doctor *d)
{
	size_t before = d->findings_n;

	if (!d->patient->counters)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_int_t packets = sum_of(d->patient, rows[i].verdict);

		if (packets > 0)
			doctor_say(d, FINDING_WRONG, "drops", mend_with("%s", rows[i].mend),
				   "%lld packets were dropped as %s since the services were added",
				   (long long)packets, rows[i].verdict);
	}
	check_missed(d);
	check_ports_of(d);
	if (d->findings_n == before)
		doctor_say(d, FINDING_GOOD, "drops", NULL,
			   "no packet was lost for want of something here");
}
