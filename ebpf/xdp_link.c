/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes or finds the pinned link of an interface, and says why it can't. Called by links.c.
 * Control thread.
 */
#include "xdp_link.h"

#include "ports.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

enum {
	PIN_NAME_MAX = 32,
	REASON_MAX = ATTACHMENT_WORDS_MAX + 128,
};

static void pin_name(char name[PIN_NAME_MAX], int ifindex)
{
	snprintf(name, PIN_NAME_MAX, XDP_LINK_PIN_PREFIX "%d", ifindex);
}

/* 0, or -errno. info->xdp.ifindex is 0 when the interface went, or another took the link off. */
static int link_info(int fd, struct bpf_link_info *info)
{
	uint32_t bytes = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &bytes) != 0)
		return -errno;
	return info->type == BPF_LINK_TYPE_XDP ? 0 : -EINVAL;
}

/* Whether the link is what holds its interface. 0, or -errno: it can't be told. */
static int link_holds(struct xdp_link *link, bool *holds)
{
	struct attachment found;
	struct bpf_link_info info;
	int err = link_info(link->fd, &info);

	*holds = false;
	if (err == -EINVAL || (!err && info.xdp.ifindex != (uint32_t)link->ifindex))
		return 0;
	if (!err)
		err = attachment_find(link->ifindex, &found);
	if (err)
		return err == -ENODEV ? 0 : err;
	*holds = found.id == info.prog_id;
	link->mode = found.mode;
	return 0;
}

int xdp_link_adopt(struct xdp_link *link, const struct pins *pins, report_log log)
{
	char name[PIN_NAME_MAX];
	bool holds;
	int err;

	pin_name(name, link->ifindex);
	link->fd = pins_get(pins, name);
	if (link->fd < 0) {
		err = link->fd == -ENOENT ? 0 : link->fd;
		link->fd = -1;
		return err;
	}
	err = link_holds(link, &holds);
	if (!err && holds) {
		link->pinned = true;
		return 0;
	}
	close(link->fd);
	link->fd = -1;
	if (err)
		return err;
	report_line(log, FAST_PATH_LOG_WARNING,
		    "%s: the pinned link no longer holds the interface; making a new one",
		    link->interface);
	pins_remove(pins, name);
	return 0;
}

/* Another's bpf_link that holds the interface by this program; -ENOENT: it was done by netlink. */
static int holder_find(int ifindex, uint32_t program_id, uint32_t *link_id)
{
	struct bpf_link_info info;
	uint32_t id = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		int fd = bpf_link_get_fd_by_id(id);
		bool is_it;

		if (fd < 0)
			continue;
		is_it = link_info(fd, &info) == 0 && info.prog_id == program_id &&
			info.xdp.ifindex == (uint32_t)ifindex;
		*link_id = id;
		if (is_it)
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static int refuse(const struct xdp_link *link, const struct attachment *other, int holder,
		  uint32_t holder_id, char error[FAST_PATH_ERROR_MAX])
{
	char how[96];

	if (holder >= 0)
		snprintf(how, sizeof(how), "bpftool link detach id %u", holder_id);
	else
		snprintf(how, sizeof(how), "ip link set dev %s %s off", link->interface,
			 other->mode == XDP_MODE_GENERIC ? "xdpgeneric" : "xdp");
	return report_error(error, -EBUSY,
			    "%s: the XDP program %s (id %u, %s) sits there; take it off (%s), or "
			    "start with --replace to take its place",
			    link->interface, other->name, other->id, xdp_mode_name(other->mode),
			    how);
}

/* Makes room for our link. *old is a program to put back when we fail, or -1. */
static int evict(const struct xdp_link *link, const struct attachment *other,
		 const struct xdp_link_options *options, int *old, char error[FAST_PATH_ERROR_MAX])
{
	uint32_t holder_id = 0;
	int err, holder = holder_find(link->ifindex, other->id, &holder_id);

	if (!options->replace) {
		err = refuse(link, other, holder, holder_id, error);
	} else if (holder >= 0) {
		err = bpf_link_detach(holder) ? -errno : 0;
	} else {
		*old = bpf_prog_get_fd_by_id(other->id);
		err = attachment_remove(link->ifindex, other);
	}
	if (holder >= 0)
		close(holder);
	if (err && options->replace)
		return report_error(error, err, "%s: can't take off the XDP program %s (id %u): %s",
				    link->interface, other->name, other->id, strerror(-err));
	if (!err)
		report_line(options->log, FAST_PATH_LOG_WARNING,
			    "%s: took off the XDP program %s (id %u)", link->interface, other->name,
			    other->id);
	return err;
}

static int create(const struct xdp_link *link, int program_fd, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(program_fd, link->ifindex, BPF_XDP, &opts);

	return fd < 0 ? -errno : fd;
}

/* Whether it is about the driver, not about who else is there or what this process may do. */
static bool is_drivers_refusal(int err)
{
	return err != -EBUSY && err != -EEXIST && err != -EPERM && err != -EMFILE &&
	       err != -ENFILE && err != -ENODEV;
}

/* Why there is no native mode: the kernel's word, the driver's, and what helps if it is the MTU. */
static void reason_fill(const struct xdp_link *link, int program_fd, int err,
			char reason[REASON_MAX])
{
	char words[ATTACHMENT_WORDS_MAX] = "";
	size_t at;

	if (is_drivers_refusal(err))
		attachment_refusal(link->ifindex, program_fd, XDP_MODE_NATIVE, words);
	at = (size_t)snprintf(reason, REASON_MAX, "%s%s%s", strerror(-err), words[0] ? ": " : "",
			      words);
	if (strstr(words, "MTU") && at < REASON_MAX)
		snprintf(reason + at, REASON_MAX - at,
			 "; an MTU of %d fits every driver: ip link set dev %s mtu %d",
			 PORTS_ONE_BUFFER_BYTES, link->interface, PORTS_ONE_BUFFER_BYTES);
}

/* Native, and generic if that may be. An fd or -errno. `reason` is why not native. */
static int create_best(struct xdp_link *link, int program_fd,
		       const struct xdp_link_options *options, char reason[REASON_MAX])
{
	int fd = -EOPNOTSUPP;

	reason[0] = 0;
	if (options->attach != FAST_PATH_ATTACH_GENERIC) {
		link->mode = XDP_MODE_NATIVE;
		fd = create(link, program_fd, XDP_FLAGS_DRV_MODE);
		if (fd < 0)
			reason_fill(link, program_fd, fd, reason);
	}
	/* Whatever the driver doesn't like (the MTU, its queues) is no matter to generic mode. */
	if (fd < 0 && is_drivers_refusal(fd) && options->attach != FAST_PATH_ATTACH_NATIVE) {
		if (options->attach == FAST_PATH_ATTACH_AUTO)
			report_line(
				options->log, FAST_PATH_LOG_WARNING,
				"%s: no native XDP (%s): all ports run it in generic mode, which "
				"is slower",
				link->interface, reason);
		link->mode = XDP_MODE_GENERIC;
		fd = create(link, program_fd, XDP_FLAGS_SKB_MODE);
	}
	return fd;
}

int xdp_link_make(struct xdp_link *link, int program_fd, const struct xdp_link_options *options,
		  char error[FAST_PATH_ERROR_MAX])
{
	char reason[REASON_MAX];
	struct attachment other;
	int old = -1, err = attachment_find(link->ifindex, &other);

	if (err)
		return report_error(error, err, "%s: can't ask for its XDP program: %s",
				    link->interface, strerror(-err));
	if (other.mode != XDP_MODE_NONE) {
		err = evict(link, &other, options, &old, error);
		if (err)
			goto out;
	}
	link->fd = create_best(link, program_fd, options, reason);
	if (link->fd >= 0)
		goto out;
	err = link->fd;
	link->fd = -1;
	if (old >= 0)
		attachment_put(link->ifindex, old, other.mode, &(struct attachment){0});
	report_error(error, err, "%s: %s XDP refused: %s%s", link->interface,
		     xdp_mode_name(link->mode),
		     link->mode == XDP_MODE_NATIVE ? reason : strerror(-err),
		     options->attach == FAST_PATH_ATTACH_NATIVE
			     ? "; xdp_attach = \"auto\" takes generic mode, which is slower"
			     : "");
out:
	if (old >= 0)
		close(old);
	return err == -EOPNOTSUPP ? -ENOTSUP : err;
}

bool xdp_link_is_lost(const struct xdp_link *link)
{
	struct bpf_link_info info;

	return link->fd >= 0 && link_info(link->fd, &info) == 0 && info.xdp.ifindex == 0;
}

int xdp_link_update(const struct xdp_link *link, int program_fd)
{
	return bpf_link_update(link->fd, program_fd, NULL) ? -errno : 0;
}

int xdp_link_pin(struct xdp_link *link, const struct pins *pins)
{
	char name[PIN_NAME_MAX];
	int err;

	if (link->pinned)
		return 0;
	pin_name(name, link->ifindex);
	err = pins_put(pins, name, link->fd);
	link->pinned = !err;
	return err;
}

void xdp_link_close(struct xdp_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

void xdp_link_detach(struct xdp_link *link)
{
	if (link->fd >= 0)
		bpf_link_detach(link->fd);
	xdp_link_close(link);
}

void xdp_link_drop(struct xdp_link *link, const struct pins *pins)
{
	char name[PIN_NAME_MAX];

	xdp_link_detach(link);
	if (!link->pinned)
		return;
	pin_name(name, link->ifindex);
	pins_remove(pins, name);
	link->pinned = false;
}

struct prune {
	const uint32_t *ifindexes;
	uint32_t n;
	report_log log;
};

static void prune_one(const struct pins *pins, const char *name, void *arg)
{
	const struct prune *prune = arg;
	uint32_t ifindex = (uint32_t)strtoul(name + strlen(XDP_LINK_PIN_PREFIX), NULL, 10);
	struct xdp_link link = {.ifindex = (int)ifindex};
	char interface[IF_NAMESIZE];

	for (uint32_t i = 0; i < prune->n; i++)
		if (prune->ifindexes[i] == ifindex)
			return;
	if (!if_indextoname(ifindex, interface))
		snprintf(interface, sizeof(interface), "interface %u", ifindex);
	report_line(prune->log, FAST_PATH_LOG_INFO, "%s: no longer a port, taking our program off",
		    interface);
	link.fd = pins_get(pins, name);
	xdp_link_detach(&link);
	pins_remove(pins, name);
}

void xdp_links_prune(const struct pins *pins, const uint32_t *ifindexes, uint32_t n, report_log log)
{
	struct prune prune = {ifindexes, n, log};

	pins_walk(pins, XDP_LINK_PIN_PREFIX, prune_one, &prune);
}
