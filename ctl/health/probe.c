/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds of probes are called. Control thread.
 */
#include "probe.h"

const struct probe_kind *probe_kind_of(enum health_type type)
{
	switch (type) {
	case HEALTH_TCP:
		return &probe_tcp;
	case HEALTH_HTTP:
	case HEALTH_HTTPS:
		return &probe_http;
	case HEALTH_UDP:
		return &probe_udp;
	case HEALTH_ICMP:
		return &probe_icmp;
	case HEALTH_EXEC:
		return &probe_exec;
	case HEALTH_NO_CHECK:
	case HEALTH_TYPES:
		break;
	}
	return NULL;
}

const struct ip_addr *probe_address(const struct probe_target *target)
{
	return target->vip_id != 0 ? &target->service->vip : &target->backend->addr;
}
