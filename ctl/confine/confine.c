/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of the confinement, in an order in which each still has the right that it needs.
 */
#include "confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "other_threads.h"
#include "syscall_filter.h"

static int fail(char error[CONFINE_ERROR_MAX], int rc, const char *what)
{
	snprintf(error, CONFINE_ERROR_MAX, "security: %s: %s", what, strerror(-rc));
	return rc;
}

int confine_check(const struct confinement *what, char error[CONFINE_ERROR_MAX])
{
	if (!what->user[0] || getpwnam(what->user))
		return 0;
	snprintf(error, CONFINE_ERROR_MAX,
		 "security.user: there is no user %s: make it (useradd --system --user-group "
		 "--no-create-home --shell /usr/sbin/nologin %s), or leave the key out",
		 what->user, what->user);
	return -ENOENT;
}

void confine_join(gid_t group)
{
	int n = getgroups(0, NULL);
	gid_t *groups = n < 0 ? NULL : calloc((size_t)n + 1, sizeof(*groups));

	if (!groups)
		return;
	n = getgroups(n, groups);
	if (n >= 0) {
		groups[n] = group;
		(void)setgroups((size_t)n + 1, groups);
	}
	free(groups);
}

/* ---- the other threads: nothing at all ---- */

/* In a signal handler. What a thread has no right to drop, it can't regain either: without
 * CAP_SETPCAP in its permitted set there is nothing to do about the bounding set. */
static void drop_bounds(void)
{
	for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
		prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	syscall(SYS_capset, &header, none);
}

static int others_run(void (*run)(void), char error[CONFINE_ERROR_MAX])
{
	char what[80];
	int tid = 0, rc = other_threads_run(run, &tid);

	if (rc >= 0)
		return rc;
	snprintf(what, sizeof(what), "thread %d can't be confined", tid);
	return fail(error, rc, what);
}

/* ---- the control thread ---- */

/* What it keeps, of what it has. */
static void capabilities_choose(const struct confinement *what, bool *bounds)
{
	/* Next hops: the kernel is asked to resolve neighbours. Checks by ICMP and through a vip. */
	static const unsigned int always[] = {CAP_NET_ADMIN, CAP_NET_RAW};
	const capng_type_t both = (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
	bool has[CAP_LAST_CAP + 1];

	capng_get_caps_process();
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		has[i] = capng_have_capability(CAPNG_PERMITTED, i);
	*bounds = has[CAP_SETPCAP];
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (has[always[i]])
			capng_update(CAPNG_ADD, both, always[i]);
	if (what->bpf && has[CAP_BPF])
		capng_update(CAPNG_ADD, both, CAP_BPF);
}

/* libc makes all threads become the user, and the kernel takes the others' capabilities then. */
static int become(const char *user, bool bounds, char error[CONFINE_ERROR_MAX])
{
	const struct passwd *entry = getpwnam(user);
	capng_flags_t flags = (capng_flags_t)(CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_AMBIENT |
					      (bounds ? CAPNG_CLEAR_BOUNDING : 0));

	if (!entry)
		return fail(error, -ENOENT, "security.user is gone");
	if (capng_change_id((int)entry->pw_uid, (int)entry->pw_gid, flags) != 0)
		return fail(error, -EPERM, "can't become the user that security.user names");
	return 0;
}

static int stay(bool bounds, char error[CONFINE_ERROR_MAX])
{
	capng_select_t set = bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS;

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (capng_apply(set) != 0)
		return fail(error, -EPERM, "can't give capabilities up");
	return 0;
}

static int filter_load(const struct confinement *what, char error[CONFINE_ERROR_MAX])
{
	int refused_n = syscall_filter_load(what);

	if (refused_n == -EINVAL || refused_n == -ENOSYS) {
		log_warning("security: this kernel has no seccomp filters: going without");
		return 0;
	}
	return refused_n < 0 ? fail(error, refused_n, "can't filter system calls") : refused_n;
}

static void tell(const struct confinement *what, int threads_n, int refused_n)
{
	char *kept;

	capng_get_caps_process();
	kept = capng_print_caps_text(CAPNG_PRINT_BUFFER, CAPNG_EFFECTIVE);
	log_info("security: %s%s%s, keeps %s; %d other threads keep nothing; %d system calls are "
		 "refused",
		 what->who ? what->who : "", what->user[0] ? "now user " : "user unchanged",
		 what->user, kept ? kept : "?", threads_n, refused_n);
	free(kept);
}

int confine(const struct confinement *what, char error[CONFINE_ERROR_MAX])
{
	bool bounds;
	int threads_n, refused_n, rc;

	capabilities_choose(what, &bounds);
	if (!bounds)
		log_warning("security: without CAP_SETPCAP the bounding set stays as it is");
	threads_n = others_run(drop_bounds, error);
	if (threads_n < 0)
		return threads_n;
	rc = what->user[0] ? become(what->user, bounds, error) : stay(bounds, error);
	if (rc < 0)
		return rc;
	threads_n = others_run(drop_capabilities, error);
	if (threads_n < 0)
		return threads_n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(error, -errno, "no_new_privs");
	refused_n = filter_load(what, error);
	if (refused_n < 0)
		return refused_n;
	tell(what, threads_n, refused_n);
	return 0;
}
