/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbours that the next hops need, with their MACs as the kernel knows them (ARP, ND), and
 * the means to make the kernel find or confirm them. Used by nexthop_picture.c and nexthop.c, on
 * the control thread.
 */
#ifndef SLUICE_NEXTHOP_NEIGHBOUR_TABLE_H
#define SLUICE_NEXTHOP_NEIGHBOUR_TABLE_H

#include "ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink;
struct nlmsghdr;

struct neighbour {
	int ifindex;
	struct ip_addr addr;
	bool known;        /* the kernel has an entry */
	uint16_t nud;      /* its state, NUD_... of linux/neighbour.h; 0: none */
	uint8_t mac[6];    /* 0 if not known */
	bool dirty;        /* to be asked for */
	bool solicited;    /* the kernel was told to find it, since it last was usable */
	int solicit_error; /* how the kernel refused that: -errno, or 0 */
};

struct neighbour_table {
	struct neighbour *neighbours; /* sorted by neighbour_compare, each once */
	size_t n;
};

enum neighbour_pick {
	NEIGHBOUR_NEW,      /* unusable, and not solicited yet */
	NEIGHBOUR_UNUSABLE, /* those as well that were solicited before */
	NEIGHBOUR_STALE,    /* usable, but long not confirmed */
};

/* Reachable, stale, delay, probe, permanent or noarp, with a MAC that is one host's. */
bool neighbour_usable(const struct neighbour *neighbour);

/* Makes a table of n neighbours, of which ifindex and addr are set; sorts and thins out `list`,
 * which then belongs to the table. What `old` (may be NULL) knows about having solicited them
 * is taken over. All are dirty. */
void neighbour_table_init(struct neighbour_table *table, struct neighbour *list, size_t n,
			  const struct neighbour_table *old);

/*
 * Moves the neighbours of `more`, none of which `table` has, into it. 0, or -ENOMEM with both as
 * they were. `more` is to be freed in any case.
 */
int neighbour_table_join(struct neighbour_table *table, struct neighbour_table *more);

void neighbour_table_free(struct neighbour_table *table);

/* NULL: not in the table. */
struct neighbour *neighbour_find(const struct neighbour_table *table, int ifindex,
				 const struct ip_addr *addr);

/* Asks the kernel for the dirty ones. Returns 0, or as netlink_ask; -ENOMEM. Those not answered
 * stay dirty. */
int neighbour_table_read(struct netlink *nl, struct neighbour_table *table);

/* Takes the kernel's announcement RTM_NEWNEIGH or RTM_DELNEIGH. Returns whether it says of a
 * neighbour in the table what the table doesn't: that one is then dirty. (Only marked: a later
 * announcement may already have overtaken this one.) */
bool neighbour_table_announce(struct neighbour_table *table, const struct nlmsghdr *nlh);

/* Makes those that can't be used dirty. Returns how many there are. */
size_t neighbour_table_mark_unusable(struct neighbour_table *table);

/* Tells the kernel to find, or for STALE to confirm, those that `pick` names, as `ip neigh ...
 * use` does (NTF_USE). Entries that the kernel is busy with are left out, and so are permanent
 * ones, which the kernel would turn into ordinary ones.
 * Returns how many the kernel accepted; -errno as netlink_ask, -ENOMEM. Why it refused one stands
 * in its solicit_error: -ENOBUFS: the neighbour table is full; -EPERM: no CAP_NET_ADMIN. */
int neighbour_table_solicit(struct netlink *nl, struct neighbour_table *table,
			    enum neighbour_pick pick);

#endif
