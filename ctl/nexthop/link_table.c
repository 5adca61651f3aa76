/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTM_GETLINK: the kernel's interfaces. Called by nexthop_picture.c, on the control thread.
 */
#include "link_table.h"

#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>

enum {
	READ_TRIES = 10,
	FLAG_LOWER_UP = 1 << 16, /* IFF_LOWER_UP of linux/if.h, which net/if.h excludes */
};

struct reading {
	struct link_table table;
	size_t capacity;
	int rc;
};

/* A link on its way out of a message. */
struct parsing {
	struct link link;
	const struct nlattr *info_data;
	int lower_ifindex;    /* IFLA_LINK: for a VLAN its parent, for a veth its peer, ... */
	bool lower_elsewhere; /* ... in another namespace */
};

static int vlan_attr_parse(const struct nlattr *attr, void *data)
{
	struct link *link = data;

	if (mnl_attr_get_payload_len(attr) != sizeof(uint16_t))
		return MNL_CB_OK;
	if (mnl_attr_get_type(attr) == IFLA_VLAN_ID)
		link->vlan = mnl_attr_get_u16(attr);
	else if (mnl_attr_get_type(attr) == IFLA_VLAN_PROTOCOL)
		link->vlan_ethertype = ntohs(mnl_attr_get_u16(attr));
	return MNL_CB_OK;
}

static int info_attr_parse(const struct nlattr *attr, void *data)
{
	struct parsing *parsing = data;
	const char *kind = mnl_attr_get_payload(attr);
	size_t length = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		parsing->link.is_vlan =
			length == sizeof("vlan") && memcmp(kind, "vlan", sizeof("vlan")) == 0;
	else if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
		parsing->info_data = attr;
	return MNL_CB_OK;
}

/* IFLA_AF_SPEC { AF_INET6 { IFLA_INET6_CONF: int32[DEVCONF_MAX] } } */
static int inet6_attr_parse(const struct nlattr *attr, void *data)
{
	struct link *link = data;
	const uint8_t *conf = mnl_attr_get_payload(attr);

	if (mnl_attr_get_type(attr) == IFLA_INET6_CONF &&
	    mnl_attr_get_payload_len(attr) >= (DEVCONF_MTU6 + 1) * sizeof(int32_t))
		memcpy(&link->mtu6_bytes, conf + DEVCONF_MTU6 * sizeof(int32_t), sizeof(int32_t));
	return MNL_CB_OK;
}

static int family_attr_parse(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == AF_INET6)
		mnl_attr_parse_nested(attr, inet6_attr_parse, data);
	return MNL_CB_OK;
}

static int link_attr_parse(const struct nlattr *attr, void *data)
{
	struct parsing *parsing = data;
	struct link *link = &parsing->link;
	size_t length = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (length <= sizeof(link->name))
			memcpy(link->name, mnl_attr_get_payload(attr), length);
		link->name[sizeof(link->name) - 1] = '\0';
		break;
	case IFLA_MTU:
		if (length == sizeof(uint32_t))
			link->mtu_bytes = mnl_attr_get_u32(attr);
		break;
	case IFLA_ADDRESS:
		if (length == sizeof(link->mac))
			memcpy(link->mac, mnl_attr_get_payload(attr), length);
		break;
	case IFLA_LINK:
		if (length == sizeof(uint32_t))
			parsing->lower_ifindex = (int)mnl_attr_get_u32(attr);
		break;
	case IFLA_LINK_NETNSID:
		parsing->lower_elsewhere = true;
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, info_attr_parse, parsing);
		break;
	case IFLA_AF_SPEC:
		mnl_attr_parse_nested(attr, family_attr_parse, link);
		break;
	}
	return MNL_CB_OK;
}

static void vlan_finish(struct parsing *parsing)
{
	parsing->link.vlan_ethertype = ETH_P_8021Q; /* for kernels that know no other */
	if (parsing->info_data)
		mnl_attr_parse_nested(parsing->info_data, vlan_attr_parse, &parsing->link);
	if (!parsing->lower_elsewhere)
		parsing->link.parent_ifindex = parsing->lower_ifindex;
}

int link_parse(const struct nlmsghdr *nlh, struct link *out)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	const unsigned int no_mac = IFF_LOOPBACK | IFF_POINTOPOINT | IFF_NOARP;
	struct parsing parsing = {0};
	struct link *link = &parsing.link;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*info))
		return -EBADMSG;
	mnl_attr_parse(nlh, sizeof(*info), link_attr_parse, &parsing);
	link->ifindex = info->ifi_index;
	if (link->ifindex <= 0 || !link->name[0] || !link->mtu_bytes)
		return -EBADMSG;
	link->up = (info->ifi_flags & IFF_UP) && (info->ifi_flags & FLAG_LOWER_UP);
	link->ethernet = info->ifi_type == ARPHRD_ETHER && !(info->ifi_flags & no_mac);
	if (info->ifi_type != ARPHRD_ETHER)
		memset(link->mac, 0, sizeof(link->mac));
	if (link->is_vlan)
		vlan_finish(&parsing);
	*out = *link;
	return 0;
}

static void reading_add(void *ctx, const struct nlmsghdr *nlh)
{
	struct reading *reading = ctx;
	struct link link;

	if (reading->rc < 0 || nlh->nlmsg_type != RTM_NEWLINK || link_parse(nlh, &link) < 0)
		return;
	if (reading->table.n == reading->capacity) {
		size_t capacity = reading->capacity ? 2 * reading->capacity : 16;
		struct link *links = reallocarray(reading->table.links, capacity, sizeof(*links));

		if (!links) {
			reading->rc = -ENOMEM;
			return;
		}
		reading->table.links = links;
		reading->capacity = capacity;
	}
	reading->table.links[reading->table.n++] = link;
}

static int compare_index(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

static int table_read_once(struct netlink *nl, struct link_table *out)
{
	const struct {
		struct ifinfomsg info;
		struct nlattr mask_attr;
		uint32_t mask;
	} body = {
		.info = {.ifi_family = AF_UNSPEC},
		.mask_attr = {.nla_len = sizeof(struct nlattr) + sizeof(uint32_t),
			      .nla_type = IFLA_EXT_MASK},
		.mask = RTEXT_FILTER_SKIP_STATS,
	};
	struct reading reading = {0};
	int rc = netlink_dump(nl, RTM_GETLINK, &body, sizeof(body), reading_add, &reading);

	if (rc == 0)
		rc = reading.rc;
	if (rc < 0) {
		link_table_free(&reading.table);
		return rc;
	}
	if (reading.table.n > 0)
		qsort(reading.table.links, reading.table.n, sizeof(struct link), compare_index);
	*out = reading.table;
	return 0;
}

int link_table_read(struct netlink *nl, struct link_table *out)
{
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < READ_TRIES; i++)
		rc = table_read_once(nl, out);
	return rc;
}

void link_table_free(struct link_table *table)
{
	free(table->links);
	*table = (struct link_table){0};
}

const struct link *link_by_index(const struct link_table *table, int ifindex)
{
	const struct link key = {.ifindex = ifindex};

	if (table->n == 0)
		return NULL;
	return bsearch(&key, table->links, table->n, sizeof(key), compare_index);
}

const struct link *link_by_name(const struct link_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++) {
		if (strcmp(table->links[i].name, name) == 0)
			return &table->links[i];
	}
	return NULL;
}

bool link_equal(const struct link *a, const struct link *b)
{
	if (!a || !b)
		return a == b;
	return a->ifindex == b->ifindex && strcmp(a->name, b->name) == 0 &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 && a->up == b->up &&
	       a->ethernet == b->ethernet && a->is_vlan == b->is_vlan && a->vlan == b->vlan &&
	       a->vlan_ethertype == b->vlan_ethertype && a->parent_ifindex == b->parent_ifindex &&
	       a->mtu_bytes == b->mtu_bytes && a->mtu6_bytes == b->mtu6_bytes;
}
