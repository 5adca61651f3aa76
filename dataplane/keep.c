/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep.h: folder and lock, the index, the files.
 */
#include "keep.h"

#include "sluice/generation.h"

#include <rte_cycles.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define KEEP_MAGIC   0x7065656b2d6c73ULL /* "sl-keep" */
#define ORDINARY_DIR "/dev/shm/sluice"
#define HUGETLBFS    "/dev/hugepages"
#define ARENA_FILE   "arena"
#define FLOWS_PREFIX "flows-"

enum {
	INDEX_ROOM = 4096, /* each of the two indices has as much */
	HUGE_BYTES = 2 << 20,
	HUGETLBFS_TYPE = 0x958458f6, /* HUGETLBFS_MAGIC of linux/magic.h, as statfs() has it */
	NAME_BYTES = 32,
	/* A daemon that was killed takes some time to go. */
	LOCK_WAIT_MS = 3000,
	LOCK_NAP_MS = 20,
};

_Static_assert(sizeof(struct keep_index) <= INDEX_ROOM, "they don't overlap");

__attribute__((format(printf, 3, 4))) static void tell(const struct keep *k,
						       enum fast_path_log level, const char *format,
						       ...)
{
	char line[FAST_PATH_ERROR_MAX];
	va_list args;
	int n = snprintf(line, sizeof(line), "%s: ", k->dir);

	va_start(args, format);
	vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
	va_end(args);
	k->log(level, line);
}

static void boot_id(char id[40])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(id, 0, 40);
	if (!f)
		return;
	if (!fgets(id, 40, f))
		id[0] = 0;
	fclose(f);
	id[strcspn(id, "\n")] = 0;
}

/* ---- the folder ---- */

static bool is_hugetlbfs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == (uint32_t)HUGETLBFS_TYPE &&
	       fs.f_bsize == HUGE_BYTES;
}

/* Where one of 2 MiB pages is mounted; false: nowhere. */
static bool hugetlbfs_find(char at[KEEP_DIR_MAX - NAME_BYTES])
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	bool found = false;

	while (mounts && !found && (m = getmntent(mounts))) {
		if (strcmp(m->mnt_type, "hugetlbfs") != 0 || !is_hugetlbfs(m->mnt_dir))
			continue;
		snprintf(at, KEEP_DIR_MAX - NAME_BYTES, "%s", m->mnt_dir);
		found = true;
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

/* systemd mounts one; where it doesn't, we do. */
static bool hugetlbfs_mount(struct keep *k, char at[KEEP_DIR_MAX - NAME_BYTES])
{
	(void)mkdir(HUGETLBFS, 0755);
	if (mount("hugetlbfs", HUGETLBFS, "hugetlbfs", MS_NOSUID | MS_NODEV,
		  "pagesize=2M,mode=0755") != 0)
		return false;
	snprintf(at, KEEP_DIR_MAX - NAME_BYTES, "%s", HUGETLBFS);
	tell(k, FAST_PATH_LOG_INFO, "mounted a hugetlbfs");
	return true;
}

static void dir_choose(struct keep *k, const char *dir, bool hugepages)
{
	char huge[KEEP_DIR_MAX - NAME_BYTES];

	if (dir && dir[0]) {
		snprintf(k->dir, sizeof(k->dir), "%s", dir);
		return;
	}
	snprintf(k->dir, sizeof(k->dir), "%s", HUGETLBFS);
	if (hugepages && (hugetlbfs_find(huge) || hugetlbfs_mount(k, huge)))
		snprintf(k->dir, sizeof(k->dir), "%s/sluice", huge);
	else
		snprintf(k->dir, sizeof(k->dir), "%s", ORDINARY_DIR);
}

/* 0; -EWOULDBLOCK: another process has it, and goes on having it. */
static int dir_lock(int fd)
{
	const struct timespec nap = {.tv_nsec = LOCK_NAP_MS * 1000000L};

	for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += LOCK_NAP_MS) {
		if (errno != EWOULDBLOCK || waited_ms >= LOCK_WAIT_MS)
			return -errno;
		(void)nanosleep(&nap, NULL);
	}
	return 0;
}

static int dir_open(struct keep *k)
{
	int err;

	if (mkdir(k->dir, 0700) != 0 && errno != EEXIST)
		return -errno;
	k->dir_fd = open(k->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (k->dir_fd < 0)
		return -errno;
	err = dir_lock(k->dir_fd);
	if (err)
		return err;
	k->hugetlb = is_hugetlbfs(k->dir);
	return 0;
}

static void dir_close(struct keep *k)
{
	if (k->dir_fd >= 0)
		close(k->dir_fd);
	k->dir_fd = -1;
}

/* ---- files ---- */

static int file_map(const struct keep *k, const char *name, size_t bytes, struct region *r)
{
	int fd = openat(k->dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	if (fd < 0)
		return -errno;
	err = region_map_file(r, fd, bytes, k->hugetlb);
	close(fd);
	return err;
}

static int file_map_new(const struct keep *k, const char *name, size_t bytes, struct region *r)
{
	if (unlinkat(k->dir_fd, name, 0) != 0 && errno != ENOENT)
		return -errno;
	return file_map(k, name, bytes, r);
}

static const char *flows_name(uint32_t number, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, FLOWS_PREFIX "%" PRIu32, number);
	return name;
}

static bool is_listed(const struct keep *k, const char *name)
{
	char flows[NAME_BYTES];

	for (uint32_t i = 0; i < k->index.workers_n + k->index.orphans_n; i++)
		if (strcmp(name, flows_name(k->index.tables[i].number, flows)) == 0)
			return true;
	return false;
}

/* Flows that the index doesn't list; `all`: everything. */
static void files_remove(const struct keep *k, bool all)
{
	DIR *dir = opendir(k->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		bool flows = strncmp(entry->d_name, FLOWS_PREFIX, strlen(FLOWS_PREFIX)) == 0;

		if ((flows && (all || !is_listed(k, entry->d_name))) ||
		    (all && strcmp(entry->d_name, ARENA_FILE) == 0))
			(void)unlinkat(k->dir_fd, entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

/* ---- the index ---- */

/* FNV-1a, 64 bits. */
static uint64_t index_sum(const struct keep_index *index)
{
	const uint8_t *bytes = (const uint8_t *)index;
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < offsetof(struct keep_index, sum); i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ULL;
	return sum;
}

static struct keep_index *index_at(const struct keep *k, uint32_t which)
{
	return (struct keep_index *)((uint8_t *)k->arena.start + k->arena_bytes +
				     which * INDEX_ROOM);
}

/* NULL: neither is whole. */
static const struct keep_index *index_find(const struct keep *k)
{
	const struct keep_index *found = NULL;

	for (uint32_t i = 0; i < 2; i++) {
		const struct keep_index *index = index_at(k, i);

		if (index->magic == KEEP_MAGIC && index->sum == index_sum(index) &&
		    (!found || index->sequence > found->sequence))
			found = index;
	}
	return found;
}

/* What the index at either place says that its layout is; 0: there is none. */
static uint32_t index_layout(const struct keep *k)
{
	for (uint32_t i = 0; i < 2; i++)
		if (index_at(k, i)->magic == KEEP_MAGIC)
			return index_at(k, i)->layout;
	return 0;
}

/* Why what lies there can't be gone on from; NULL: it can, and *index is right. */
static const char *misfit(const struct keep *k, const struct keep_index **index, char text[128])
{
	const struct arena_head *head = k->arena.start;
	char boot[sizeof((*index)->boot)];

	if (head->magic == 0)
		return "nothing was published";
	if (head->magic != ARENA_MAGIC)
		return "it is damaged";
	if (head->arena_bytes != k->arena_bytes)
		return "tables_mb is another";
	if (!arena_layout_is_known(head->layout) || index_layout(k) != KEEP_LAYOUT) {
		snprintf(text, 128, "it has layout %u.%u, and this build %d.%d", head->layout,
			 index_layout(k), ARENA_LAYOUT, KEEP_LAYOUT);
		return text;
	}
	*index = index_find(k);
	if (!*index || (*index)->arena_bytes != k->arena_bytes || (*index)->tsc_hz == 0 ||
	    (*index)->workers_n > FAST_PATH_WORKERS_MAX || (*index)->orphans_n > KEEP_ORPHANS_MAX)
		return "it is damaged";
	boot_id(boot);
	if (!boot[0] || memcmp((*index)->boot, boot, sizeof(boot)) != 0)
		return "the host was started again since";
	return head->current == 0 ? "nothing was published" : NULL;
}

static int arena_open(struct keep *k)
{
	size_t bytes = k->arena_bytes + 2 * INDEX_ROOM;
	bool is_new = faccessat(k->dir_fd, ARENA_FILE, F_OK, 0) != 0;
	const struct keep_index *index;
	char text[128];
	const char *why;
	int err = file_map(k, ARENA_FILE, bytes, &k->arena);

	if (err || is_new)
		return err;
	why = misfit(k, &index, text);
	if (!why) {
		uint64_t tsc = rte_rdtsc();

		k->index = *index;
		k->adopted = true;
		k->shift_s = (int32_t)((int64_t)(tsc / k->tsc_hz) - (int64_t)(tsc / index->tsc_hz));
		return 0;
	}
	tell(k, FAST_PATH_LOG_WARNING,
	     "what an earlier sluiced left can't be gone on from, since %s: the tables are made "
	     "new, "
	     "and flows that were elsewhere than those say move",
	     why);
	region_unmap(&k->arena);
	return file_map_new(k, ARENA_FILE, bytes, &k->arena);
}

/* ---- life ---- */

int keep_open(struct keep *k, const char *dir, uint64_t arena_bytes, bool hugepages,
	      uint64_t tsc_hz, void (*log)(enum fast_path_log level, const char *line))
{
	int err;

	*k = (struct keep){.dir_fd = -1, .arena_bytes = arena_bytes, .tsc_hz = tsc_hz, .log = log};
	dir_choose(k, dir, hugepages);
	err = dir_open(k);
	if (!err)
		err = arena_open(k);
	if (!err)
		return 0;
	if (err == -EWOULDBLOCK)
		tell(k, FAST_PATH_LOG_WARNING,
		     "held by another sluiced: nothing of this one is kept over a restart; give "
		     "each a "
		     "memory_dir of its own");
	else
		tell(k, FAST_PATH_LOG_WARNING,
		     "no room for %zu MB of tables that outlive a restart (%s): they go with this "
		     "process; see to the folder, or set memory_dir",
		     (size_t)(arena_bytes >> 20), strerror(-err));
	if (err != -EWOULDBLOCK && k->dir_fd >= 0)
		files_remove(k, true);
	dir_close(k);
	return err;
}

/* Maps the flows of a worker that is no more; NULL, or one without any, is not listed again. */
static void orphan_add(struct keep *k, const struct keep_table *file, struct keep_index *next)
{
	struct flow_table *t = &k->orphans[k->orphans_n];
	struct region region;
	char name[NAME_BYTES];
	int err = -ENOSPC;

	if (k->orphans_n < KEEP_ORPHANS_MAX)
		err = file_map(k, flows_name(file->number, name),
			       file->buckets_n * sizeof(struct flow_bucket), &region);
	if (err) {
		tell(k, FAST_PATH_LOG_WARNING, "remembered flows of a worker are lost: %s",
		     strerror(-err));
		return;
	}
	flow_table_attach(t, &region, file->buckets_n, k->shift_s);
	if (flow_table_entries(t) == 0) {
		flow_table_destroy(t);
		return;
	}
	t->counters.capacity = 0; /* nothing is added to it */
	next->tables[next->workers_n + k->orphans_n++] = *file;
}

static bool has_same_workers(const struct keep *k, uint16_t workers_n, uint32_t buckets_n)
{
	for (uint32_t i = 0; i < k->index.workers_n; i++)
		if (k->index.tables[i].buckets_n != buckets_n)
			return false;
	return k->index.workers_n == workers_n;
}

void keep_plan(struct keep *k, uint16_t workers_n, uint32_t flows_max)
{
	const struct keep_index was = k->index;
	uint32_t buckets_n = flow_table_buckets(flows_max);
	struct keep_index next = {
		.magic = KEEP_MAGIC,
		.layout = KEEP_LAYOUT,
		.workers_n = workers_n,
		.next_number = was.next_number,
		.sequence = was.sequence,
		.arena_bytes = k->arena_bytes,
		.tsc_hz = k->tsc_hz,
	};

	boot_id(next.boot);
	k->same_workers = has_same_workers(k, workers_n, buckets_n);
	for (uint32_t i = 0; i < workers_n; i++)
		next.tables[i] = k->same_workers
					 ? was.tables[i]
					 : (struct keep_table){next.next_number++, buckets_n};
	for (uint32_t i = k->same_workers ? was.workers_n : 0; i < was.workers_n + was.orphans_n;
	     i++)
		orphan_add(k, &was.tables[i], &next);
	next.orphans_n = k->orphans_n;
	k->index = next;
}

int keep_table(struct keep *k, uint16_t worker, struct flow_table *t)
{
	const struct keep_table *file = &k->index.tables[worker];
	size_t bytes = file->buckets_n * sizeof(struct flow_bucket);
	struct region region;
	char name[NAME_BYTES];
	int err;

	if (k->dir_fd < 0)
		return -ENOENT;
	flows_name(file->number, name);
	err = k->same_workers ? file_map(k, name, bytes, &region)
			      : file_map_new(k, name, bytes, &region);
	if (err)
		tell(k, FAST_PATH_LOG_WARNING,
		     "no room for the flows of worker %u (%s): they go with this process", worker,
		     strerror(-err));
	else
		flow_table_attach(t, &region, file->buckets_n, k->shift_s);
	return err;
}

void keep_commit(struct keep *k)
{
	struct keep_index *index;

	k->index.sequence++;
	k->index.sum = index_sum(&k->index);
	index = index_at(k, k->index.sequence & 1);
	*index = k->index;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	files_remove(k, false);
}

static void table_forget(struct flow_table *t)
{
	memset(t->buckets, 0, t->buckets_n * sizeof(*t->buckets));
	t->counters.entries = 0;
}

void keep_start_over(struct keep *k, struct flow_table *const *tables, uint16_t tables_n)
{
	memset(k->arena.start, 0, sizeof(struct arena_head));
	for (uint16_t i = 0; i < tables_n; i++)
		table_forget(tables[i]);
	for (uint32_t i = 0; i < k->orphans_n; i++)
		table_forget(&k->orphans[i]);
}

void keep_close(struct keep *k, bool remove)
{
	for (uint32_t i = 0; i < k->orphans_n; i++)
		flow_table_destroy(&k->orphans[i]);
	k->orphans_n = 0;
	if (k->dir_fd >= 0 && remove) {
		files_remove(k, true);
		(void)rmdir(k->dir);
	}
	region_unmap(&k->arena);
	dir_close(k);
}

static int dir_forget(const char *dir)
{
	struct keep k = {.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
	int err;

	if (k.dir_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	snprintf(k.dir, sizeof(k.dir), "%s", dir);
	err = dir_lock(k.dir_fd);
	if (!err) {
		files_remove(&k, true);
		(void)rmdir(
			dir); /* of an operator's own, which may hold more, what is ours is gone */
	}
	dir_close(&k);
	return err == -EWOULDBLOCK ? -EBUSY : err;
}

int keep_forget(const char *dir)
{
	char huge[KEEP_DIR_MAX - NAME_BYTES], in_huge[KEEP_DIR_MAX];
	int err, huge_err = 0;

	if (dir && dir[0])
		return dir_forget(dir);
	err = dir_forget(ORDINARY_DIR);
	if (hugetlbfs_find(huge)) {
		snprintf(in_huge, sizeof(in_huge), "%s/sluice", huge);
		huge_err = dir_forget(in_huge);
	}
	return err ? err : huge_err;
}
