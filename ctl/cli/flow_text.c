/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow as people write it. Called by command_parse.c.
 */
#include "flow_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char FORM[] = "a flow is written as 'tcp 192.0.2.1:40000 -> 198.51.100.10:443', "
			   "'udp [2001:db8::1]:5000 -> [2001:db8::10]:53' or "
			   "'icmp 192.0.2.1 -> 198.51.100.10'";

/* The next word of the text, cut out of it; NULL: there is none. */
static char *word_next(char **text)
{
	char *word = *text + strspn(*text, " \t"), *end = word + strcspn(word, " \t");

	if (*word == 0)
		return NULL;
	*text = *end ? end + 1 : end;
	*end = 0;
	return word;
}

static const char *port_parse(const char *text, struct flow_end *end)
{
	unsigned long port = strtoul(text, NULL, 10);

	if (text[0] == 0 || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text) ||
	    port > UINT16_MAX)
		return "a port is not in 0-65535";
	end->has_port = true;
	end->port = (uint16_t)port;
	return NULL;
}

/* "192.0.2.1:80", "[2001:db8::1]:80"; without a port, an IPv6 address may stand without brackets. */
static const char *end_parse(char *text, struct flow_end *end)
{
	bool brackets = text[0] == '[';
	char *addr = brackets ? text + 1 : text, *close = strchr(text, ']');
	char *colon = brackets ? (close ? close + 1 : NULL) : strchr(text, ':');
	struct in6_addr ignored;
	const char *port = NULL;

	if (brackets && (!close || (close[1] != ':' && close[1] != 0)))
		return "the bracket of an IPv6 address is not closed, as in [2001:db8::1]:53";
	if (brackets)
		*close = 0;
	if (brackets || (colon && !strchr(colon + 1, ':'))) {
		port = *colon == ':' ? colon + 1 : NULL;
		if (!brackets)
			*colon = 0;
	} else if (colon && inet_pton(AF_INET6, addr, &ignored) != 1) {
		return "an IPv6 address goes into brackets, as in [2001:db8::1]:53";
	}
	if (strlen(addr) >= sizeof(end->addr) ||
	    (inet_pton(AF_INET, addr, &ignored) != 1 && inet_pton(AF_INET6, addr, &ignored) != 1))
		return "an address is neither IPv4 nor IPv6 (names are not looked up)";
	snprintf(end->addr, sizeof(end->addr), "%s", addr);
	return port ? port_parse(port, end) : NULL;
}

const char *flow_text_parse(const char *text, struct flow_text *out)
{
	char copy[FLOW_TEXT_MAX], *rest = copy, *proto, *src, *dst;
	struct flow_text flow = {.proto = ""};
	const char *wrong;

	if (strlen(text) >= sizeof(copy))
		return FORM;
	memcpy(copy, text, strlen(text) + 1);
	proto = word_next(&rest);
	src = word_next(&rest);
	dst = word_next(&rest);
	if (dst && strcmp(dst, "->") == 0)
		dst = word_next(&rest);
	if (!dst || word_next(&rest) || strlen(proto) >= sizeof(flow.proto))
		return FORM;
	wrong = end_parse(src, &flow.src);
	if (!wrong)
		wrong = end_parse(dst, &flow.dst);
	if (wrong)
		return wrong;
	if (strcmp(proto, "icmp6") == 0 || strcmp(proto, "icmpv6") == 0)
		proto = "icmp";
	if (strcmp(proto, "icmp") != 0 && (!flow.src.has_port || !flow.dst.has_port))
		return "a port is missing, as in 192.0.2.1:40000";
	memcpy(flow.proto, proto, strlen(proto) + 1);
	*out = flow;
	return NULL;
}
