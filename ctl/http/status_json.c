/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of /api/status. Control thread.
 */
#include "status_json.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "http_server.h"

/* Of any bytes: those beyond ASCII become "?" where they are no UTF-8. */
static json_t *string(const char *text)
{
	json_t *made = json_string(text);
	char *copy = made ? NULL : strdup(text);

	if (!copy)
		return made;
	for (char *at = copy; *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	made = json_string(copy);
	free(copy);
	return made;
}

/* Of a row that takes the object over. */
static int put(struct evbuffer *out, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	int err = text && evbuffer_add(out, text, strlen(text)) == 0 ? 0 : -ENOMEM;

	free(text);
	json_decref(object);
	return err;
}

static int put_text(struct evbuffer *out, const char *text)
{
	return evbuffer_add(out, text, strlen(text)) == 0 ? 0 : -ENOMEM;
}

static uint64_t packets_of(const uint64_t packets[VERDICT_COUNT], enum action action)
{
	uint64_t sum = 0;

	for (int v = 0; v < VERDICT_COUNT; v++)
		if (verdict_action((enum verdict)v) == action)
			sum += packets[v];
	return sum;
}

/* ---- the node ---- */

static json_t *actions(const uint64_t packets[VERDICT_COUNT])
{
	return json_pack("{s:I, s:I, s:I, s:I}", "forwarded",
			 (json_int_t)packets_of(packets, ACTION_FORWARD), "answered",
			 (json_int_t)packets_of(packets, ACTION_ECHO) +
				 (json_int_t)packets_of(packets, ACTION_TOO_BIG) +
				 (json_int_t)packets_of(packets, ACTION_REJECT),
			 "to_kernel", (json_int_t)packets_of(packets, ACTION_PASS), "dropped",
			 (json_int_t)packets_of(packets, ACTION_DROP));
}

static json_t *drops(const uint64_t packets[VERDICT_COUNT])
{
	json_t *object = json_object();

	for (int v = 0; v < VERDICT_COUNT; v++)
		if (verdict_action((enum verdict)v) == ACTION_DROP)
			json_object_set_new(object, verdict_words[v],
					    json_integer((json_int_t)packets[v]));
	return object;
}

static json_t *workers(const struct status_print *p)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < p->figures->workers_n; i++) {
		const struct worker_counters *w = &p->figures->workers[i];
		double busy = worker_load_busy(p->load, i);
		uint64_t packets = 0;

		for (int v = 0; v < VERDICT_COUNT; v++)
			packets += w->verdicts.packets[v];
		json_array_append_new(rows, json_pack("{s:i, s:I, s:o}", "core", (int)w->core,
						      "packets", (json_int_t)packets, "busy",
						      busy < 0 ? json_null() : json_real(busy)));
	}
	return rows;
}

static json_t *ports(const struct figures *f)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < f->ports_n; i++) {
		const struct fast_path_port_info *port = &f->ports[i].info;

		json_array_append_new(rows, json_pack("{s:o, s:s, s:I, s:I, s:I}", "interface",
						      string(port->interface), "state",
						      fast_path_port_word(port->state), "received",
						      (json_int_t)port->rx_packets, "sent",
						      (json_int_t)port->tx_packets, "missed",
						      (json_int_t)port->rx_missed));
	}
	return rows;
}

static json_t *backend_states(const uint32_t states[FIGURES_STATES],
			      const uint32_t health[FIGURES_HEALTH])
{
	json_t *object = json_object();

	for (int i = 0; i < FIGURES_STATES; i++)
		json_object_set_new(object, backend_admin_name((enum backend_admin)i),
				    json_integer(states[i]));
	for (int i = 0; i < FIGURES_HEALTH; i++)
		if (i != HEALTH_NONE)
			json_object_set_new(object, health_state_name((enum health_state)i),
					    json_integer(health[i]));
	return object;
}

static json_t *generation(const struct daemon_generation *g)
{
	return json_pack("{s:I, s:I}", "number", (json_int_t)g->number, "published_us",
			 (json_int_t)g->published_us);
}

static json_t *node(const struct status_print *p)
{
	const struct figures *f = p->figures;
	char name[256] = "";

	(void)gethostname(name, sizeof(name) - 1);
	return json_pack(
		"{s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}",
		"name", string(name), "clock_us", (json_int_t)clock_now_us(), "now_us",
		(json_int_t)clock_us(CLOCK_REALTIME), "started_us", (json_int_t)f->info.started_us,
		"version", string(f->info.version), "path", string(f->path), "description",
		string(f->description), "not_ready", p->why[0] ? string(p->why) : json_null(),
		"generation", generation(&f->generation), "packets", actions(f->packets), "drops",
		drops(f->packets), "workers", workers(p), "ports", ports(f), "backends",
		backend_states(f->states, f->health), "transitions",
		(int)(f->transitions[TRANSITION_ACTIVE] + f->transitions[TRANSITION_SETTLING]));
}

static int put_node(struct status_print *p, struct evbuffer *out)
{
	const struct figures *f = p->figures;

	if (put_text(out, "{\"node\":") != 0 || put(out, node(p)) != 0)
		return -ENOMEM;
	p->step = STATUS_SERVICES;
	evbuffer_add_printf(out, ",\"services\":{\"total\":%u,\"matching\":%u,\"offset\":%u,",
			    f->services_live, f->services_matching, f->cut->offset);
	return put_text(out, "\"rows\":[");
}

/* ---- services and backends ---- */

static json_t *service(const struct figures_service *s)
{
	const struct service_conf *conf = s->conf;
	char vip[IP_TEXT_MAX];

	return json_pack(
		"{s:o, s:s, s:i, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:s}", "name",
		string(conf->name), "vip", ip_format(&conf->vip, vip), "port", (int)conf->port,
		"protocol", proto_name(conf->proto), "encap", encap_name((enum encap)conf->encap),
		"scheduler", scheduler_name((enum scheduler)conf->scheduler), "backends",
		backend_states(s->states, s->health), "packets",
		(json_int_t)packets_of(s->packets, ACTION_FORWARD), "bytes", (json_int_t)s->bytes,
		"dropped", (json_int_t)packets_of(s->packets, ACTION_DROP), "transition",
		transition_state_name(s->transition.state));
}

static json_t *backend(const struct figures *f, const struct figures_backend *b)
{
	const struct service_conf *conf = f->services[b->service].conf;
	const struct backend_conf *backend = &conf->backends[b->index];
	struct health_report report = {.state = HEALTH_NONE};
	char addr[IP_TEXT_MAX];

	/* Meanwhile the service may be gone, or another. */
	if (model_find(f->api->model(f->api->ctx), conf->name) == conf)
		f->api->health_read(f->api->ctx, conf, b->index, &report);
	return json_pack("{s:o, s:s, s:s, s:s, s:s, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "name", string(backend->name), "address", ip_format(&backend->addr, addr),
			 "admin", backend_admin_name(backend->admin), "drain",
			 drain_state_name(b->drain), "health", health_state_name(b->health),
			 "reason", string(report.reason), "resolved", b->resolved, "weight",
			 (json_int_t)backend->weight, "weight_now", (json_int_t)b->weight, "slots",
			 (json_int_t)b->slots, "flows", (json_int_t)b->flows, "packets",
			 (json_int_t)b->packets, "bytes", (json_int_t)b->bytes);
}

static int put_row(struct status_print *p, struct evbuffer *out, json_t *row)
{
	if (p->comma && put_text(out, ",") != 0) {
		json_decref(row);
		return -ENOMEM;
	}
	p->comma = true;
	return put(out, row);
}

static int put_services(struct status_print *p, struct evbuffer *out)
{
	const struct figures *f = p->figures;

	while (p->row < f->services_n && evbuffer_get_length(out) < HTTP_PIECE_BYTES) {
		const struct figures_service *s = &f->services[p->row++];

		if (s->conf && s->listed && put_row(p, out, service(s)) != 0)
			return -ENOMEM;
	}
	if (p->row == f->services_n)
		p->step = STATUS_SERVICE;
	return 0;
}

/* The one that is asked for, or null: there is none of that name. */
static int put_service(struct status_print *p, struct evbuffer *out)
{
	const struct figures *f = p->figures;
	const struct figures_service *asked = NULL;

	for (uint32_t i = 0; i < f->services_n; i++)
		if (f->services[i].conf && strcmp(f->services[i].conf->name, f->cut->service) == 0)
			asked = &f->services[i];
	if (put_text(out, "]},\"service\":") != 0 ||
	    put(out, asked ? service(asked) : json_null()) != 0)
		return -ENOMEM;
	p->step = STATUS_BACKENDS;
	p->row = 0;
	p->comma = false;
	return put_text(out, ",\"backends\":[");
}

static int put_backends(struct status_print *p, struct evbuffer *out)
{
	const struct figures *f = p->figures;

	while (p->row < f->backends_n && evbuffer_get_length(out) < HTTP_PIECE_BYTES)
		if (put_row(p, out, backend(f, &f->backends[p->row++])) != 0)
			return -ENOMEM;
	if (p->row < f->backends_n)
		return 0;
	p->step = STATUS_SPENT;
	return put_text(out, "]");
}

static int put_spent(struct status_print *p, struct evbuffer *out)
{
	p->step = STATUS_DONE;
	return evbuffer_add_printf(out, ",\"spent_us\":%" PRId64 "}\n", p->spent_us) < 0 ? -ENOMEM
											 : 0;
}

/* `bytes`: of this piece, so far. */
static bool goes_on(const struct status_print *p, size_t bytes)
{
	/* The time that was spent stands in a piece of its own: so it has that of all the others. */
	return p->step != STATUS_DONE && bytes < HTTP_PIECE_BYTES &&
	       (p->step != STATUS_SPENT || bytes == 0);
}

int status_print_piece(struct status_print *p, struct evbuffer *out)
{
	static int (*const steps[])(struct status_print * p, struct evbuffer * out) = {
		[STATUS_NODE] = put_node,       [STATUS_SERVICES] = put_services,
		[STATUS_SERVICE] = put_service, [STATUS_BACKENDS] = put_backends,
		[STATUS_SPENT] = put_spent,
	};
	size_t before = evbuffer_get_length(out);
	int err = 0;

	while (!err && goes_on(p, evbuffer_get_length(out) - before))
		err = steps[p->step](p, out);
	return err ? err : p->step != STATUS_DONE;
}
