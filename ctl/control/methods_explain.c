/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow.explain: what would become of a packet, and why. Called by rpc.c, on the control thread.
 */
#include "methods.h"

#include "explain_why.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *action_name(enum verdict verdict)
{
	static const char *const names[] = {
		[ACTION_FORWARD] = "forward", [ACTION_ECHO] = "answer", [ACTION_TOO_BIG] = "answer",
		[ACTION_REJECT] = "answer",   [ACTION_PASS] = "kernel", [ACTION_DROP] = "drop",
	};

	return names[verdict_action(verdict)];
}

/* ---- the question ---- */

static bool read_proto(struct rpc_call *call, struct packet_probe *probe)
{
	const char *name = rpc_string(call->params, "protocol");

	if (strcmp(name, "icmp") == 0)
		probe->proto = PROTO_ICMP;
	else if (proto_parse(name, &probe->proto) != 0) {
		rpc_refuse(call, RPC_INVALID,
			   "protocol: \"%.64s\" is none of tcp, udp, icmp (an echo request)", name);
		return false;
	}
	return true;
}

static bool read_port(struct rpc_call *call, const struct packet_probe *probe, const char *name,
		      uint16_t *port)
{
	bool given = json_object_get(call->params, name);
	uint32_t number = 0;

	if (probe->proto == PROTO_ICMP) {
		if (given)
			rpc_refuse(call, RPC_INVALID, "%s: an echo request has no ports", name);
		return !given;
	}
	if (!given) {
		rpc_refuse(call, RPC_PARAMS, "flow.explain: parameter \"%s\" is missing", name);
		return false;
	}
	if (!rpc_integer(call, call->params, "", name, 0, UINT16_MAX, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

static bool read_size(struct rpc_call *call, struct packet_probe *probe)
{
	uint32_t min = packet_probe_bytes_min(probe);

	if (!json_object_get(call->params, "bytes"))
		return true;
	return rpc_integer(call, call->params, "", "bytes", min, PACKET_PROBE_IP_BYTES_MAX,
			   &probe->ip_bytes);
}

static bool read_question(struct rpc_call *call, struct packet_probe *probe, uint32_t *port)
{
	*probe = (struct packet_probe){
		.opens = rpc_flag(call->params, "opens"),
		.may_fragment = rpc_flag(call->params, "may_fragment"),
	};
	*port = 0;
	if (!read_proto(call, probe) ||
	    !methods_addr(call, call->params, "", "source", &probe->src) ||
	    !methods_addr(call, call->params, "", "destination", &probe->dst) ||
	    !rpc_integer(call, call->params, "", "port", 0, FAST_PATH_PORTS_MAX - 1, port) ||
	    !read_port(call, probe, "source_port", &probe->src_port) ||
	    !read_port(call, probe, "destination_port", &probe->dst_port))
		return false;
	if (probe->src.family != probe->dst.family) {
		rpc_refuse(call, RPC_INVALID,
			   "source and destination: one is IPv4, the other IPv6");
		return false;
	}
	if (probe->opens && probe->proto == PROTO_ICMP) {
		rpc_refuse(call, RPC_INVALID, "opens: an echo request opens no flow");
		return false;
	}
	return read_size(call, probe);
}

/* ---- the answer ---- */

static void put_name(json_t **object, const char *key, const struct backend_conf *backend)
{
	methods_put(object, key, backend ? rpc_text(backend->name) : json_null());
}

static void put_mac(json_t **object, const char *key, const uint8_t mac[6])
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	methods_put_text(object, key, text);
}

/* A port, or null for 0. */
static void put_port(json_t **object, const char *key, uint16_t port)
{
	methods_put(object, key, port ? json_integer(port) : json_null());
}

static json_t *packet_json(const struct packet_probe *probe, const struct packet *packet)
{
	bool echo = probe->proto == PROTO_ICMP;
	json_t *object = json_object();

	methods_put_text(&object, "protocol", echo ? "icmp" : proto_name(probe->proto));
	methods_put_addr(&object, "source", &probe->src);
	methods_put(&object, "source_port", echo ? json_null() : json_integer(probe->src_port));
	methods_put_addr(&object, "destination", &probe->dst);
	methods_put(&object, "destination_port",
		    echo ? json_null() : json_integer(probe->dst_port));
	methods_put_number(&object, "bytes", packet->ip_bytes);
	methods_put(&object, "opens", json_boolean(packet->flags & PACKET_OPENS));
	methods_put(&object, "may_fragment", json_boolean(!(packet->flags & PACKET_DF)));
	return object;
}

static json_t *slot_json(const struct daemon_explanation *e)
{
	const struct trace *t = &e->trace;
	json_t *object;

	if (!t->hashed)
		return json_null();
	object = json_object();
	methods_put_number(&object, "slot", t->steering.slot);
	methods_put_number(&object, "slots", t->steering.service->slots);
	methods_put(&object, "changed", json_boolean(t->steering.value & SLOT_CHANGED));
	put_name(&object, "current", e->current);
	put_name(&object, "previous", e->previous);
	return object;
}

/* "not_asked", "miss", "hit"; "stale": something is there that can't be relied on. */
static const char *memory_word(const struct trace *t)
{
	if (!t->looked)
		return "not_asked";
	if (!t->found)
		return "miss";
	return t->known ? "hit" : "stale";
}

static json_t *memory_json(const struct daemon_explanation *e)
{
	const struct trace *t = &e->trace;
	json_t *object = json_object();

	methods_put_text(&object, "result", memory_word(t));
	methods_put(&object, "state",
		    t->found ? rpc_text(memory_state_name(memory_state(&t->memory))) : json_null());
	methods_put(&object, "idle_s", t->found ? json_integer(e->memory_idle_s) : json_null());
	put_name(&object, "backend", e->remembered);
	return object;
}

static json_t *encapsulation_json(const struct daemon_explanation *e)
{
	const struct trace_outer *outer = &e->trace.outer;
	json_t *object;

	if (verdict_action(e->trace.verdict) != ACTION_FORWARD || !e->trace.steering.backend)
		return json_null();
	object = json_object();
	methods_put_text(&object, "encap", encap_name(e->trace.steering.backend->encap));
	methods_put_addr(&object, "source", &outer->src);
	put_port(&object, "source_port", outer->src_port);
	methods_put_addr(&object, "destination", &outer->dst);
	put_port(&object, "destination_port", outer->dst_port);
	methods_put_number(&object, "ttl", outer->ttl);
	methods_put_number(&object, "bytes", outer->ip_bytes);
	return object;
}

static json_t *next_hop_json(struct rpc_call *call, const struct daemon_explanation *e)
{
	const struct backend *b = e->trace.steering.backend;
	struct fast_path_port_info port = {.interface = ""};
	const struct daemon_api *api = call->api;
	json_t *object;

	if (!b || !e->backend)
		return json_null();
	if (e->port >= 0)
		(void)api->port_read(api->ctx, (uint32_t)e->port, &port);
	object = json_object();
	methods_put_text(&object, "state", nexthop_state_name(e->next_hop.state));
	methods_put(&object, "interface",
		    port.interface[0] ? rpc_text(port.interface) : json_null());
	methods_put(&object, "port", e->port >= 0 ? json_integer(e->port) : json_null());
	methods_put_addr(&object, "via", &e->next_hop.via);
	if (b->flags & BACKEND_RESOLVED) {
		put_mac(&object, "mac", b->dst_mac);
		put_mac(&object, "source_mac", b->src_mac);
		put_port(&object, "vlan", be16_to(b->vlan_tci) & 0xfff);
		methods_put_number(&object, "mtu_bytes", e->mtu_bytes);
	} else {
		methods_put(&object, "mac", json_null());
		methods_put(&object, "source_mac", json_null());
		methods_put(&object, "vlan", json_null());
		methods_put(&object, "mtu_bytes", json_null());
	}
	return object;
}

static json_t *candidates_json(const struct daemon_explanation *e)
{
	json_t *list;

	if (!e->trace.draws)
		return json_null();
	list = json_array();
	for (uint32_t i = 0; i < e->candidates_n; i++) {
		json_t *object = json_object();

		put_name(&object, "backend", e->candidates[i].backend);
		methods_put_number(&object, "slots", e->candidates[i].slots);
		methods_put_text(&object, "verdict", verdict_name(e->candidates[i].verdict));
		methods_append(&list, object);
	}
	return list;
}

static json_t *worker_json(const struct daemon_explanation *e)
{
	json_t *object = json_object();

	methods_put(&object, "index", e->worker >= 0 ? json_integer(e->worker) : json_null());
	methods_put_text(&object, "how", e->worker_how);
	return object;
}

/* What the flow's other kind of packet (one that opens, one that doesn't) would get. */
static json_t *otherwise(struct rpc_call *call, const struct packet_probe *probe, uint32_t port,
			 const struct daemon_explanation *e)
{
	struct packet_probe other = *probe;
	struct daemon_explanation told = {.port = -1};
	json_t *object = json_null();

	if (!e->trace.looked || probe->proto == PROTO_ICMP)
		return object;
	other.opens = !probe->opens;
	if (other.ip_bytes && other.ip_bytes < packet_probe_bytes_min(&other))
		other.ip_bytes = 0;
	if (call->api->explain(call->api->ctx, &other, port, &told) == 0 &&
	    (told.backend != e->backend || told.trace.verdict != e->trace.verdict)) {
		object = json_object();
		methods_put(&object, "opens", json_boolean(other.opens));
		methods_put_text(&object, "verdict", verdict_name(told.trace.verdict));
		put_name(&object, "backend", told.backend);
	}
	free(told.candidates);
	return object;
}

static json_t *answer(struct rpc_call *call, const struct packet_probe *probe, uint32_t port,
		      const struct daemon_explanation *e)
{
	const struct trace *t = &e->trace;
	json_t *result = json_object();
	char why[EXPLAIN_WHY_MAX], hash[17];

	explain_why(probe, e, why);
	snprintf(hash, sizeof(hash), "%016" PRIx64, t->steering.hash);
	methods_put(&result, "packet", packet_json(probe, &t->packet));
	methods_put_text(&result, "verdict", verdict_name(t->verdict));
	methods_put_text(&result, "action", action_name(t->verdict));
	methods_put_text(&result, "why", why);
	methods_put_number(&result, "generation", e->generation);
	methods_put(&result, "service", e->service ? rpc_text(e->service->name) : json_null());
	methods_put(&result, "vip", json_boolean(t->vip));
	methods_put(&result, "hash", t->hashed ? rpc_text(hash) : json_null());
	methods_put(&result, "slot", slot_json(e));
	methods_put(&result, "flow_table", memory_json(e));
	put_name(&result, "backend", e->backend);
	methods_put(&result, "candidates", candidates_json(e));
	methods_put(&result, "otherwise", otherwise(call, probe, port, e));
	methods_put(&result, "encapsulation", encapsulation_json(e));
	methods_put(&result, "next_hop", next_hop_json(call, e));
	methods_put(&result, "answer_mtu_bytes",
		    t->verdict == VERDICT_too_big ? json_integer(e->inner_mtu_bytes) : json_null());
	methods_put(&result, "worker", worker_json(e));
	return result;
}

static json_t *flow_explain(struct rpc_call *call)
{
	struct daemon_explanation explanation = {.port = -1};
	json_t *result = NULL;
	struct packet_probe probe;
	uint32_t port;
	int rc;

	if (!methods_may_see_flows(call) || !read_question(call, &probe, &port))
		return NULL;
	rc = call->api->explain(call->api->ctx, &probe, port, &explanation);
	if (rc < 0)
		rpc_refuse(call, RPC_FAILED, "the packet's way can't be told: %s", strerror(-rc));
	else
		result = answer(call, &probe, port, &explanation);
	free(explanation.candidates);
	return result;
}

static const struct rpc_param explain_params[] = {
	{"protocol", RPC_STRING, true, "tcp, udp, or icmp: an echo request", NULL},
	{"source", RPC_STRING, true, "the client's address", NULL},
	{"source_port", RPC_INTEGER, false, "of tcp and udp", NULL},
	{"destination", RPC_STRING, true, "the address that it sends to, of the same family", NULL},
	{"destination_port", RPC_INTEGER, false, "of tcp and udp", NULL},
	{"bytes", RPC_INTEGER, false, "of the IP packet; if missing, as short as can be", NULL},
	{"opens", RPC_BOOLEAN, false, "true: a TCP SYN, a QUIC Initial", NULL},
	{"may_fragment", RPC_BOOLEAN, false, "true: DF is clear (IPv4)", NULL},
	{"port", RPC_INTEGER, false, "index of the fast path's port that it comes by; 0 if missing",
	 NULL},
	{.name = NULL},
};

const struct rpc_method methods_explain[] = {
	{"flow.explain", flow_explain, false, explain_params,
	 "tells what would become of a packet, step by step, and changes nothing"},
	{.name = NULL},
};
