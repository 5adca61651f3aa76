/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the node, from the daemon if it runs, else from its configuration. Called by
 * the checks.
 */
#include <string.h>

#include "doctor.h"

bool patient_runs(const struct patient *p, const char *path)
{
	const char *runs = json_string_value(json_object_get(p->dataplane, "path"));

	if (!runs && p->config && p->config->settings.mode != PATH_AUTO)
		runs = path_mode_name(p->config->settings.mode);
	return !runs || strcmp(runs, path) == 0;
}

size_t patient_ports(const struct patient *p)
{
	if (p->dataplane)
		return json_array_size(json_object_get(p->dataplane, "ports"));
	return p->config ? p->config->settings.ports_n : 0;
}

const char *patient_interface(const struct patient *p, size_t i)
{
	const char *name = NULL;

	if (p->dataplane) {
		const json_t *ports = json_object_get(p->dataplane, "ports");

		name = json_string_value(json_object_get(json_array_get(ports, i), "interface"));
	} else if (p->config && i < p->config->settings.ports_n) {
		name = p->config->settings.ports[i].interface;
	}
	return name && name[0] ? name : NULL;
}

const char *patient_device(const struct patient *p, size_t i)
{
	const char *name = NULL;

	if (p->node) {
		const json_t *ports = json_object_get(p->node, "ports");

		name = json_string_value(json_object_get(json_array_get(ports, i), "device"));
	} else if (p->config && i < p->config->settings.ports_n) {
		name = p->config->settings.ports[i].device;
	}
	return name && name[0] ? name : NULL;
}
