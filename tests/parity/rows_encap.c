/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: each encapsulation, outer family and tag on the way out, with each kind of inner packet;
 * and packets about as big as their way's MTU.
 */
#include "fixture.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

/* The order of fixture.c's services from FIXTURE_WAYS_FIRST on. */
static const struct {
	const char *name;
	uint16_t outer_bytes;
} ways[FIXTURE_WAYS] = {
	{"ipip over v4", 20},        {"ipip over v4, tagged", 20}, {"gue over v4", 28},
	{"gue over v4, tagged", 28}, {"gue0 over v4", 32},         {"gue0 over v4, tagged", 32},
	{"ipip over v6", 40},        {"ipip over v6, tagged", 40}, {"gue over v6", 48},
	{"gue over v6, tagged", 48}, {"gue0 over v6", 52},         {"gue0 over v6, tagged", 52},
};

/* Kept until the process ends: the rows point to them. */
static const char *way_vip(unsigned int way, bool v6)
{
	static char vips[2][FIXTURE_WAYS][40];
	char *text = vips[v6][way];

	if (v6)
		snprintf(text, sizeof(vips[0][0]), WAYS6, FIXTURE_WAYS_FIRST + way);
	else
		snprintf(text, sizeof(vips[0][0]), WAYS4, FIXTURE_WAYS_FIRST + way);
	return text;
}

/* Likewise: what an ICMP error to `vip` quotes. */
static const struct frame_spec *way_quote(unsigned int way, bool v6)
{
	static struct frame_spec quotes[2][FIXTURE_WAYS];
	struct frame_spec *quote = &quotes[v6][way];

	*quote = (struct frame_spec){.src = way_vip(way, v6),
				     .dst = v6 ? CLIENT6 : CLIENT4,
				     .proto = IP_TCP,
				     .sport = 80,
				     .dport = CLIENT_PORT,
				     .payload_bytes = 51};
	return quote;
}

void rows_append_encap(struct row_list *list)
{
	for (unsigned int i = 0; i < 2 * FIXTURE_WAYS; i++) {
		unsigned int way = i / 2;
		bool v6 = i % 2;
		const char *vip = way_vip(way, v6), *inner = v6 ? "v6" : "v4";
		const char *outer = ways[way].name;
		const struct frame_spec tcp = {TCP(vip, 80), .payload_bytes = 100, .tos = 0xb9};
		const struct frame_spec odd = {TCP(vip, 80), .payload_bytes = 101, .tags = 1};
		const struct frame_spec df = {TCP(vip, 80), .fragment = V4_DF, .id = 0x4242};
		const struct frame_spec pad = {TCP(vip, 80), .pad_to = 103, .tags = 2};
		const struct frame_spec udp = {UDP32(vip, 53)};
		const struct frame_spec udp_none = {UDP32(vip, 53), .no_sum = true};
		const struct frame_spec udp_short = {UDP32(vip, 53),
						     .poke = {{POKE_UDP_BYTES, 30}}};
		const struct frame_spec options = {TCP(vip, 80), .options_bytes = v6 ? 0 : 12,
						   .chain = v6 ? "d" : NULL};
		const struct frame_spec fragment = {UDP32(vip, 53), .chain = v6 ? "f" : NULL,
						    .fragment = V4_MF};
		const struct frame_spec wrong = {TCP(vip, 80),
						 .poke = {{POKE_L4_CHECKSUM, 0x2222}}};
		const struct frame_spec error = {.dst = vip,
						 .proto = v6 ? IP_ICMP6 : IP_ICMP,
						 .type = v6 ? 2 : 3,
						 .code = v6 ? 0 : 4,
						 .rest = 1400,
						 .quote = way_quote(way, v6)};
		const struct {
			const char *name;
			const struct frame_spec *spec;
			enum verdict verdict;
		} kinds[] = {
			{"tcp", &tcp, VERDICT_forward},
			{"tcp, odd, tagged", &odd, VERDICT_forward},
			{"tcp, df, id", &df, VERDICT_forward},
			{"tcp, padded, two tags", &pad, VERDICT_forward},
			{"tcp, options", &options, VERDICT_forward},
			{"tcp, wrong checksum", &wrong, VERDICT_forward},
			{"udp", &udp, VERDICT_forward},
			{"udp without checksum", &udp_none, VERDICT_forward},
			{"udp shorter than its packet", &udp_short, VERDICT_forward},
			{"udp, first fragment", &fragment, VERDICT_forward},
			{"icmp error", &error, VERDICT_icmp_forward},
		};

		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			row_append(list, kinds[k].verdict, kinds[k].spec, "%s in %s: %s", inner,
				   outer, kinds[k].name);
	}
}

/* Each way with a packet that just fits, and with one byte more. */
static void append_fits(struct row_list *list, unsigned int way, bool v6)
{
	uint16_t headers = v6 ? 60 : 40;
	uint16_t most = (uint16_t)(FIXTURE_MTU - ways[way].outer_bytes - headers);
	const char *inner = v6 ? "v6" : "v4";
	struct frame_spec spec = {TCP(way_vip(way, v6), 80), .fragment = V4_DF};

	spec.payload_bytes = most;
	row_append(list, VERDICT_forward, &spec, "%s in %s: as big as fits", inner, ways[way].name);
	spec.payload_bytes++;
	row_append(list, VERDICT_too_big, &spec, "%s in %s: one byte too big", inner,
		   ways[way].name);
	spec.fragment = 0;
	row_append(list, v6 ? VERDICT_too_big : VERDICT_too_big_dropped, &spec,
		   "%s in %s: one byte too big, df clear", inner, ways[way].name);
	spec.payload_bytes = most;
	spec.pad_to = 1600;
	row_append(list, VERDICT_forward, &spec, "%s in %s: padding counts for nothing", inner,
		   ways[way].name);
}

/* clang-format off */
static const struct row rows[] = {
	{"v4 too big, 3000 bytes", VERDICT_too_big,
	 {TCP(WEB4, 80), .payload_bytes = 2960, .fragment = V4_DF}},
	{"v4 too big, one tag", VERDICT_too_big,
	 {TCP(WEB4, 80), .tags = 1, .payload_bytes = 1460, .fragment = V4_DF}},
	{"v4 too big, two tags", VERDICT_too_big,
	 {TCP(WEB4, 80), .tags = 2, .tag_type = 0x88a8, .payload_bytes = 1460, .fragment = V4_DF}},
	{"v4 too big, options", VERDICT_too_big,
	 {TCP(WEB4, 80), .options_bytes = 40, .payload_bytes = 1441, .fragment = V4_DF}},
	{"v4 too big, udp", VERDICT_too_big,
	 {UDP(WEB4, 53), .payload_bytes = 1480, .fragment = V4_DF}},
	{"v4 too big, dscp, id, padded", VERDICT_too_big,
	 {TCP(WEB4, 80), .payload_bytes = 1460, .fragment = V4_DF, .tos = 0xff, .id = 0xffff,
	  .pad_to = 1555}},
	{"v4 too big, reserved flag only", VERDICT_too_big_dropped,
	 {TCP(WEB4, 80), .payload_bytes = 1460, .fragment = 0x8000}},
	{"v4 too big, first fragment", VERDICT_too_big_dropped,
	 {TCP(WEB4, 80), .payload_bytes = 1460, .fragment = V4_MF}},
	{"v4 too big, first fragment with df", VERDICT_too_big,
	 {TCP(WEB4, 80), .payload_bytes = 1460, .fragment = V4_MF | V4_DF}},
	{"v4 too big, nearly all bytes ones", VERDICT_too_big,
	 {TCP(WEB4, 80), .src = "223.255.255.255", .sport = 65535, .payload_bytes = 1460,
	  .fragment = V4_DF}},
	{"v6 too big, 3000 bytes", VERDICT_too_big, {TCP(WEB6, 80), .payload_bytes = 2940}},
	{"v6 too big, one tag", VERDICT_too_big, {TCP(WEB6, 80), .tags = 1, .payload_bytes = 1440}},
	{"v6 too big, two tags", VERDICT_too_big,
	 {TCP(WEB6, 80), .tags = 2, .payload_bytes = 1440}},
	{"v6 too big, chain", VERDICT_too_big,
	 {TCP(WEB6, 80), .chain = "hdr", .payload_bytes = 1440}},
	{"v6 too big, udp, padded", VERDICT_too_big,
	 {UDP(WEB6, 53), .payload_bytes = 1480, .pad_to = 1600}},
	{"icmp4 error too big, df", VERDICT_too_big_dropped,
	 {ERROR4(WEB4, 3, 4), QUOTE(SENT4(WEB4, IP_TCP, 80)), .fragment = V4_DF,
	  .payload_bytes = 1430}},
	{"icmp4 error too big", VERDICT_too_big_dropped,
	 {ERROR4(WEB4, 3, 4), QUOTE(SENT4(WEB4, IP_TCP, 80)), .payload_bytes = 1430}},
	{"icmp6 error too big", VERDICT_too_big_dropped,
	 {ERROR6(WEB6, 2, 0), QUOTE(SENT6(WEB6, IP_TCP, 80)), .payload_bytes = 1430}},
	{"icmp6 error too big, of each kind: unreachable", VERDICT_too_big_dropped,
	 {ERROR6(WEB6, 1, 4), QUOTE(SENT6(WEB6, IP_UDP, 53)), .payload_bytes = 1430}},
	{"icmp6 error too big, of each kind: time exceeded", VERDICT_too_big_dropped,
	 {ERROR6(WEB6, 3, 0), QUOTE(SENT6(WEB6, IP_TCP, 80)), .payload_bytes = 1430}},
	{"icmp6 error too big, of each kind: parameter problem", VERDICT_too_big_dropped,
	 {ERROR6(WEB6, 4, 1), QUOTE(SENT6(WEB6, IP_TCP, 80)), .payload_bytes = 1430}},
	{"icmp6 error too big, of each kind: unknown", VERDICT_too_big_dropped,
	 {ERROR6(WEB6, 127, 0), QUOTE(SENT6(WEB6, IP_TCP, 80)), .payload_bytes = 1430}},
	{"icmp6 error too big, tagged", VERDICT_too_big_dropped,
	 {ERROR6(WEB6, 2, 0), QUOTE(SENT6(WEB6, IP_TCP, 80)), .payload_bytes = 1430, .tags = 1}},
	{"icmp6 error too big, behind options", VERDICT_too_big_dropped,
	 {ERROR6(WEB6, 2, 0), QUOTE(SENT6(WEB6, IP_TCP, 80)), .payload_bytes = 1430, .chain = "hd"}},
	{"icmp6 error too big, behind an atomic fragment header", VERDICT_too_big_dropped,
	 {ERROR6(WEB6, 2, 0), QUOTE(SENT6(WEB6, IP_TCP, 80)), .payload_bytes = 1430, .chain = "a"}},
	{"icmp6 error too big for a path of 1300", VERDICT_too_big_dropped,
	 {ERROR6(NARROW6, 2, 0), QUOTE(SENT6(NARROW6, IP_TCP, 80)), .payload_bytes = 1200}},
	{"v6 too big, first fragment", VERDICT_too_big,
	 {TCP(WEB6, 80), .chain = "f", .payload_bytes = 1440}},
	{"v6 too big, atomic fragment", VERDICT_too_big,
	 {TCP(WEB6, 80), .chain = "a", .payload_bytes = 1440}},
	{"v6 too big, later fragment of an unknown first", VERDICT_fragment,
	 {TCP(WEB6, 80), .chain = "l", .payload_bytes = 1440}},
	{"v4 too big for an mtu of 400", VERDICT_too_big,
	 {TCP(TIGHT4, 80), .fragment = V4_DF, .payload_bytes = 473}},
	{"v4 too big for an mtu of 400, 512 bytes", VERDICT_too_big,
	 {TCP(TIGHT4, 80), .fragment = V4_DF, .payload_bytes = 472}},
	{"v4 too big for an mtu of 400, but too short to quote", VERDICT_too_big_dropped,
	 {TCP(TIGHT4, 80), .fragment = V4_DF, .payload_bytes = 471}},
	{"v4 too big for an mtu of 400, too short, padded", VERDICT_too_big_dropped,
	 {TCP(TIGHT4, 80), .fragment = V4_DF, .payload_bytes = 471, .pad_to = 700}},
	{"v4 fits an mtu of 400", VERDICT_forward,
	 {TCP(TIGHT4, 80), .fragment = V4_DF, .payload_bytes = 340}},
	{"v4 fits a path of 1400", VERDICT_forward,
	 {TCP(NARROW4, 80), .fragment = V4_DF, .payload_bytes = 1340}},
	{"v4 too big for a path of 1400", VERDICT_too_big,
	 {TCP(NARROW4, 80), .fragment = V4_DF, .payload_bytes = 1341}},
	{"v4 too big for a path of 1400, df clear: a router fragments it", VERDICT_forward,
	 {TCP(NARROW4, 80), .payload_bytes = 1440}},
	{"v4 too big for the first link of a path of 1400, df clear", VERDICT_too_big_dropped,
	 {TCP(NARROW4, 80), .payload_bytes = 1441}},
	{"v4 first fragment, too big for a path of 1400", VERDICT_forward,
	 {TCP(NARROW4, 80), .payload_bytes = 1440, .fragment = V4_MF}},
	{"icmp4 error too big for a path of 1400, df clear", VERDICT_icmp_forward,
	 {ERROR4(NARROW4, 3, 4), QUOTE(SENT4(NARROW4, IP_TCP, 80)), .payload_bytes = 1400}},
	{"icmp4 error too big for a path of 1400, df", VERDICT_too_big_dropped,
	 {ERROR4(NARROW4, 3, 4), QUOTE(SENT4(NARROW4, IP_TCP, 80)), .fragment = V4_DF,
	  .payload_bytes = 1400}},
	{"v6 too big for a path of 1300: no less than 1280 is named", VERDICT_too_big,
	 {TCP(NARROW6, 80), .payload_bytes = 1201}},
	{"v6 fits a path of 1300", VERDICT_forward, {TCP(NARROW6, 80), .payload_bytes = 1200}},
	{"v4 no backend, and too big", VERDICT_no_backend,
	 {TCP(EMPTY4, 80), .fragment = V4_DF, .payload_bytes = 1460}},
};
/* clang-format on */

void rows_append_size(struct row_list *list)
{
	ROWS_APPEND(list, rows);
	for (unsigned int way = 0; way < FIXTURE_WAYS; way++) {
		append_fits(list, way, false);
		append_fits(list, way, true);
	}
}
