/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: sound IPv6 packets with TCP and UDP, each extension header and chains of them, fragments.
 */
#include "fixture.h"
#include "rows.h"

/* clang-format off */
static const struct row rows[] = {
	{"v6 tcp syn", VERDICT_forward, {TCP(WEB6, 80), .flags = 0x02, .tcp_options_bytes = 20}},
	{"v6 tcp fin ack", VERDICT_forward, {TCP(WEB6, 80), .flags = 0x11}},
	{"v6 tcp rst", VERDICT_forward, {TCP(WEB6, 80), .flags = 0x04}},
	{"v6 tcp 40 bytes of options", VERDICT_forward, {TCP(WEB6, 80), .tcp_options_bytes = 40}},
	{"v6 tcp odd payload", VERDICT_forward, {TCP(WEB6, 80), .payload_bytes = 333}},
	{"v6 tcp wrong checksum", VERDICT_forward,
	 {TCP(WEB6, 80), .poke = {{POKE_L4_CHECKSUM, 0x1234}}}},
	{"v6 udp", VERDICT_forward, {UDP32(WEB6, 53)}},
	{"v6 udp without checksum", VERDICT_forward, {UDP32(WEB6, 53), .no_sum = true}},
	{"v6 udp odd payload", VERDICT_forward, {UDP(WEB6, 53), .payload_bytes = 333}},
	{"v6 udp of no payload", VERDICT_forward, {UDP(WEB6, 53), .payload_bytes = 0}},
	{"v6 udp shorter than its packet", VERDICT_forward,
	 {UDP32(WEB6, 53), .poke = {{POKE_UDP_BYTES, 20}}}},
	{"v6 udp wrong checksum", VERDICT_forward,
	 {UDP32(WEB6, 53), .poke = {{POKE_L4_CHECKSUM, 0x4321}}}},
	{"v6 hop limit 1", VERDICT_forward, {TCP(WEB6, 80), .ttl = 1}},
	{"v6 hop limit 255", VERDICT_forward, {TCP(WEB6, 80), .ttl = 255}},
	{"v6 ect(0)", VERDICT_forward, {TCP(WEB6, 80), .tos = 0x02}},
	{"v6 congestion experienced", VERDICT_forward, {TCP(WEB6, 80), .tos = 0x03}},
	{"v6 expedited forwarding", VERDICT_forward, {TCP(WEB6, 80), .tos = 0xb8}},
	{"v6 dscp and ecn all ones", VERDICT_forward, {TCP(WEB6, 80), .tos = 0xff}},

	{"v6 hop-by-hop, tcp", VERDICT_forward, {TCP(WEB6, 80), .chain = "h"}},
	{"v6 hop-by-hop of 16 bytes, tcp", VERDICT_forward, {TCP(WEB6, 80), .chain = "H"}},
	{"v6 hop-by-hop, udp", VERDICT_forward, {UDP32(WEB6, 53), .chain = "h"}},
	{"v6 destination options, tcp", VERDICT_forward, {TCP(WEB6, 80), .chain = "d"}},
	{"v6 destination options of 24 bytes, tcp", VERDICT_forward, {TCP(WEB6, 80), .chain = "D"}},
	{"v6 destination options of 1032 bytes, tcp", VERDICT_forward,
	 {TCP(WEB6, 80), .chain = "O"}},
	{"v6 routing header, tcp", VERDICT_forward, {TCP(WEB6, 80), .chain = "r"}},
	{"v6 authentication header, tcp", VERDICT_forward, {TCP(WEB6, 80), .chain = "u"}},
	{"v6 shortest authentication header, tcp", VERDICT_forward, {TCP(WEB6, 80), .chain = "U"}},
	{"v6 atomic fragment, tcp", VERDICT_forward, {TCP(WEB6, 80), .chain = "a"}},
	{"v6 atomic fragment, udp", VERDICT_forward, {UDP32(WEB6, 53), .chain = "a"}},
	{"v6 atomic fragment, reserved bits set", VERDICT_forward, {TCP(WEB6, 80), .chain = "A"}},
	{"v6 first fragment, tcp", VERDICT_forward,
	 {TCP(WEB6, 80), .chain = "f", .payload_bytes = 100}},
	{"v6 first fragment, udp", VERDICT_forward,
	 {UDP32(WEB6, 53), .chain = "f", .poke = {{POKE_UDP_BYTES, 4000}}}},
	{"v6 first fragment, other port", VERDICT_unserved, {TCP(WEB6, 81), .chain = "f"}},
	{"v6 first fragment with 3 bytes, tcp", VERDICT_bad_tcp,
	 {TCP(WEB6, 80), .chain = "f", .poke = {{POKE_IP_BYTES, 11}}}},
	{"v6 first fragment with 4 bytes, tcp", VERDICT_forward,
	 {TCP(WEB6, 80), .chain = "f", .poke = {{POKE_IP_BYTES, 12}}}},
	{"v6 first fragment with 3 bytes, udp", VERDICT_bad_udp,
	 {UDP32(WEB6, 53), .chain = "f", .poke = {{POKE_IP_BYTES, 11}}}},
	{"v6 later fragment, tcp", VERDICT_fragment,
	 {TCP(WEB6, 80), .chain = "l", .payload_bytes = 100}},
	{"v6 later fragment, udp", VERDICT_fragment, {UDP32(WEB6, 53), .chain = "l"}},
	{"v6 later fragment of no byte", VERDICT_fragment,
	 {.dst = WEB6, .proto = 6, .chain = "l", .poke = {{POKE_IP_BYTES, 8}}}},
	{"v6 later fragment with more to come", VERDICT_fragment,
	 {TCP(WEB6, 80), .chain = "f", .poke = {{POKE_CHAIN_FRAGMENT, 0x0009}}}},
	{"v6 later fragment, greatest offset", VERDICT_fragment,
	 {TCP(WEB6, 80), .chain = "f", .poke = {{POKE_CHAIN_FRAGMENT, 0xfff8}}}},
	{"v6 later fragment of an icmp error", VERDICT_fragment,
	 {.dst = WEB6, .proto = IP_ICMP6, .type = 1, .chain = "l"}},
	{"v6 later fragment of gre", VERDICT_no_service,
	 {.dst = WEB6, .proto = 47, .chain = "l", .payload_bytes = 8}},
	{"v6 later fragment of esp", VERDICT_no_service,
	 {.dst = WEB6, .proto = 50, .chain = "l", .payload_bytes = 8}},
	{"v6 later fragment of sctp, behind hop-by-hop", VERDICT_no_service,
	 {.dst = WEB6, .proto = 132, .chain = "hl", .payload_bytes = 8}},
	{"v6 later fragment of who knows what behind options", VERDICT_fragment,
	 {.dst = WEB6, .proto = 47, .chain = "ld", .payload_bytes = 8}},
	{"v6 later fragment to no vip", VERDICT_no_service, {TCP(OTHER6, 80), .chain = "l"}},
	{"v6 later fragment behind hop-by-hop", VERDICT_fragment, {TCP(WEB6, 80), .chain = "hl"}},
	{"v6 later fragment, then what looks like a chain", VERDICT_fragment,
	 {TCP(WEB6, 80), .chain = "ld"}},
	{"v6 first fragment, then destination options", VERDICT_forward,
	 {TCP(WEB6, 80), .chain = "fd"}},
	{"v6 hop-by-hop, destination options", VERDICT_forward, {TCP(WEB6, 80), .chain = "hd"}},
	{"v6 all kinds in the RFC's order", VERDICT_forward, {TCP(WEB6, 80), .chain = "hdraud"}},
	{"v6 all kinds in the RFC's order, udp", VERDICT_forward,
	 {UDP32(WEB6, 53), .chain = "HDraUd"}},
	{"v6 eight headers", VERDICT_forward, {TCP(WEB6, 80), .chain = "hddddddd"}},
	{"v6 eight headers, udp without checksum", VERDICT_forward,
	 {UDP32(WEB6, 53), .no_sum = true, .chain = "dddddddd"}},
	{"v6 eight headers of 16 to 24 bytes, tagged", VERDICT_forward,
	 {TCP(WEB6, 80), .tags = 2, .chain = "HDDDDDDD"}},
	{"v6 destination options, esp", VERDICT_no_service,
	 {.dst = WEB6, .proto = 50, .chain = "d", .payload_bytes = 40}},
	{"v6 destination options, no next header", VERDICT_no_service,
	 {.dst = WEB6, .proto = 59, .chain = "d"}},
	{"v6 first fragment of an unknown protocol", VERDICT_no_service,
	 {.dst = WEB6, .proto = 47, .chain = "f", .payload_bytes = 8}},
};
/* clang-format on */

void rows_append_v6(struct row_list *list)
{
	ROWS_APPEND(list, rows);
	for (uint16_t i = 0; i < 16; i++) {
		const struct frame_spec spec = {TCP(SPREAD6, 80), .sport = (uint16_t)(50000 + i),
						.payload_bytes = i};

		row_append(list, VERDICT_forward, &spec, "v6 spread, source port %u", 50000 + i);
	}
}
