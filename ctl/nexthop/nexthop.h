/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to each backend as the kernel knows it: which interface, whose MAC, which VLAN, what
 * fits. The fast path looks up no route; the control plane writes what stands here into the
 * backend's entry, and follows the kernel's changes. Called by the daemon, on the control thread
 * (the one that runs the event base), for every function here.
 */
#ifndef SLUICE_NEXTHOP_NEXTHOP_H
#define SLUICE_NEXTHOP_NEXTHOP_H

#include "ip.h"
#include "path_mtu.h"
#include "words.h"

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct link;
struct nexthops;

/* X(identifier, word for programs, text for people) */
#define NEXTHOP_STATES(X)                                                                         \
	X(NO_ROUTE, "no_route", "the kernel has no route to it")                                  \
	X(BLACKHOLE, "blackhole", "its route is a blackhole")                                     \
	X(UNREACHABLE, "unreachable", "its route says unreachable")                               \
	X(PROHIBITED, "prohibited", "its route says prohibit")                                    \
	X(LOCAL, "local", "it is an address of this host")                                        \
	X(NOT_UNICAST, "not_unicast", "it is a broadcast, multicast or anycast address")          \
	X(ROUTE_ENCAP, "route_encap",                                                             \
	  "its route leads into a tunnel, which the fast path can't follow")                      \
	X(LINK_DOWN, "link_down", "the interface of its route is down or has no carrier")         \
	X(NO_MAC, "no_mac",                                                                       \
	  "the interface of its route has no MACs (point-to-point, loopback or arp off)")         \
	X(VLAN_UNSUPPORTED, "vlan_unsupported",                                                   \
	  "the interface of its route is a VLAN that is not one 802.1Q tag on an interface here") \
	X(NO_NEIGHBOUR, "no_neighbour", "its next hop does not answer ARP or ND")                 \
	X(NEIGHBOURS_FULL, "neighbours_full",                                                     \
	  "the kernel's neighbour table is full: raise net.ipv4.neigh.default.gc_thresh3 "        \
	  "(net.ipv6 for IPv6)")                                                                  \
	X(RESOLVED, "resolved", "resolved")

/* RESOLVED is the only one that packets can be sent by. */
enum nexthop_state {
#define X(id, word, text) NEXTHOP_##id,
	NEXTHOP_STATES(X)
#undef X
		NEXTHOP_N_STATES,
};

/*
 * What a way is asked for: where to, and the source that the packets will have, which policy rules may
 * go by, and the kernel's choice among the hops of a multipath route does. IP_NONE: the one that the
 * kernel chooses.
 */
struct nexthop_key {
	struct ip_addr addr, source;
};

/* Orders ways, as qsort wants it. */
int nexthop_key_compare(const void *a, const void *b);

/* The way to one address. Unless resolved, what could be found out is set and the rest is 0.
 * No padding: two of them are the same if memcmp says so. */
struct nexthop {
	enum nexthop_state state;
	int ifindex; /* output interface; for a VLAN, the sub-interface */

	/* The interface whose port the frame leaves by: for a VLAN its parent, else ifindex. */
	int port_ifindex;

	/* Of an IP packet: the least of the interface's, of IPv6's on it (for IPv6), of the
	 * route's, and of what routers on the way told (nexthops_learn_path_mtus). */
	uint32_t mtu_bytes;

	/* The same without what routers on the way told: what the host itself may send. More than
	 * mtu_bytes where a router told of a narrower link behind it. */
	uint32_t first_mtu_bytes;

	char ifname[IFNAMSIZ]; /* of ifindex */
	uint8_t dst_mac[6];
	uint8_t src_mac[6];    /* the interface's */
	uint16_t vlan;         /* 802.1Q id of the tag to put on, host order; 0: no tag */
	struct ip_addr via;    /* gateway (IPv6 for IPv4, too: RFC 8950), or the address itself */
	struct ip_addr source; /* from which the host itself would send; IP_NONE: none given */
};

/* How long things may take. */
struct nexthop_timing {
	/* From a change to what is made of it. More if that takes long, so that at most a fifth
	 * of the time is spent on it, up to 1 s. */
	unsigned int debounce_ms;

	/* Between attempts to find a neighbour, and after a failure. */
	unsigned int solicit_ms;

	/* All is asked anew and stale neighbours are confirmed so often: what the kernel doesn't
	 * announce (a path MTU message, a sysctl) is noticed this late. */
	unsigned int refresh_ms;
};

struct nexthops_stats {
	uint64_t pictures;   /* times that all was asked for */
	uint64_t lost;       /* times that the kernel's announcements overran the socket */
	uint64_t solicited;  /* neighbours that the kernel was told to find or confirm */
	uint64_t failures;   /* rounds that failed, each tried again; what stood before stays */
	int last_error;      /* -errno of the latest failure, or 0. -EPERM: no CAP_NET_ADMIN */
	uint64_t picture_us; /* how long the latest picture took */
	size_t n_unresolved; /* ways watched and not resolved now */

	/* Of messages about outer packets that were too long for a router: path_mtu.h. */
	uint64_t path_mtu[PATH_MTU_N_RESULTS];
	uint64_t path_mtu_lost; /* that came faster than they could be read */
	size_t n_path_mtus; /* addresses whose path is narrower than its first link, as routers told */
};

/* Who learns path MTUs. */
struct path_mtu_rules {
	uint16_t gue_port; /* host order */
	uint32_t keep_s;   /* how long a message counts; 0: none does */

	/* Where outer packets may come from, beside the address that the host itself would use:
	 * a message about any other source is not believed. IP_NONE: no such prefix. */
	struct ip_prefix sources[4];
};

/* Something about the addresses or links watched differs from before. May call everything
 * below but nexthops_free. */
typedef void nexthops_changed(void *ctx);

/* Opens netlink sockets in the calling thread's network namespace, where they stay. timing NULL:
 * 10 ms, 1 s, 10 s. `changed` is called from the event loop only.
 * Returns 0, or -errno: -ENOMEM, -EMFILE, or what the kernel said to a dump of its links. */
int nexthops_new(struct event_base *base, const struct nexthop_timing *timing,
		 nexthops_changed *changed, void *ctx, struct nexthops **out);

void nexthops_free(struct nexthops *hops);

/* Replaces the set of ways watched (each may stand in it several times). What the kernel
 * knows is there when this returns; for the others a solicitation is under way. Invalidates
 * pointers from nexthops_get and nexthops_link. `changed` is not called for what it finds: read
 * anew.
 * Returns 0, or, with the old set in force still,
 * -EINVAL: an address of neither family;
 * -ENOMEM, -ENOBUFS, -ETIMEDOUT, -EINTR: the kernel or we could not, now; later may do. */
int nexthops_watch(struct nexthops *hops, const struct nexthop_key *ways, size_t n);

/* The same, with a set of addresses (each may stand in it several times) of which is followed
 * whether packets to them are the host's own: nexthops_is_local(). nexthops_watch leaves that as it
 * is. */
int nexthops_watch_vips(struct nexthops *hops, const struct nexthop_key *ways, size_t n,
			const struct ip_addr *vips, size_t vips_n);

/* Whether the kernel takes packets to an address watched by nexthops_watch_vips() for the host's
 * own: an address of an interface, or a route of type local. */
bool nexthops_is_local(const struct nexthops *hops, const struct ip_addr *vip);

/* Replaces the set of interfaces, by name, of which `changed` tells when they come, go, go up or
 * down, or get another MAC or MTU. They need not exist. Otherwise as nexthops_watch (-EINVAL: a
 * name that is empty or of IFNAMSIZ or more bytes). */
int nexthops_watch_links(struct nexthops *hops, const char *const *names, size_t n);

/* NULL: not watched. Valid until the event loop runs again or the next nexthops_watch...(). */
const struct nexthop *nexthops_get(const struct nexthops *hops, const struct nexthop_key *way);

/* The interface of that name, watched or not (link_table.h). NULL: there is none. Valid as with
 * nexthops_get. */
const struct link *nexthops_link(const struct nexthops *hops, const char *name);

/* Listens to what routers say of outer packets that were too long for them, from now on, and makes
 * it the path MTU of the way to the backend for rules->keep_s seconds. Once, after nexthops_new.
 * Returns 0, or, when nothing is learned, -errno: -EPERM: no CAP_NET_RAW; -ENOMEM, -EMFILE. */
int nexthops_learn_path_mtus(struct nexthops *hops, const struct path_mtu_rules *rules);

struct nexthops_stats nexthops_stats(const struct nexthops *hops);

/* "no_route", for programs; "the kernel has no route to it", for people. */
ENUM_DECLARE(nexthop_state);
const char *nexthop_state_text(enum nexthop_state state);

#endif
