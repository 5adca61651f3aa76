/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in Host. Control thread.
 */
#include "host_names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ip.h"
#include "model.h"

enum {
	NAME_MAX_BYTES = 256,
};

/* Without the port, brackets, and the dot that ends a name; false: it is none. */
static bool name_cut(const char *host, char name[NAME_MAX_BYTES])
{
	const char *from = host[0] == '[' ? host + 1 : host;
	size_t bytes = strcspn(from, host[0] == '[' ? "]" : ":");

	if (bytes == 0 || bytes >= NAME_MAX_BYTES || (host[0] == '[' && from[bytes] != ']'))
		return false;
	memcpy(name, from, bytes);
	if (name[bytes - 1] == '.')
		bytes--;
	name[bytes] = 0;
	return true;
}

/* As the kernel has it, and its first part. */
static bool is_own(const char *name)
{
	char own[NAME_MAX_BYTES] = "";

	if (gethostname(own, sizeof(own) - 1) != 0 || !own[0])
		return false;
	if (strcasecmp(name, own) == 0)
		return true;
	own[strcspn(own, ".")] = 0;
	return own[0] && strcasecmp(name, own) == 0;
}

bool host_known(const struct settings *settings, const char *host)
{
	char name[NAME_MAX_BYTES];
	struct ip_addr addr;

	for (uint32_t i = 0; i < settings->http_hosts_n; i++)
		if (strcmp(settings->http_hosts[i], "*") == 0)
			return true;
	if (!host[0])
		return true;
	if (!name_cut(host, name))
		return false;
	if (ip_parse(name, &addr) == 0 || strcasecmp(name, "localhost") == 0 || is_own(name))
		return true;
	for (uint32_t i = 0; i < settings->http_hosts_n; i++)
		if (strcasecmp(settings->http_hosts[i], name) == 0)
			return true;
	return false;
}
