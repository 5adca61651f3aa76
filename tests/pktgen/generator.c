/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run: how many packets may go now, making and sending them, and waiting for the last ones.
 * generator_run() and what it calls are the generator's core's; the rest is the main thread's.
 */
#include "generator.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <errno.h>
#include <stdlib.h>

enum {
	/* A core that was away for longer doesn't make up for it: a burst of that length is no
	 * steady rate any more. */
	GAP_MAX_MS = 10,
};

/* One packet of the source into a frame, and onto its queue. */
static bool packet_make(struct generator *g)
{
	struct rte_mbuf *m = link_frame(&g->link);
	struct source_packet packet;
	uint64_t number = 0;
	uint8_t *out;

	if (!m)
		return false;
	out = rte_pktmbuf_mtod(m, uint8_t *);
	packet = g->replays ? replay_next(&g->replay) : traffic_next(&g->traffic);
	if (packet.expected)
		number = ledger_number(&g->ledger);
	if (!g->replays) {
		traffic_write(&g->traffic, &packet, number, out);
		g->services[packet.target].sent++;
	} else {
		replay_write(&g->replay, &packet, number, out);
		if (g->options->rewrite_macs) {
			memcpy(out, g->neighbour.peer_mac, 6);
			memcpy(out + 6, g->link.mac, 6);
		}
	}
	link_put(&g->link, (uint16_t)(packet.place % g->link.queues_n), m, packet.bytes,
		 packet.expected ? (int64_t)number : LINK_NO_NUMBER);
	g->made++;
	return true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t under_way(const struct generator *g)
{
	return g->ledger.next - g->ledger.received;
}

/* Packets that the rate allows by now. None right after a gap: the next one is due when its time has
 * come since then, and one before it would be more than were due. */
static uint64_t rate_due(struct generator *g, uint64_t now)
{
	double rate = (double)g->options->rate_pps / (double)g->tsc_hz;
	uint64_t due = (uint64_t)((double)(now - g->pace_tsc) * rate) - g->pace_made;

	if (due > (uint64_t)((double)(GAP_MAX_MS * g->tsc_hz / 1000) * rate) + LINK_BURST) {
		g->pace_tsc = now;
		g->pace_made = 0;
		g->gaps++;
		return 0;
	}
	return due;
}

static uint64_t quota(struct generator *g, uint64_t now)
{
	const struct options *o = g->options;
	uint64_t n = LINK_BURST;

	for (uint16_t queue = 0; queue < g->link.queues_n; queue++)
		n = least(n, link_room(&g->link, queue));
	if (o->count > 0)
		n = least(n, o->count - g->made);
	if (o->once)
		n = least(n, g->replay.loops > 0 ? 0 : g->replay.n - g->replay.next);
	if (o->closed > 0)
		n = least(n, o->closed > under_way(g) ? o->closed - under_way(g) : 0);
	if (o->rate_pps > 0)
		n = least(n, rate_due(g, now));
	return n;
}

/* With a rate, renewals follow the count of packets, so that a seed gives the same; else time. */
static void renew(struct generator *g, uint64_t now)
{
	const struct options *o = g->options;
	uint64_t due;

	if (o->new_flows == 0)
		return;
	if (o->rate_pps > 0)
		due = (uint64_t)((double)g->made * (double)o->new_flows / (double)o->rate_pps);
	else
		due = (uint64_t)((double)(now - g->begin_tsc) * (double)o->new_flows /
				 (double)g->tsc_hz);
	for (; g->renewed < due; g->renewed++)
		traffic_renew(&g->traffic);
}

static void progress_store(struct generator *g)
{
	struct progress *p = &g->progress;

	__atomic_store_n(&p->sent, g->link.sent, __ATOMIC_RELAXED);
	__atomic_store_n(&p->received, g->ledger.received, __ATOMIC_RELAXED);
	__atomic_store_n(&p->under_way, under_way(g), __ATOMIC_RELAXED);
	__atomic_store_n(&p->moved, g->ledger.flows_moved, __ATOMIC_RELAXED);
	__atomic_store_n(&p->reordered, g->ledger.reordered, __ATOMIC_RELAXED);
}

/* Is all made that was to be? */
static bool is_done(const struct generator *g, uint64_t now)
{
	const struct options *o = g->options;

	return (o->count > 0 && g->made >= o->count) || (o->once && g->replay.loops > 0) ||
	       (o->seconds > 0 && now - g->begin_tsc >= o->seconds * g->tsc_hz);
}

/* In a closed loop nothing goes on when the window's packets are lost. */
static bool is_stalled(const struct generator *g, uint64_t now)
{
	uint64_t timeout_tsc = g->options->timeout_ms * g->tsc_hz / 1000;

	return g->options->closed > 0 && under_way(g) >= g->options->closed &&
	       now - g->arrival_tsc > timeout_tsc;
}

static void send_all(struct generator *g)
{
	uint32_t rounds = 0;
	uint64_t now = rte_rdtsc();

	/* What came before was the balancer getting ready. */
	memset(g->results, 0, sizeof(g->results));
	g->unknown = 0;
	g->begin_tsc = g->pace_tsc = g->arrival_tsc = now;
	__atomic_store_n(&g->progress.running, 1, __ATOMIC_RELAXED);
	while (!generator_is_stopping(g) && !is_done(g, now) && !is_stalled(g, now)) {
		uint64_t n = quota(g, now), made_n = 0;

		renew(g, now);
		while (made_n < n && packet_make(g))
			made_n++;
		g->pace_made += made_n;
		link_flush(&g->link, &g->ledger);
		arrival_poll(g);
		if (++rounds % 256 == 0) {
			progress_store(g);
			__atomic_store_n(&g->progress.faults, generator_faults(g),
					 __ATOMIC_RELAXED);
		}
		now = rte_rdtsc();
	}
	g->end_tsc = now;
}

/* Until all are back, or nothing has come for the time after which a packet is lost. */
static void wait_for_rest(struct generator *g)
{
	uint64_t timeout_tsc = g->options->timeout_ms * g->tsc_hz / 1000, last = rte_rdtsc();

	while (under_way(g) > 0 || link_waiting(&g->link) > 0) {
		uint64_t now = rte_rdtsc(), sent = g->link.sent;

		link_flush(&g->link, &g->ledger);
		if (arrival_poll(g) > 0 || g->link.sent > sent)
			last = now;
		if (now - last > timeout_tsc)
			break;
		progress_store(g);
	}
}

int generator_run(void *generator)
{
	struct generator *g = generator;

	g->tsc_hz = rte_get_tsc_hz();
	if (!probe_wait(g)) {
		g->failed = true;
		return 0;
	}
	send_all(g);
	wait_for_rest(g);
	progress_store(g);
	return 0;
}

void generator_stop(struct generator *g)
{
	__atomic_store_n(&g->stopping, true, __ATOMIC_RELAXED);
}

uint64_t generator_faults(const struct generator *g)
{
	uint64_t n = g->unknown + g->backends_lost;

	for (int i = DECODE_ICMP + 1; i < DECODE_N_RESULTS; i++)
		n += g->results[i];
	return n;
}

static int replay_open(struct generator *g, char *error)
{
	const char *path = g->options->pcap;
	uint32_t packet;
	int ret = replay_create(&g->replay, path, &packet);

	if (ret == -EFBIG)
		snprintf(error, GENERATOR_ERROR_MAX, "%s: packet %u is not of %d to %d bytes", path,
			 packet, ETH_BYTES, FRAME_MAX_BYTES);
	else if (ret == -EMSGSIZE)
		snprintf(error, GENERATOR_ERROR_MAX,
			 "%s: packet %u was captured in part: take the capture with "
			 "\"tcpdump -s 0\"",
			 path, packet);
	else if (ret == -EINVAL && packet > 0)
		snprintf(error, GENERATOR_ERROR_MAX, "%s: packet %u is cut off", path, packet);
	else if (ret == -EINVAL)
		snprintf(error, GENERATOR_ERROR_MAX,
			 "%s: not a pcap file of Ethernet frames (pcapng? \"editcap -F pcap\" "
			 "makes one)",
			 path);
	else if (ret == -ENODATA)
		snprintf(error, GENERATOR_ERROR_MAX, "%s: not one whole TCP or UDP packet", path);
	else if (ret < 0)
		snprintf(error, GENERATOR_ERROR_MAX, "%s: %s", path, strerror(-ret));
	if (ret == 0 && g->replay.longest_bytes > ETH_BYTES + g->options->mtu_bytes) {
		snprintf(error, GENERATOR_ERROR_MAX, "%s: a frame of %u bytes: raise --mtu", path,
			 g->replay.longest_bytes);
		ret = -EFBIG;
	}
	return ret;
}

static int traffic_open(struct generator *g, char *error)
{
	const struct options *o = g->options;
	struct traffic_settings settings = {
		.targets = &o->targets,
		.clients4 = clients_of(&o->clients4),
		.clients6 = clients_of(&o->clients6),
		.sizes = o->sizes,
		.flows = (uint32_t)o->flows,
		.flow_packets = (uint32_t)o->flow_packets,
		.shuffled = o->shuffle,
		.seed = o->seed,
	};
	int ret = traffic_create(&g->traffic, &settings);

	if (ret == -ERANGE)
		snprintf(error, GENERATOR_ERROR_MAX,
			 "--flows: the clients' prefixes have no room for %llu flows, twice: "
			 "--clients with a shorter prefix",
			 (unsigned long long)o->flows);
	else if (ret < 0)
		snprintf(error, GENERATOR_ERROR_MAX, "no memory for %llu flows",
			 (unsigned long long)o->flows);
	return ret;
}

static void neighbour_prepare(struct generator *g)
{
	const struct options *o = g->options;
	struct neighbour *nb = &g->neighbour;

	memcpy(nb->mac, g->link.mac, sizeof(nb->mac));
	memcpy(nb->own, o->own, sizeof(nb->own));
	nb->own_n = o->own_n;
	memcpy(nb->peers, o->peers, sizeof(nb->peers));
	memcpy(nb->asks, o->has_peers, sizeof(nb->asks));
	nb->known = o->has_peer_mac;
	memcpy(nb->peer_mac, o->peer_mac, sizeof(nb->peer_mac));
}

int generator_create(struct generator *g, const struct options *options,
		     char error[GENERATOR_ERROR_MAX])
{
	int ret = 0;

	g->options = options;
	g->replays = options->pcap != NULL;
	if (g->replays)
		ret = replay_open(g, error);
	if (ret == 0 && options->targets.n > 0)
		ret = traffic_open(g, error);
	if (ret < 0)
		goto err_destroy;
	snprintf(error, GENERATOR_ERROR_MAX, "no memory for the books of the flows");
	ret = -ENOMEM;
	g->services = calloc(options->targets.n + 1, sizeof(*g->services));
	if (!g->services || probe_create(g) < 0 || backends_create(&g->backends) < 0 ||
	    ledger_create(&g->ledger, g->replays ? g->replay.places : (uint32_t)options->flows) < 0)
		goto err_destroy;
	ret = link_start(&g->link, options, error);
	if (ret < 0)
		goto err_destroy;
	neighbour_prepare(g);
	memcpy(g->rules.mac, g->link.mac, sizeof(g->rules.mac));
	g->rules.gue_port = (uint16_t)options->gue_port;
	g->rules.plain = options->plain;
	return 0;

err_destroy:
	generator_destroy(g);
	return ret;
}

void generator_destroy(struct generator *g)
{
	link_stop(&g->link);
	ledger_destroy(&g->ledger);
	backends_destroy(&g->backends);
	traffic_destroy(&g->traffic);
	replay_destroy(&g->replay);
	free(g->services);
	free(g->probes.back);
	g->services = NULL;
	g->probes.back = NULL;
}
