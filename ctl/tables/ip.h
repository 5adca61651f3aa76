/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An IPv4 or IPv6 address, and a prefix of them, as the control plane carries them about: in
 * network byte order, compared byte for byte, read from and written as text. Depends on libc
 * only; pure functions, any thread.
 */
#ifndef SLUICE_TABLES_IP_H
#define SLUICE_TABLES_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IP_NONE = 0, /* ip_addr.family: no address */
	IP_V4 = 4,
	IP_V6 = 6,
	IP_TEXT_MAX = 46, /* longest text of an address, with its 0 byte (INET6_ADDRSTRLEN) */
	IP_PREFIX_TEXT_MAX = IP_TEXT_MAX + 4, /* "/128" more */
};

/* Has no padding, and the bytes that its family doesn't use are 0: memcmp and hashing of the
 * whole are sound for any value that came from this file or was set up from zeroed memory. */
struct ip_addr {
	uint8_t family;    /* IP_V4, IP_V6; IP_NONE: none */
	uint8_t bytes[16]; /* network byte order; IPv4 in the first 4 */
};

/* The first `bits` bits of addr; the others are 0. */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t bits; /* 0-32 for IPv4, 0-128 for IPv6 */
};

/* Length of an address on the wire: 4, 16, or 0 for any other family. */
size_t ip_length_bytes(uint8_t family);

/* AF_INET, AF_INET6, or AF_UNSPEC (0) for any other family. */
int ip_socket_family(uint8_t family);

/* Takes `family` (IP_V4 or IP_V6) and as many bytes as it has, in network byte order. */
struct ip_addr ip_from_bytes(uint8_t family, const void *bytes);

/* Reads "10.0.0.11" or "2001:db8::11": what inet_pton(3) takes, so no leading zeros, no
 * shorthand such as "10.1", no scope ("%eth0"), no blanks around it. `out` is written on
 * success only.
 * Returns 0, or -EINVAL: the text is no address. */
int ip_parse(const char *text, struct ip_addr *out);

/* Writes the address as text (RFC 5952 for IPv6), "none" for IP_NONE. Returns buf. */
const char *ip_format(const struct ip_addr *addr, char buf[IP_TEXT_MAX]);

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b);

/* A total order (IPv4 before IPv6, then by value), for sorting and bsearch: <0, 0, >0. */
int ip_compare(const struct ip_addr *a, const struct ip_addr *b);

/* Reads "10.0.0.0/8" or "2001:db8::/32". `out` is written on success only.
 * Returns 0, or
 * -EINVAL: no "/", or what is before it is no address, or what follows is no decimal number;
 * -ERANGE: the length is over 32 (IPv4) or 128 (IPv6);
 * -EDOM: a bit after the first `bits` is set ("10.0.0.1/8"), which is an address of somebody's,
 *        not a prefix. */
int ip_prefix_parse(const char *text, struct ip_prefix *out);

/* Writes "10.0.0.0/8". Returns buf. */
const char *ip_prefix_format(const struct ip_prefix *prefix, char buf[IP_PREFIX_TEXT_MAX]);

/* Whether addr begins with the prefix; false if the families differ. */
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr);

#endif
