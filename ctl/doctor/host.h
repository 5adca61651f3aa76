/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's own facts, as the doctor asks for them. Tests put a folder in front of /proc and
 * /sys, and their own links. One thread.
 */
#ifndef SLUICE_HOST_H
#define SLUICE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HOST_TEXT_MAX = 256, /* of a file's first line, with its 0 */
};

/* What ethtool and rtnetlink tell of an interface. Each number is -1 where the driver doesn't say. */
struct link_facts {
	char driver[32];
	int rx_queues; /* in use */
	int rx_queues_max;
	int lro;       /* 1: packets are merged before anyone sees them */
	int legacy_rx; /* private flags of that name: 1 on, 0 off */
	int rx_striding_rq;
	int hash_udp_ports[2]; /* 1: UDP over IPv4, IPv6 is spread by ports too */
	int xdp_generic;       /* 1: its XDP program is behind the driver; 0: in it; -1: none */
	int mtu_bytes;
	int rxvlan; /* 1: the hardware takes VLAN tags out of frames; of a bond: a member's does */
	char rxvlan_at[16]; /* whose hardware */
	int gro;            /* 1: its segments are merged before devices above it see them */
	char kind[16];      /* rtnetlink's: "bond", "bridge", "vlan", "macvlan"; "": hardware */
	char master[16];    /* name of the interface that it is a member of; "": none */
	char master_kind[16];
};

struct host {
	const char *root; /* before "/proc" and "/sys"; "" but in tests */
	/* 0, or -errno: -ENODEV: no such interface. */
	int (*link_read)(const char *interface, struct link_facts *facts);
};

extern const struct host host_here;

/* First line of the file at root + path, without its line break. 0, or -errno of open and read. */
int host_text(const struct host *host, char text[HOST_TEXT_MAX], const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, as a number. -EINVAL: it is none. */
int host_number(const struct host *host, long long *number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Last part of where the link at root + path leads: a driver's name. 0, or -errno of readlink. */
int host_link_name(const struct host *host, char name[HOST_TEXT_MAX], const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Version of the kernel, and its text: 6012 is 6.12. -errno: it can't be read. */
int host_kernel(const struct host *host, char text[HOST_TEXT_MAX]);

/* Whether there is anything at root + path. */
bool host_has(const struct host *host, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Whether `index` is in the list of CPUs or nodes in that file: "0-3,8". False also where there is
 * no such file.
 */
bool host_listed(const struct host *host, const char *path, unsigned int index);

#endif
