/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include "adoption.h"
#include "module.h"

#include <errno.h>
#include <string.h>

static int running_fd(const struct module *m)
{
	return m->older_fd >= 0 ? m->older_fd : m->program.fd;
}

/* An old link stays if it is in the mode that is asked for. */
static bool link_stays(struct xdp_link *link, const struct xdp_link_options *options)
{
	if (link->fd < 0)
		return false;
	if (options->attach == FAST_PATH_ATTACH_AUTO ||
	    (options->attach == FAST_PATH_ATTACH_NATIVE) == (link->mode == XDP_MODE_NATIVE))
		return true;
	report_line(options->log, FAST_PATH_LOG_WARNING,
		    "%s: is attached as %s, which the config doesn't want: attaching again",
		    link->interface, xdp_mode_name(link->mode));
	xdp_link_detach(link);
	link->pinned = false;
	return false;
}

int links_start(struct module *m, char error[FAST_PATH_ERROR_MAX])
{
	for (uint32_t i = 0; i < m->ports.n; i++) {
		struct xdp_link *link = &m->links[i];
		int err;

		link->ifindex = (int)m->ports.table.ifindex[i];
		link->interface = m->ports.names[i];
		link->listed = true;
		if (link->ifindex == 0) {
			report_line(m->log, FAST_PATH_LOG_WARNING,
				    "%s: there is no such interface in this network namespace; its "
				    "port waits for it (ip link lists those that there are)",
				    link->interface);
			continue;
		}
		err = xdp_link_adopt(link, &m->pins, m->log);
		if (err)
			return report_error(error, err, "%s: can't ask for its XDP program: %s",
					    link->interface, strerror(-err));
		if (!link_stays(link, &m->options)) {
			err = xdp_link_make(link, running_fd(m), &m->options, error);
			if (err)
				return err;
		}
		report_line(m->log, FAST_PATH_LOG_INFO, "%s: XDP in %s mode%s", link->interface,
			    xdp_mode_name(link->mode), link->pinned ? ", adopted" : "");
	}
	if (m->program.config.no_tx)
		report_line(m->log, FAST_PATH_LOG_INFO,
			    "a port is a veth, which loses what XDP sends unless its peer has an XDP "
			    "program or `ethtool -K PEER gro on`");
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
	if (ifindex == 0)
		report_line(m->log, FAST_PATH_LOG_WARNING,
			    "%s: the interface is gone; its port waits until there is one of that "
			    "name", link->interface);
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
		err = xdp_link_make(link, running_fd(m), &m->options, error);
		if (err)
			return err;
		report_line(m->log, FAST_PATH_LOG_INFO,
			    "%s: is interface %d now: XDP attached, in %s mode", link->interface,
			    link->ifindex, xdp_mode_name(link->mode));
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
