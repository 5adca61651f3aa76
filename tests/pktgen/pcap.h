/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files: classic pcap (draft-ietf-opsawg-pcap), either byte order, micro- or nanoseconds,
 * Ethernet. Before the run.
 */
#ifndef SLUICE_PKTGEN_PCAP_H
#define SLUICE_PKTGEN_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pcap {
	const uint8_t *bytes; /* the whole file */
	size_t n, at;
	bool swapped; /* it was written on a big-endian machine */
};

/* -errno of opening or reading it; -EINVAL: no pcap file of Ethernet frames. */
int pcap_open(struct pcap *p, const char *path);
void pcap_close(struct pcap *p);

/*
 * The next packet, which lies in the file. Returns 1, 0 at the end of the file, -EINVAL where the
 * file is cut or broken, -EMSGSIZE where the packet was captured in part (tcpdump -s).
 */
int pcap_next(struct pcap *p, const uint8_t **packet, uint32_t *bytes);

#endif
