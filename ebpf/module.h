/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the XDP fast path of this process is made of: module.c's, and its links'. Control thread.
 */
#ifndef SLUICE_EBPF_MODULE_H
#define SLUICE_EBPF_MODULE_H

#include "arena_map.h"
#include "capture.h"
#include "drop_counters.h"
#include "flow_maps.h"
#include "ports.h"
#include "xdp_link.h"

struct module {
	report_log log;
	struct pins pins;
	struct ports ports;
	struct fast_path_config config;          /* what of it the ports need */
	struct fastpath_mac macs[FASTPATH_MACS]; /* that the program has */
	bool macs_told;                          /* that they could not be asked for */
	struct program program;
	struct flow_maps flows;
	struct capture capture;
	struct drop_counters drops;
	struct quiescer quiescer;
	struct xdp_link links[FASTPATH_PORTS];
	struct xdp_link_options options;
	bool adopted;   /* the maps are what was pinned */
	int older_fd;   /* the pinned program, if it is the one to run: the same build as ours */
	bool committed; /* links and pins hold what we have */
};

#endif
