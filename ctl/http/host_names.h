/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names this node is called by in a request's Host. A page of another site that has its own
 * name resolve to this node's address (DNS rebinding) makes a browser ask here and read the answer as
 * that site's; it can't choose what stands in Host, which is its name. So names are known ones:
 * addresses, localhost, the node's own name, and those of http.hosts. Pure but for gethostname(2);
 * used by http.c, on the control thread.
 */
#ifndef SLUICE_HOST_NAMES_H
#define SLUICE_HOST_NAMES_H

#include <stdbool.h>

struct settings;

/*
 * `host` is as in a request: a name, an IPv4 address or an IPv6 address in brackets, and maybe ":port",
 * which is not looked at. "" is known: who asks for no site has no name (RFC 9112 3.2).
 */
bool host_known(const struct settings *settings, const char *host);

#endif
