/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler in front of libevent's, which notes siginfo_t's sender. Control thread.
 */
#include "signal_sender.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "user_name.h"

enum {
	NAME_MAX_BYTES = 33,
};

/* Of each signal. A word is written whole; of two signals at once either may be told. */
static struct {
	void (*next)(int);
	volatile pid_t pid; /* 0: the kernel, or nobody */
	volatile uid_t uid;
} senders[NSIG];

static void note(int number, siginfo_t *info, void *context)
{
	/* By kill(2), sigqueue(3) or the like: others have no sender. */
	senders[number].pid = info->si_code <= 0 ? info->si_pid : 0;
	senders[number].uid = info->si_uid;
	senders[number].next(number);
}

int signal_sender_note(int number)
{
	struct sigaction action;

	if (sigaction(number, NULL, &action) != 0)
		return -errno;
	if (action.sa_flags & SA_SIGINFO || action.sa_handler == SIG_DFL ||
	    action.sa_handler == SIG_IGN)
		return -EINVAL;
	senders[number].next = action.sa_handler;
	action.sa_sigaction = note;
	action.sa_flags |= SA_SIGINFO;
	return sigaction(number, &action, NULL) == 0 ? 0 : -errno;
}

const char *signal_sender(int number, char text[SIGNAL_SENDER_MAX])
{
	const char *word = sigabbrev_np(number);
	char name[NAME_MAX_BYTES];

	if (senders[number].pid == 0) {
		snprintf(text, SIGNAL_SENDER_MAX, "SIG%s", word ? word : "?");
		return text;
	}
	user_name(senders[number].uid, name, sizeof(name));
	snprintf(text, SIGNAL_SENDER_MAX, "SIG%s uid %u%s%s%s pid %d", word ? word : "?",
		 (unsigned int)senders[number].uid, name[0] ? " (" : "", name, name[0] ? ")" : "",
		 (int)senders[number].pid);
	return text;
}
