/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * The contract between sluiced and a fast path. A fast path is a shared object that exports one
 * `struct fast_path` under the name FAST_PATH_SYMBOL; sluiced loads it at start and links neither
 * libdpdk nor libbpf. All functions are called from sluiced's one control thread, after start()
 * succeeded and before stop(); none blocks longer than stated. Errors are -errno, with a line for
 * people in `error`.
 */
#ifndef SLUICE_MODULE_H
#define SLUICE_MODULE_H

#include "sluice/counters.h"
#include "sluice/types.h"

struct memory; /* memory.h */
struct memory_entry;
struct packet; /* packet.h */

#define FAST_PATH_SYMBOL "sluice_fast_path"

/* The one signal (signal.h) that a fast path's threads may not block, and must bear at any time:
 * sluiced takes their capabilities with it. */
#define FAST_PATH_SIGNAL (SIGRTMAX - 1)

enum {
	FAST_PATH_ABI = 6,
	FAST_PATH_PORTS_MAX = 16,
	FAST_PATH_WORKERS_MAX = 128,
	FAST_PATH_NAME_MAX = 16, /* of a kernel interface, with its 0 */
	FAST_PATH_ERROR_MAX = 512,
	FAST_PATH_HOW_MAX = 256,
	FAST_PATH_MACS_MAX = 8, /* of a port, beside its own */
	FAST_PATH_MODE_MAX = 12,
};

#define FAST_PATH_ANY_WORKER UINT32_MAX

/* X(identifier, word) */
#define FAST_PATH_LOG_LEVELS(X)             \
	X(FAST_PATH_LOG_ERROR, "error")     \
	X(FAST_PATH_LOG_WARNING, "warning") \
	X(FAST_PATH_LOG_INFO, "info")       \
	X(FAST_PATH_LOG_DEBUG, "debug")

#define FAST_PATH_HUGEPAGES(X)                                        \
	X(FAST_PATH_HUGEPAGES_AUTO, "auto") /* when there are some */ \
	X(FAST_PATH_HUGEPAGES_ON, "on")                               \
	X(FAST_PATH_HUGEPAGES_OFF, "off")

#define FAST_PATH_ATTACHES(X)                                                    \
	X(FAST_PATH_ATTACH_AUTO,                                                 \
	  "auto") /* native if the drivers of all ports have it, else generic */ \
	X(FAST_PATH_ATTACH_NATIVE, "native")                                     \
	X(FAST_PATH_ATTACH_GENERIC, "generic")

#define X(id, word) id,
enum fast_path_log { FAST_PATH_LOG_LEVELS(X) };
enum fast_path_hugepages { FAST_PATH_HUGEPAGES(X) };
enum fast_path_attach { FAST_PATH_ATTACHES(X) };
#undef X

/* How a port's device spreads what comes over its receive queues. X(identifier, word, meaning) */
#define FAST_PATH_SPREADS(X)                                                     \
	X(UNKNOWN, "unknown", "that isn't known here")                           \
	X(ONE, "one", "there is one queue")                                      \
	X(FLOWS, "flows", "TCP and UDP of both families by addresses and ports") \
	X(SOME, "some", "a part of that by addresses alone, or not at all")      \
	X(OTHER, "other", "by means of its own, not by RSS")                     \
	X(NONE, "none", "not at all: all comes by one of several")

enum fast_path_spread {
#define X(id, word, text) FAST_PATH_SPREAD_##id,
	FAST_PATH_SPREADS(X)
#undef X
		FAST_PATH_SPREAD_N,
};

/*
 * What is lost at a port after its verdict, or beside it: X(identifier, word for programs, text for
 * people). Each packet counts once; docs/counters.md says what helps.
 */
#define FAST_PATH_DROPS(X)                                                                   \
	X(NO_XDP, "no_xdp", "xdp: the port's device took no frame from XDP")                 \
	X(TOO_LONG, "too_long", "xdp: longer than the port's MTU")                           \
	X(DOWN, "down", "xdp: the port was down")                                            \
	X(FULL, "full", "xdp: the port's transmit queue was full")                           \
	X(FAILED, "failed", "xdp: the port's driver failed to send for another reason")      \
	X(KERNEL_CONTROL, "kernel_control",                                                  \
	  "dpdk: ARP, ND and what isn't IP, for the kernel: the queue was full")             \
	X(KERNEL_NODE, "kernel_node", "dpdk: to no vip, for the kernel: the queue was full") \
	X(KERNEL_VIP, "kernel_vip", "dpdk: to a vip, for the kernel: the queue was full")    \
	X(TAP, "tap", "dpdk: for the kernel, but its interface (the TAP) took none")         \
	X(FROM_KERNEL, "from_kernel", "dpdk: of the kernel's, but the port took none")

enum fast_path_drop {
#define X(id, word, text) FAST_PATH_DROP_##id,
	FAST_PATH_DROPS(X)
#undef X
		FAST_PATH_DROP_N,
};

/* "no_xdp", ... */
static inline const char *fast_path_drop_word(enum fast_path_drop drop)
{
	static const char *const words[] = {
#define X(id, word, text) [FAST_PATH_DROP_##id] = word,
		FAST_PATH_DROPS(X)
#undef X
	};

	return words[drop];
}

struct fast_path_port {
	const char *device; /* dpdk: PCI address or vdev string; NULL if the config has none */
	const char *tap;    /* dpdk: name of the kernel's interface, taken or made by the path */
	const uint8_t (
		*macs)[6]; /* [macs_n]: frames to these are taken, too, as to the port's own */
	uint32_t macs_n;
	const char *interface; /* xdp: the network device; NULL if the config has none */
	uint32_t mtu_bytes; /* dpdk: of the device and of the kernel's interface; 0: as they are */
};

/* Strings and arrays belong to the caller and outlive start(). */
struct fast_path_config {
	struct fast_path_port ports[FAST_PATH_PORTS_MAX];
	uint32_t ports_n;
	uint16_t cores[FAST_PATH_WORKERS_MAX]; /* dpdk: one worker each */
	uint32_t cores_n;
	uint64_t arena_bytes;  /* a multiple of ARENA_CHUNK_BYTES */
	uint32_t services_max; /* counter rows, row 0 included */
	uint32_t backends_max; /* counter rows, row 0 included */
	uint32_t flows_max;    /* remembered flows: of each worker (dpdk), of all (xdp) */
	uint32_t idle_max_us;  /* dpdk: longest sleep of an idle worker; 0: it never sleeps */
	enum fast_path_hugepages hugepages; /* dpdk */
	uint32_t memory_mb;                 /* dpdk, without hugepages: EAL's -m */
	const char *eal_args;               /* dpdk: further EAL arguments, or "" */
	enum fast_path_attach attach;       /* xdp */
	bool replace;                       /* xdp: take the place of another program */
	const char *pin_dir;                /* xdp: where program and maps are pinned, in a bpffs */
	const char
		*memory_dir; /* dpdk: folder of what outlives the process; "": where it fits best */
	/* Any thread may call it. One line, no newline. */
	void (*log)(enum fast_path_log level, const char *line);
};

/* What start() made. */
struct fast_path_started {
	struct arena *arena; /* zeroed, unless adopted; stays until stop() */
	uint64_t arena_bytes;
	/* The arena holds what a process before this one published: packets see it (xdp), or will
	 * with the first publish() (dpdk), so that the control plane can check it before. */
	bool adopted;
	uint32_t workers;      /* how many workers_read() tells of */
	char description[256]; /* for people: "DPDK 22.11.11, 1 worker, hugepages 2048 kB" */
};

/* X(identifier, word for programs, text for people): what a port can do now. */
#define FAST_PATH_PORT_STATES(X)                                                             \
	X(WAITING, "waiting", "its device is not there; the port is taken up when it comes") \
	X(REFUSED, "refused", "its device is there, but can't be used now; tried again")     \
	X(DOWN, "down", "its link is down")                                                  \
	X(UP, "up", "its link is up")                                                        \
	X(RETURNED, "returned",                                                              \
	  "dpdk: its device is there again, or wants a reset: a new process can take it up")

/* UP is the only one that carries packets. */
enum fast_path_port_state {
#define X(id, word, text) FAST_PATH_PORT_##id,
	FAST_PATH_PORT_STATES(X)
#undef X
		FAST_PATH_PORT_N_STATES,
};

/* "waiting", "refused", "down", "up", "returned" */
static inline const char *fast_path_port_word(enum fast_path_port_state state)
{
	static const char *const words[] = {
#define X(id, word, text) [FAST_PATH_PORT_##id] = word,
		FAST_PATH_PORT_STATES(X)
#undef X
	};

	return words[state];
}

/* A port, as sluiced needs it to find next hops. Of one that waits, only the interface is known. */
struct fast_path_port_info {
	char interface[FAST_PATH_NAME_MAX]; /* the kernel's: its routes and neighbours count */
	char driver[32];
	uint8_t mac[6];
	enum fast_path_port_state state;
	int16_t numa_node;                  /* of its device; -1: any, or not known */
	uint16_t queues;                    /* dpdk: receive queues in use, one a worker */
	enum fast_path_spread spread;       /* dpdk: over them */
	char spread_how[FAST_PATH_HOW_MAX]; /* the same for people, one line; or "" */
	uint64_t rx_packets, tx_packets;    /* of the device */
	uint64_t rx_missed;                 /* came, but no buffer or descriptor was free */
	uint64_t to_kernel, from_kernel;    /* dpdk: over the TAP */
	char mode[FAST_PATH_MODE_MAX];      /* xdp: of its program, "native" or "generic"; or "" */
	uint64_t dropped[FAST_PATH_DROP_N];
};

struct worker_counters {
	uint16_t core;
	int16_t numa_node; /* dpdk: of its core, and of its tables; -1: any, or not known */
	struct service_counters verdicts; /* of all services, and of none */
	uint64_t bursts;                  /* dpdk: receive calls that brought packets */
	uint64_t empty_bursts;            /* dpdk: that brought none */
	uint64_t sleeps;                  /* dpdk: times the worker slept, idle */
	uint64_t burst_gap_max_ns;        /* dpdk: longest time between two bursts, sleeps apart */
	uint64_t burst_gap_recent_ns;     /* dpdk: the longest of the last second, or two */
};

/* Where a walk over the remembered flows stands. All 0: at its beginning. */
struct fast_path_walk {
	uint32_t table; /* of several */
	uint32_t at;    /* within it */
	bool is_within; /* the table, so that `at` counts */
};

enum {
	CAPTURE_SNAP_BYTES = 2048, /* no more of a frame is copied */
};

/* Whose packets are copied. */
struct fast_path_capture {
	uint32_t service;    /* row of its counters */
	uint32_t backend;    /* likewise; 0: of any, and of none */
	uint32_t verdict;    /* VERDICT_COUNT: any */
	uint32_t snap_bytes; /* of a frame, at most; 1 to CAPTURE_SNAP_BYTES */
	uint32_t seconds;    /* xdp: the program stops by itself then, should nobody stop it */
};

/* A frame as it came, or as it left. A packet that leaves has both, in this order. */
struct fast_path_captured {
	uint64_t time_ns; /* since the epoch */
	uint64_t packet;  /* the same number for both frames of a packet */
	bool out;
	uint32_t verdict; /* in the end */
	uint32_t backend; /* row of its counters; 0: none */
	uint32_t worker;
	uint32_t frame_bytes;
	uint32_t bytes_n; /* how many are here */
	const uint8_t *bytes;
};

struct fast_path {
	uint32_t abi;     /* FAST_PATH_ABI */
	const char *name; /* "dpdk", "xdp" */

	/*
	 * Takes the ports and starts to work, without a generation: until the first publish()
	 * every packet is the kernel's. A port whose device is not there waits for it
	 * (ports_changed()). -ENODEV: a port's device can't be had; -ENOTSUP: the
	 * machine lacks what the path needs; -EBUSY: another holds it; -ENOMEM. Leaves nothing
	 * behind when it fails. May take seconds.
	 */
	int (*start)(const struct fast_path_config *config, struct fast_path_started *started,
		     char error[FAST_PATH_ERROR_MAX]);

	/*
	 * From now on packets see the generation at `offset`, which the caller has laid out in
	 * the arena. One store; no worker waits. Never fails.
	 */
	void (*publish)(uint32_t offset);

	/* Returns when no packet can see anything but what was published last. Milliseconds. */
	void (*quiesce)(void);

	/*
	 * Port `port`, as it is now, also while it waits. -ENOENT: no such port. Another -errno:
	 * it can't be told, and what was read before is the best that is known.
	 */
	int (*port_read)(uint32_t port, struct fast_path_port_info *info);

	/*
	 * Looks what has become of the port, to be called several times a second: there is no other
	 * sign of it. dpdk: the kernel's interface beside it gets the same carrier, so that routes
	 * and routing daemons notice; of a device that is being taken away, all workers let go,
	 * which takes milliseconds. -ENOENT: no such port.
	 */
	int (*port_look)(uint32_t port, enum fast_path_port_state *state);

	/* Rows [first, first + n), summed over the workers. -ERANGE: beyond services_max. */
	int (*services_read)(uint32_t first, uint32_t n, struct service_counters *rows);
	int (*backends_read)(uint32_t first, uint32_t n, struct backend_counters *rows);

	/* Of worker 0 to `max` - 1. Returns how many there are, or -errno: they can't be told. */
	int (*workers_read)(struct worker_counters *rows, uint32_t max);

	/*
	 * Of the flow tables, summed over the workers. On xdp as long as a whole walk where a table
	 * is nearly full, since the kernel doesn't count what it evicts.
	 */
	int (*memory_read)(struct memory_counters *counters);

	/*
	 * A step of a walk: calls `each` for the next remembered flows, in no order, 32,768 at most;
	 * those that come or go between the first step and the last may be missed, or seen as they
	 * were. Returns 1: there are more; 0: that was the last; -ENOMEM, or what the kernel says
	 * (xdp). `each` must not call back here. A walk can be given up at any step.
	 *
	 * How long, for the whole of it, where the machine is idle: xdp 250 ms for 780,000 flows
	 * (build/tests/bench/bench_walk), since the kernel takes 0.3 us a flow, however many it is
	 * asked for at once; of that 3 to 7 ms a step. dpdk 14 ms for a million, 0.3 ms a step.
	 */
	int (*memory_walk)(struct fast_path_walk *walk,
			   void (*each)(void *ctx, uint32_t worker,
					const struct memory_entry *entry),
			   void *ctx);

	/* The clock of memory.seen_state, now: seconds. */
	uint32_t (*memory_now_s)(void);

	/*
	 * Between start() and the first publish(), after an adoption: what was adopted counts no
	 * more. The arena is blank, no flow is remembered. NULL: packets go on by it meanwhile, so
	 * it can't be given up (xdp).
	 */
	void (*start_over)(void);

	/*
	 * Ends. xdp: with `detach` the program and all that is pinned goes, else packets go on
	 * being forwarded by the last generation. dpdk: the ports are given back either way; without `detach` a later process finds the
	 * tables and the remembered flows in memory_dir.
	 */
	void (*stop)(bool detach);

	/*
	 * Instead of start(): removes what a process that has ended left for the next one. xdp: the
	 * program on the ports' interfaces and all that is pinned, so that packets are forwarded no
	 * more; dpdk: the tables and the remembered flows in memory_dir. 0, also where there is
	 * nothing; -EBUSY: a process still has it; else what the kernel says; `error` says it for
	 * people. Milliseconds.
	 */
	int (*forget)(const struct fast_path_config *, char error[FAST_PATH_ERROR_MAX]);

	/*
	 * A port's device may have gone, come, or be another one of the same name: the path takes
	 * up what there is now, and logs what it did. A device is gone only where the kernel says
	 * so: as long as it can't be asked, all stays. 0; or -errno: something could not be done,
	 * the rest was. xdp: attaches the program to an
	 * interface that has come. dpdk: nothing, its devices are not the kernel's and its TAPs are
	 * its own. Called when the kernel tells of a change, and about once a second. Milliseconds.
	 */
	int (*ports_changed)(void);

	/*
	 * What is remembered of the flow with that hash, by `worker` or where its packets look beside
	 * (dpdk: workers that fragments come to), or with FAST_PATH_ANY_WORKER by the first that has it. Changes nothing, nor is it counted, nor is the flow kept longer
	 * for it. 0; -ENOENT: nothing; what the kernel says (xdp). Microseconds.
	 */
	int (*memory_find)(uint64_t hash, uint32_t worker, struct memory *memory);

	/*
	 * Which worker gets such a packet when it comes by port `port`: its index, or -ENOENT: that
	 * can't be told beforehand. Either way `how` is a line for people.
	 */
	int (*worker_find)(uint32_t port, const struct packet *packet, char how[FAST_PATH_HOW_MAX]);

	/*
	 * From now on frames that the filter lets through are copied beside the path, where there
	 * is room; forwarding doesn't wait for that. One capture at a time: -EBUSY. -ENOMEM, or what
	 * the kernel says (xdp).
	 */
	int (*capture_start)(const struct fast_path_capture *filter);

	/*
	 * Hands out what has been copied since, the frames of a worker in order; `bytes` lives
	 * within `each` only. *missed: packets, or frames of them, since the start that found no
	 * room. Ends by itself, so that more may be there at once. -errno.
	 */
	int (*capture_read)(void (*each)(void *ctx, const struct fast_path_captured *frame),
			    void *ctx, uint64_t *missed);

	/* What has not been read is gone. Without a capture, nothing. */
	void (*capture_stop)(void);
};

#endif
