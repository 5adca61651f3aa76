/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: sound IPv4 packets with TCP and UDP, and fragments. Generated: each header length.
 */
#include "fixture.h"
#include "rows.h"

/* clang-format off */
static const struct row rows[] = {
	{"v4 tcp syn", VERDICT_forward, {TCP(WEB4, 80), .flags = 0x02, .tcp_options_bytes = 20}},
	{"v4 tcp syn ece cwr", VERDICT_forward, {TCP(WEB4, 80), .flags = 0xc2}},
	{"v4 tcp syn with data (fast open)", VERDICT_forward,
	 {TCP(WEB4, 80), .flags = 0x02, .payload_bytes = 200}},
	{"v4 tcp syn ack", VERDICT_forward, {TCP(WEB4, 80), .flags = 0x12}},
	{"v4 tcp fin ack", VERDICT_forward, {TCP(WEB4, 80), .flags = 0x11}},
	{"v4 tcp rst", VERDICT_forward, {TCP(WEB4, 80), .flags = 0x04}},
	{"v4 tcp all flags", VERDICT_forward, {TCP(WEB4, 80), .flags = 0xff}},
	{"v4 tcp timestamps", VERDICT_forward,
	 {TCP(WEB4, 80), .tcp_options_bytes = 12, .payload_bytes = 100}},
	{"v4 tcp 40 bytes of options", VERDICT_forward, {TCP(WEB4, 80), .tcp_options_bytes = 40}},
	{"v4 tcp and ip options", VERDICT_forward,
	 {TCP(WEB4, 80), .options_bytes = 40, .tcp_options_bytes = 40}},
	{"v4 tcp odd payload", VERDICT_forward, {TCP(WEB4, 80), .payload_bytes = 333}},
	{"v4 tcp wrong checksum", VERDICT_forward,
	 {TCP(WEB4, 80), .payload_bytes = 9, .poke = {{POKE_L4_CHECKSUM, 0x1234}}}},
	{"v4 wrong ip checksum", VERDICT_forward,
	 {TCP(WEB4, 80), .poke = {{POKE_IP_CHECKSUM, 0x1234}}}},
	{"v4 tcp source port 1", VERDICT_forward, {TCP(WEB4, 80), .sport = 1}},
	{"v4 tcp source port 65535", VERDICT_forward, {TCP(WEB4, 80), .sport = 65535}},

	{"v4 udp", VERDICT_forward, {UDP32(WEB4, 53)}},
	{"v4 udp without checksum", VERDICT_forward, {UDP32(WEB4, 53), .no_sum = true}},
	{"v4 udp checksum all ones", VERDICT_forward,
	 {UDP32(WEB4, 53), .poke = {{POKE_L4_CHECKSUM, 0xffff}}}},
	{"v4 udp odd payload", VERDICT_forward, {UDP(WEB4, 53), .payload_bytes = 333}},
	{"v4 udp of no payload", VERDICT_forward, {UDP(WEB4, 53), .payload_bytes = 0}},
	{"v4 udp shorter than its packet", VERDICT_forward,
	 {UDP32(WEB4, 53), .poke = {{POKE_UDP_BYTES, 20}}}},
	{"v4 udp length 8 in a longer packet", VERDICT_forward,
	 {UDP32(WEB4, 53), .poke = {{POKE_UDP_BYTES, 8}}}},
	{"v4 udp quic", VERDICT_forward,
	 {UDP(ALL4, 443), .payload_bytes = 1200, .fragment = V4_DF}},

	{"v4 df", VERDICT_forward, {TCP(WEB4, 80), .fragment = V4_DF}},
	{"v4 df, id", VERDICT_forward, {TCP(WEB4, 80), .fragment = V4_DF, .id = 0xbeef}},
	{"v4 no df, id", VERDICT_forward, {TCP(WEB4, 80), .id = 0x1234}},
	{"v4 id all ones", VERDICT_forward, {TCP(WEB4, 80), .id = 0xffff}},
	{"v4 reserved flag", VERDICT_forward, {TCP(WEB4, 80), .fragment = 0x8000}},
	{"v4 reserved flag, df", VERDICT_forward, {TCP(WEB4, 80), .fragment = 0xc000}},
	{"v4 ttl 1", VERDICT_forward, {TCP(WEB4, 80), .ttl = 1}},
	{"v4 ttl 255", VERDICT_forward, {TCP(WEB4, 80), .ttl = 255}},
	{"v4 ect(0)", VERDICT_forward, {TCP(WEB4, 80), .tos = 0x02}},
	{"v4 ect(1)", VERDICT_forward, {TCP(WEB4, 80), .tos = 0x01}},
	{"v4 congestion experienced", VERDICT_forward, {TCP(WEB4, 80), .tos = 0x03}},
	{"v4 expedited forwarding", VERDICT_forward, {TCP(WEB4, 80), .tos = 0xb8}},
	{"v4 dscp and ecn all ones", VERDICT_forward, {TCP(WEB4, 80), .tos = 0xff}},

	{"v4 first fragment, tcp", VERDICT_forward,
	 {TCP(WEB4, 80), .fragment = V4_MF, .payload_bytes = 100, .id = 7}},
	{"v4 first fragment, udp", VERDICT_forward,
	 {UDP(WEB4, 53), .fragment = V4_MF, .payload_bytes = 100, .id = 7}},
	{"v4 first fragment, udp, its length is the whole's", VERDICT_forward,
	 {UDP32(WEB4, 53), .fragment = V4_MF, .poke = {{POKE_UDP_BYTES, 4000}}}},
	{"v4 first fragment with 4 bytes", VERDICT_forward,
	 {TCP(WEB4, 80), .fragment = V4_MF, .poke = {{POKE_IP_BYTES, 24}}}},
	{"v4 first fragment with 3 bytes, tcp", VERDICT_bad_tcp,
	 {TCP(WEB4, 80), .fragment = V4_MF, .poke = {{POKE_IP_BYTES, 23}}}},
	{"v4 first fragment with 3 bytes, udp", VERDICT_bad_udp,
	 {UDP32(WEB4, 53), .fragment = V4_MF, .poke = {{POKE_IP_BYTES, 23}}}},
	{"v4 first fragment with df", VERDICT_forward, {TCP(WEB4, 80), .fragment = V4_MF | V4_DF}},
	{"v4 first fragment, other port", VERDICT_unserved, {TCP(WEB4, 81), .fragment = V4_MF}},
	{"v4 first fragment to no vip", VERDICT_no_service, {TCP(OTHER4, 80), .fragment = V4_MF}},
	{"v4 first fragment, ip options", VERDICT_forward,
	 {TCP(WEB4, 80), .fragment = V4_MF, .options_bytes = 8}},
	{"v4 middle fragment, tcp", VERDICT_fragment,
	 {TCP(WEB4, 80), .fragment = V4_MF | 100, .payload_bytes = 100}},
	{"v4 last fragment, tcp", VERDICT_fragment,
	 {TCP(WEB4, 80), .fragment = 100, .payload_bytes = 100}},
	{"v4 last fragment, udp", VERDICT_fragment, {UDP32(WEB4, 53), .fragment = 1}},
	{"v4 last fragment, greatest offset", VERDICT_fragment,
	 {UDP32(WEB4, 53), .fragment = 0x1fff}},
	{"v4 last fragment of 1 byte", VERDICT_fragment,
	 {.dst = WEB4, .proto = 6, .fragment = 100, .poke = {{POKE_IP_BYTES, 21}}}},
	{"v4 last fragment of no byte", VERDICT_fragment,
	 {TCP(WEB4, 80), .fragment = 100, .poke = {{POKE_IP_BYTES, 20}}}},
	{"v4 first fragment of gre", VERDICT_no_service,
	 {.dst = WEB4, .proto = 47, .fragment = V4_MF, .payload_bytes = 8}},
	{"v4 last fragment of gre", VERDICT_no_service,
	 {.dst = WEB4, .proto = 47, .fragment = 100, .payload_bytes = 8}},
	{"v4 middle fragment of esp", VERDICT_no_service,
	 {.dst = WEB4, .proto = 50, .fragment = V4_MF | 100, .payload_bytes = 8}},
	{"v4 last fragment of sctp", VERDICT_no_service,
	 {.dst = WEB4, .proto = 132, .fragment = 100, .payload_bytes = 8}},
	{"v4 last fragment of icmp", VERDICT_fragment,
	 {.dst = WEB4, .proto = IP_ICMP, .fragment = 100, .payload_bytes = 8}},
	{"v4 last fragment of icmpv6, which is nothing here", VERDICT_no_service,
	 {.dst = WEB4, .proto = 58, .fragment = 100, .payload_bytes = 8}},
	{"v4 last fragment to no vip", VERDICT_no_service, {TCP(OTHER4, 80), .fragment = 100}},
};
/* clang-format on */

void rows_append_v4(struct row_list *list)
{
	ROWS_APPEND(list, rows);
	for (uint8_t ihl = 5; ihl <= 15; ihl++) {
		const struct frame_spec tcp = {TCP(WEB4, 80),
					       .options_bytes = (uint8_t)(ihl * 4 - 20)};
		const struct frame_spec tagged = {TCP(SPREAD4, 80), .tags = 1,
						  .options_bytes = (uint8_t)(ihl * 4 - 20)};

		row_append(list, VERDICT_forward, &tcp, "v4 header of %u words", ihl);
		row_append(list, VERDICT_forward, &tagged, "v4 header of %u words, tagged", ihl);
	}
	/* Over a service with backends of every kind, to reach each of them. */
	for (uint16_t i = 0; i < 16; i++) {
		const struct frame_spec spec = {TCP(SPREAD4, 80), .sport = (uint16_t)(50000 + i),
						.payload_bytes = i};

		row_append(list, VERDICT_forward, &spec, "v4 spread, source port %u", 50000 + i);
	}
}
