/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses of both families, prefixes of them, and MACs. Any thread.
 */
#include "address.h"
#include "bytes.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool address_parse(const char *text, struct address *address)
{
	memset(address, 0, sizeof(*address));
	address->v6 = strchr(text, ':') != NULL;
	return inet_pton(address->v6 ? AF_INET6 : AF_INET, text, address->bytes) == 1;
}

/* Is every bit from `bits` on 0? */
static bool host_is_zero(const struct address *address, unsigned int bits)
{
	unsigned int n = address->v6 ? 128 : 32;

	for (unsigned int bit = bits; bit < n; bit++)
		if (address->bytes[bit / 8] >> (7 - bit % 8) & 1)
			return false;
	return true;
}

bool prefix_parse(const char *text, struct prefix *prefix)
{
	char address[ADDRESS_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t bytes = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long bits;
	char *end;

	if (bytes >= sizeof(address))
		return false;
	memcpy(address, text, bytes);
	address[bytes] = '\0';
	if (!address_parse(address, &prefix->address))
		return false;
	prefix->bits = prefix->address.v6 ? 128 : 32;
	if (!slash)
		return true;
	bits = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end != '\0' || bits > prefix->bits)
		return false;
	prefix->bits = (uint8_t)bits;
	return host_is_zero(&prefix->address, prefix->bits);
}

bool prefix_contains(const struct prefix *prefix, const uint8_t *bytes, bool v6)
{
	unsigned int whole = prefix->bits / 8U, rest = prefix->bits % 8U;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (v6 != prefix->address.v6 || memcmp(bytes, prefix->address.bytes, whole) != 0)
		return false;
	return rest == 0 || ((bytes[whole] ^ prefix->address.bytes[whole]) & mask) == 0;
}

const char *address_format(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
	inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->bytes, text, ADDRESS_TEXT_MAX);
	return text;
}

void address_add(struct address *address, uint32_t n)
{
	uint8_t *last = address->bytes + (address->v6 ? 12 : 0);

	bytes_put32(last, bytes_get32(last) + n);
}

bool mac_parse(const char *text, uint8_t mac[6])
{
	unsigned int byte[6];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3],
		   &byte[4], &byte[5], &end) != 6 ||
	    text[end] != '\0')
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)byte[i];
	return true;
}
