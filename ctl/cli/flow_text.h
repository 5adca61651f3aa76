/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow as people write it: "tcp 192.0.2.1:40000 -> 198.51.100.10:443". Used by command_parse.c.
 */
#ifndef SLUICE_CLI_FLOW_TEXT_H
#define SLUICE_CLI_FLOW_TEXT_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	FLOW_TEXT_MAX = 192, /* the longest such text, with its 0, and blanks to spare */
};

struct flow_end {
	char addr[INET6_ADDRSTRLEN];
	bool has_port;
	uint16_t port;
};

struct flow_text {
	char proto[8]; /* the daemon says which there are; "icmp": an echo request */
	struct flow_end src, dst;
};

/*
 * Reads "PROTO ADDRESS:PORT -> ADDRESS:PORT", an IPv6 address in brackets; the arrow may be
 * missing; of icmp, addresses alone. `out` is written on success only. Returns NULL, or what is
 * wrong, for people.
 */
const char *flow_text_parse(const char *text, struct flow_text *out);

#endif
