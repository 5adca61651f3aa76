/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What decap.bpf.c shares with those who load it and read its counters (decap_main.c, the tests).
 */
#ifndef SLUICE_DECAP_H
#define SLUICE_DECAP_H

#include "sluice/types.h"

/* How a loaded program is recognised: bpf_prog_info.name, at most 15 characters. */
#define DECAP_PROGRAM_NAME  "sluice_decap"
#define DECAP_COUNTERS_NAME "decap_counters"

enum {
	DECAP_GUE_PORT = 6080, /* IANA's for GUE */
};

/* Read-only data of the program: set between open and load. */
struct decap_config {
	be16 gue_port; /* UDP destination port that carries GUE */
	bool frags;    /* the kernel has frames of several buffers (5.18) and tells their length */
};

/*
 * What happens to a packet: each ends in exactly one. X(name, action, what it means); the action
 * is XDP's. PASS without "decapsulated" in the name leaves the packet as it was.
 */
#define DECAP_VERDICTS(X)                                                                         \
	X(decapsulated, PASS, "outer headers taken off, the inner packet given to the stack")     \
	X(decapsulated_ecn, PASS, "the same, with the outer ECN mark carried inward")             \
	X(not_tunnel, PASS, "neither IPIP nor GUE")                                               \
	X(short_frame, PASS, "ends within its Ethernet header or VLAN tag")                       \
	X(bad_outer, PASS, "an outer IP header that is cut or lies about its length")             \
	X(outer_fragment, PASS, "a fragment of an outer packet: the stack may reassemble it")     \
	X(split_headers, PASS, "headers that go on in the frame's second buffer")                 \
	X(gue_control, PASS, "a GUE control message")                                             \
	X(gue_unknown, PASS, "GUE of variant 2 or 3, or with flags or a protocol not known here") \
	X(bad_udp, DROP, "to the GUE port, with a UDP length that cannot be")                     \
	X(bad_gue, DROP, "a GUE header that is cut or longer than its packet")                    \
	X(bad_inner, DROP,                                                                        \
	  "an inner IP header that is cut, of the wrong version, or lies about "                  \
	  "its length")                                                                           \
	X(ecn_not_capable, DROP,                                                                  \
	  "marked as congested on its way, and the inner packet can't say "                       \
	  "so (RFC 6040)")                                                                        \
	X(no_room, DROP, "the kernel refused to move the packet's head")

enum decap_verdict {
#define X(name, action, text) DECAP_##name,
	DECAP_VERDICTS(X)
#undef X
		DECAP_VERDICT_COUNT
};

#endif
