/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client of the control server: its lines in, its answers out, its end. Used by control.c,
 * on the control thread.
 */
#ifndef SLUICE_CONTROL_CONTROL_CLIENT_H
#define SLUICE_CONTROL_CONTROL_CLIENT_H

#include "api.h"
#include "control.h"

#include <sys/queue.h>

struct control_client;

LIST_HEAD(control_clients, control_client);

/* What clients have in common. */
struct control_room {
	struct event_base *base;
	struct control_config config;
	struct daemon_api api;
	struct control_stats stats;
	struct control_clients clients;
};

/* Takes a connected, non-blocking socket over, in any case. The client frees itself at its end.
 * Returns 0 or -ENOMEM. */
int control_client_new(struct control_room *room, int fd);

/*
 * At the limit: closes a client so that one of user `uid` finds room. Of the user who has the most, the
 * one that said nothing for the longest time: none that waits for an answer, and of those that follow
 * events only if there is no other. Who has more than half of all loses one in any case to another
 * user. False: there is none; the newcomer is to be refused.
 */
bool control_clients_make_room(struct control_room *room, uid_t uid);

/* An event happened: clients that follow are told, in their next turns. */
void control_clients_tell(struct control_room *room);

/* Watches the sockets again that are no longer watched, since the kernel refused it. */
void control_clients_rearm(struct control_room *room);

/* All of them. */
void control_clients_free(struct control_room *room);

#endif
