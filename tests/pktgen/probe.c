/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before the run: the balancer's MAC, then probes. A balancer that has just started may not know
 * its next hops yet, and what it drops meanwhile would look like loss. So each service gets probes
 * of many flows, round after round, until all of a round come back. The generator's core.
 */
#include "generator.h"

#include <rte_cycles.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
	PROBES_EACH_MAX = 64, /* enough to meet each of a few backends */
	PROBES_ROUND = 4096,
	ROUND_MS = 100,
};

int probe_create(struct generator *g)
{
	struct probes *p = &g->probes;
	uint32_t targets_n = g->options->targets.n;

	if (targets_n == 0 || g->options->wait_s == 0)
		return 0;
	p->each = PROBES_ROUND / targets_n;
	if (p->each > PROBES_EACH_MAX)
		p->each = PROBES_EACH_MAX;
	if (p->each == 0)
		p->each = 1;
	p->n = p->each * targets_n;
	p->back = calloc(p->n, sizeof(*p->back));
	return p->back ? 0 : -ENOMEM;
}

/* A probe's number says which round it is of, which service's, and which of that one's. */
void probe_take(struct generator *g, uint64_t number)
{
	struct probes *p = &g->probes;
	uint32_t index = (uint32_t)number;

	if (number >> 32 != p->round || index >= p->n || p->back[index])
		return;
	p->back[index] = true;
	p->missing--;
}

static void round_begin(struct probes *p)
{
	p->round = (p->round + 1) & 0xffff;
	p->next = 0;
	p->missing = p->n;
	memset(p->back, 0, p->n * sizeof(*p->back));
}

static void round_send(struct generator *g)
{
	struct probes *p = &g->probes;
	uint32_t room = link_room(&g->link, 0);

	for (uint32_t i = 0; i < room && i < LINK_BURST && p->next < p->n; i++) {
		struct rte_mbuf *m = link_frame(&g->link);
		uint32_t bytes;

		if (!m)
			return;
		bytes = traffic_probe(&g->traffic, p->next / p->each, p->next % p->each,
				      p->round << 32 | p->next, rte_pktmbuf_mtod(m, uint8_t *));
		link_put(&g->link, 0, m, bytes, LINK_NO_NUMBER);
		p->next++;
	}
}

static void ask(struct generator *g, bool v6)
{
	struct rte_mbuf *m;

	if (!neighbour_is_open(&g->neighbour, v6) || link_room(&g->link, 0) == 0)
		return;
	m = link_frame(&g->link);
	if (m)
		link_put(&g->link, 0, m,
			 (uint32_t)neighbour_ask(&g->neighbour, v6, rte_pktmbuf_mtod(m, uint8_t *)),
			 LINK_NO_NUMBER);
}

static void missing_tell(struct generator *g)
{
	const struct probes *p = &g->probes;
	char address[ADDRESS_TEXT_MAX];
	uint32_t index = 0;

	while (index + 1 < p->n && p->back[index])
		index++;
	snprintf(g->error, sizeof(g->error),
		 "%" PRIu32 " of %" PRIu32 " probes don't come back (the first to %s): does the "
		 "balancer have the service, live backends, and their next hops? --own says which "
		 "addresses are answered for (%" PRIu64 " times so far)",
		 p->missing, p->n,
		 address_format(&g->options->targets.list[index / p->each].address, address),
		 g->neighbour.answered);
}

/* Is there anything to be heard of the peer still? A capture's packets have a MAC. */
static bool mac_is_open(const struct generator *g)
{
	const struct neighbour *nb = &g->neighbour;

	return neighbour_is_open(nb, false) || neighbour_is_open(nb, true) ||
	       (!nb->known && (!g->replays || g->options->rewrite_macs));
}

static bool mac_wait(struct generator *g, uint64_t until)
{
	uint64_t again = 0;

	while (mac_is_open(g) && !generator_is_stopping(g)) {
		uint64_t now = rte_rdtsc();

		if (now > until) {
			snprintf(g->error, sizeof(g->error),
				 "nothing was heard of the balancer for %" PRIu64 " s: is it up? "
				 "--peer IP asks for its MAC, --peer MAC gives it",
				 g->options->wait_s);
			return false;
		}
		if (now >= again) {
			ask(g, false);
			ask(g, true);
			again = now + g->tsc_hz * ROUND_MS / 1000;
		}
		link_flush(&g->link, &g->ledger);
		arrival_poll(g);
	}
	return true;
}

bool probe_wait(struct generator *g)
{
	uint64_t until = rte_rdtsc() + g->options->wait_s * g->tsc_hz, again = 0;
	struct probes *p = &g->probes;

	if (!mac_wait(g, until))
		return false;
	if (g->options->targets.n > 0)
		traffic_set_macs(&g->traffic, g->neighbour.peer_mac, g->link.mac);
	if (p->n == 0)
		return true;
	round_begin(p);
	while (p->missing > 0 && !generator_is_stopping(g)) {
		uint64_t now = rte_rdtsc();

		if (p->next < p->n)
			again = now + g->tsc_hz * ROUND_MS / 1000; /* after its last one */
		else if (now > until)
			break;
		else if (now > again)
			round_begin(p);
		round_send(g);
		link_flush(&g->link, &g->ledger);
		arrival_poll(g);
	}
	if (p->missing == 0 || generator_is_stopping(g))
		return true;
	missing_tell(g);
	return false;
}
