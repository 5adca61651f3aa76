/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one setting of the config file demands of another. Called by config.c, on the control thread.
 */
#include "config_form.h"

#include <stdio.h>
#include <string.h>

static const config_setting_t *member(const config_setting_t *group, const char *name)
{
	return config_setting_get_member(group, name);
}

/* The name of a port's TAP; what the config leaves out is sluice0, sluice1 ... */
static void tap_name(const struct settings *settings, uint32_t i, char name[IFNAMSIZ])
{
	if (*settings->ports[i].tap)
		strcpy(name, settings->ports[i].tap);
	else
		snprintf(name, IFNAMSIZ, "sluice%u", i % FAST_PATH_PORTS_MAX);
}

/* No two ports may share a device, the kernel's interface, or the name of a TAP. */
static void ports_check_unique(struct config_reader *r, const config_setting_t *list,
			       const struct settings *settings, uint32_t i)
{
	const config_setting_t *port = config_setting_get_elem(list, i);
	const struct port_conf *p = &settings->ports[i];
	char tap[IFNAMSIZ], other_tap[IFNAMSIZ];

	tap_name(settings, i, tap);
	for (uint32_t j = 0; j < i; j++) {
		const struct port_conf *other = &settings->ports[j];

		tap_name(settings, j, other_tap);
		if (*p->device && strcmp(p->device, other->device) == 0)
			config_fault(r, port, "device", "\"%.64s\" is ports[%u]'s", p->device, j);
		if (*p->device && *other->device && strcmp(tap, other_tap) == 0)
			config_fault(r, port, "tap", "\"%s\" is ports[%u]'s", tap, j);
		if (*p->interface && strcmp(p->interface, other->interface) == 0)
			config_fault(r, port, "interface", "\"%s\" is ports[%u]'s", p->interface,
				     j);
	}
}

/* Who asks for a socket of readers has to say where, and it can't be the other one. */
static void read_socket_check(struct config_reader *r, const config_setting_t *control,
			      const struct settings *settings)
{
	if (settings->read_socket_group[0] && !settings->read_socket_path[0])
		config_fault(r, control, "read_group",
			     "without read_socket there is nothing to give to a group");
	if (strcmp(settings->read_socket_path, settings->socket_path) == 0)
		config_fault(r, control, "read_socket", "\"%.107s\" is the control socket's path",
			     settings->socket_path);
}

void config_settings_check(struct config_reader *r, const config_setting_t *root,
			   const struct config_form *form)
{
	const struct settings *settings = &form->settings;
	const config_setting_t *list = member(member(root, "dataplane"), "ports");
	bool all_devices = true, all_interfaces = true;

	read_socket_check(r, member(root, "control"), settings);
	for (uint32_t i = 0; i < settings->ports_n; i++) {
		const config_setting_t *port = config_setting_get_elem(list, i);
		bool device = *settings->ports[i].device, interface = *settings->ports[i].interface;

		all_devices &= device;
		all_interfaces &= interface;
		if (settings->mode == PATH_DPDK && !device)
			config_fault(r, port, "device",
				     "missing; mode is \"dpdk\": a PCI address of "
				     "dpdk-devbind.py --status, or a vdev");
		if (settings->mode == PATH_XDP && !interface)
			config_fault(r, port, "interface",
				     "missing; mode is \"xdp\": one that ip link lists");
		ports_check_unique(r, list, settings, i);
	}
	if (settings->mode == PATH_AUTO && !all_devices && !all_interfaces)
		config_fault(r, list, NULL,
			     "every port needs a device (for dpdk), or every port an interface "
			     "(for xdp)");
}
