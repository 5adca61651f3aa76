/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and prefixes: text, comparison. Called by the config reader, the model and the
 * next-hop resolution, on whatever thread they run.
 */
#include "ip.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static_assert(sizeof(struct ip_addr) == 17, "ip_addr is compared with memcmp: no padding");
static_assert(IP_TEXT_MAX == INET6_ADDRSTRLEN, "ip_format's buffer is inet_ntop's");

size_t ip_length_bytes(uint8_t family)
{
	return family == IP_V4 ? 4 : family == IP_V6 ? 16 : 0;
}

int ip_socket_family(uint8_t family)
{
	return family == IP_V4 ? AF_INET : family == IP_V6 ? AF_INET6 : AF_UNSPEC;
}

struct ip_addr ip_from_bytes(uint8_t family, const void *bytes)
{
	struct ip_addr addr = {.family = family};

	memcpy(addr.bytes, bytes, ip_length_bytes(family));
	return addr;
}

int ip_parse(const char *text, struct ip_addr *out)
{
	uint8_t family = strchr(text, ':') ? IP_V6 : IP_V4;
	struct ip_addr addr = {.family = family};

	if (inet_pton(ip_socket_family(family), text, addr.bytes) != 1)
		return -EINVAL;
	*out = addr;
	return 0;
}

const char *ip_format(const struct ip_addr *addr, char buf[IP_TEXT_MAX])
{
	if (!inet_ntop(ip_socket_family(addr->family), addr->bytes, buf, IP_TEXT_MAX))
		memcpy(buf, "none", sizeof("none"));
	return buf;
}

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return ip_compare(a, b) == 0;
}

int ip_compare(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a, b, sizeof(*a));
}

/* A decimal number of one to three digits and nothing else; -1 if it isn't. */
static int prefix_bits_parse(const char *text)
{
	size_t n_digits = strspn(text, "0123456789");
	int bits = 0;

	if (n_digits < 1 || n_digits > 3 || text[n_digits] != '\0')
		return -1;
	for (; *text; text++)
		bits = bits * 10 + (*text - '0');
	return bits;
}

/* Bits of byte `i` that belong to a prefix of `bits` bits. */
static uint8_t prefix_mask(unsigned int bits, unsigned int i)
{
	if (bits >= 8 * (i + 1))
		return 0xff;
	if (bits <= 8 * i)
		return 0;
	return (uint8_t)(0xff00u >> (bits - 8 * i));
}

int ip_prefix_parse(const char *text, struct ip_prefix *out)
{
	const char *slash = strchr(text, '/');
	char addr_text[IP_TEXT_MAX];
	struct ip_prefix prefix;
	size_t length;
	int bits;

	if (!slash || (size_t)(slash - text) >= sizeof(addr_text))
		return -EINVAL;
	length = (size_t)(slash - text);
	memcpy(addr_text, text, length);
	addr_text[length] = '\0';
	bits = prefix_bits_parse(slash + 1);
	if (bits < 0 || ip_parse(addr_text, &prefix.addr) < 0)
		return -EINVAL;
	if ((size_t)bits > 8 * ip_length_bytes(prefix.addr.family))
		return -ERANGE;
	prefix.bits = (uint8_t)bits;
	for (unsigned int i = 0; i < sizeof(prefix.addr.bytes); i++) {
		if (prefix.addr.bytes[i] & (uint8_t)~prefix_mask(prefix.bits, i))
			return -EDOM;
	}
	*out = prefix;
	return 0;
}

const char *ip_prefix_format(const struct ip_prefix *prefix, char buf[IP_PREFIX_TEXT_MAX])
{
	char addr[IP_TEXT_MAX];

	snprintf(buf, IP_PREFIX_TEXT_MAX, "%s/%u", ip_format(&prefix->addr, addr), prefix->bits);
	return buf;
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
	if (prefix->addr.family != addr->family)
		return false;
	for (unsigned int i = 0; i < sizeof(addr->bytes); i++) {
		if ((addr->bytes[i] ^ prefix->addr.bytes[i]) & prefix_mask(prefix->bits, i))
			return false;
	}
	return true;
}
