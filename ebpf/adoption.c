/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares pinned maps and program with what this build would load. Called by the module at its
 * start. Control thread.
 */
#include "adoption.h"
#include "arena_map.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* More than the program has. */
enum { MAP_IDS_MAX = 32 };

static bool map_info(int fd, struct bpf_map_info *info)
{
	uint32_t bytes = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &bytes) == 0;
}

static bool interface_is_gone(uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return !if_indextoname(ifindex, name) && (errno == ENXIO || errno == ENODEV);
}

/* The same, but for ports that had no interface, or whose interface went since. */
static bool ports_go_on(int fd, const struct fastpath_ports *ports)
{
	struct fastpath_ports table;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(fd, &key, &table) != 0)
		return false;
	for (uint32_t i = 0; i < FASTPATH_PORTS; i++)
		if (table.ifindex[i] != ports->ifindex[i] && table.ifindex[i] != 0 &&
		    !interface_is_gone(table.ifindex[i]))
			return false;
	return true;
}

static bool arena_fits(int fd, uint64_t bytes)
{
	struct arena *head = arena_map(fd, sizeof(struct arena_head));
	bool live = head && arena_is_live(head, bytes);

	if (head)
		arena_unmap(head, sizeof(struct arena_head));
	return live;
}

/* Why this map can't be gone on with; NULL: it can. */
static const char *map_misfit(enum program_map map, int fd, const struct program *p)
{
	const struct bpf_map *ours = p->maps[map];
	struct bpf_map_info info;

	if (!map_info(fd, &info))
		return "can't be looked at";
	if (info.type != (uint32_t)bpf_map__type(ours) || info.key_size != bpf_map__key_size(ours))
		return "is another build's";
	if (info.value_size != bpf_map__value_size(ours) ||
	    info.max_entries != bpf_map__max_entries(ours))
		return "has another size";
	if (map == PROGRAM_PORTS && !ports_go_on(fd, &p->config.ports))
		return "are others, or in another order";
	if (map == PROGRAM_ARENA && !arena_fits(fd, p->config.arena_bytes))
		return "holds no generation of this build's layout";
	return NULL;
}

/* Opens what is pinned, all or nothing. 1: it fits; 0: not, or nothing is pinned; -errno. */
static int maps_open(const struct program *p, const struct pins *pins, report_log log,
		     int fds[PROGRAM_MAPS_ADOPTED])
{
	const char *why = NULL;
	int n = 0, err = 0;

	while (n < PROGRAM_MAPS_ADOPTED && !why) {
		fds[n] = pins_get(pins, program_map_name(n));
		if (fds[n] < 0) {
			err = fds[n] == -ENOENT ? 0 : fds[n];
			break;
		}
		why = map_misfit(n, fds[n], p);
		n++;
	}
	if (n == PROGRAM_MAPS_ADOPTED && !why)
		return 1;
	if (why)
		report_line(log, FAST_PATH_LOG_INFO,
			    "%s: can't be adopted, %s %s: all is made anew", pins->dir,
			    program_map_name(n - 1), why);
	else if (n > 0 && !err)
		report_line(log, FAST_PATH_LOG_WARNING,
			    "%s: can't be adopted, there is no %s: all is made anew", pins->dir,
			    program_map_name(n));
	while (n-- > 0)
		close(fds[n]);
	return err;
}

int adoption_take_maps(struct program *p, const struct pins *pins, report_log log, bool *adopted)
{
	int fds[PROGRAM_MAPS_ADOPTED], err = maps_open(p, pins, log, fds);

	*adopted = err > 0;
	if (err <= 0)
		return err;
	err = 0;
	for (int i = 0; i < PROGRAM_MAPS_ADOPTED; i++) {
		if (!err)
			err = program_adopt(p, i, fds[i]);
		close(fds[i]);
	}
	return err;
}

/* Has the program this map? A daemon that was killed while it pinned leaves old beside new. */
static bool program_uses(const struct bpf_prog_info *info, const uint32_t *map_ids, int map_fd)
{
	struct bpf_map_info map;

	if (!map_info(map_fd, &map))
		return false;
	for (uint32_t i = 0; i < info->nr_map_ids && i < MAP_IDS_MAX; i++)
		if (map_ids[i] == map.id)
			return true;
	return false;
}

static bool options_are(int fd, const struct program *p)
{
	struct fastpath_options options;
	uint32_t key = 0;

	return bpf_map_lookup_elem(fd, &key, &options) == 0 &&
	       memcmp(&options, &p->options, sizeof(options)) == 0;
}

/* Same instructions (the kernel's tag is a hash of them), same maps, same options. */
static bool is_same(const struct program *p, int theirs_fd, int options_fd)
{
	uint32_t map_ids[MAP_IDS_MAX];
	struct bpf_prog_info ours = {0}, theirs = {
						 .nr_map_ids = MAP_IDS_MAX,
						 .map_ids = (uintptr_t)map_ids,
					 };
	uint32_t ours_bytes = sizeof(ours), theirs_bytes = sizeof(theirs);

	if (bpf_obj_get_info_by_fd(theirs_fd, &theirs, &theirs_bytes) != 0 ||
	    bpf_obj_get_info_by_fd(p->fd, &ours, &ours_bytes) != 0 ||
	    memcmp(theirs.tag, ours.tag, sizeof(ours.tag)) != 0)
		return false;
	for (int i = 0; i < PROGRAM_MAPS_ADOPTED; i++)
		if (!program_uses(&theirs, map_ids, program_map_fd(p, i)))
			return false;
	return program_uses(&theirs, map_ids, options_fd) && options_are(options_fd, p);
}

int adoption_take_program(const struct program *p, const struct pins *pins)
{
	int fd = pins_get(pins, ADOPTION_PROGRAM_PIN);
	int options_fd = pins_get(pins, program_map_name(PROGRAM_OPTIONS));
	bool same = fd >= 0 && options_fd >= 0 && is_same(p, fd, options_fd);

	if (options_fd >= 0)
		close(options_fd);
	if (same)
		return fd;
	if (fd >= 0)
		close(fd);
	return -ENOENT;
}
