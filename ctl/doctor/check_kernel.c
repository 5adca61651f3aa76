/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the xdp fast path needs of the kernel. Called by doctor.c.
 */
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include "doctor.h"

enum { KERNEL_OLDEST = 5015 }; /* that sluice-xdp.so is written for: 5.15 */

static void check_version(struct doctor *d)
{
	char text[HOST_TEXT_MAX];
	int version = host_kernel(d->patient->host, text);

	if (version < 0)
		doctor_say(d, FINDING_UNKNOWN, "kernel", NULL, "its version can't be read");
	else if (version < KERNEL_OLDEST)
		doctor_say(d, FINDING_WRONG, "kernel",
			   mend_with("install a newer one, or set dataplane.mode = \"dpdk\""),
			   "Linux %s: the xdp path needs %d.%d", text, KERNEL_OLDEST / 1000,
			   KERNEL_OLDEST % 1000);
	else
		doctor_say(d, FINDING_GOOD, "kernel", NULL, "Linux %s", text);
}

static void check_jit(struct doctor *d)
{
	long long jit;

	if (host_number(d->patient->host, &jit, "/proc/sys/net/core/bpf_jit_enable") != 0)
		return; /* compiled in: always on */
	if (jit == 0)
		doctor_say(d, FINDING_SLOW, "bpf jit",
			   mend_with("sysctl -w net.core.bpf_jit_enable=1"),
			   "BPF programs are interpreted, some ten times slower");
	else
		doctor_say(d, FINDING_GOOD, "bpf jit", NULL, "BPF programs are compiled");
}

/* The folder above pin_dir is what must be a bpffs: pin_dir itself is made by the daemon. */
static void check_bpffs(struct doctor *d)
{
	const struct patient *p = d->patient;
	const char *pins = json_string_value(json_object_get(p->node, "pin_dir"));
	char folder[HOST_TEXT_MAX], *slash;
	struct statfs fs;

	if (!pins && p->config)
		pins = p->config->settings.pin_dir;
	snprintf(folder, sizeof(folder), "%s%s", p->host->root, pins ? pins : "/sys/fs/bpf/sluice");
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	if (statfs(folder, &fs) == 0 && fs.f_type == BPF_FS_MAGIC)
		doctor_say(d, FINDING_GOOD, "bpffs", NULL, "%s is one", folder);
	else
		doctor_say(d, FINDING_WRONG, "bpffs", mend_with("mount -t bpf bpf %s", folder),
			   "%s is no bpffs: the xdp path can't keep its tables there", folder);
}

void check_kernel(struct doctor *d)
{
	if (!patient_runs(d->patient, "xdp"))
		return;
	check_version(d);
	check_jit(d);
	check_bpffs(d);
}
