/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement: after its start the daemon gives up all of root's power that it doesn't need from
 * then on, for good and for all of its threads: capabilities, the bounding set, gaining privileges
 * by running programs (no_new_privs), dangerous system calls (seccomp), and root's name if asked
 * to. docs/operations.md, "Security", tells operators what is kept, and why. Called by the daemon,
 * on the control thread.
 */
#ifndef SLUICE_CONFINE_H
#define SLUICE_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

enum {
	CONFINE_ERROR_MAX = 320,
};

/* What is needed from then on. */
struct confinement {
	const char *who;  /* which process, for the log: "checks: "; NULL: the daemon itself */
	const char *user; /* to become; "": stay who we are */
	bool bpf;         /* BPF maps are read and written: xdp, and DPDK's net_af_xdp */
};

/*
 * Whether the user exists; to be asked before anything is started. Returns 0, or -ENOENT with a
 * line for people in `error`.
 */
int confine_check(const struct confinement *what, char error[CONFINE_ERROR_MAX]);

/*
 * Joins a group, beside those that the process has: so it can read what the group may, and give files
 * to it, when it has neither CAP_DAC_OVERRIDE nor CAP_CHOWN any more. Without the right to it nothing
 * happens. To become a user replaces all groups by that user's.
 */
void confine_join(gid_t group);

/*
 * Confines the process. To be called once, when every thread that needs more has done what it
 * needs it for; threads that come later have what their maker has. The control thread keeps
 * CAP_NET_ADMIN and CAP_NET_RAW, and CAP_BPF if `what` says so, as far as it had them; the other
 * threads keep no capability. Without CAP_SETPCAP the bounding set stays as it is, and a kernel
 * without seccomp goes without: the log says so.
 * No program can be run from then on: who has to run some forks a process for it before.
 * Returns 0, or -errno with a line for people in `error`: the process may then be confined in
 * part, and should end.
 */
int confine(const struct confinement *what, char error[CONFINE_ERROR_MAX]);

#endif
