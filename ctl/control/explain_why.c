/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a packet gets its verdict, in a sentence. Called by methods_explain.c, on the control thread.
 */
#include "explain_why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const verdict_texts[] = {
#define X(name, action, text) [VERDICT_##name] = text,
	SLUICE_VERDICTS(X)
#undef X
};

static const char *name_of(const struct backend_conf *backend)
{
	return backend ? backend->name : "a backend that was removed";
}

/* Where a packet of a service goes, and what decided that. */
static void why_backend(const struct daemon_explanation *e, char why[EXPLAIN_WHY_MAX])
{
	const struct trace *t = &e->trace;
	bool opens = t->packet.flags & PACKET_OPENS;

	if (t->draws)
		snprintf(why, EXPLAIN_WHY_MAX,
			 "the scheduler %s draws a backend for each new flow, which can't be told "
			 "beforehand: see the candidates",
			 scheduler_name(e->service->scheduler));
	else if (t->known && t->index == t->memory.backend)
		snprintf(why, EXPLAIN_WHY_MAX, "the flow is remembered, and stays with %s",
			 name_of(e->backend));
	else if (t->index != SLOT_NONE && !opens && t->steering.service->flags & SERVICE_WAY &&
		 t->index == t->slot.previous)
		snprintf(
			why, EXPLAIN_WHY_MAX,
			"an unknown flow that doesn't open is taken for older than the change of "
			"scheduler, hash or slots that is under way: it goes where it went before, "
			"to %s",
			name_of(e->backend));
	else if (t->index != SLOT_NONE && t->index == t->slot.previous &&
		 t->index != t->slot.current)
		snprintf(why, EXPLAIN_WHY_MAX,
			 "an unknown flow that doesn't open is taken for older than the change "
			 "that is under way: it goes to its slot's previous backend, %s",
			 name_of(e->backend));
	else if (t->index != SLOT_NONE)
		snprintf(why, EXPLAIN_WHY_MAX, "%s %s, its slot's%s backend",
			 opens && t->looked ? "a new flow goes to" : "the lookup table says",
			 name_of(e->backend), t->steering.value & SLOT_CHANGED ? " current" : "");
}

static void why_add(char why[EXPLAIN_WHY_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void why_add(char why[EXPLAIN_WHY_MAX], const char *format, ...)
{
	size_t length = strlen(why);
	va_list args;

	if (length > 0)
		length += (size_t)snprintf(why + length, EXPLAIN_WHY_MAX - length, "; ");
	if (length >= EXPLAIN_WHY_MAX)
		return;
	va_start(args, format);
	vsnprintf(why + length, EXPLAIN_WHY_MAX - length, format, args);
	va_end(args);
}

static void why_no_service(const struct packet_probe *probe, const struct trace *t,
			   char why[EXPLAIN_WHY_MAX])
{
	char text[IP_TEXT_MAX];

	if (!t->generation)
		why_add(why, "no generation is published yet: all packets are the kernel's");
	else
		why_add(why, "%s is the address of no service: the kernel's",
			ip_format(&probe->dst, text));
}

/* A vip's port that nobody serves. */
static void why_unserved(const struct packet_probe *probe, enum verdict verdict,
			 char why[EXPLAIN_WHY_MAX])
{
	char text[IP_TEXT_MAX];

	why_add(why, "%s is a vip, but has no service on %s port %u: %s",
		ip_format(&probe->dst, text), proto_name(probe->proto), probe->dst_port,
		verdict == VERDICT_unserved          ? "the kernel's"
		: verdict == VERDICT_unserved_reject ? "refused, as \"unserved\" says"
						     : "dropped, as \"unserved\" says");
}

static const char *why_none(const struct service_conf *service)
{
	return service->backends_n == 0
		       ? "the service has no backends"
		       : "no backend of the service takes flows: see \"show backends\"";
}

static void why_verdict(const struct packet_probe *probe, const struct daemon_explanation *e,
			char why[EXPLAIN_WHY_MAX])
{
	const struct trace *t = &e->trace;
	uint32_t outer_bytes = e->mtu_bytes - e->inner_mtu_bytes;

	switch (t->verdict) {
	case VERDICT_forward:
		break;
	case VERDICT_no_service:
		why_no_service(probe, t, why);
		break;
	case VERDICT_unserved:
	case VERDICT_unserved_reject:
	case VERDICT_unserved_drop:
		why_unserved(probe, t->verdict, why);
		break;
	case VERDICT_no_backend:
		why_add(why, "%s", why_none(e->service));
		break;
	case VERDICT_no_backend_reject:
		why_add(why, "%s: refused, as \"no_backend\" says", why_none(e->service));
		break;
	case VERDICT_no_next_hop:
		why_add(why, "packets can't be sent there: %s",
			e->next_hop.state == NEXTHOP_RESOLVED
				? "the way leads through an interface that is no port"
				: nexthop_state_text(e->next_hop.state));
		break;
	case VERDICT_too_big:
	case VERDICT_too_big_dropped:
		why_add(why, "%u bytes and outer headers of %u don't fit the way's MTU of %u: %s",
			t->packet.ip_bytes, outer_bytes, e->mtu_bytes,
			t->verdict == VERDICT_too_big
				? "answered with the MTU that fits"
				: "dropped, for its sender forbids no fragmenting (DF clear)");
		break;
	default:
		why_add(why, "%s", verdict_texts[t->verdict]);
	}
}

void explain_why(const struct packet_probe *probe, const struct daemon_explanation *e,
		 char why[EXPLAIN_WHY_MAX])
{
	why[0] = 0;
	if (e->trace.hashed)
		why_backend(e, why);
	why_verdict(probe, e, why);
}
