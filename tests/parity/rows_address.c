/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: sources that are no host, and those next to them that are; receivers' MACs.
 */
#include "fixture.h"
#include "rows.h"

#include <string.h>

enum {
	HOST = VERDICT_forward,
	NO_HOST = VERDICT_bad_source,
};

static const struct {
	const char *src;
	int verdict;
} sources4[] = {
	{"0.0.0.0", NO_HOST},
	{"0.255.255.255", NO_HOST},
	{"1.0.0.0", HOST},
	{"3.255.255.255", HOST},
	{"4.0.0.1", HOST},
	{"10.0.0.1", HOST},
	{"96.0.0.1", HOST},
	{"100.64.0.1", HOST},
	{"123.255.255.255", HOST},
	{"124.0.0.1", HOST},
	{"126.255.255.255", HOST},
	{"127.0.0.0", NO_HOST},
	{"127.0.0.1", NO_HOST},
	{"127.255.255.255", NO_HOST},
	{"128.0.0.1", HOST},
	{"169.254.169.254", HOST},
	{"172.16.0.1", HOST},
	{"192.168.1.1", HOST},
	{"223.255.255.255", HOST},
	{"224.0.0.1", NO_HOST},
	{"239.255.255.255", NO_HOST},
	{"240.0.0.1", NO_HOST},
	{"254.1.1.1", NO_HOST},
	{"255.255.255.254", NO_HOST},
	{"255.255.255.255", NO_HOST},
	{WEB4, NO_HOST},
	{ALL4, HOST},
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
/* What an answer or an error is due to, from a host; of both families, without vip and source. */
static const struct {
	const char *name;
	const char *vip4, *vip6;
	struct frame_spec spec;
} due[] = {
	{"too big", WEB4, WEB6, {.proto = IP_TCP, .dport = 80, .fragment = V4_DF, .payload_bytes = 1500}},
	{"unserved tcp", REFUSE4, REFUSE6, {.proto = IP_TCP, .dport = 81, .flags = 2}},
	{"unserved udp", REFUSE4, REFUSE6, {.proto = IP_UDP, .dport = 53, .payload_bytes = 32}},
	{"tcp without a backend", VACANT4, VACANT6, {.proto = IP_TCP, .dport = 80, .flags = 2}},
	{"udp without a backend", VACANT4, VACANT6, {.proto = IP_UDP, .dport = 53, .payload_bytes = 32}},
};

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

static const struct {
	const char *name;
	enum frame_to to;
	bool ours;
} receivers[] = {
	{"another host", TO_OTHER, false},
	{"another host, told by the first byte", TO_OTHER_TOO, false},
	{"broadcast", TO_BROADCAST, false},
	{"multicast", TO_MULTICAST, false},
	{"a virtual MAC", TO_VIRTUAL, true},
};

/* clang-format off */
/*
 * Of each to each: the verdict of a frame that is ours.
 */
static const struct row frames[] = {
	{"v4 syn", VERDICT_forward, {TCP(WEB4, 80), .flags = 2}},
	{"v4 syn, tagged", VERDICT_forward, {TCP(WEB4, 80), .flags = 2, .tags = 1}},
	{"v4 udp", VERDICT_forward, {UDP32(WEB4, 53)}},
	{"v4 options", VERDICT_forward, {TCP(WEB4, 80), .options_bytes = 8}},
	{"v4 echo", VERDICT_echo_reply, {ECHO4(WEB4), .payload_bytes = 56}},
	{"v4 icmp error", VERDICT_icmp_forward, {ERROR4(WEB4, 3, 4), QUOTE(SENT4(WEB4, IP_TCP, 80))}},
	{"v4 first fragment", VERDICT_forward, {TCP(WEB4, 80), .fragment = V4_MF}},
	{"v4 last fragment", VERDICT_fragment, {TCP(WEB4, 80), .fragment = 100}},
	{"v4 too big", VERDICT_too_big,
	 {TCP(TIGHT4, 80), .fragment = V4_DF, .payload_bytes = 1000}},
	{"v4 no backend", VERDICT_no_backend, {TCP(EMPTY4, 80)}},
	{"v4 bad tcp", VERDICT_bad_tcp, {TCP(WEB4, 80), .poke = {{POKE_TCP_OFFSET, 0x40}}}},
	{"v4 bad source", VERDICT_bad_source, {TCP(WEB4, 80), .src = "127.0.0.1"}},
	{"v6 syn", VERDICT_forward, {TCP(WEB6, 80), .flags = 2}},
	{"v6 syn, two tags", VERDICT_forward, {TCP(WEB6, 80), .flags = 2, .tags = 2}},
	{"v6 udp behind options", VERDICT_forward, {UDP32(WEB6, 53), .chain = "d"}},
	{"v6 echo", VERDICT_echo_reply, {ECHO6(WEB6), .payload_bytes = 56}},
	{"v6 icmp error", VERDICT_icmp_forward, {ERROR6(WEB6, 1, 4), QUOTE(SENT6(WEB6, IP_TCP, 80))}},
	{"v6 first fragment", VERDICT_forward, {TCP(WEB6, 80), .chain = "f"}},
	{"v6 later fragment", VERDICT_fragment, {TCP(WEB6, 80), .chain = "l"}},
	{"v6 too big", VERDICT_too_big, {TCP(WEB6, 80), .payload_bytes = 2000}},
	{"v6 broken chain", VERDICT_bad_extension, {TCP(WEB6, 80), .chain = "dh"}},
	{"v4 refused tcp", VERDICT_unserved_reject, {TCP(REFUSE4, 81), .flags = 2}},
	{"v4 refused udp", VERDICT_unserved_reject, {UDP32(REFUSE4, 53)}},
	{"v4 udp without a backend", VERDICT_no_backend_reject, {UDP32(VACANT4, 53)}},
	{"v6 refused tcp", VERDICT_unserved_reject, {TCP(REFUSE6, 81), .flags = 2}},
	{"v6 refused udp", VERDICT_unserved_reject, {UDP32(REFUSE6, 53)}},
	{"v6 udp without a backend", VERDICT_no_backend_reject, {UDP32(VACANT6, 53)}},
};

/* The kernel's to any MAC. */
static const struct row kernels[] = {
	{"arp", VERDICT_not_ip, {.ether_type = 0x0806, .payload_bytes = 28}},
	{"v4 to no vip", VERDICT_no_service, {TCP(OTHER4, 80)}},
	{"v4 echo to no vip", VERDICT_no_service, {ECHO4(OTHER4)}},
	{"v4 gre to a vip", VERDICT_no_service, {.dst = WEB4, .proto = 47, .payload_bytes = 8}},
	{"v6 to no vip", VERDICT_no_service, {TCP(OTHER6, 80)}},
};

/* Dropped only where they are to us. */
static const struct row broken[] = {
	{"v4 ip version 5", VERDICT_bad_ip_version, {TCP(WEB4, 80), .poke = {{POKE_IP_FIRST, 0x55}}}},
	{"v4 ip length", VERDICT_bad_ip_length, {TCP(WEB4, 80), .poke = {{POKE_IP_BYTES, 1000}}}},
	{"v4 cut", VERDICT_short_ip, {TCP(WEB4, 80), .cut = 30}},
	{"v6 cut", VERDICT_short_ip, {TCP(WEB6, 80), .cut = 50}},
};
/* clang-format on */

static void append_to(struct row_list *list, const struct row *table, size_t n, int elsewhere)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof(receivers) / sizeof(receivers[0]); k++) {
			struct frame_spec spec = table[i].spec;
			enum verdict verdict = table[i].verdict;

			spec.to = receivers[k].to;
			if (!receivers[k].ours && elsewhere >= 0)
				verdict = (enum verdict)elsewhere;
			row_append(list, verdict, &spec, "%s to %s", table[i].name,
				   receivers[k].name);
		}
	}
}

/* No answer and no error goes to a source that is no host, whatever it is due for. */
static void append_due(struct row_list *list, const char *src, bool v6)
{
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		struct frame_spec spec = due[i].spec;

		spec.src = src;
		spec.dst = v6 ? due[i].vip6 : due[i].vip4;
		if (v6)
			spec.fragment = 0;
		row_append(list, VERDICT_bad_source, &spec, "%s due: %s from %s", v6 ? "v6" : "v4",
			   due[i].name, src);
	}
}

#define APPEND_TO(list, table, elsewhere) \
	append_to(list, table, sizeof(table) / sizeof((table)[0]), elsewhere)

void rows_append_address(struct row_list *list)
{
	for (size_t i = 0; i < sizeof(sources4) / sizeof(sources4[0]); i++) {
		const struct frame_spec spec = {TCP(WEB4, 80), .src = sources4[i].src};

		row_append(list, (enum verdict)sources4[i].verdict, &spec, "v4 from %s",
			   sources4[i].src);
		if (sources4[i].verdict == NO_HOST && strcmp(sources4[i].src, WEB4) != 0)
			append_due(list, sources4[i].src, false);
	}
	for (size_t i = 0; i < sizeof(sources6) / sizeof(sources6[0]); i++) {
		const struct frame_spec spec = {TCP(WEB6, 80), .src = sources6[i].src};

		row_append(list, (enum verdict)sources6[i].verdict, &spec, "v6 from %s",
			   sources6[i].src);
		if (sources6[i].verdict == NO_HOST && strcmp(sources6[i].src, WEB6) != 0)
			append_due(list, sources6[i].src, true);
	}
	ROWS_APPEND(list, rows);
	APPEND_TO(list, frames, VERDICT_other_mac);
	APPEND_TO(list, kernels, -1);
	APPEND_TO(list, broken, VERDICT_no_service);
}
