/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line says: one table (options.c) is help, parser and defaults. Main thread,
 * before the run; then read by all.
 */
#ifndef SLUICE_PKTGEN_OPTIONS_H
#define SLUICE_PKTGEN_OPTIONS_H

#include "address.h"
#include "neighbour.h"
#include "size.h"
#include "target.h"

#include <stdio.h>

enum {
	OPTIONS_ERROR_MAX = 256,
	OPTIONS_HUGEPAGES_AUTO = 0,
	OPTIONS_HUGEPAGES_ON,
	OPTIONS_HUGEPAGES_OFF,
};

struct options {
	/* the link */
	const char *device;
	uint64_t core, queues, memory_mb, mtu_bytes;
	int hugepages;
	const char *eal_args;
	uint8_t mac[6];
	bool has_mac;
	uint8_t peer_mac[6];
	bool has_peer_mac;
	struct address peers[2]; /* by family */
	bool has_peers[2];
	struct prefix own[NEIGHBOUR_PREFIXES_MAX];
	uint32_t own_n;

	/* the traffic */
	struct targets targets;
	struct prefix clients4, clients6;
	uint64_t flows, flow_packets, new_flows, seed;
	struct sizes sizes;
	bool shuffle;
	const char *pcap;
	bool once, rewrite_macs;

	/* how much, how fast */
	uint64_t rate_pps; /* 0: flat out */
	uint64_t seconds, count, closed, wait_s, timeout_ms;

	/* what is expected, and told */
	bool plain, json, quiet, help;
	uint64_t gue_port;
};

/*
 * Reads the command line. -EINVAL: it is wrong, and why is in `error`; -ENOMEM. The strings stay
 * argv's.
 */
int options_parse(struct options *o, int argc, char **argv, char error[OPTIONS_ERROR_MAX]);

void options_free(struct options *o);

void options_help(FILE *out);

#endif
