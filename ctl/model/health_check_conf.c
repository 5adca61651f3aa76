/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of health checks. Called by model.c and model_change.c, on the control thread.
 */
#include <string.h>

#include "model_check.h"

static void number_check(struct fault_sink *sink, uint32_t service, uint32_t backend,
			 const char *key, uint32_t value, uint32_t min, uint32_t max)
{
	if (value < min || value > max)
		fault_report(sink, MODEL_INVALID, service, backend, key, "%u is not in %u-%u",
			     value, min, max);
}

/* What holds in the end, for a backend or (MODEL_NOWHERE) for those with nothing of their own. */
static void timing_check(struct fault_sink *sink, uint32_t service, uint32_t backend,
			 const struct health_timing *t)
{
	number_check(sink, service, backend, "health.interval_ms", t->interval_ms, 10,
		     HEALTH_MS_MAX);
	number_check(sink, service, backend, "health.timeout_ms", t->timeout_ms, 1, HEALTH_MS_MAX);
	number_check(sink, service, backend, "health.fast_interval_ms", t->fast_interval_ms, 10,
		     HEALTH_MS_MAX);
	number_check(sink, service, backend, "health.rise", t->rise, 1, HEALTH_COUNT_MAX);
	number_check(sink, service, backend, "health.fall", t->fall, 1, HEALTH_COUNT_MAX);
	number_check(sink, service, backend, "health.jitter_percent", t->jitter_percent, 0,
		     HEALTH_JITTER_MAX);
	if (t->timeout_ms > t->interval_ms)
		fault_report(sink, MODEL_CONFLICT, service, backend, "health.timeout_ms",
			     "%u is more than interval_ms, which is %u", t->timeout_ms,
			     t->interval_ms);
	if (t->fast_interval_ms > t->interval_ms)
		fault_report(sink, MODEL_CONFLICT, service, backend, "health.fast_interval_ms",
			     "%u is more than interval_ms, which is %u", t->fast_interval_ms,
			     t->interval_ms);
}

static bool has_port(const struct health_conf *h)
{
	return h->type == HEALTH_TCP || h->type == HEALTH_HTTP || h->type == HEALTH_HTTPS ||
	       h->type == HEALTH_UDP;
}

static void text_check(struct fault_sink *sink, uint32_t service, const char *key, const char *text,
		       const char *refusal)
{
	if (refusal)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, key, "\"%s\" %s", text,
			     refusal);
}

/* What libcurl would refuse at each check, or not ask for. */
static void http_check(struct fault_sink *sink, uint32_t service, const struct health_conf *h)
{
	text_check(sink, service, "health.path", h->path, health_path_refusal(h->path));
	if (h->host[0] != '\0')
		text_check(sink, service, "health.host", h->host,
			   health_host_refusal(h->host, true));
	if (h->sni[0] != '\0')
		text_check(sink, service, "health.sni", h->sni, health_host_refusal(h->sni, false));
}

static void kind_check(struct fault_sink *sink, uint32_t service, const struct service_conf *s,
		       const struct settings *settings)
{
	const struct health_conf *h = &s->health;
	bool vip = h->via == HEALTH_VIA_VIP;

	if (vip && !has_port(h))
		fault_report(sink, MODEL_CONFLICT, service, MODEL_NOWHERE, "health.via",
			     "\"vip\" is for tcp, http, https and udp, not for %s",
			     health_type_name((enum health_type)h->type));
	else if (vip && (h->type == HEALTH_UDP ? PROTO_UDP : PROTO_TCP) != s->proto)
		fault_report(sink, MODEL_CONFLICT, service, MODEL_NOWHERE, "health.via",
			     "\"vip\" goes the service's own way, which is %s; a %s check can't",
			     proto_name(s->proto), health_type_name((enum health_type)h->type));
	if (h->type == HEALTH_HTTP || h->type == HEALTH_HTTPS)
		http_check(sink, service, h);
	if (h->type == HEALTH_EXEC && h->program[0] != '/')
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "health.program",
			     "missing; an exec check needs the absolute path of a program");
	if (h->type == HEALTH_EXEC && settings->exec_user[0] == '\0')
		fault_report(sink, MODEL_CONFLICT, service, MODEL_NOWHERE, "health.type",
			     "\"exec\" is switched off: health.exec_user is \"\"");
	if (h->type == HEALTH_UDP && h->send.n == 0)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "health.send",
			     "missing; a udp check needs something that the server answers");
	if (h->method == HEALTH_HEAD && h->body[0] != '\0')
		fault_report(sink, MODEL_CONFLICT, service, MODEL_NOWHERE, "health.body",
			     "the answer to HEAD has no body; use GET");
	number_check(sink, service, MODEL_NOWHERE, "health.flap_count", h->flap_count, 0, 16);
	number_check(sink, service, MODEL_NOWHERE, "health.flap_window_s", h->flap_window_s, 1,
		     86400);
	number_check(sink, service, MODEL_NOWHERE, "health.flap_hold_s", h->flap_hold_s, 1, 3600);
}

/* `i` MODEL_NOWHERE: the service's own. */
static void port_check(struct fault_sink *sink, uint32_t service, const struct service_conf *s,
		       uint32_t i, const struct health_timing *t)
{
	const struct health_conf *h = &s->health;

	if (!has_port(h))
		return;
	if (t->port == 0)
		fault_report(sink, MODEL_INVALID, service, i, "health.port",
			     "missing; the service serves all ports, so which to check?");
	else if (h->via == HEALTH_VIA_VIP && s->port != 0 && t->port != s->port)
		fault_report(sink, MODEL_CONFLICT, service, i, "health.port",
			     "%u is not the service's port, %u, which via = \"vip\" goes to",
			     t->port, s->port);
}

void health_check(struct fault_sink *sink, uint32_t service, const struct service_conf *s,
		  const struct settings *settings)
{
	struct health_timing t = health_timing_of(&s->health, NULL, s->port);

	if (s->all_down > ALL_DOWN_NONE)
		fault_report(sink, MODEL_INVALID, service, MODEL_NOWHERE, "all_down",
			     "%u is none of all, none", s->all_down);
	if (s->start == START_DOWN && s->health.type == HEALTH_NO_CHECK)
		fault_report(
			sink, MODEL_CONFLICT, service, MODEL_NOWHERE, "start",
			"\"down\" needs health checks: without, no backend would ever come up");
	for (uint32_t i = 0; i < s->backends_n; i++)
		if (s->backends[i].start == 1 + START_DOWN && !service_conf_checks(s, i))
			fault_report(
				sink, MODEL_CONFLICT, service, i, "start",
				"\"down\" needs health checks: without, it would never come up");
	if (s->health.type == HEALTH_NO_CHECK) {
		for (uint32_t i = 0; i < s->backends_n; i++) {
			static const struct health_override none;

			if (memcmp(&s->backends[i].health, &none, sizeof(none)) != 0)
				fault_report(sink, MODEL_CONFLICT, service, i, "health",
					     "the service has no health check to differ from");
		}
		return;
	}
	kind_check(sink, service, s, settings);
	timing_check(sink, service, MODEL_NOWHERE, &t);
	port_check(sink, service, s, MODEL_NOWHERE, &t);
	for (uint32_t i = 0; i < s->backends_n; i++) {
		static const struct health_timing none;
		const struct health_override *own = &s->backends[i].health;

		if (own->off || memcmp(&own->timing, &none, sizeof(none)) == 0)
			continue;
		t = health_timing_of(&s->health, own, s->port);
		timing_check(sink, service, i, &t);
		port_check(sink, service, s, i, &t);
	}
}
