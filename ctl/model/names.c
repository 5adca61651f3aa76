/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of the model's values, and texts made of them. Pure functions, any thread.
 */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sluice/wire.h"

ENUM_DEFINE(encap, ENCAPS);
ENUM_DEFINE(scheduler, SCHEDULERS);
ENUM_DEFINE(hash_of, HASHES);
ENUM_DEFINE(no_backend, NO_BACKENDS);
ENUM_DEFINE(unserved, UNSERVEDS);
ENUM_DEFINE(path_mode, PATH_MODES);
ENUM_DEFINE(setting_switch, SETTING_SWITCHES);
ENUM_DEFINE(fast_path_hugepages, FAST_PATH_HUGEPAGES);
ENUM_DEFINE(fast_path_attach, FAST_PATH_ATTACHES);
ENUM_DEFINE(memory_state, MEMORY_STATE_WORDS);
ENUM_DEFINE(backend_admin, BACKEND_ADMINS);
ENUM_DEFINE(all_down, ALL_DOWNS);
ENUM_DEFINE(on_down, ON_DOWNS);
ENUM_DEFINE(start_state, START_STATES);
ENUM_DEFINE(health_type, HEALTH_TYPE_WORDS);
ENUM_DEFINE(health_via, HEALTH_VIAS);
ENUM_DEFINE(health_method, HEALTH_METHODS);

#define OWN_WORD(id, word) [1 + (id)] = word,
const char *const own_on_down_words[] = {"service", ON_DOWNS(OWN_WORD) NULL};
const char *const own_start_words[] = {"service", START_STATES(OWN_WORD) NULL};

const char *const verdict_words[] = {
#define X(name, action, text) [VERDICT_##name] = #name,
	SLUICE_VERDICTS(X)
#undef X
		NULL,
};

static const uint8_t protos[] = {PROTO_TCP, PROTO_UDP};
const char *const proto_words[] = {"tcp", "udp", NULL};

const char *proto_name(uint8_t proto)
{
	for (size_t i = 0; i < sizeof(protos); i++)
		if (protos[i] == proto)
			return proto_words[i];
	return "unknown";
}

int proto_parse(const char *text, uint8_t *proto)
{
	int found = enum_parse(proto_words, text);

	if (found < 0)
		return found;
	*proto = protos[found];
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
