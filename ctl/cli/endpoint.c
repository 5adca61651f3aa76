/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VIP:PORT/PROTO. Called by commands.c.
 */
#include "endpoint.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool copy(char *out, size_t out_bytes, const char *from, const char *end)
{
	size_t n_bytes = (size_t)(end - from);

	if (n_bytes >= out_bytes)
		return false;
	memcpy(out, from, n_bytes);
	out[n_bytes] = 0;
	return true;
}

static bool parse_port(const char *from, const char *end, uint16_t *port)
{
	char digits[6], *rest;
	unsigned long value;

	if (from == end || !copy(digits, sizeof(digits), from, end))
		return false;
	if (strcmp(digits, "all") == 0 || strcmp(digits, "*") == 0) {
		*port = 0;
		return true;
	}
	if (strspn(digits, "0123456789") != strlen(digits))
		return false;
	value = strtoul(digits, &rest, 10);
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

const char *endpoint_parse(const char *text, struct endpoint *out)
{
	struct endpoint e = {.port = 0};
	struct in6_addr addr;
	bool v6 = text[0] == '[';
	const char *vip = v6 ? text + 1 : text;
	const char *slash = strrchr(text, '/');
	const char *colon, *vip_end;

	if (!slash || slash[1] == 0)
		return "the protocol is missing: VIP:PORT/PROTO, as in 10.0.0.1:80/tcp";
	colon = memrchr(text, ':', (size_t)(slash - text));
	if (!v6 && colon && memchr(text, ':', (size_t)(colon - text)))
		return "an IPv6 address goes into brackets, as in [2001:db8::1]:80/tcp";
	vip_end = v6 ? memchr(text, ']', (size_t)(slash - text)) : colon;
	if (!vip_end || (v6 && colon != vip_end + 1))
		return "the port is missing: VIP:PORT/PROTO, as in 10.0.0.1:80/tcp, "
		       "10.0.0.1:all/tcp";
	if (!copy(e.vip, sizeof(e.vip), vip, vip_end) ||
	    inet_pton(v6 ? AF_INET6 : AF_INET, e.vip, &addr) != 1)
		return v6 ? "what is in brackets is no IPv6 address"
			  : "what is before the port is no IPv4 address";
	if (!parse_port(colon + 1, slash, &e.port))
		return "the port is not in 1-65535, nor \"all\"";
	if (!copy(e.proto, sizeof(e.proto), slash + 1, slash + strlen(slash)))
		return "the protocol is neither tcp nor udp";
	*out = e;
	return NULL;
}
