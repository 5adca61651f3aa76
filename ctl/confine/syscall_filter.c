/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of refused system calls, and its loading.
 */
#include "syscall_filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>

/* Names, since not every architecture has every call. */
static const char *const refused_always[] = {
	/* other processes' memory and files */
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"kcmp",
	"pidfd_getfd",
	/* the kernel itself */
	"kexec_load",
	"kexec_file_load",
	"create_module",
	"init_module",
	"finit_module",
	"delete_module",
	"reboot",
	"iopl",
	"ioperm",
	"syslog",
	"acct",
	"swapon",
	"swapoff",
	"lookup_dcookie",
	"nfsservctl",
	"personality",
	"modify_ldt",
	"uselib",
	"vhangup",
	/* what the file system looks like */
	"mount",
	"umount",
	"umount2",
	"pivot_root",
	"chroot",
	"move_mount",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"open_tree",
	"mount_setattr",
	"quotactl",
	"quotactl_fd",
	"open_by_handle_at",
	"mknod",
	"mknodat",
	/* namespaces; clone's flags are below */
	"setns",
	"unshare",
	/* keys, clocks, names */
	"add_key",
	"request_key",
	"keyctl",
	"settimeofday",
	"stime",
	"clock_settime",
	"clock_settime64",
	"clock_adjtime",
	"clock_adjtime64",
	"adjtimex",
	"sethostname",
	"setdomainname",
	/* what exploits like, and nothing here uses */
	"userfaultfd",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"vmsplice",
	/* other programs, other users */
	"execve",
	"execveat",
	"setuid",
	"setgid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"setgroups",
	"setfsuid",
	"setfsgid",
};
static const char *const refused_without_bpf[] = {"bpf", "perf_event_open"};

/* Returns how many were added, or -errno. A call that this architecture lacks needs no rule. */
static int refuse(scmp_filter_ctx filter, const char *const *names, size_t n)
{
	int added = 0;

	for (size_t i = 0; i < n; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);
		int rc;

		if (number == __NR_SCMP_ERROR)
			continue;
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
		if (rc < 0)
			return rc;
		added++;
	}
	return added;
}

/*
 * New namespaces by clone(). clone3() keeps its flags in memory, which a filter can't read: it is
 * said not to exist, and libc takes clone().
 */
static int refuse_namespaces(scmp_filter_ctx filter)
{
	static const unsigned int flags[] = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWNET,
					     CLONE_NEWPID,   CLONE_NEWIPC, CLONE_NEWUTS,
					     CLONE_NEWCGROUP};
	int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (size_t i = 0; rc == 0 && i < sizeof(flags) / sizeof(flags[0]); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
	return rc < 0 ? rc : 2;
}

#define REFUSE(filter, names) refuse(filter, names, sizeof(names) / sizeof((names)[0]))

int syscall_filter_load(const struct confinement *what)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int added, sum = 0;

	if (!filter)
		return -ENOMEM;
	added = REFUSE(filter, refused_always);
	if (added >= 0) {
		sum += added;
		added = refuse_namespaces(filter);
	}
	if (added >= 0 && !what->bpf) {
		sum += added;
		added = REFUSE(filter, refused_without_bpf);
	}
	if (added >= 0) {
		sum += added;
		/* Without a log the filter would still hold. */
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
		added = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	}
	if (added >= 0)
		added = seccomp_load(filter);
	seccomp_release(filter);
	return added < 0 ? added : sum;
}
