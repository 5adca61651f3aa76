/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of the model's values, as the config file, the control socket and people write them, and
 * back. Pure functions, any thread.
 */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sluice/wire.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const encap_names[] = {
	[ENCAP_IPIP] = "ipip",
	[ENCAP_GUE] = "gue",
	[ENCAP_GUE_VARIANT0] = "gue0",
};

static const char *const scheduler_names[] = {
	[SCHEDULER_MAGLEV] = "maglev",
	[SCHEDULER_RR] = "rr",
	[SCHEDULER_WRR] = "wrr",
	[SCHEDULER_RANDOM] = "random",
	[SCHEDULER_LEAST_CONN] = "least-conn",
};

static const char *const hash_names[] = {
	[false] = "flow",
	[true] = "source",
};

static const char *const memory_state_names[] = {
	[MEMORY_NONE] = "none", [MEMORY_SYN] = "syn",         [MEMORY_TCP_ONCE] = "tcp_once",
	[MEMORY_TCP] = "tcp",   [MEMORY_CLOSING] = "closing", [MEMORY_UDP_ONCE] = "udp_once",
	[MEMORY_UDP] = "udp",
};

_Static_assert(COUNT(memory_state_names) == MEMORY_STATES, "each has a name");

static const char *const admin_names[] = {
	[BACKEND_ENABLED] = "enabled",
	[BACKEND_DRAINING] = "draining",
	[BACKEND_DISABLED] = "disabled",
};

/* Index of `text` in `names`, or -EINVAL. */
static int name_find(const char *const names[], size_t names_n, const char *text)
{
	for (size_t i = 0; i < names_n; i++) {
		if (strcmp(names[i], text) == 0)
			return (int)i;
	}
	return -EINVAL;
}

const char *encap_name(enum encap encap)
{
	return (size_t)encap < COUNT(encap_names) ? encap_names[encap] : "unknown";
}

int encap_parse(const char *text, uint8_t *encap)
{
	int found = name_find(encap_names, COUNT(encap_names), text);

	if (found < 0)
		return found;
	*encap = (uint8_t)found;
	return 0;
}

const char *proto_name(uint8_t proto)
{
	return proto == PROTO_TCP ? "tcp" : proto == PROTO_UDP ? "udp" : "unknown";
}

int proto_parse(const char *text, uint8_t *proto)
{
	if (strcmp(text, "tcp") == 0)
		*proto = PROTO_TCP;
	else if (strcmp(text, "udp") == 0)
		*proto = PROTO_UDP;
	else
		return -EINVAL;
	return 0;
}

const char *scheduler_name(enum scheduler scheduler)
{
	return (size_t)scheduler < COUNT(scheduler_names) ? scheduler_names[scheduler] : "unknown";
}

int scheduler_parse(const char *text, uint8_t *scheduler)
{
	int found = name_find(scheduler_names, COUNT(scheduler_names), text);

	if (found < 0)
		return found;
	*scheduler = (uint8_t)found;
	return 0;
}

const char *hash_name(bool source)
{
	return hash_names[source];
}

int hash_parse(const char *text, bool *source)
{
	int found = name_find(hash_names, COUNT(hash_names), text);

	if (found < 0)
		return found;
	*source = found;
	return 0;
}

const char *memory_state_name(enum memory_state state)
{
	return (size_t)state < COUNT(memory_state_names) ? memory_state_names[state] : "unknown";
}

const char *backend_admin_name(enum backend_admin admin)
{
	return (size_t)admin < COUNT(admin_names) ? admin_names[admin] : "unknown";
}

int backend_admin_parse(const char *text, enum backend_admin *admin)
{
	int found = name_find(admin_names, COUNT(admin_names), text);

	if (found < 0)
		return found;
	*admin = (enum backend_admin)found;
	return 0;
}

bool model_name_valid(const char name[MODEL_NAME_MAX])
{
	size_t n_bytes = strnlen(name, MODEL_NAME_MAX);

	if (n_bytes == 0 || n_bytes == MODEL_NAME_MAX)
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:") ==
	       n_bytes;
}

const char *endpoint_format(const struct service_conf *s, char buf[ENDPOINT_TEXT_MAX])
{
	bool v6 = s->vip.family == IP_V6;
	char vip[IP_TEXT_MAX], port[sizeof("65535")] = "all";

	if (s->port != 0)
		snprintf(port, sizeof(port), "%u", s->port);
	snprintf(buf, ENDPOINT_TEXT_MAX, "%s%s%s:%s/%s", v6 ? "[" : "", ip_format(&s->vip, vip),
		 v6 ? "]" : "", port, proto_name(s->proto));
	return buf;
}

static const char *ipv4_refusal(const uint8_t bytes[4])
{
	static const uint8_t zero[4], ones[4] = {255, 255, 255, 255};

	if (memcmp(bytes, zero, 4) == 0)
		return "is the unspecified address";
	if (memcmp(bytes, ones, 4) == 0)
		return "is the broadcast address";
	if (bytes[0] == 127)
		return "is a loopback address: give one that other hosts reach";
	if (bytes[0] >= 224 && bytes[0] <= 239)
		return "is a multicast address";
	return NULL;
}

static const char *ipv6_refusal(const uint8_t bytes[16])
{
	static const uint8_t zero[16], loopback[16] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (memcmp(bytes, zero, 16) == 0)
		return "is the unspecified address";
	if (memcmp(bytes, loopback, 16) == 0)
		return "is a loopback address: give one that other hosts reach";
	if (memcmp(bytes, mapped, 12) == 0)
		return "is an IPv4 address mapped into IPv6: write it as IPv4";
	if (bytes[0] == 0xff)
		return "is a multicast address";
	if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
		return "is a link-local address, which no router forwards to";
	return NULL;
}

const char *ip_refusal(const struct ip_addr *addr)
{
	switch (addr->family) {
	case IP_V4:
		return ipv4_refusal(addr->bytes);
	case IP_V6:
		return ipv6_refusal(addr->bytes);
	default:
		return "is no address";
	}
}
