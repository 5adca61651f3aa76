/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads /etc/passwd. Any thread.
 */
#include "user_name.h"

#include <pwd.h>
#include <stdio.h>

void user_name(uid_t uid, char *name, size_t bytes)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry, *user;
	char text[1024];

	name[0] = 0;
	while (file && fgetpwent_r(file, &entry, text, sizeof(text), &user) == 0) {
		if (user->pw_uid != uid)
			continue;
		snprintf(name, bytes, "%s", user->pw_name);
		break;
	}
	if (file)
		fclose(file);
}
