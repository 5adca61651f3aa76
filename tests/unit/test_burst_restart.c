/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DPDK's workers remember, over restarts: connections come and go, slots change, and processes
 * follow each other, with as many workers as before or with others, with longer tables or shorter
 * ones. The oracle is a list of all connections: each stays at its backend, whichever worker its
 * packets come to. The worker follows from the flow's hash, as by RSS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "changed_world.h"
#include "keep.h"
#include "named_rows.h"

enum {
	CONNECTIONS = 600,
	STEPS = 30000,
	ARENA_BYTES = 1 << 20,
};

#define TSC_HZ 2000000000ULL

struct connection {
	struct changed_packet packet;
	uint64_t hash;
	uint16_t at; /* SLOT_NONE: not open */
};

static struct history {
	struct connection flows[CONNECTIONS];
	uint64_t random;
	uint32_t clients; /* how many there were; each is used once */
	uint16_t workers_n;
	uint32_t restarts, other_workers, with_orphans, opened, checked;
} h;

static struct keep keep;
static char dir[64];

static void log_line(enum fast_path_log level, const char *line)
{
	(void)level;
	assert_null(strstr(line, "can't"));
}

/* A process ends, another begins. */
static void restart(uint16_t workers_n, uint32_t flows_max)
{
	struct arena_head *head;

	for (int w = 0; w < CHANGED_WORKERS; w++)
		flow_table_destroy(&cw.flows[w]);
	keep_close(&keep, false);
	assert_int_equal(keep_open(&keep, dir, ARENA_BYTES, false, TSC_HZ, log_line), 0);
	assert_int_equal(keep.adopted, h.restarts > 0);
	keep_plan(&keep, workers_n, flows_max);
	for (uint16_t w = 0; w < workers_n; w++)
		assert_int_equal(keep_table(&keep, w, &cw.flows[w]), 0);
	keep_commit(&keep);
	head = keep.arena.start;
	*head = (struct arena_head){.magic = ARENA_MAGIC,
				    .layout = ARENA_LAYOUT,
				    .current = 64,
				    .arena_bytes = ARENA_BYTES};
	for (int w = 0; w < CHANGED_WORKERS; w++) {
		cw.contexts[w].tables_n = workers_n;
		cw.contexts[w].orphans = keep.orphans;
		cw.contexts[w].orphans_n = (uint16_t)keep.orphans_n;
	}
	cw.orphans = keep.orphans;
	cw.orphans_n = keep.orphans_n;
	h.other_workers += h.workers_n != workers_n;
	h.with_orphans += keep.orphans_n > 0;
	h.workers_n = workers_n;
	h.restarts++;
}

static uint32_t worker_of(const struct connection *c)
{
	return (uint32_t)(c->hash >> 7) % h.workers_n;
}

static void send(struct connection *c, enum changed_kind kind)
{
	uint32_t worker = worker_of(c);
	uint16_t at;

	/* A router's error comes to any of them. */
	if (kind == CHANGED_ERROR)
		worker = random_below(&h.random, h.workers_n);
	c->packet.kind = kind;
	at = changed_send_one(worker, &c->packet);
	h.checked++;
	if (kind == CHANGED_SYN)
		c->at = at;
	else if (at != c->at)
		fail_msg("restart %u, %u workers, service %d, client %u: to backend %u, was at %u",
			 h.restarts, h.workers_n, c->packet.service, c->packet.client, at, c->at);
}

static void open_one(struct connection *c)
{
	static const enum changed_service services[] = {WEB, ROUND, LEAST};

	c->packet = (struct changed_packet){
		.service = services[random_below(&h.random, 3)],
		.client = ++h.clients,
	};
	c->packet.kind = CHANGED_SYN;
	c->hash = changed_hash(&c->packet);
	send(c, CHANGED_SYN);
	h.opened++;
}

static void any_packet(void)
{
	struct connection *c = &h.flows[random_below(&h.random, CONNECTIONS)];
	uint32_t dice = random_below(&h.random, 100);

	if (c->at == SLOT_NONE) {
		open_one(c);
	} else if (dice < 8) {
		send(c, CHANGED_FIN);
		c->at = SLOT_NONE;
	} else {
		send(c, dice < 14 ? CHANGED_ERROR : CHANGED_ACK);
	}
}

/* Slots of WEB move; what was first stays the previous choice, for everything lives on. */
static void change(void)
{
	struct changed_tables *t = cw.tables[WEB];

	for (uint32_t slot = 0; slot < CHANGED_SLOTS; slot++) {
		uint16_t was = t->slots[slot] & SLOT_INDEX;

		if (random_below(&h.random, 4) != 0)
			continue;
		if (t->previous[slot] == SLOT_NONE)
			t->previous[slot] = was;
		t->slots[slot] =
			(uint16_t)(random_below(&h.random, CHANGED_BACKENDS) | SLOT_CHANGED);
	}
	changed_transition(WEB, true);
}

static void run(uint64_t seed)
{
	static const uint16_t idle_s[MEMORY_STATES] = {0, 600, 600, 3600, 600, 600, 600};

	assert_int_equal(changed_reset(NULL), 0);
	memcpy(cw.generation->idle_s, idle_s, sizeof(idle_s));
	snprintf(dir, sizeof(dir), "/dev/shm/sluice-test-restart-%d", (int)getpid());
	h = (struct history){.random = seed, .workers_n = 1};
	keep.dir_fd = -1;
	for (uint32_t i = 0; i < CONNECTIONS; i++)
		h.flows[i].at = SLOT_NONE;
	restart(1, CHANGED_FLOWS_MAX);
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t dice = random_below(&h.random, 1000);

		cw.burst.now_s += dice % 20 == 0;
		if (dice < 2)
			restart(h.workers_n, CHANGED_FLOWS_MAX);
		else if (dice < 4)
			restart((uint16_t)(1 + random_below(&h.random, CHANGED_WORKERS)),
				CHANGED_FLOWS_MAX >> random_below(&h.random, 2));
		else if (dice < 8)
			change();
		else
			any_packet();
	}
	for (uint32_t i = 0; i < CONNECTIONS; i++)
		if (h.flows[i].at != SLOT_NONE)
			send(&h.flows[i], CHANGED_ACK);
	print_message("# seed %llu: %u restarts, %u with other workers, %u with flows of earlier "
		      "ones; %u connections, %u packets\n",
		      (unsigned long long)seed, h.restarts, h.other_workers, h.with_orphans,
		      h.opened, h.checked);
	assert_true(h.restarts > 40 && h.other_workers > 10 && h.with_orphans > 20);
	for (int w = 0; w < CHANGED_WORKERS; w++)
		flow_table_destroy(&cw.flows[w]);
	keep_close(&keep, true);
	cw.orphans_n = 0;
}

static void test_connections_stay(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections_stay),
	};

	return cmocka_run_group_tests(tests, changed_open, changed_close);
}
