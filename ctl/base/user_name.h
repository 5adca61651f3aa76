/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user is called, for people who read who did something. Any thread.
 */
#ifndef SLUICE_USER_NAME_H
#define SLUICE_USER_NAME_H

#include <stddef.h>
#include <sys/types.h>

/* As /etc/passwd has it, cut to `bytes`; "": it doesn't. Not getpwuid(3), which may ask a server
 * somewhere, and wait. */
void user_name(uid_t uid, char *name, size_t bytes);

#endif
