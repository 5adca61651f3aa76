/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * What can happen to a packet. Each packet ends in exactly one verdict; each verdict is one
 * counter per service and worker, one metric and one row of docs/counters.md, all from this
 * list. There is no "other". New ones go to the end of their group; the numbers are not kept
 * between versions, the names are.
 */
#ifndef SLUICE_VERDICT_H
#define SLUICE_VERDICT_H

#include "sluice/types.h"

/* What the fast path does about it. */
enum action {
	ACTION_FORWARD, /* encapsulate, send to the backend's next hop */
	ACTION_ECHO,    /* turn the frame into an echo reply, send it back */
	ACTION_TOO_BIG, /* answer with ICMP fragmentation needed / packet too big */
	ACTION_REJECT,  /* answer with a TCP reset, or ICMP port unreachable */
	ACTION_PASS,    /* to the kernel, untouched */
	ACTION_DROP,
};

/* X(name, action, what it means) */
#define SLUICE_VERDICTS(X)                                                                     \
	X(forward, FORWARD, "sent to a backend of its service")                                \
	X(icmp_forward, FORWARD, "an ICMP error, sent to the backend of the flow it quotes")   \
	X(echo_reply, ECHO, "an echo request to a vip, answered")                              \
	X(too_big, TOO_BIG, "too big with its outer headers: answered with the path's MTU")    \
	X(unserved_reject, REJECT,                                                             \
	  "to a vip's port that no service has: answered with a TCP reset "                    \
	  "or ICMP port unreachable")                                                          \
	X(no_backend_reject, REJECT,                                                           \
	  "its service has no backend that takes flows: answered with a "                      \
	  "TCP reset or ICMP port unreachable")                                                \
	X(not_ip, PASS,                                                                        \
	  "neither IPv4 nor IPv6 (ARP, LLDP, more than two VLAN tags): the kernel's")          \
	X(no_service, PASS, "for no service: the kernel's")                                    \
	X(unserved, PASS, "to a vip's port that no service has: the kernel's")                 \
	X(other_mac, PASS,                                                                     \
	  "to a vip, but by its MAC to another host, to broadcast or to multicast: "           \
	  "the kernel's")                                                                      \
	X(short_frame, DROP, "ends within its Ethernet header or VLAN tags")                   \
	X(short_ip, DROP, "ends within its fixed IP header")                                   \
	X(bad_ip_version, DROP, "the IP version is not the one that the Ethernet type names")  \
	X(bad_ip_header, DROP, "IPv4 header length below 20 bytes or beyond the packet")       \
	X(bad_ip_length, DROP, "IP length below the header's or beyond the frame's end")       \
	X(bad_extension, DROP, "to a vip, with a broken or overlong chain of IPv6 extensions") \
	X(bad_tcp, DROP, "to a vip, with a TCP header that is cut or lies about its length")   \
	X(bad_udp, DROP, "to a vip, with a UDP header that is cut or lies about its length")   \
	X(bad_icmp, DROP, "to a vip, with an ICMP message that is cut or out of reach")        \
	X(bad_quote, DROP,                                                                     \
	  "an ICMP error to a vip that quotes a TCP or UDP packet that is cut, or not "        \
	  "the vip's")                                                                         \
	X(fragment, DROP,                                                                      \
	  "a fragment to a vip that carries no ports, and none of its datagram "               \
	  "that does came in the last 5 s")                                                    \
	X(no_backend, DROP, "its service has no backend that takes flows")                     \
	X(unserved_drop, DROP,                                                                 \
	  "to a vip's port that no service has: dropped, as configured, or "                   \
	  "since it is nothing to be answered")                                                \
	X(no_next_hop, DROP, "the way to its backend is not resolved")                         \
	X(too_big_dropped, DROP,                                                               \
	  "too big with its outer headers, and its sender forbids no "                         \
	  "fragmenting (DF clear), so that an answer would not be heard")                      \
	X(no_headroom, DROP, "no room in the buffer for the outer headers")                    \
	X(transmit_full, DROP, "the port's transmit queue was full")                           \
	X(kernel_full, DROP, "the queue to the kernel's interface was full")                   \
	X(bad_source, DROP,                                                                    \
	  "to a vip, from an address that is no host's: 127.0.0.0/8, multicast, the "          \
	  "vip itself and the like")                                                           \
	X(error_limited, DROP,                                                                 \
	  "an ICMP error was due about it, but as many as icmp.rate_per_s lets "               \
	  "go had been sent")                                                                  \
	X(reject_limited, DROP,                                                                \
	  "a refusal was due about it, but as many as icmp.rate_per_s lets go "                \
	  "had been sent")                                                                     \
	X(bad_tables, DROP, "the tables led nowhere: a defect, please report it")

enum verdict {
#define X(name, action, text) VERDICT_##name,
	SLUICE_VERDICTS(X)
#undef X
		VERDICT_COUNT
};

SLUICE_INLINE enum action verdict_action(enum verdict verdict)
{
	switch (verdict) {
#define X(name, action, text) \
	case VERDICT_##name:  \
		return ACTION_##action;
		SLUICE_VERDICTS(X)
#undef X
	case VERDICT_COUNT:
		break;
	}
	return ACTION_DROP;
}

#endif
