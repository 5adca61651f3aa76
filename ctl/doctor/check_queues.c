/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do packets reach all cores that could handle them? By receive queues and RSS, and by what
 * the workers counted. Called by doctor.c.
 */
#include "doctor.h"
#include "nic.h"

enum {
	CPUS_MAX = 4096,
	PACKETS_MIN = 100000,    /* fewer tell nothing of how they are spread */
	PACKETS_IDLE_MIN = 1000, /* but that a worker has had none of them */
	SHARE_MAX_PERCENT = 90,
};

static int cpus_online(const struct host *host)
{
	int n = 0;

	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++)
		n += host_listed(host, "/sys/devices/system/cpu/online", cpu);
	return n;
}

static void check_hash(struct doctor *d, const char *interface, const struct link_facts *facts)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const char *type = v6 ? "udp6" : "udp4";

		if (facts->hash_udp_ports[v6] == 0)
			doctor_say(d, FINDING_SLOW, "rss",
				   mend_with("ethtool -N %s rx-flow-hash %s sdfn", interface, type),
				   "%s: %s is spread over the queues by addresses alone, so one "
				   "client's datagrams all meet one CPU",
				   interface, type);
	}
}

static void check_count(struct doctor *d, const char *interface, const struct link_facts *facts,
			int cpus)
{
	const struct nic *nic = nic_by_driver(facts->driver);
	const int most = nic_rx_queues_max(nic, facts->rx_queues_max);
	const int want = most < cpus ? most : cpus;
	char channels[NIC_CHANNELS_TEXT_MAX];

	nic_channels_text(nic, want, channels);
	if (facts->rx_queues < want)
		doctor_say(d, FINDING_SLOW, "queues",
			   mend_with("ethtool -L %s %s", interface, channels),
			   "%s: %d receive queues for %d CPUs: the other CPUs handle no packets",
			   interface, facts->rx_queues, cpus);
	else
		doctor_say(d, FINDING_GOOD, "queues", NULL, "%s: %d receive queues for %d CPUs",
			   interface, facts->rx_queues, cpus);
}

/* xdp: a CPU handles what comes by its queue. */
static void check_interface(struct doctor *d, const char *interface, int cpus)
{
	struct link_facts facts;

	if (d->patient->host->link_read(interface, &facts) != 0) {
		doctor_say(d, FINDING_WRONG, "port",
			   mend_with("ip link show; then edit dataplane.ports in %s",
				     d->patient->config_path),
			   "%s: there is no such interface", interface);
		return;
	}
	if (facts.rx_queues < 0) {
		doctor_say(d, FINDING_UNKNOWN, "queues", NULL,
			   "%s: its driver (%s) doesn't tell how many it has", interface,
			   facts.driver);
		return;
	}
	check_count(d, interface, &facts, cpus);
	if (facts.rx_queues > 1)
		check_hash(d, interface, &facts);
}

static json_int_t packets_of(json_t *worker)
{
	json_int_t sum = 0;
	const char *verdict;
	json_t *packets;

	json_object_foreach (json_object_get(worker, "packets"), verdict, packets)
		sum += json_integer_value(packets);
	return sum;
}

/* dpdk: whatever a device says of its RSS, this is what came of it. QEMU's vmxnet3 takes a key and a
 * table, and gives all packets to its first queue. */
static void check_idle(struct doctor *d, json_int_t all)
{
	json_t *workers = json_object_get(d->patient->dataplane, "workers"), *worker;
	size_t i;

	if (!patient_runs(d->patient, "dpdk"))
		return;
	json_array_foreach (workers, i, worker) {
		if (packets_of(worker) > 0)
			continue;
		doctor_say(
			d, FINDING_SLOW, "rss",
			mend_with("if there are many flows: give the port another device, or name "
				  "one core fewer in dataplane.cores"),
			"worker %zu has had none of %lld packets: there are few flows, or the "
			"device "
			"doesn't spread them as it was asked to",
			i, (long long)all);
	}
}

static void check_spread(struct doctor *d)
{
	const json_t *workers = json_object_get(d->patient->dataplane, "workers");
	size_t n = json_array_size(workers), busiest = 0;
	json_int_t all = 0, most = 0;

	for (size_t i = 0; i < n; i++) {
		json_int_t packets = packets_of(json_array_get(workers, i));

		all += packets;
		if (packets > most) {
			most = packets;
			busiest = i;
		}
	}
	if (n >= 2 && all >= PACKETS_IDLE_MIN)
		check_idle(d, all);
	if (n < 2 || all < PACKETS_MIN)
		return;
	if (most > all / 100 * SHARE_MAX_PERCENT)
		doctor_say(d, FINDING_SLOW, "workers",
			   mend_with("give the port a device with RSS, or fewer cores in "
				     "dataplane.cores"),
			   "worker %zu of %zu had %d %% of all packets: the port doesn't spread "
			   "them",
			   busiest, n, (int)(most * 100 / all));
	else
		doctor_say(d, FINDING_GOOD, "workers", NULL,
			   "%zu share the packets, the busiest has %d %%", n,
			   (int)(most * 100 / all));
}

void check_queues(struct doctor *d)
{
	const struct patient *p = d->patient;
	int cpus = cpus_online(p->host);

	if (patient_runs(p, "xdp")) {
		for (size_t i = 0; i < patient_ports(p); i++) {
			const char *interface = patient_interface(p, i);

			if (interface)
				check_interface(d, interface, cpus);
		}
	}
	check_spread(d);
}
