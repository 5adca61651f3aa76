/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: sources that are no host, and those next to them that are.
 */
#include "fixture.h"
#include "rows.h"

enum {
	HOST = VERDICT_forward,
	NO_HOST = VERDICT_bad_source,
};

static const struct {
	const char *src;
	int verdict;
} sources4[] = {
	{"0.0.0.0", NO_HOST},         {"0.255.255.255", NO_HOST},   {"1.0.0.0", HOST},
	{"3.255.255.255", HOST},      {"4.0.0.1", HOST},            {"10.0.0.1", HOST},
	{"96.0.0.1", HOST},           {"100.64.0.1", HOST},         {"123.255.255.255", HOST},
	{"124.0.0.1", HOST},          {"126.255.255.255", HOST},    {"127.0.0.0", NO_HOST},
	{"127.0.0.1", NO_HOST},       {"127.255.255.255", NO_HOST}, {"128.0.0.1", HOST},
	{"169.254.169.254", HOST},    {"172.16.0.1", HOST},         {"192.168.1.1", HOST},
	{"223.255.255.255", HOST},    {"224.0.0.1", NO_HOST},       {"239.255.255.255", NO_HOST},
	{"240.0.0.1", NO_HOST},       {"254.1.1.1", NO_HOST},       {"255.255.255.254", NO_HOST},
	{"255.255.255.255", NO_HOST}, {WEB4, NO_HOST},              {ALL4, HOST},
};

static const struct {
	const char *src;
	int verdict;
} sources6[] = {
	{"::", NO_HOST},
	{"::1", NO_HOST},
	{"::2", NO_HOST},
	{"::192.0.2.1", NO_HOST},
	{"::ffff:192.0.2.1", NO_HOST},
	{"::ffff:ffff:ffff:ffff", NO_HOST},
	{"0:0:0:1::1", HOST},
	{"64:ff9b::192.0.2.1", HOST},
	{"100::1", HOST},
	{"2001:db8::1", HOST},
	{"2002:c000:201::1", HOST},
	{"fc00::1", HOST},
	{"fe80::1", HOST},
	{"feff::1", HOST},
	{"ff00::", NO_HOST},
	{"ff02::1", NO_HOST},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NO_HOST},
	{WEB6, NO_HOST},
	{ALL6, HOST},
	/* One half is the vip's. */
	{"2001:db8:e::1", HOST},
	{"2001:db8:f::ffff", HOST},
};

/* clang-format off */
static const struct row rows[] = {
	{"v4 echo from 127.0.0.1", VERDICT_bad_source, {ECHO4(WEB4), .src = "127.0.0.1"}},
	{"v4 echo from the vip", VERDICT_bad_source, {ECHO4(WEB4), .src = WEB4}},
	{"v4 echo from broadcast, tagged", VERDICT_bad_source,
	 {ECHO4(WEB4), .src = "255.255.255.255", .tags = 1}},
	{"v4 tcp from multicast, two tags", VERDICT_bad_source,
	 {TCP(WEB4, 80), .src = "224.0.0.5", .tags = 2}},
	{"v4 tcp from 0.0.0.0 with ip options", VERDICT_bad_source,
	 {TCP(WEB4, 80), .src = "0.0.0.0", .options_bytes = 8}},
	{"v4 udp from 127.0.0.53", VERDICT_bad_source, {UDP32(WEB4, 53), .src = "127.0.0.53"}},
	{"v4 icmp error from 127.0.0.1", VERDICT_bad_source,
	 {.src = "127.0.0.1", .dst = WEB4, .proto = IP_ICMP, .type = 3, .code = 3,
	  QUOTE(SENT4(WEB4, IP_TCP, 80))}},
	{"v4 icmp error from the vip", VERDICT_bad_source,
	 {.src = WEB4, .dst = WEB4, .proto = IP_ICMP, .type = 3, .code = 4,
	  QUOTE(SENT4(WEB4, IP_TCP, 80))}},
	{"v4 first fragment from 240.0.0.1", VERDICT_bad_source,
	 {TCP(WEB4, 80), .src = "240.0.0.1", .fragment = V4_MF}},
	{"v4 last fragment from 240.0.0.1", VERDICT_bad_source,
	 {TCP(WEB4, 80), .src = "240.0.0.1", .fragment = 100}},
	{"v4 gre from 127.0.0.1", VERDICT_bad_source,
	 {.src = "127.0.0.1", .dst = WEB4, .proto = 47, .payload_bytes = 8}},
	{"v4 another port from 127.0.0.1", VERDICT_bad_source,
	 {TCP(WEB4, 81), .src = "127.0.0.1"}},
	{"v4 broken tcp from 127.0.0.1", VERDICT_bad_source,
	 {TCP(WEB4, 80), .src = "127.0.0.1", .poke = {{POKE_TCP_OFFSET, 0x40}}}},
	{"v4 too big from 127.0.0.1", VERDICT_bad_source,
	 {TCP(TIGHT4, 80), .src = "127.0.0.1", .fragment = V4_DF, .payload_bytes = 1000}},
	{"v4 too big from the vip", VERDICT_bad_source,
	 {TCP(TIGHT4, 80), .src = TIGHT4, .fragment = V4_DF, .payload_bytes = 1000}},
	{"v4 from 0.0.0.0 to no vip, as dhcp", VERDICT_no_service,
	 {UDP32("255.255.255.255", 67), .src = "0.0.0.0"}},
	{"v4 from 127.0.0.1 to no vip", VERDICT_no_service,
	 {TCP(OTHER4, 80), .src = "127.0.0.1"}},
	{"v4 from no vip to itself", VERDICT_no_service, {TCP(OTHER4, 80), .src = OTHER4}},

	{"v6 echo from ::1", VERDICT_bad_source, {ECHO6(WEB6), .src = "::1"}},
	{"v6 echo from the vip", VERDICT_bad_source, {ECHO6(WEB6), .src = WEB6}},
	{"v6 echo from multicast, tagged", VERDICT_bad_source,
	 {ECHO6(WEB6), .src = "ff02::2", .tags = 1}},
	{"v6 tcp from ::, destination options", VERDICT_bad_source,
	 {TCP(WEB6, 80), .src = "::", .chain = "d"}},
	{"v6 udp from a mapped address, two tags", VERDICT_bad_source,
	 {UDP32(WEB6, 53), .src = "::ffff:192.0.2.1", .tags = 2}},
	{"v6 icmp error from ::1", VERDICT_bad_source,
	 {.src = "::1", .dst = WEB6, .proto = IP_ICMP6, .type = 1, QUOTE(SENT6(WEB6, IP_TCP, 80))}},
	{"v6 icmp error from the vip", VERDICT_bad_source,
	 {.src = WEB6, .dst = WEB6, .proto = IP_ICMP6, .type = 2,
	  QUOTE(SENT6(WEB6, IP_TCP, 80))}},
	{"v6 first fragment from ff05::1", VERDICT_bad_source,
	 {TCP(WEB6, 80), .src = "ff05::1", .chain = "f"}},
	{"v6 later fragment from ff05::1", VERDICT_bad_source,
	 {TCP(WEB6, 80), .src = "ff05::1", .chain = "l"}},
	{"v6 broken chain from ::1", VERDICT_bad_source,
	 {TCP(WEB6, 80), .src = "::1", .chain = "dh"}},
	{"v6 esp from ::1", VERDICT_bad_source,
	 {.src = "::1", .dst = WEB6, .proto = 50, .payload_bytes = 8}},
	{"v6 neighbour solicitation from ::", VERDICT_no_service,
	 {ICMP6("ff02::1:ff00:1", 135), .src = "::", .payload_bytes = 16}},
	{"v6 from ::1 to no vip", VERDICT_no_service, {TCP(OTHER6, 80), .src = "::1"}},
};
/* clang-format on */

void rows_append_address(struct row_list *list)
{
	for (size_t i = 0; i < sizeof(sources4) / sizeof(sources4[0]); i++) {
		const struct frame_spec spec = {TCP(WEB4, 80), .src = sources4[i].src};

		row_append(list, (enum verdict)sources4[i].verdict, &spec, "v4 from %s",
			   sources4[i].src);
	}
	for (size_t i = 0; i < sizeof(sources6) / sizeof(sources6[0]); i++) {
		const struct frame_spec spec = {TCP(WEB6, 80), .src = sources6[i].src};

		row_append(list, (enum verdict)sources6[i].verdict, &spec, "v6 from %s",
			   sources6[i].src);
	}
	ROWS_APPEND(list, rows);
}
