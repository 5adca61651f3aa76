/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VIP:PORT/PROTO, as people write a service's address. Used by commands.c.
 */
#ifndef SLUICE_CLI_ENDPOINT_H
#define SLUICE_CLI_ENDPOINT_H

#include <arpa/inet.h>
#include <stdint.h>

struct endpoint {
	char vip[INET6_ADDRSTRLEN];
	uint16_t port; /* 0: all */
	char proto[8]; /* the daemon says which there are */
};

/* Reads "10.0.0.1:80/tcp", "[2001:db8::1]:53/udp"; for all ports "all", "*" or "0". `out` is
 * written on success only. Returns NULL, or what is wrong, for people. */
const char *endpoint_parse(const char *text, struct endpoint *out);

#endif
