/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses of both families, prefixes of them, and MACs, in network byte order. Pure
 * functions, any thread.
 */
#ifndef SLUICE_PKTGEN_ADDRESS_H
#define SLUICE_PKTGEN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct address {
	uint8_t bytes[16]; /* of IPv4 the first 4; the rest is 0 */
	bool v6;
};

struct prefix {
	struct address address;
	uint8_t bits; /* 0 to 32, or 128 */
};

enum {
	ADDRESS_TEXT_MAX = 46,
};

/* False: `text` is no address. */
bool address_parse(const char *text, struct address *address);

/* "ADDRESS" alone is one address. False: no prefix, or bits are set behind its length. */
bool prefix_parse(const char *text, struct prefix *prefix);

bool prefix_contains(const struct prefix *prefix, const uint8_t *bytes, bool v6);

/* Returns `text`. */
const char *address_format(const struct address *address, char text[ADDRESS_TEXT_MAX]);

/* The `n`th address behind this one; goes round within its last 32 bits. */
void address_add(struct address *address, uint32_t n);

/* "02:00:00:00:00:01". */
bool mac_parse(const char *text, uint8_t mac[6]);

#endif
