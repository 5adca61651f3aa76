/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that outlives the process (dataplane/keep.h): what a later one finds, what it must not
 * believe, and other numbers of workers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keep.h"
#include "sluice/generation.h"

enum {
	ARENA_BYTES = 2 * ARENA_CHUNK_BYTES,
	FLOWS_MAX = 4096,
	WORKERS_MAX = 8,
	FLOWS = 500, /* of each worker */
	NOW_S = 5000,
};

#define TSC_HZ 2000000000ULL

static char dir[64];
static char lines[4096]; /* the log's */
static struct flow_table tables[WORKERS_MAX];

static const struct generation generation = {
	.idle_s = {[MEMORY_SYN] = 10, [MEMORY_TCP] = 3600},
};

static void log_line(enum fast_path_log level, const char *line)
{
	size_t used = strlen(lines);

	(void)level;
	snprintf(lines + used, sizeof(lines) - used, "%s\n", line);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/dev/shm/sluice-test-keep-%d", (int)getpid());
	lines[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static uint64_t hash_of(uint32_t worker, uint32_t i)
{
	return ((uint64_t)worker << 32 | i) * 0x9e3779b97f4a7c15ULL + 1;
}

static struct memory memory_of(uint32_t i)
{
	return (struct memory){memory_pack(NOW_S, MEMORY_TCP), (uint16_t)(i % 7), 3};
}

/* What path.c does at the start. */
static void start(struct keep *k, uint16_t workers_n, uint32_t flows_max, uint64_t tsc_hz)
{
	assert_int_equal(keep_open(k, dir, ARENA_BYTES, false, tsc_hz, log_line), 0);
	keep_plan(k, workers_n, flows_max);
	for (uint16_t i = 0; i < workers_n; i++)
		assert_int_equal(keep_table(k, i, &tables[i]), 0);
	keep_commit(k);
}

static void publish(struct keep *k)
{
	struct arena_head *head = k->arena.start;

	if (head->magic == 0)
		*head = (struct arena_head){
			.magic = ARENA_MAGIC, .layout = ARENA_LAYOUT, .arena_bytes = ARENA_BYTES};
	head->current = 64;
	memcpy((uint8_t *)k->arena.start + 64, &generation, sizeof(generation));
}

static void stop(struct keep *k, uint16_t workers_n)
{
	for (uint16_t i = 0; i < workers_n; i++)
		flow_table_destroy(&tables[i]);
	keep_close(k, false);
}

/* A process that has published, with FLOWS of each of its workers. */
static void run_once(uint16_t workers_n)
{
	static struct keep k;

	start(&k, workers_n, FLOWS_MAX, TSC_HZ);
	publish(&k);
	for (uint16_t w = 0; w < workers_n; w++)
		for (uint32_t i = 0; i < FLOWS; i++)
			assert_true(flow_table_put(&tables[w], &generation, hash_of(w, i),
						   memory_of(i), NOW_S));
	stop(&k, workers_n);
}

/* ---- what is found again ---- */

static void test_same_workers(void **state)
{
	static struct keep k;
	struct memory m;

	run_once(3);
	for (int again = 0; again < 3; again++) {
		start(&k, 3, FLOWS_MAX, TSC_HZ);
		assert_true(k.adopted);
		assert_int_equal(k.orphans_n, 0);
		assert_memory_equal((uint8_t *)k.arena.start + 64, &generation, sizeof(generation));
		for (uint16_t w = 0; w < 3; w++) {
			assert_int_equal(flow_table_entries(&tables[w]), FLOWS);
			for (uint32_t i = 0; i < FLOWS; i++) {
				assert_true(flow_table_peek(&tables[w], hash_of(w, i), &m));
				assert_int_equal(m.backend, i % 7);
				assert_int_equal(memory_idle_s(&m, NOW_S), 0);
			}
		}
		stop(&k, 3);
	}
	*state = NULL;
}

/* Each flow once, and then it is its new worker's. */
static void test_other_workers(void **state)
{
	static const struct {
		const char *name;
		uint16_t workers_n;
		uint32_t flows_max;
	} rows[] = {
		{"fewer", 1, FLOWS_MAX},
		{"more", 5, FLOWS_MAX},
		{"as many, longer tables", 3, 2 * FLOWS_MAX},
		{"as many, shorter tables", 3, FLOWS_MAX / 2},
	};

	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		const uint16_t n = rows[row].workers_n;
		uint32_t taken = 0, left = 0;
		static struct keep k;
		struct memory m;

		print_message("# %s\n", rows[row].name);
		run_once(3);
		start(&k, n, rows[row].flows_max, TSC_HZ);
		assert_true(k.adopted);
		assert_int_equal(k.orphans_n, 3);
		for (uint16_t w = 0; w < n; w++)
			assert_int_equal(flow_table_entries(&tables[w]), 0);
		/* Half of them send a packet, and another process starts. */
		for (uint32_t w = 0; w < 3; w++)
			for (uint32_t i = 0; i < FLOWS / 2; i++)
				for (uint32_t o = 0; o < k.orphans_n; o++) {
					if (!flow_table_take(&k.orphans[o], hash_of(w, i), &m))
						continue;
					assert_int_equal(m.backend, i % 7);
					assert_true(flow_table_put(&tables[0], &generation,
								   hash_of(w, i), m, NOW_S));
					taken++;
				}
		assert_int_equal(taken, 3 * (FLOWS / 2));
		for (uint32_t o = 0; o < k.orphans_n; o++)
			left += (uint32_t)flow_table_entries(&k.orphans[o]);
		assert_int_equal(left, 3 * (FLOWS / 2));
		stop(&k, n);
		start(&k, n, rows[row].flows_max, TSC_HZ);
		assert_int_equal(flow_table_entries(&tables[0]), taken);
		assert_int_equal(k.orphans_n, 3);
		for (uint32_t w = 0; w < 3; w++)
			for (uint32_t i = FLOWS / 2; i < FLOWS; i++) {
				uint32_t found = 0;

				for (uint32_t o = 0; o < k.orphans_n; o++)
					found += flow_table_take(&k.orphans[o], hash_of(w, i), &m);
				assert_int_equal(found, 1);
			}
		stop(&k, n);
		/* Nothing is left in them: they are not taken up again, and their files go. */
		start(&k, n, rows[row].flows_max, TSC_HZ);
		assert_int_equal(k.orphans_n, 0);
		stop(&k, n);
		keep_open(&k, dir, ARENA_BYTES, false, TSC_HZ, log_line);
		keep_close(&k, true);
		assert_int_equal(access(dir, F_OK), -1);
	}
	*state = NULL;
}

static void test_orphans_expire(void **state)
{
	static struct keep k;

	run_once(1);
	start(&k, 2, FLOWS_MAX, TSC_HZ);
	flow_table_expire(&k.orphans[0], &generation, NOW_S + 3600, 0, UINT32_MAX);
	assert_int_equal(flow_table_entries(&k.orphans[0]), FLOWS);
	flow_table_expire(&k.orphans[0], &generation, NOW_S + 3601, 0, UINT32_MAX);
	assert_int_equal(flow_table_entries(&k.orphans[0]), 0);
	stop(&k, 2);
	*state = NULL;
}

/* DPDK measures the clock's pace at each start, and comes to another. */
static void test_other_pace(void **state)
{
	static struct keep k;
	uint64_t ticks, other_hz = TSC_HZ / 2;
	int64_t shift_s;
	struct memory m;

	run_once(1);
	start(&k, 1, FLOWS_MAX, other_hz);
	ticks = __builtin_ia32_rdtsc();
	shift_s = (int64_t)(ticks / other_hz) - (int64_t)(ticks / TSC_HZ);
	assert_in_range(k.shift_s, shift_s - 1, shift_s + 1);
	assert_true(flow_table_peek(&tables[0], hash_of(0, 1), &m));
	assert_int_equal(memory_idle_s(&m, NOW_S + (uint32_t)k.shift_s), 0);
	stop(&k, 1);
	*state = NULL;
}

/* ---- what is not believed ---- */

static void patch(const char *file, size_t at, const void *bytes, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, (off_t)at), n);
	close(fd);
}

static void test_misfits(void **state)
{
#define HEAD(field)  offsetof(struct arena_head, field)
#define INDEX(field) ARENA_BYTES + offsetof(struct keep_index, field)
	static const struct {
		const char *name;
		size_t at;
		uint32_t word;
		const char *says;
	} rows[] = {
		{"no arena", HEAD(magic), 1, "damaged"},
		{"another layout", HEAD(layout), 99, "layout 99.1"},
		{"other tables_mb", HEAD(arena_bytes), 4096, "tables_mb is another"},
		{"nothing published", HEAD(current), 0, "nothing was published"},
		{"another layout of flows", INDEX(layout), 7, ".7, and this build"},
		{"a torn index", INDEX(tables[1].buckets_n), 7, "damaged"},
		{"another boot", INDEX(boot), 0x41414141, "damaged"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct keep k;
		static const uint8_t zeroes[4096];

		print_message("# %s\n", rows[i].name);
		lines[0] = 0;
		run_once(2);
		assert_string_equal(lines, "");
		/* One of the two indices is what a first process wrote. */
		patch("arena", rows[i].at, &rows[i].word, sizeof(rows[i].word));
		if (rows[i].at >= ARENA_BYTES)
			patch("arena", rows[i].at + 4096, &rows[i].word, sizeof(rows[i].word));
		start(&k, 2, FLOWS_MAX, TSC_HZ);
		assert_false(k.adopted);
		assert_non_null(strstr(lines, rows[i].says));
		assert_memory_equal(k.arena.start, zeroes, sizeof(zeroes));
		assert_int_equal(flow_table_entries(&tables[0]), 0);
		assert_int_equal(flow_table_entries(&tables[1]), 0);
		stop(&k, 2);
		keep_open(&k, dir, ARENA_BYTES, false, TSC_HZ, log_line);
		keep_close(&k, true);
	}
	*state = NULL;
}

/* As a host that was started again has it, whose file system kept the files. */
static void test_other_boot(void **state)
{
	static struct keep k;
	struct keep_index *index;

	run_once(1);
	start(&k, 1, FLOWS_MAX, TSC_HZ);
	snprintf(k.index.boot, sizeof(k.index.boot), "another");
	keep_commit(&k);
	index = (struct keep_index *)((uint8_t *)k.arena.start + ARENA_BYTES);
	assert_true(index->magic != 0);
	stop(&k, 1);
	start(&k, 1, FLOWS_MAX, TSC_HZ);
	assert_false(k.adopted);
	assert_non_null(strstr(lines, "started again"));
	stop(&k, 1);
	*state = NULL;
}

/* The index that was being written when the process was killed: the one before counts. */
static void test_torn_commit(void **state)
{
	static struct keep k;
	uint64_t sequence;
	uint32_t torn = 0xffffffff;

	run_once(2);
	start(&k, 2, FLOWS_MAX, TSC_HZ);
	sequence = k.index.sequence;
	stop(&k, 2);
	patch("arena", ARENA_BYTES + (sequence & 1) * 4096 + offsetof(struct keep_index, workers_n),
	      &torn, sizeof(torn));
	start(&k, 2, FLOWS_MAX, TSC_HZ);
	assert_true(k.adopted);
	assert_int_equal(flow_table_entries(&tables[0]), FLOWS);
	assert_int_equal(flow_table_entries(&tables[1]), FLOWS);
	stop(&k, 2);
	*state = NULL;
}

/* What no worker writes goes; what is right stays. */
static void test_damaged_flows(void **state)
{
	static struct keep k;
	struct memory_entry strange = {.hash = 12345, .memory = memory_of(1)};
	struct memory_entry stateless = {.memory = {.seen_state = MEMORY_WHAT_MASK}};

	start(&k, 1, FLOWS_MAX, TSC_HZ);
	publish(&k);
	for (uint32_t i = 0; i < 3; i++)
		flow_table_put(&tables[0], &generation, hash_of(0, i), memory_of(i), NOW_S);
	for (uint32_t at = 0; at < tables[0].buckets_n; at++) {
		struct memory_entry *e = &tables[0].buckets[at].entries[3];

		if (memory_state(&e->memory) == MEMORY_NONE)
			*e = at % 2 ? strange : stateless;
	}
	stop(&k, 1);
	start(&k, 1, FLOWS_MAX, TSC_HZ);
	/* `strange` lies in its own bucket, too, if that is an odd one. */
	assert_in_range(flow_table_entries(&tables[0]), 3, 5);
	stop(&k, 1);
	*state = NULL;
}

static void test_start_over(void **state)
{
	static struct keep k;
	struct flow_table *list[WORKERS_MAX] = {&tables[0], &tables[1]};
	static const struct arena_head blank;

	run_once(3);
	start(&k, 2, FLOWS_MAX, TSC_HZ);
	keep_start_over(&k, list, 2);
	assert_memory_equal(k.arena.start, &blank, sizeof(blank));
	for (uint32_t i = 0; i < k.orphans_n; i++)
		assert_int_equal(flow_table_entries(&k.orphans[i]), 0);
	stop(&k, 2);
	*state = NULL;
}

/* ---- one at a time, and no room ---- */

static void test_lock(void **state)
{
	static struct keep k, other;

	start(&k, 1, FLOWS_MAX, TSC_HZ);
	assert_int_equal(keep_open(&other, dir, ARENA_BYTES, false, TSC_HZ, log_line),
			 -EWOULDBLOCK);
	assert_int_equal(other.dir_fd, -1);
	assert_non_null(strstr(lines, "held by another sluiced"));
	assert_int_equal(keep_table(&other, 0, &tables[1]), -ENOENT);
	keep_close(&other, false);
	publish(&k);
	stop(&k, 1);
	start(&k, 1, FLOWS_MAX, TSC_HZ);
	assert_true(k.adopted);
	stop(&k, 1);
	*state = NULL;
}

static void test_no_place(void **state)
{
	static struct keep k;

	assert_int_equal(keep_open(&k, "/proc/sluice", ARENA_BYTES, false, TSC_HZ, log_line),
			 -ENOENT);
	assert_int_equal(k.dir_fd, -1);
	assert_non_null(strstr(lines, "/proc/sluice: "));
	keep_close(&k, false);
	assert_int_equal(keep_open(&k, dir, 1ULL << 44, false, TSC_HZ, log_line), -ENOSPC);
	keep_close(&k, false);
	*state = NULL;
}

/* As `sluiced --detach` has it: not while a process has the folder, all afterwards, and again nothing. */
static void test_forget(void **state)
{
	static struct keep k;

	start(&k, 2, FLOWS_MAX, TSC_HZ);
	assert_int_equal(keep_forget(dir), -EBUSY);
	assert_int_equal(access(dir, F_OK), 0);
	stop(&k, 2);
	assert_int_equal(keep_forget(dir), 0);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(keep_forget(dir), 0);
	*state = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define KEEP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		KEEP_TEST(test_same_workers),   KEEP_TEST(test_other_workers),
		KEEP_TEST(test_orphans_expire), KEEP_TEST(test_other_pace),
		KEEP_TEST(test_misfits),        KEEP_TEST(test_other_boot),
		KEEP_TEST(test_torn_commit),    KEEP_TEST(test_damaged_flows),
		KEEP_TEST(test_start_over),     KEEP_TEST(test_lock),
		KEEP_TEST(test_no_place),       KEEP_TEST(test_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
