/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cores that DPDK's workers are pinned to. Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"

static void check_governor(struct doctor *d, unsigned int core)
{
	char text[HOST_TEXT_MAX];

	if (host_text(d->patient->host, text,
		      "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", core) == 0 &&
	    strcmp(text, "performance") != 0)
		doctor_say(d, FINDING_SLOW, "cores",
			   mend_with("cpupower -c %u frequency-set -g performance", core),
			   "core %u: its frequency follows the load (governor %s)", core, text);
}

static void check_core(struct doctor *d, unsigned int core)
{
	const struct host *host = d->patient->host;

	if (!host_listed(host, "/sys/devices/system/cpu/online", core)) {
		doctor_say(d, FINDING_WRONG, "cores",
			   mend_with("edit dataplane.cores in %s, or: "
				     "echo 1 > /sys/devices/system/cpu/cpu%u/online",
				     d->patient->config_path, core),
			   "core %u is not there, or offline", core);
		return;
	}
	if (core == 0)
		doctor_say(d, FINDING_SLOW, "cores",
			   mend_with("edit dataplane.cores in %s, and restart sluiced",
				     d->patient->config_path),
			   "core 0 forwards packets, and does the system's own work, too");
	else if (!host_listed(host, "/sys/devices/system/cpu/isolated", core))
		doctor_say(d, FINDING_SLOW, "cores",
			   mend_with("add to the kernel's command line: isolcpus=%u nohz_full=%u "
				     "rcu_nocbs=%u; then reboot",
				     core, core, core),
			   "core %u is not isolated: other programs may interrupt its worker",
			   core);
	else
		doctor_say(d, FINDING_GOOD, "cores", NULL, "core %u is isolated", core);
	check_governor(d, core);
}

void check_cores(struct doctor *d)
{
	const struct patient *p = d->patient;
	json_t *worker;
	size_t i;

	if (!patient_runs(p, "dpdk"))
		return;
	if (p->dataplane) {
		json_array_foreach (json_object_get(p->dataplane, "workers"), i, worker)
			check_core(d, (unsigned int)json_integer_value(
					      json_object_get(worker, "core")));
		return;
	}
	for (i = 0; p->config && i < p->config->settings.cores_n; i++)
		check_core(d, p->config->settings.cores[i]);
}
