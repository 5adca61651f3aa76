/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * Lowers the maximum segment size that a SYN names (RFC 9293 §3.7.1), for services with
 * SERVICE_CLAMPS. Called for few packets: those with PACKET_OPENS of TCP. A SYN without the option
 * stands for 536 or 1,220 bytes and stays as it is, and so does one whose options are odd: cut, of a
 * length that can't be, or with the size twice.
 */
#ifndef SLUICE_MSS_H
#define SLUICE_MSS_H

#include "sluice/checksum.h"
#include "sluice/packet.h"

enum {
	/* A TCP header is 60 bytes at most; a power of two, so that one AND bounds an index. */
	MSS_HEADER_BYTES = 64,
	/* Of a SYN that names none: RFC 9293 §3.7.1. */
	MSS_DEFAULT_V4 = 536,
	MSS_DEFAULT_V6 = 1220,
	MSS_OPTIONS_MAX = 40, /* of one byte each */
	MSS_OPTION_BYTES = 4,
	MSS_L4_MAX = 1023, /* where the header may begin at most */
};

enum tcp_option {
	TCP_OPTION_END = 0,
	TCP_OPTION_NONE = 1,
	TCP_OPTION_MSS = 2,
};

/* A TCP header; what is behind its options is 0. */
struct mss_header {
	uint8_t bytes[MSS_HEADER_BYTES];
};

/* How far a walk over the options is: a word, so that a function of the BPF program takes and gives it. */
enum mss_walk {
	MSS_AT = 0xff,       /* of the next option */
	MSS_FOUND_SHIFT = 8, /* where the size stands, 8 bits; 0: not found yet */
	MSS_END = 1 << 16,   /* the walk is over */
	MSS_ODD = 1 << 17,   /* and the options are odd */
};

/* The walk behind one more option. */
SLUICE_INLINE uint32_t mss_step(const struct mss_header *header, uint32_t header_bytes,
				uint32_t walk)
{
	const uint32_t at = walk & (MSS_HEADER_BYTES - 1);
	const uint32_t found = walk >> MSS_FOUND_SHIFT & MSS_AT;
	const uint8_t kind = header->bytes[at];
	const uint8_t bytes = header->bytes[cursor_bound(at + 1, MSS_HEADER_BYTES - 1)];

	if (at >= header_bytes || kind == TCP_OPTION_END)
		return walk | MSS_END;
	if (kind == TCP_OPTION_NONE)
		return walk + 1;
	if (bytes < 2 || at + bytes > header_bytes)
		return walk | MSS_END | MSS_ODD;
	if (kind != TCP_OPTION_MSS)
		return walk + bytes;
	if (found || bytes != MSS_OPTION_BYTES)
		return walk | MSS_END | MSS_ODD;
	return (walk + bytes) | (at + 2) << MSS_FOUND_SHIFT;
}

#ifdef __bpf__
/* mss_step() in a function of its own, which the verifier looks at once: ebpf/refusals.bpf.h. */
uint32_t mss_step_apart(const struct mss_header *header, uint32_t header_bytes, uint32_t walk);
#else
SLUICE_INLINE uint32_t mss_step_apart(const struct mss_header *header, uint32_t header_bytes,
				      uint32_t walk)
{
	return mss_step(header, header_bytes, walk);
}
#endif

/* Where in a header the size stands; 0: there is no option, or the options are odd. */
SLUICE_INLINE uint32_t mss_find(const struct mss_header *header, uint32_t header_bytes)
{
	uint32_t walk = sizeof(struct tcp_header);

	for (int i = 0; i <= MSS_OPTIONS_MAX && !(walk & MSS_END); i++)
		walk = mss_step_apart(header, header_bytes, walk);
	return walk & MSS_ODD ? 0 : walk >> MSS_FOUND_SHIFT & MSS_AT;
}

/*
 * A change of 16 bits at an odd place is one of two words; in the sum they weigh as much as the same
 * bytes swapped (RFC 1071 §2 B).
 */
SLUICE_INLINE uint16_t mss_sum_word(be16 size, uint32_t at)
{
	return at & 1 ? __builtin_bswap16(size) : size;
}

/*
 * `c` stands at the first byte of a frame whose TCP header is at `l4_offset`; `mss` in host order, 0:
 * nothing is done. What is out of reach stays as it is.
 */
SLUICE_INLINE void mss_clamp(struct cursor c, uint32_t l4_offset, uint16_t mss)
{
	struct mss_header header = {{0}};
	struct tcp_header *tcp;
	struct cursor l4;
	uint32_t header_bytes, at;
	uint8_t *place;
	be16 size;

	if (mss == 0 || l4_offset > MSS_L4_MAX ||
	    !cursor_take(&c, cursor_bound(l4_offset, MSS_L4_MAX)))
		return;
	l4 = c;
	tcp = cursor_take(&l4, sizeof(*tcp));
	if (!tcp)
		return;
	header_bytes = tcp->data_offset >> 2 & 0x3cU;
	for (uint32_t i = sizeof(*tcp); i < 60; i += 4) {
		const uint8_t *word;

		if (i >= header_bytes)
			break;
		word = cursor_take(&l4, 4);
		if (!word)
			return;
		wire_store32(&header.bytes[i], wire_load32(word));
	}
	at = mss_find(&header, header_bytes);
	if (at == 0 || !cursor_take(&c, cursor_bound(at, MSS_HEADER_BYTES - 1)))
		return;
	place = cursor_take(&c, sizeof(size));
	if (!place)
		return;
	size = (be16)(place[0] | place[1] << 8);
	if (be16_to(size) <= mss)
		return;
	tcp->checksum = checksum_update(tcp->checksum, mss_sum_word(size, at),
					mss_sum_word(be16_from(mss), at));
	wire_store16(place, be16_from(mss));
}

#endif
