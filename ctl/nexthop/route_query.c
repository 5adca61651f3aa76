/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTM_GETROUTE for many addresses. Called by nexthop_picture.c, on the control thread.
 */
#include "route_query.h"

#include "netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

/* A route on its way out of a message. */
struct parsing {
	struct route route;
	uint8_t family; /* of the address asked for */
	bool encap;
};

struct asking {
	const struct nexthop_key *ways;
	struct route *routes;
	size_t refused_n; /* answers that may be about a source that isn't the host's */
};

static void route_put(void *ctx, size_t i, struct nlmsghdr *nlh)
{
	const struct asking *asking = ctx;
	const struct ip_addr *addr = &asking->ways[i].addr, *source = &asking->ways[i].source;
	size_t length = ip_length_bytes(addr->family);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = (uint8_t)ip_socket_family(addr->family);
	rtm->rtm_dst_len = (uint8_t)(8 * length);
	mnl_attr_put(nlh, RTA_DST, length, addr->bytes);
	if (source->family == addr->family) {
		rtm->rtm_src_len = (uint8_t)(8 * length);
		mnl_attr_put(nlh, RTA_SRC, length, source->bytes);
	}
}

static enum route_kind kind_of_type(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return ROUTE_UNICAST;
	case RTN_LOCAL:
		return ROUTE_LOCAL;
	case RTN_BROADCAST:
	case RTN_ANYCAST:
	case RTN_MULTICAST:
		return ROUTE_NOT_UNICAST;
	case RTN_BLACKHOLE:
		return ROUTE_BLACKHOLE;
	case RTN_UNREACHABLE:
		return ROUTE_UNREACHABLE;
	case RTN_PROHIBIT:
		return ROUTE_PROHIBITED;
	default:
		return ROUTE_NONE;
	}
}

/* What fib_props (net/ipv4/fib_semantics.c) and ip6_rt_init_dst (net/ipv6/route.c) say of the
 * special routes. Returns 0 or, for an error that is not about the route, -errno. */
static int kind_of_error(int error, enum route_kind *out)
{
	switch (error) {
	case -EINVAL:
		*out = ROUTE_BLACKHOLE;
		return 0;
	case -EHOSTUNREACH:
		*out = ROUTE_UNREACHABLE;
		return 0;
	case -EACCES:
		*out = ROUTE_PROHIBITED;
		return 0;
	case -ENETUNREACH: /* no route */
	case -ENODEV:      /* its interface has just gone */
	case -ENXIO:
	case -ENOENT:
	case -ESRCH:
	case -EAFNOSUPPORT: /* the kernel has no IPv6 */
	case -EOPNOTSUPP:
	case -ENONET:
		*out = ROUTE_NONE;
		return 0;
	default: /* that says nothing of the route: out of memory, our buffer is full ... */
		return error;
	}
}

static int metric_parse(const struct nlattr *attr, void *data)
{
	uint32_t *mtu_bytes = data;

	if (mnl_attr_get_type(attr) == RTAX_MTU && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		*mtu_bytes = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/* An address attribute of the family given; leaves *out alone if its length is another. */
static void addr_parse(const void *bytes, size_t length, uint8_t family, struct ip_addr *out)
{
	if (family != IP_NONE && length == ip_length_bytes(family))
		*out = ip_from_bytes(family, bytes);
}

static void via_parse(const struct nlattr *attr, struct ip_addr *out)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t length = mnl_attr_get_payload_len(attr);

	if (length < sizeof(*via))
		return;
	addr_parse(via->rtvia_addr, length - sizeof(*via),
		   via->rtvia_family == AF_INET6 ? IP_V6 : IP_V4, out);
}

static int route_attr_parse(const struct nlattr *attr, void *data)
{
	struct parsing *parsing = data;
	struct route *route = &parsing->route;
	const void *payload = mnl_attr_get_payload(attr);
	size_t length = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case RTA_OIF:
		if (length == sizeof(uint32_t))
			route->ifindex = (int)mnl_attr_get_u32(attr);
		break;
	case RTA_GATEWAY:
		addr_parse(payload, length, parsing->family, &route->via);
		break;
	case RTA_VIA:
		via_parse(attr, &route->via);
		break;
	case RTA_PREFSRC:
		addr_parse(payload, length, parsing->family, &route->source);
		break;
	case RTA_METRICS:
		mnl_attr_parse_nested(attr, metric_parse, &route->mtu_bytes);
		break;
	case RTA_ENCAP:
		parsing->encap = true;
		break;
	}
	return MNL_CB_OK;
}

int route_parse(const struct nlmsghdr *nlh, const struct ip_addr *addr, struct route *out)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct parsing parsing = {.route.via = *addr, .family = addr->family};
	struct route *route = &parsing.route;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return -EBADMSG;
	mnl_attr_parse(nlh, sizeof(*rtm), route_attr_parse, &parsing);
	route->kind = kind_of_type(rtm->rtm_type);
	if (route->kind == ROUTE_UNICAST && route->ifindex <= 0)
		route->kind = ROUTE_NONE;
	else if (route->kind == ROUTE_UNICAST && parsing.encap)
		route->kind = ROUTE_ENCAP;
	*out = *route;
	return 0;
}

/* Maybe for its source: the errors are those of no route (Linux 6) or of a blackhole. */
static bool is_refused(const struct asking *asking, size_t i)
{
	enum route_kind kind = asking->routes[i].kind;

	return asking->ways[i].source.family != IP_NONE &&
	       (kind == ROUTE_NONE || kind == ROUTE_BLACKHOLE);
}

static int route_answer(void *ctx, size_t i, const struct nlmsghdr *nlh, int error)
{
	struct asking *asking = ctx;
	int rc;

	if (nlh) {
		rc = route_parse(nlh, &asking->ways[i].addr, &asking->routes[i]);
	} else {
		asking->routes[i] = (struct route){0};
		rc = kind_of_error(error, &asking->routes[i].kind);
	}
	asking->refused_n += is_refused(asking, i);
	return rc;
}

/* Those that may have been refused for their source, by the address alone. */
static int ask_without(struct netlink *nl, const struct asking *refused, size_t n)
{
	struct nexthop_key *ways = calloc(refused->refused_n, sizeof(*ways));
	struct route *routes = calloc(refused->refused_n, sizeof(*routes));
	struct asking asking = {ways, routes, 0};
	const struct netlink_query query = {route_put, route_answer, &asking};
	size_t asked = 0, told = 0;
	int rc = -ENOMEM;

	if (!ways || !routes)
		goto out;
	for (size_t i = 0; i < n; i++)
		if (is_refused(refused, i) && asked < refused->refused_n)
			ways[asked++].addr = refused->ways[i].addr;
	rc = netlink_ask(nl, &query, asked);
	for (size_t i = 0; rc == 0 && told < asked && i < n; i++)
		if (is_refused(refused, i))
			refused->routes[i] = routes[told++];
out:
	free(ways);
	free(routes);
	return rc;
}

int routes_ask(struct netlink *nl, const struct nexthop_key *ways, struct route *routes, size_t n)
{
	struct asking asking = {ways, routes, 0};
	const struct netlink_query query = {route_put, route_answer, &asking};
	int rc = netlink_ask(nl, &query, n);

	return rc == 0 && asking.refused_n > 0 ? ask_without(nl, &asking, n) : rc;
}
