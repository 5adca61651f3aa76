/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control server's listening socket and its file. Used by control.c, at start and end.
 */
#ifndef SLUICE_CONTROL_CONTROL_SOCKET_H
#define SLUICE_CONTROL_CONTROL_SOCKET_H

#include "control.h"

#include <sys/stat.h>
#include <sys/un.h>

struct control_socket {
	int fd; /* listening, never blocks */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev; /* with ino: which file is ours */
	ino_t ino;
};

/* Makes it as control_new says; returns as control_new. */
int control_socket_open(struct control_socket *s, const struct control_config *config,
			char error[CONTROL_ERROR_MAX]);

/* Removes the file; the fd is the caller's to close. */
void control_socket_remove(const struct control_socket *s);

#endif
