/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the flow table holds together, in figures: long flows through many changes of their
 * service, floods during a transition, and flows that change their balancer. Prints lines
 *	bench name=consistency.… unit=… value=…
 * and ends with status 1 where a flow moved that had no reason to. "full": a million flows; without
 * an argument a fiftieth of that, in a second or so.
 */
#include "sim.h"

#include "maglev.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BACKENDS = 100,
	BACKENDS_LEAST = 60, /* fewer are not left */
	CHANGES = 50,
	PASS_S = 50,     /* in which the flows have their turn */
	SILENCE_S = 150, /* a flow sends again in the first pass after that */
	BATCH = 1024,
	NOWHERE = UINT16_MAX,
	ACK = 0x10,
	SYN = 0x02,
	FIN = 0x01,
};

/* A flow, in the course of time: another when it has ended. */
struct member {
	uint32_t id, sent_s;
	uint16_t backend; /* where it began; NOWHERE: it begins with its next packet */
	uint16_t plain;   /* where it would be without memory; NOWHERE: broken */
};

/* Flows, and what became of them. */
struct crowd {
	struct sim *sim;
	struct member *flows;
	uint32_t flows_n, next_id;
	uint64_t random;
	uint64_t packets, begun, moved, died, misled, plain_lost;
	uint64_t entries_most;
	bool changes_way;
	uint32_t ways_made;
	struct sim_packet batch[BATCH + 1]; /* in one, no flow comes twice, but with its ACK */
	uint32_t batch_flows[BATCH + 1];
	uint32_t batch_n;
};

static uint32_t scale = 50;
static int failures;

static void tell(const char *name, const char *unit, double value)
{
	printf("bench name=consistency.%s unit=%s value=%.10g\n", name, unit, value);
	fflush(stdout);
}

/* A figure that must be what it is. */
static void tell_only(const char *name, const char *unit, uint64_t value, uint64_t expected)
{
	tell(name, unit, (double)value);
	if (value == expected)
		return;
	fprintf(stderr, "bench_consistency: %s is %" PRIu64 ", not %" PRIu64 "\n", name, value,
		expected);
	failures++;
}

static void expect(bool is_right, const char *what)
{
	if (is_right)
		return;
	fprintf(stderr, "bench_consistency: not so: %s\n", what);
	failures++;
}

static uint32_t random_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((sim_random(state) >> 32) * n >> 32);
}

static struct crowd *crowd_new(uint32_t flows_n, uint32_t flows_max, uint64_t seed)
{
	struct crowd *c = calloc(1, sizeof(*c));

	if (c)
		c->flows = calloc(flows_n, sizeof(*c->flows));
	if (!c || !c->flows)
		abort();
	c->sim = sim_new(BACKENDS, flows_max);
	c->flows_n = flows_n;
	c->random = seed;
	for (uint32_t i = 0; i < flows_n; i++)
		c->flows[i].backend = NOWHERE;
	return c;
}

static void crowd_free(struct crowd *c)
{
	sim_free(c->sim);
	free(c->flows);
	free(c);
}

static void flow_began(struct crowd *c, struct member *f, const struct sim_packet *p)
{
	f->backend = p->backend;
	f->plain = p->plain;
	c->begun++;
	/* A new flow goes where the lookup table says, never to a backend that drains. */
	c->misled += p->backend != p->plain || c->sim->backends[p->backend].weight == 0;
}

static void packet_judge(struct crowd *c, struct member *f, const struct sim_packet *p)
{
	if (p->tcp_flags & SYN) {
		flow_began(c, f, p);
		return;
	}
	if (f->plain != NOWHERE && p->plain != f->plain) {
		c->plain_lost += c->sim->lives[f->plain];
		f->plain = NOWHERE;
	}
	if (!c->sim->lives[f->backend])
		c->died++;
	else if (p->backend != f->backend)
		c->moved++;
	if (!c->sim->lives[f->backend] || p->backend != f->backend || p->tcp_flags & FIN)
		f->backend = NOWHERE;
}

static void batch_flush(struct crowd *c)
{
	uint64_t entries;

	sim_send(c->sim, c->batch, c->batch_n);
	for (uint32_t i = 0; i < c->batch_n; i++)
		packet_judge(c, &c->flows[c->batch_flows[i]], &c->batch[i]);
	c->packets += c->batch_n;
	c->batch_n = 0;
	entries = sim_entries(c->sim, 0);
	if (entries > c->entries_most)
		c->entries_most = entries;
}

static void packet_add(struct crowd *c, uint32_t i, uint8_t tcp_flags, uint8_t balancer)
{
	c->batch[c->batch_n] = (struct sim_packet){
		.flow = c->flows[i].id,
		.tcp_flags = tcp_flags,
		.balancer = balancer,
	};
	c->batch_flows[c->batch_n++] = i;
}

/* A flow's next packet; its last if `ends`. Where it begins, a SYN, and the ACK that follows. */
static void flow_send(struct crowd *c, uint32_t i, bool ends, uint8_t balancer)
{
	struct member *f = &c->flows[i];

	if (f->backend == NOWHERE) {
		f->id = c->next_id++;
		packet_add(c, i, SYN, balancer);
		ends = false;
	}
	packet_add(c, i, ends ? FIN | ACK : ACK, balancer);
	f->sent_s = c->sim->now_s;
	if (c->batch_n >= BATCH)
		batch_flush(c);
}

static void all_send(struct crowd *c, uint8_t balancer)
{
	for (uint32_t i = 0; i < c->flows_n; i++)
		flow_send(c, i, false, balancer);
	batch_flush(c);
}

/* A backend that lives, with a weight or without; NOWHERE if there is none. */
static uint16_t backend_pick(struct crowd *c, bool drains)
{
	for (uint32_t n = 0; n < 100 * BACKENDS; n++) {
		uint32_t i = random_below(&c->random, c->sim->backends_n);

		if (!c->sim->backends[i].was_removed && (c->sim->backends[i].weight == 0) == drains)
			return (uint16_t)i;
	}
	return NOWHERE;
}

static uint32_t backends_taking(const struct sim *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->backends_n; i++)
		n += !s->backends[i].was_removed && s->backends[i].weight > 0;
	return n;
}

/* Another scheduler, hash or number of slots. */
static void way_change(struct crowd *c)
{
	static const uint16_t flags[] = {0, 0, SERVICE_HASH_SOURCE, SERVICE_ROUND_ROBIN};
	struct sim *s = c->sim;
	uint32_t slots_n = s->slots_max / 4 + random_below(&c->random, s->slots_max / 2);

	while (!maglev_slots_valid(slots_n))
		slots_n++;
	sim_change_way(s, flags[random_below(&c->random, 4)], slots_n);
}

static void any_change(struct crowd *c)
{
	struct sim *s = c->sim;
	uint32_t kind = random_below(&c->random, 8);
	bool enough = backends_taking(s) > BACKENDS_LEAST;
	uint16_t one = backend_pick(c, false), drained = backend_pick(c, true);

	if (c->changes_way && random_below(&c->random, 2)) {
		way_change(c);
		c->ways_made++;
		return;
	}
	if (kind == 0) {
		s->backends[s->backends_n++].weight = SIM_WEIGHT;
	} else if (kind == 1 && enough) { /* disabled, or down */
		s->backends[one] = (struct sim_backend){.was_removed = true};
	} else if (kind == 2 && enough) {
		s->backends[one].weight = 0;
	} else if (kind == 3 && drained != NOWHERE) { /* its flows have not all ended: they break */
		s->backends[drained].was_removed = true;
	} else if (kind == 4 && drained != NOWHERE) {
		s->backends[drained].weight = SIM_WEIGHT;
	} else {
		s->backends[one].weight = 1 + random_below(&c->random, 2 * SIM_WEIGHT);
	}
	sim_change(s);
}

/* All flows' turn, in PASS_S; of each 50th packet the flow ends. `changes_n` somewhere within. */
static void pass(struct crowd *c, uint32_t changes_n)
{
	uint32_t start_s = c->sim->now_s;
	uint32_t change_at[2];

	for (uint32_t k = 0; k < 2; k++)
		change_at[k] = k < changes_n ? random_below(&c->random, c->flows_n) : UINT32_MAX;
	for (uint32_t i = 0; i < c->flows_n; i++) {
		const struct member *f = &c->flows[i];
		uint64_t chance = sim_random(&c->random);

		c->sim->now_s = start_s + (uint32_t)((uint64_t)i * PASS_S / c->flows_n);
		for (uint32_t k = 0; k < 2; k++)
			if (change_at[k] == i) {
				batch_flush(c);
				any_change(c);
			}
		if (f->backend == NOWHERE || c->sim->now_s - f->sent_s > SILENCE_S ||
		    chance % 4 == 0)
			flow_send(c, i, chance >> 32 < UINT32_MAX / 50, 0);
	}
	batch_flush(c);
	c->sim->now_s = start_s + PASS_S;
	sim_tick(c->sim);
}

static void bench_changes(void)
{
	struct crowd *c = crowd_new(1000000 / scale, 1048576 / scale, 1);
	uint32_t changes = 0, passes = 0;
	uint64_t lookups;
	double entries_sum = 0;

	pass(c, 0);
	pass(c, 0);
	tell_only("changes.lookups_before", "count", c->sim->tables[0].counters.lookups, 0);
	while (changes < CHANGES) {
		/* Now and then long enough for the transition to end, and to settle. */
		uint32_t n = passes % 20 < 12 ? random_below(&c->random, 3) : 0;

		if (n > CHANGES - changes)
			n = CHANGES - changes;
		pass(c, n);
		changes += n;
		passes++;
		entries_sum += (double)sim_entries(c->sim, 0);
	}
	for (uint32_t i = 0; i < 2 * SIM_TRANSITION_S / PASS_S; i++)
		pass(c, 0);
	lookups = c->sim->tables[0].counters.lookups;
	tell("changes.flows", "flows", c->flows_n);
	tell("changes.changes", "count", changes);
	tell("changes.packets", "packets", (double)c->packets);
	tell("changes.flows_begun", "flows", (double)c->begun);
	tell_only("changes.moved", "flows", c->moved, 0);
	tell_only("changes.new_misled", "flows", c->misled, 0);
	tell("changes.backend_died", "flows", (double)c->died);
	tell("changes.moved_by_plain_maglev", "flows", (double)c->plain_lost);
	tell("changes.entries_most", "entries", (double)c->entries_most);
	tell("changes.entries_mean", "entries", entries_sum / passes);
	tell("changes.entries_of_one_that_remembers_all", "entries", c->flows_n);
	tell("changes.lookups_per_packet", "ratio", (double)lookups / (double)c->packets);
	tell_only("changes.evicted_established", "flows",
		  c->sim->tables[0].counters.evicted_established, 0);
	expect(c->plain_lost > 0 && c->died > 0, "the changes are changes");
	expect(c->entries_most > 0 && c->entries_most < c->flows_n, "not all are remembered");
	crowd_free(c);
}

/* The same, and half of the changes are of scheduler, hash or slots. */
static void bench_ways(void)
{
	struct crowd *c = crowd_new(1000000 / scale, 4 * 1048576 / scale, 4);
	uint32_t changes = 0;

	pass(c, 0);
	pass(c, 0);
	tell_only("ways.lookups_before", "count", c->sim->tables[0].counters.lookups, 0);
	c->changes_way = true;
	for (uint32_t passes = 0; changes < CHANGES; passes++) {
		uint32_t n = passes % 20 < 12 ? random_below(&c->random, 3) : 0;

		if (n > CHANGES - changes)
			n = CHANGES - changes;
		pass(c, n);
		changes += n;
	}
	c->changes_way = false;
	sim_change_way(c->sim, 0, c->sim->slots_n);
	for (uint32_t i = 0; i < 2 * SIM_TRANSITION_S / PASS_S; i++)
		pass(c, 0);
	tell("ways.flows", "flows", c->flows_n);
	tell("ways.changes", "count", changes);
	tell("ways.changes_of_the_way", "count", c->ways_made);
	tell("ways.packets", "packets", (double)c->packets);
	tell("ways.flows_begun", "flows", (double)c->begun);
	tell_only("ways.moved", "flows", c->moved, 0);
	tell_only("ways.new_misled", "flows", c->misled, 0);
	tell("ways.backend_died", "flows", (double)c->died);
	tell("ways.moved_by_plain_maglev", "flows", (double)c->plain_lost);
	tell("ways.entries_most", "entries", (double)c->entries_most);
	tell_only("ways.evicted_established", "flows",
		  c->sim->tables[0].counters.evicted_established, 0);
	expect(c->ways_made > CHANGES / 4 && c->died > 0, "the changes are changes");
	crowd_free(c);
}

/* Weights of half of the backends change: many slots move. */
static void half_change(struct crowd *c)
{
	for (uint32_t i = 0; i < BACKENDS; i += 2)
		c->sim->backends[i].weight = 3 * SIM_WEIGHT;
	sim_change(c->sim);
}

/* `total` flows of one packet each, in 10 s; the crowd sends once a second. */
static void flood(struct crowd *c, uint8_t tcp_flags, uint32_t total)
{
	static struct sim_packet packets[BATCH];
	uint32_t second = total / 10;

	for (uint32_t sent = 0, n; sent < total; sent += n) {
		n = total - sent < BATCH ? total - sent : BATCH;
		if (n > second - sent % second)
			n = second - sent % second;
		for (uint32_t i = 0; i < n; i++)
			packets[i] =
				(struct sim_packet){.flow = c->next_id++, .tcp_flags = tcp_flags};
		sim_send(c->sim, packets, n);
		if ((sent + n) % second == 0) {
			all_send(c, 0);
			c->sim->now_s++;
		}
	}
}

static void bench_flood(const char *kind, uint8_t tcp_flags)
{
	struct crowd *c = crowd_new(100000 / scale, 1048576 / scale, 2);
	const struct memory_counters *counters = &c->sim->tables[0].counters;
	char name[64];

	all_send(c, 0); /* SYNs, in a steady state */
	all_send(c, 0);
	half_change(c);
	all_send(c, 0);
	all_send(c, 0);
	snprintf(name, sizeof(name), "%s.remembered_before", kind);
	tell(name, "entries", (double)sim_entries(c->sim, 0));
	flood(c, tcp_flags, 10000000 / scale);
	snprintf(name, sizeof(name), "%s.flood", kind);
	tell(name, "flows", 10000000 / (double)scale);
	/* The transition ends; what was remembered counts from then on. */
	for (uint32_t i = 0; i < 2 * SIM_TRANSITION_S / PASS_S; i++) {
		c->sim->now_s += PASS_S;
		all_send(c, 0);
		sim_tick(c->sim);
	}
	expect(!sim_in_transition(c->sim), "the transition is over");
	snprintf(name, sizeof(name), "%s.established", kind);
	tell(name, "flows", c->flows_n);
	snprintf(name, sizeof(name), "%s.established_lost", kind);
	tell_only(name, "flows", c->moved, 0);
	snprintf(name, sizeof(name), "%s.evicted_half_open", kind);
	tell(name, "entries", (double)counters->evicted_half_open);
	snprintf(name, sizeof(name), "%s.entries_most", kind);
	tell(name, "entries", (double)c->entries_most);
	snprintf(name, sizeof(name), "%s.capacity", kind);
	tell(name, "entries", (double)counters->capacity);
	expect(c->entries_most <= counters->capacity, "the table keeps its bound");
	expect(counters->evicted_half_open > 0, "the flood fills the table");
	crowd_free(c);
}

/* Every fifth flow ends, and another begins. */
static void some_begin(struct crowd *c)
{
	for (uint32_t i = 0; i < c->flows_n; i += 5)
		flow_send(c, i, true, 0);
	batch_flush(c);
	for (uint32_t i = 0; i < c->flows_n; i += 5)
		flow_send(c, i, false, 0);
	batch_flush(c);
}

/* All flows go to the other balancer; how many break. */
static uint64_t others_break(struct crowd *c)
{
	uint64_t before = c->moved;

	all_send(c, 1);
	return c->moved - before;
}

static void bench_balancers(void)
{
	struct crowd *c = crowd_new(200000 / scale, 1048576 / scale, 3);
	uint64_t broken, fresh;

	all_send(c, 0);
	all_send(c, 0);
	tell("balancers.flows", "flows", c->flows_n);
	tell_only("balancers.broken_in_steady_state", "flows", others_break(c), 0);
	half_change(c);
	all_send(c, 0);
	tell_only("balancers.older_broken_in_transition", "flows", others_break(c), 0);
	some_begin(c);
	fresh = (c->flows_n + 4) / 5;
	broken = others_break(c);
	tell("balancers.new_in_transition", "flows", (double)fresh);
	tell("balancers.new_broken_in_transition", "flows", (double)broken);
	tell("balancers.broken_share_of_new", "percent", 100 * (double)broken / (double)fresh);
	tell("balancers.broken_share_of_all", "percent", 100 * (double)broken / c->flows_n);
	expect(broken > 0 && broken < fresh, "some of the new ones are in slots that moved");
	/* All that are remembered end; the service settles, on both. */
	for (uint32_t i = 0; i < c->flows_n; i++)
		if (c->flows[i].backend != NOWHERE)
			flow_send(c, i, true, 0);
	batch_flush(c);
	for (uint32_t i = 0; i < 100 && (i == 0 || c->sim->changed_n > 0); i++) {
		c->sim->now_s += PASS_S;
		sim_tick(c->sim);
	}
	expect(c->sim->changed_n == 0, "the service settles when its remembered flows are gone");
	all_send(c, 0);
	all_send(c, 0);
	tell_only("balancers.broken_when_settled", "flows", others_break(c), 0);
	tell_only("balancers.entries_when_settled", "entries",
		  sim_entries(c->sim, 0) + sim_entries(c->sim, 1), 0);
	crowd_free(c);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "full") == 0)
		scale = 1;
	else if (argc > 1) {
		fprintf(stderr, "usage: bench_consistency [full]\n");
		return 2;
	}
	sim_eal_open();
	bench_changes();
	bench_ways();
	bench_flood("syn_flood", SYN);
	bench_flood("ack_flood", ACK);
	bench_balancers();
	return failures > 0;
}
