/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTM_GETNEIGH for the neighbours that matter, and RTM_NEWNEIGH with NTF_USE to have the kernel
 * resolve them. Called by nexthop_picture.c and nexthop.c, on the control thread.
 */
#include "neighbour_table.h"

#include "netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

enum {
	NUD_USABLE = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP,
};

/* Some of a table's neighbours, for one round of questions. */
struct picked {
	struct neighbour **list;
	size_t n;
	int n_accepted;
};

static int compare(const void *a, const void *b)
{
	const struct neighbour *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return ip_compare(&x->addr, &y->addr);
}

static bool state_usable(uint16_t nud, const uint8_t mac[6])
{
	static const uint8_t none[6];

	/* A group MAC (lowest bit of the first byte) is never one host's. */
	return (nud & NUD_USABLE) && !(mac[0] & 1) && memcmp(mac, none, sizeof(none)) != 0;
}

bool neighbour_usable(const struct neighbour *neighbour)
{
	return state_usable(neighbour->nud, neighbour->mac);
}

void neighbour_table_init(struct neighbour_table *table, struct neighbour *list, size_t n,
			  const struct neighbour_table *old)
{
	size_t kept = 0;

	if (n > 0)
		qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++) {
		const struct neighbour *before;
		struct neighbour fresh = {.ifindex = list[i].ifindex, .dirty = true};

		if (kept > 0 && compare(&list[i], &list[kept - 1]) == 0)
			continue;
		fresh.addr = list[i].addr;
		before = old ? neighbour_find(old, fresh.ifindex, &fresh.addr) : NULL;
		if (before) {
			fresh.solicited = before->solicited;
			fresh.solicit_error = before->solicit_error;
		}
		list[kept++] = fresh;
	}
	table->neighbours = list;
	table->n = kept;
}

int neighbour_table_join(struct neighbour_table *table, struct neighbour_table *more)
{
	struct neighbour *all;
	size_t a = 0, b = 0;

	if (more->n == 0)
		return 0;
	all = calloc(table->n + more->n, sizeof(*all));
	if (!all)
		return -ENOMEM;
	while (a < table->n || b < more->n) {
		bool first = b == more->n || (a < table->n && compare(&table->neighbours[a],
								      &more->neighbours[b]) < 0);

		all[a + b] = first ? table->neighbours[a] : more->neighbours[b];
		a += first;
		b += !first;
	}
	free(table->neighbours);
	table->neighbours = all;
	table->n = a + b;
	more->n = 0;
	return 0;
}

void neighbour_table_free(struct neighbour_table *table)
{
	free(table->neighbours);
	*table = (struct neighbour_table){0};
}

struct neighbour *neighbour_find(const struct neighbour_table *table, int ifindex,
				 const struct ip_addr *addr)
{
	const struct neighbour key = {.ifindex = ifindex, .addr = *addr};

	if (table->n == 0)
		return NULL;
	return bsearch(&key, table->neighbours, table->n, sizeof(key), compare);
}

static int neighbour_attr_parse(const struct nlattr *attr, void *data)
{
	struct neighbour *out = data;
	const void *payload = mnl_attr_get_payload(attr);
	size_t length = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) == NDA_DST && length == ip_length_bytes(out->addr.family))
		out->addr = ip_from_bytes(out->addr.family, payload);
	else if (mnl_attr_get_type(attr) == NDA_LLADDR && length == sizeof(out->mac))
		memcpy(out->mac, payload, length);
	return MNL_CB_OK;
}

/* Reads RTM_NEWNEIGH or RTM_DELNEIGH; false: not one of IP. */
static bool message_parse(const struct nlmsghdr *nlh, struct neighbour *out)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm) ||
	    (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6))
		return false;
	*out = (struct neighbour){.ifindex = ndm->ndm_ifindex};
	out->addr.family = ndm->ndm_family == AF_INET ? IP_V4 : IP_V6;
	mnl_attr_parse(nlh, sizeof(*ndm), neighbour_attr_parse, out);
	out->known = nlh->nlmsg_type == RTM_NEWNEIGH;
	out->nud = out->known ? ndm->ndm_state : NUD_NONE;
	return true;
}

bool neighbour_table_announce(struct neighbour_table *table, const struct nlmsghdr *nlh)
{
	struct neighbour said, *mine;
	bool usable;

	if (!message_parse(nlh, &said))
		return false;
	mine = neighbour_find(table, said.ifindex, &said.addr);
	if (!mine)
		return false;
	usable = neighbour_usable(&said);
	if (usable == neighbour_usable(mine) &&
	    (!usable || memcmp(said.mac, mine->mac, sizeof(said.mac)) == 0))
		return false;
	mine->dirty = true;
	return true;
}

static void message_put(const struct neighbour *neighbour, struct nlmsghdr *nlh, uint16_t type,
			int flags, uint8_t ndm_flags)
{
	struct ndmsg *ndm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = (uint8_t)ip_socket_family(neighbour->addr.family);
	ndm->ndm_ifindex = neighbour->ifindex;
	ndm->ndm_flags = ndm_flags;
	mnl_attr_put(nlh, NDA_DST, ip_length_bytes(neighbour->addr.family), neighbour->addr.bytes);
}

static void read_put(void *ctx, size_t i, struct nlmsghdr *nlh)
{
	const struct picked *picked = ctx;

	message_put(picked->list[i], nlh, RTM_GETNEIGH, 0, 0);
}

/* -ENOENT: no entry; others may say that the interface or its IPv6 has just gone, which comes to
 * the same. All else says nothing of the neighbour. */
static bool says_none(int error)
{
	return error == 0 || error == -ENOENT || error == -ENODEV || error == -ENXIO ||
	       error == -EAFNOSUPPORT || error == -EOPNOTSUPP || error == -EINVAL;
}

static int read_answer(void *ctx, size_t i, const struct nlmsghdr *nlh, int error)
{
	const struct picked *picked = ctx;
	struct neighbour *mine = picked->list[i], said = {0};

	if (!says_none(error))
		return error;
	if (nlh && !message_parse(nlh, &said))
		return -EBADMSG;
	mine->known = said.known;
	mine->nud = said.nud;
	memcpy(mine->mac, said.mac, sizeof(mine->mac));
	mine->dirty = false;
	if (neighbour_usable(mine)) {
		mine->solicited = false;
		mine->solicit_error = 0;
	}
	return 0;
}

static void solicit_put(void *ctx, size_t i, struct nlmsghdr *nlh)
{
	const struct picked *picked = ctx;
	const struct neighbour *neighbour = picked->list[i];
	/* The kernel takes the permanence from a permanent entry that it is to use. EXCL keeps
	 * us off one that an operator has added since we asked. */
	int flags = neighbour->known ? NLM_F_REPLACE : NLM_F_CREATE | NLM_F_EXCL;

	message_put(neighbour, nlh, RTM_NEWNEIGH, flags | NLM_F_ACK, NTF_USE);
}

/* -EEXIST, -ENOENT: the entry came or went since we asked; the next round sees that. */
static int solicit_answer(void *ctx, size_t i, const struct nlmsghdr *nlh, int error)
{
	struct picked *picked = ctx;

	picked->list[i]->solicited = true;
	picked->list[i]->solicit_error = error == -EEXIST || error == -ENOENT ? 0 : error;
	picked->n_accepted += error == 0;
	return 0;
}

static bool is_dirty(const struct neighbour *neighbour)
{
	return neighbour->dirty;
}

/* While INCOMPLETE the kernel is asking already; to tell it once more changes nothing. */
static bool to_find(const struct neighbour *neighbour)
{
	return !neighbour_usable(neighbour) && !(neighbour->nud & (NUD_INCOMPLETE | NUD_PERMANENT));
}

static bool to_find_first(const struct neighbour *neighbour)
{
	return to_find(neighbour) && !neighbour->solicited;
}

static bool to_confirm(const struct neighbour *neighbour)
{
	return neighbour_usable(neighbour) && (neighbour->nud & NUD_STALE);
}

/* Room for all, so that picking can't fail half way; picked->list is the caller's to free. */
static int pick_those(struct neighbour_table *table, bool (*wanted)(const struct neighbour *),
		      struct picked *picked)
{
	*picked = (struct picked){0};
	if (table->n == 0)
		return 0;
	picked->list = calloc(table->n, sizeof(*picked->list));
	if (!picked->list)
		return -ENOMEM;
	for (size_t i = 0; i < table->n; i++) {
		if (wanted(&table->neighbours[i]))
			picked->list[picked->n++] = &table->neighbours[i];
	}
	return 0;
}

int neighbour_table_read(struct netlink *nl, struct neighbour_table *table)
{
	struct picked picked;
	const struct netlink_query query = {read_put, read_answer, &picked};
	int rc = pick_those(table, is_dirty, &picked);

	if (rc == 0)
		rc = netlink_ask(nl, &query, picked.n);
	free(picked.list);
	return rc;
}

size_t neighbour_table_mark_unusable(struct neighbour_table *table)
{
	size_t n = 0;

	for (size_t i = 0; i < table->n; i++) {
		if (neighbour_usable(&table->neighbours[i]))
			continue;
		table->neighbours[i].dirty = true;
		n++;
	}
	return n;
}

int neighbour_table_solicit(struct netlink *nl, struct neighbour_table *table,
			    enum neighbour_pick pick)
{
	static bool (*const wanted[])(const struct neighbour *) = {
		[NEIGHBOUR_NEW] = to_find_first,
		[NEIGHBOUR_UNUSABLE] = to_find,
		[NEIGHBOUR_STALE] = to_confirm,
	};
	struct picked picked;
	const struct netlink_query query = {solicit_put, solicit_answer, &picked};
	int rc = pick_those(table, wanted[pick], &picked);

	if (rc == 0)
		rc = netlink_ask(nl, &query, picked.n);
	free(picked.list);
	return rc < 0 ? rc : picked.n_accepted;
}
