/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of vips, services and backends. Control thread.
 */
#include "metrics_samples.h"

#include <stdio.h>

/*
 * Which verdicts have a series, though nothing was counted: of the node all; of a service those
 * that an alarm looks at. Another comes with its first packet, and stays, since it only grows.
 */
static bool verdict_always(int verdict)
{
	return verdict == VERDICT_forward || verdict == VERDICT_too_big ||
	       verdict == VERDICT_no_backend || verdict == VERDICT_no_next_hop;
}

void vip_vip_packets(struct metrics_text *p, uint32_t row)
{
	const struct figures_vip *vip = &p->f->vips[row];
	char addr[IP_TEXT_MAX];

	ip_format(&vip->addr, addr);
	for (int v = 0; v < VERDICT_COUNT; v++) {
		if (vip->packets[v] == 0 && v != VERDICT_echo_reply)
			continue;
		text_series(p, "vip", addr, "verdict", verdict_name(v), NULL);
		text_end_number(p, vip->packets[v]);
	}
}

void service_service(struct metrics_text *p, uint32_t row)
{
	const struct service_conf *conf = p->f->services[row].conf;
	char addr[IP_TEXT_MAX], port[12] = "all";

	if (conf->port)
		snprintf(port, sizeof(port), "%u", conf->port);
	text_series(p, "service", conf->name, "vip", ip_format(&conf->vip, addr), "port", port,
		    "protocol", proto_name(conf->proto), "encap",
		    encap_name((enum encap)conf->encap), "scheduler",
		    scheduler_name((enum scheduler)conf->scheduler), NULL);
	text_put(p, "1\n");
}

void service_service_packets(struct metrics_text *p, uint32_t row)
{
	const struct figures_service *s = &p->f->services[row];

	for (int v = 0; v < VERDICT_COUNT; v++) {
		if (s->packets[v] == 0 && !verdict_always(v))
			continue;
		text_series(p, "service", s->conf->name, "verdict", verdict_name(v), NULL);
		text_end_number(p, s->packets[v]);
	}
}

void service_service_backends(struct metrics_text *p, uint32_t row)
{
	metrics_states(p, p->f->services[row].conf->name, p->f->services[row].states);
}

void service_service_health(struct metrics_text *p, uint32_t row)
{
	metrics_health_states(p, p->f->services[row].conf->name, p->f->services[row].health);
}

#define SERVICE_NUMBER(metric, value)                                       \
	void service_service_##metric(struct metrics_text *p, uint32_t row) \
	{                                                                   \
		const struct figures_service *s = &p->f->services[row];     \
                                                                            \
		text_series(p, "service", s->conf->name, NULL);             \
		text_end_number(p, value);                                  \
	}

SERVICE_NUMBER(unreachable, s->unreachable)
SERVICE_NUMBER(slots, s->transition.slots)
SERVICE_NUMBER(changed_slots, s->transition.changed_slots)

#define BACKEND_NUMBER(metric, value)                                                  \
	void backend_backend_##metric(struct metrics_text *p, uint32_t row)            \
	{                                                                              \
		const struct figures_backend *b = &p->f->backends[row];                \
		const struct service_conf *conf = p->f->services[b->service].conf;     \
		const struct backend_conf *backend = &conf->backends[b->index];        \
                                                                                       \
		text_series(p, "service", conf->name, "backend", backend->name, NULL); \
		text_end_number(p, value);                                             \
	}

BACKEND_NUMBER(packets, b->packets)
BACKEND_NUMBER(bytes, b->bytes)
BACKEND_NUMBER(weight, b->weight)
BACKEND_NUMBER(slots, b->slots)
BACKEND_NUMBER(flows, b->flows)
BACKEND_NUMBER(enabled, backend->admin == BACKEND_ENABLED)
BACKEND_NUMBER(draining, backend->admin == BACKEND_DRAINING)
BACKEND_NUMBER(next_hop_resolved, b->resolved)

void backend_backend_health_up(struct metrics_text *p, uint32_t row)
{
	const struct figures_backend *b = &p->f->backends[row];
	const struct service_conf *conf = p->f->services[b->service].conf;

	if (b->health == HEALTH_NONE)
		return;
	text_series(p, "service", conf->name, "backend", conf->backends[b->index].name, NULL);
	text_end_number(p, b->health == HEALTH_UP);
}
