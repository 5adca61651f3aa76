/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a link for each port that is up, and takes it again when the interface comes back. Called
 * by module.c. Control thread.
 */
#include "links.h"

#include "adoption.h"
#include "module.h"

#include <errno.h>
#include <string.h>

static int running_fd(const struct module *m)
{
	return m->older_fd >= 0 ? m->older_fd : m->program.fd;
}

/* Whether an old link is in the mode that is asked for; if not, it goes. */
static void link_keep_or_drop(struct module *m, struct xdp_link *link)
{
	enum fast_path_attach attach = m->options.attach;

	if (link->fd < 0 || attach == FAST_PATH_ATTACH_AUTO ||
	    (attach == FAST_PATH_ATTACH_NATIVE) == (link->mode == XDP_MODE_NATIVE))
		return;
	report_line(m->log, FAST_PATH_LOG_WARNING,
		    "%s: is attached as %s, which the config doesn't want: attaching again",
		    link->interface, xdp_mode_name(link->mode));
	xdp_link_detach(link);
	link->pinned = false;
}

/*
 * Of a port in generic mode the kernel's native redirect knows nothing: it hands the frame to a driver
 * that may take none, after the program has counted it as sent. Generic redirect goes to any device.
 */
static int links_become_generic(struct module *m, char error[FAST_PATH_ERROR_MAX])
{
	int err = 0;

	m->options.attach = FAST_PATH_ATTACH_GENERIC;
	for (uint32_t i = 0; i < m->ports.n && !err; i++) {
		struct xdp_link *link = &m->links[i];

		if (link->fd < 0 || link->mode != XDP_MODE_NATIVE)
			continue;
		report_line(
			m->log, FAST_PATH_LOG_WARNING,
			"%s: from native to generic mode, as another port: a native port's packets "
			"to a generic one would be lost",
			link->interface);
		xdp_link_drop(link, &m->pins);
		err = xdp_link_make(link, running_fd(m), &m->options, error);
		if (!err && m->committed)
			err = xdp_link_pin(link, &m->pins);
	}
	return err;
}

/* Attaches the program; what that means for the mode of the others is done, too. */
static int link_attach(struct module *m, struct xdp_link *link, char error[FAST_PATH_ERROR_MAX])
{
	char below[FAST_PATH_NAME_MAX];
	int err;

	if (ports_kind(&m->ports, (uint32_t)(link - m->links), below) == PORTS_VLAN)
		return report_error(
			error, -EINVAL,
			"%s: is a VLAN: packets to backends leave by the device below it, with "
			"the VLAN's tag; dataplane.ports: interface = \"%s\"",
			link->interface, below);
	err = xdp_link_make(link, running_fd(m), &m->options, error);
	if (!err && link->mode == XDP_MODE_GENERIC && m->options.attach == FAST_PATH_ATTACH_AUTO)
		err = links_become_generic(m, error);
	return err;
}

/* The links that are pinned. */
static int links_adopt(struct module *m, char error[FAST_PATH_ERROR_MAX])
{
	const struct xdp_link *generic = NULL;

	for (uint32_t i = 0; i < m->ports.n; i++) {
		struct xdp_link *link = &m->links[i];
		int err;

		link->ifindex = (int)m->ports.table.ifindex[i];
		link->interface = m->ports.names[i];
		link->listed = true;
		if (link->ifindex == 0)
			continue;
		err = xdp_link_adopt(link, &m->pins, m->log);
		if (err)
			return report_error(error, err, "%s: can't ask for its XDP program: %s",
					    link->interface, strerror(-err));
		link_keep_or_drop(m, link);
		if (link->fd >= 0 && link->mode == XDP_MODE_GENERIC)
			generic = link;
	}
	if (!generic || m->options.attach != FAST_PATH_ATTACH_AUTO)
		return 0;
	report_line(
		m->log, FAST_PATH_LOG_INFO,
		"%s: stays in generic mode, and so do all ports; sluiced --detach lets the next "
		"start try native mode",
		generic->interface);
	return links_become_generic(m, error);
}

/* What kind of interface it is, where that matters; doctor's check_links.c says the same. */
static void port_tell(struct module *m, uint32_t port)
{
	char other[FAST_PATH_NAME_MAX];

	if (ports_hide_tags(&m->ports, port, other))
		report_line(m->log, FAST_PATH_LOG_WARNING,
			    "%s: %s takes VLAN tags out of frames before the program sees them: "
			    "answers to "
			    "tagged packets leave without a tag, and are lost; ethtool -K %s "
			    "rxvlan off",
			    m->ports.names[port], other, other);
	switch (ports_kind(&m->ports, port, other)) {
	case PORTS_STACKED:
		report_line(
			m->log, FAST_PATH_LOG_WARNING,
			"%s: is a %s device: what devices below it merge (GRO) is too big to be "
			"forwarded; ethtool -K DEVICE gro off for each of these, or name the one "
			"below as the port's interface",
			m->ports.names[port], other);
		break;
	case PORTS_MEMBER:
		report_line(
			m->log, FAST_PATH_LOG_WARNING,
			"%s: is a member of %s, which has the addresses and routes: no backend is "
			"reached by it; dataplane.ports: interface = \"%s\"",
			m->ports.names[port], other, other);
		break;
	case PORTS_VLAN: /* refused */
	case PORTS_PLAIN:
		break;
	}
}

int links_start(struct module *m, char error[FAST_PATH_ERROR_MAX])
{
	int err = links_adopt(m, error);

	for (uint32_t i = 0; i < m->ports.n && !err; i++) {
		struct xdp_link *link = &m->links[i];

		if (link->ifindex == 0)
			report_line(m->log, FAST_PATH_LOG_WARNING,
				    "%s: there is no such interface in this network namespace; its "
				    "port waits for it (ip link lists those that there are)",
				    link->interface);
		else if (link->fd < 0)
			err = link_attach(m, link, error);
	}
	if (err)
		return err;
	for (uint32_t i = 0; i < m->ports.n; i++) {
		if (m->links[i].fd < 0)
			continue;
		report_line(m->log, FAST_PATH_LOG_INFO, "%s: XDP in %s mode%s",
			    m->links[i].interface, xdp_mode_name(m->links[i].mode),
			    m->links[i].pinned ? ", adopted" : "");
		port_tell(m, i);
	}
	if (m->program.config.no_tx)
		report_line(
			m->log, FAST_PATH_LOG_INFO,
			"a port is a veth, or not there yet and may be one: a veth loses what XDP "
			"sends unless its peer has an XDP program or `ethtool -K PEER gro on`");
	return 0;
}

int links_commit(struct module *m, char error[FAST_PATH_ERROR_MAX])
{
	int err = 0;

	for (uint32_t i = 0; i < m->ports.n; i++) {
		if (m->links[i].fd < 0)
			continue;
		err = xdp_link_update(&m->links[i], running_fd(m));
		if (err)
			return report_error(error, err, "%s: can't exchange the XDP program: %s",
					    m->links[i].interface, strerror(-err));
	}
	for (int i = 0; i < PROGRAM_MAPS && m->older_fd < 0 && !err; i++)
		err = pins_put(&m->pins, program_map_name(i), program_map_fd(&m->program, i));
	if (!err && m->older_fd < 0)
		err = pins_put(&m->pins, ADOPTION_PROGRAM_PIN, m->program.fd);
	for (uint32_t i = 0; i < m->ports.n && !err; i++)
		if (m->links[i].fd >= 0)
			err = xdp_link_pin(&m->links[i], &m->pins);
	if (err)
		return report_error(error, err, "can't pin in %s: %s", m->pins.dir, strerror(-err));
	xdp_links_prune(&m->pins, m->ports.table.ifindex, m->ports.n, m->log);
	m->committed = true;
	return 0;
}

/* The port's interface is `ifindex` by now; 0: it has none, and waits. */
static void port_move(struct module *m, uint32_t port, uint32_t ifindex)
{
	struct xdp_link *link = &m->links[port];

	xdp_link_drop(link, &m->pins);
	link->ifindex = (int)ifindex;
	link->listed = false;
	link->told = 0;
	m->ports.table.ifindex[port] = ifindex;
	drop_counters_port(&m->drops, port, ifindex);
	if (ifindex == 0)
		report_line(m->log, FAST_PATH_LOG_WARNING,
			    "%s: the interface is gone; its port waits until there is one of that "
			    "name",
			    link->interface);
}

/* Does what is missing to have the port's interface as ours; each step may have been done. */
static int port_take(struct module *m, uint32_t port, char error[FAST_PATH_ERROR_MAX])
{
	struct xdp_link *link = &m->links[port];
	int err;

	if (!link->listed) {
		err = program_port_set(&m->program, port, (uint32_t)link->ifindex);
		if (err)
			return report_error(error, err, "%s: can't be written down as a port: %s",
					    link->interface, strerror(-err));
		link->listed = true;
	}
	if (link->ifindex == 0)
		return 0;
	if (link->fd < 0) {
		err = link_attach(m, link, error);
		if (err)
			return err;
		report_line(m->log, FAST_PATH_LOG_INFO,
			    "%s: is interface %d now: XDP attached, in %s mode", link->interface,
			    link->ifindex, xdp_mode_name(link->mode));
		port_tell(m, port);
	}
	err = m->committed ? xdp_link_pin(link, &m->pins) : 0;
	if (err)
		report_error(error, err, "%s: can't be pinned in %s: %s", link->interface,
			     m->pins.dir, strerror(-err));
	return err;
}

/* Only a kernel that says so makes an interface gone: a question that failed changes nothing. */
static int port_follow(struct module *m, uint32_t port, char error[FAST_PATH_ERROR_MAX])
{
	uint32_t ifindex = 0;
	int err = ports_lookup(&m->ports, port, &ifindex);

	if (err && err != -ENODEV)
		return report_error(error, err, "%s: can't ask for the interface: %s",
				    m->ports.names[port], strerror(-err));
	if (ifindex != m->ports.table.ifindex[port] || xdp_link_is_lost(&m->links[port]))
		port_move(m, port, ifindex);
	return port_take(m, port, error);
}

int links_follow(struct module *m)
{
	char error[FAST_PATH_ERROR_MAX];
	int failed = 0;

	for (uint32_t i = 0; i < m->ports.n; i++) {
		struct xdp_link *link = &m->links[i];
		int err = port_follow(m, i, error);

		if (err && err != link->told)
			report_line(m->log, FAST_PATH_LOG_ERROR, "%s; tried again", error);
		else if (!err && link->told)
			report_line(m->log, FAST_PATH_LOG_INFO, "%s: is as it should be again",
				    link->interface);
		link->told = err;
		if (err)
			failed = err;
	}
	return failed;
}
