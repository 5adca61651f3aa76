/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traffic that is made. Packet path of the generator, but for create and destroy.
 */
#include "traffic.h"
#include "bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	PROBE_PORT = 1000,
};

static uint64_t flow_number(const struct traffic *t, uint32_t place, uint32_t life)
{
	return place + (uint64_t)life * t->set.flows;
}

static const struct target *flow_target(const struct traffic *t, uint64_t flow, uint32_t *index)
{
	*index = targets_of_flow(t->set.targets, flow);
	return &t->set.targets->list[*index];
}

static void flow_open(struct traffic *t, uint32_t place, uint32_t life)
{
	uint64_t flow = flow_number(t, place, life);
	struct connection *c = &t->connections[place];
	uint32_t target;
	bool tcp = flow_target(t, flow, &target)->proto == PROTO_TCP;

	connection_open(c, life, tcp, (uint32_t)random_mix(flow ^ t->set.seed));
	c->target = (uint16_t)target;
}

/* Both families need room: a flow's number, and so its client, doesn't depend on the family. */
static uint64_t flows_max(const struct traffic_settings *s)
{
	uint64_t max4 = clients_flows_max(&s->clients4), max6 = clients_flows_max(&s->clients6);

	return max4 < max6 ? max4 : max6;
}

static size_t connections_bytes(const struct traffic *t)
{
	return (size_t)t->set.flows * sizeof(*t->connections);
}

int traffic_create(struct traffic *t, const struct traffic_settings *settings)
{
	uint64_t lives = flows_max(settings) / settings->flows;
	void *connections;

	memset(t, 0, sizeof(*t));
	t->set = *settings;
	t->random = settings->seed;
	if (lives < 2)
		return -ERANGE;
	t->lives_max = lives < UINT32_MAX ? (uint32_t)lives : UINT32_MAX;
	t->templates = calloc(settings->targets->n, sizeof(*t->templates));
	connections = mmap(NULL, connections_bytes(t), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!t->templates || connections == MAP_FAILED) {
		free(t->templates);
		t->templates = NULL;
		return -ENOMEM;
	}
	(void)madvise(connections, connections_bytes(t), MADV_HUGEPAGE);
	t->connections = connections;
	for (uint32_t i = 0; i < settings->targets->n; i++)
		frame_template_make(&t->templates[i], &settings->targets->list[i]);
	filler_fill(&t->filler, settings->seed);
	for (uint32_t place = 0; place < settings->flows; place++)
		flow_open(t, place, 0);
	return 0;
}

void traffic_destroy(struct traffic *t)
{
	free(t->templates);
	if (t->connections)
		munmap(t->connections, connections_bytes(t));
	memset(t, 0, sizeof(*t));
}

void traffic_set_macs(struct traffic *t, const uint8_t dst[6], const uint8_t src[6])
{
	for (uint32_t i = 0; i < t->set.targets->n; i++)
		frame_template_set_macs(&t->templates[i], dst, src);
}

struct source_packet traffic_next(struct traffic *t)
{
	struct source_packet packet = {.place = t->next_place, .expected = true};
	uint32_t wanted_bytes;

	if (t->set.shuffled)
		packet.place = (uint32_t)((random_draw(&t->random) >> 32) * t->set.flows >> 32);
	else if (++t->next_place == t->set.flows)
		t->next_place = 0;
	packet.target = t->connections[packet.place].target;
	wanted_bytes = t->set.sizes.n == 1 ? t->set.sizes.frame_bytes[0]
					   : sizes_pick(&t->set.sizes,
							(uint32_t)(random_draw(&t->random) >> 32));
	packet.bytes = frame_bytes(&t->templates[packet.target], wanted_bytes - ETH_FCS_BYTES);
	return packet;
}

static const struct clients *family(const struct traffic *t, bool v6)
{
	return v6 ? &t->set.clients6 : &t->set.clients4;
}

void traffic_write(struct traffic *t, const struct source_packet *packet, uint64_t number,
		   uint8_t *out)
{
	const struct frame_template *template = &t->templates[packet->target];
	struct connection *c = &t->connections[packet->place];
	uint64_t flow = flow_number(t, packet->place, c->life);
	struct frame_fields fields = {.number = number};
	struct address client;

	clients_endpoint(family(t, template->v6), flow, &client, &fields.client_port);
	fields.client = &client;
	t->flows_opened += c->packets == 0;
	fields.segment =
		connection_next(c, packet->bytes - template->payload_offset, t->set.flow_packets,
				(uint32_t)(random_mix(flow ^ t->set.seed) >> 32));
	frame_write(template, &t->filler, &fields, packet->bytes, out);
	if (fields.segment.last)
		flow_open(t, packet->place, (c->life + 1) % t->lives_max);
}

void traffic_renew(struct traffic *t)
{
	t->connections[t->next_renewal].closing = true;
	if (++t->next_renewal == t->set.flows)
		t->next_renewal = 0;
}

/* Must be what the flow's number says, too: else a packet went astray inside the balancer. */
static bool is_to_target(const struct inner *inner, const struct target *target)
{
	return inner->v6 == target->address.v6 && inner->proto == target->proto &&
	       inner->dst_port == target->port &&
	       address_is(inner->dst, target->address.bytes, inner->v6);
}

bool traffic_match(const struct traffic *t, const struct inner *inner, struct source_match *match)
{
	uint64_t flow;

	if (inner->payload_bytes < FRAME_STAMP_BYTES ||
	    !clients_flow(family(t, inner->v6), inner->src, inner->src_port, &flow))
		return false;
	if (!is_to_target(inner, flow_target(t, flow, &match->target)))
		return false;
	match->place = (uint32_t)(flow % t->set.flows);
	match->life = (uint32_t)(flow / t->set.flows);
	match->number = bytes_get48(inner->payload);
	return true;
}

uint32_t traffic_probe(const struct traffic *t, uint32_t target, uint32_t flow, uint64_t number,
		       uint8_t *out)
{
	const struct frame_template *template = &t->templates[target];
	const struct clients *clients = family(t, template->v6);
	struct address client = clients->base;
	struct frame_fields fields = {
		.client = &client,
		.client_port = (uint16_t)(PROBE_PORT - (flow >> clients->hosts_log2)),
		.segment = {.flags = TCP_SYN},
		.number = number,
	};
	uint32_t bytes = frame_bytes(template, SIZE_MIN_BYTES - ETH_FCS_BYTES);

	address_add(&client, flow & ((1U << clients->hosts_log2) - 1));
	frame_write(template, &t->filler, &fields, bytes, out);
	return bytes;
}

bool traffic_is_probe(const struct inner *inner, uint64_t *number)
{
	if (inner->src_port > PROBE_PORT || inner->payload_bytes < FRAME_STAMP_BYTES)
		return false;
	*number = bytes_get48(inner->payload);
	return true;
}
