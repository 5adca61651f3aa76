/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: datagrams, and whether one opens a flow, which a client's first QUIC Initial does (RFC 9000
 * §7.2, §14.1, §17.2; RFC 9369 §3). The samples are the RFCs' own, so are the bytes of L2TP.
 */
#ifndef SLUICE_TESTS_PARITY_ROWS_QUIC_H
#define SLUICE_TESTS_PARITY_ROWS_QUIC_H

#include "frames.h"

struct quic_row {
	const char *name;
	bool opens;
	const char *payload; /* its first bytes, in hex */
	uint16_t payload_bytes;
	uint16_t udp_bytes; /* as the header has it; 0: what is there */
};

#define ID8  "8394c8f03e515708"
#define ID20 "8394c8f03e51570883 94c8f03e515708 83 94c8f0"

/* clang-format off */
static const struct quic_row quic_rows[] = {
	{"v1 client initial (RFC 9001, A.2)", true,
	 "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11", 1200, 0},
	{"v2 client initial (RFC 9369, A.2)", true,
	 "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485", 1200, 0},
	{"v1 server initial (RFC 9001, A.3)", false,
	 "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a", 135, 0},
	{"v1 server initial, of 1200 bytes", false,
	 "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a", 1200, 0},
	{"v1 retry (RFC 9001, A.4)", false,
	 "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f", 36, 0},
	{"chacha20 short header (RFC 9001, A.5)", false, "4cfe4189655e5cd55c41f69080575d7999c25a5bfb",
	 21, 0},
	{"l2tp data, 13 bytes (RFC 2661, 3.1)", false, "c802000c 0001 0000 0000 0000 80", 13, 0},
	{"l2tp control, 1200 bytes", false, "c80204b0 0001 0000 0000 0000 8008 0000 0000 0001", 1200,
	 0},
	{"no payload", false, "", 0, 0},
	{"1200 zeros", false, "00000000000000000000000000000000000000000000", 1200, 0},

	{"1199 bytes", false, "c0 00000001 08" ID8 "00 00", 1199, 0},
	{"1201 bytes", true, "c0 00000001 08" ID8 "00 00", 1201, 0},
	{"1199 bytes of datagram in a longer packet", false, "c0 00000001 08" ID8 "00 00", 1200,
	 1207},
	{"1200 bytes of datagram in a longer packet", true, "c0 00000001 08" ID8 "00 00", 1230,
	 1208},
	{"the header alone", false, "c0 00000001 08" ID8 "00 00", 16, 0},

	{"destination id of 7 bytes", false, "c0 00000001 07" ID8 "00 00", 1200, 0},
	{"destination id of 20 bytes", true, "c0 00000001 14" ID20 "00 00", 1200, 0},
	{"destination id of 21 bytes", false, "c0 00000001 15" ID20 "00 00 00", 1200, 0},
	{"destination id of 255 bytes", false, "c0 00000001 ff" ID20 "00 00 00", 1200, 0},
	{"no destination id", false, "c0 00000001 00 00 00", 1200, 0},
	{"source id of 20 bytes", true, "c0 00000001 08" ID8 "14" ID20 "00", 1200, 0},
	{"source id of 21 bytes", false, "c0 00000001 08" ID8 "15" ID20 "00", 1200, 0},
	{"both ids of 20 bytes", true, "c0 00000001 14" ID20 "14" ID20 "00", 1200, 0},
	{"destination id of 20, source id of 255 bytes", false, "c0 00000001 14" ID20 "ff", 1200,
	 0},

	{"v1 0-rtt", false, "d0 00000001 08" ID8 "00 00", 1200, 0},
	{"v1 handshake", false, "e0 00000001 08" ID8 "00 00", 1200, 0},
	{"v2 retry", false, "c0 6b3343cf 08" ID8 "00 00", 1200, 0},
	{"v2 0-rtt", false, "e0 6b3343cf 08" ID8 "00 00", 1200, 0},
	{"the fixed bit is 0", false, "80 00000001 08" ID8 "00 00", 1200, 0},
	{"a short header", false, "40 00000001 08" ID8 "00 00", 1200, 0},
	{"version negotiation", false, "c0 00000000 08" ID8 "00 00", 1200, 0},
	{"a draft's version", false, "c0 ff00001d 08" ID8 "00 00", 1200, 0},
	{"a reserved version", false, "c0 1a2a3a4a 08" ID8 "00 00", 1200, 0},
	{"version 1 in the wrong order", false, "c0 01000000 08" ID8 "00 00", 1200, 0},
	{"all low bits of the first byte", true, "cf 00000001 08" ID8 "00 00", 1200, 0},
};
/* clang-format on */

enum {
	QUIC_ROWS = sizeof(quic_rows) / sizeof(quic_rows[0]),
};

/* A datagram from `client` to port 443 of `vip`. */
static inline void quic_frame_build(const struct quic_row *row, const char *client, const char *vip,
				    struct frame *frame)
{
	const struct frame_spec spec = {
		.src = client,
		.dst = vip,
		.proto = IP_UDP,
		.dport = 443,
		.payload = row->payload,
		.payload_bytes = row->payload_bytes,
		.poke = {{row->udp_bytes ? POKE_UDP_BYTES : POKE_NONE, row->udp_bytes}},
	};

	frame_build(&spec, frame);
}

#endif
