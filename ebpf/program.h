/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XDP program with its maps, loaded but on no interface: for the module, and for tests and
 * benches that run it on frames of their own (BPF_PROG_TEST_RUN). One thread.
 *
 * program_open(), then maybe program_adopt(), then program_load(); program_close() at the end,
 * also after an error.
 */
#ifndef SLUICE_PROGRAM_H
#define SLUICE_PROGRAM_H

#include "fastpath.h"
#include "report.h"

struct bpf_map;
struct bpf_program;
struct fastpath_bpf;

/* The maps that outlive a daemon; their names are those of the pins. */
enum program_map {
	PROGRAM_ARENA,
	PROGRAM_SERVICES,
	PROGRAM_BACKENDS,
	PROGRAM_DEVICES,
	PROGRAM_PORTS,
	PROGRAM_MACS,      /* that frames are taken to */
	PROGRAM_HALF_OPEN, /* remembered flows: flow_memory.bpf.h */
	PROGRAM_ESTABLISHED,
	PROGRAM_MEMORY_COUNTS,
	PROGRAM_FRAGMENTS, /* datagrams in fragments: fragments.bpf.h */
	PROGRAM_CAPTURE,   /* what to copy: capture.bpf.h */
	PROGRAM_CAPTURES,  /* the ring of copies */
	PROGRAM_COPIES,
	PROGRAM_MAPS_ADOPTED,
	PROGRAM_OPTIONS = PROGRAM_MAPS_ADOPTED, /* pinned too, but each program has its own */
	PROGRAM_MAPS,
};

enum {
	/* A map of flows with fewer would be full while every CPU keeps free entries for itself. */
	PROGRAM_FLOWS_MIN = 1 << 14,
};

struct program_config {
	uint64_t arena_bytes;  /* a multiple of ARENA_CHUNK_BYTES */
	uint32_t services_max; /* counter rows, row 0 included */
	uint32_t backends_max;
	uint32_t
		flows_max; /* of both maps of flows together; each has PROGRAM_FLOWS_MIN at least */
	struct fastpath_ports ports;
	bool macs;     /* MACs count, those of program_macs_set(); else all frames are taken */
	bool no_tx;    /* a port's XDP_TX can't be used: fastpath.h */
	bool chunks;   /* the arena as older kernels need it, whatever this one has: for tests */
	bool no_frags; /* no frames of several buffers will come; costs a call a packet else */
};

struct program {
	struct program_config config;
	struct fastpath_options options;
	struct fastpath_bpf *skeleton;
	struct bpf_program *program; /* that fits the form of the arena */
	struct bpf_map *maps[PROGRAM_MAPS];
	int fd; /* of the program; -1 until it is loaded */
	struct arena *arena;
	uint32_t cpus; /* that may ever run it */
};

const char *program_map_name(enum program_map map);

/* Sizes are known from here on, nothing is in the kernel. As features_check(), and -ENOMEM. */
int program_open(struct program *program, const struct program_config *config,
		 char error[FAST_PATH_ERROR_MAX]);

/* Takes a map that exists instead of a new one. The caller keeps `fd`, and saw that it fits. */
int program_adopt(struct program *program, enum program_map map, int fd);

/*
 * Gives it to the kernel, maps the arena and, unless they are adopted, fills in the ports.
 * -ENOMEM; -EINVAL, -EACCES, -E2BIG: the verifier's refusal; -ENODEV: a port's interface is gone.
 */
int program_load(struct program *program, char error[FAST_PATH_ERROR_MAX]);

/*
 * The port's interface is another one from the next packet on; 0: it has none. 0, or -errno:
 * -ENODEV when that is gone, too.
 */
int program_port_set(struct program *program, uint32_t port, uint32_t ifindex);

/* The same for every port of which adopted maps have another interface. */
int program_ports_renew(struct program *program);

/*
 * From now on frames are taken to these MACs, of which an interface's first is its own; at most
 * FASTPATH_MACS. 0, or -errno. Behind program_load().
 */
int program_macs_set(struct program *program, const struct fastpath_mac *macs, uint32_t n);

void program_close(struct program *program);

int program_map_fd(const struct program *program, enum program_map map);

#endif
