/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: what nobody serves, services without a backend, and SYNs whose segment size is lowered.
 */
#include "fixture.h"
#include "rows.h"

enum {
	SYN = 0x02,
	SYN_ACK = 0x12,
	RST = 0x04,
	ACK = 0x10,
	FIN = 0x01,
};

/* Of both families: a vip with 4 or 6 at its end. */
struct both {
	const char *name;
	enum verdict verdict;
	struct frame_spec spec; /* without dst */
};

#define T(port) .proto = IP_TCP, .dport = (port)
#define U(port) .proto = IP_UDP, .dport = (port)

/* clang-format off */
static const struct both refused[] = {
	{"syn", VERDICT_unserved_reject, {T(81), .flags = SYN}},
	{"syn with options", VERDICT_unserved_reject, {T(81), .flags = SYN, .tcp_options_bytes = 20}},
	{"syn with data", VERDICT_unserved_reject, {T(81), .flags = SYN, .payload_bytes = 9}},
	{"syn, padded", VERDICT_unserved_reject, {T(81), .flags = SYN, .pad_to = 100}},
	{"syn, one tag", VERDICT_unserved_reject, {T(81), .flags = SYN, .tags = 1}},
	{"syn, two tags", VERDICT_unserved_reject, {T(81), .flags = SYN, .tags = 2, .tag_type = 0x88a8}},
	{"ack", VERDICT_unserved_reject, {T(81), .flags = ACK}},
	{"ack with data", VERDICT_unserved_reject, {T(81), .payload_bytes = 1000}},
	{"fin without ack", VERDICT_unserved_reject, {T(81), .flags = FIN, .payload_bytes = 3}},
	{"syn and fin", VERDICT_unserved_reject, {T(81), .flags = SYN | FIN}},
	{"syn and ack", VERDICT_unserved_reject, {T(81), .flags = SYN_ACK}},
	{"no flag but urgent", VERDICT_unserved_reject, {T(81), .flags = 0x20, .payload_bytes = 1}},
	{"rst", VERDICT_unserved_drop, {T(81), .flags = RST}},
	{"rst and ack", VERDICT_unserved_drop, {T(81), .flags = RST | ACK}},
	{"wrong checksum", VERDICT_unserved_reject, {T(81), .poke = {{POKE_L4_CHECKSUM, 0x2222}}}},
	{"cut tcp header", VERDICT_bad_tcp, {T(81), .poke = {{POKE_TCP_OFFSET, 0x40}}}},
	{"udp", VERDICT_unserved_reject, {U(53), .payload_bytes = 32}},
	{"udp without data", VERDICT_unserved_reject, {U(53)}},
	{"udp of 1, 2, 3 bytes: 1", VERDICT_unserved_reject, {U(53), .payload_bytes = 1}},
	{"udp of 1, 2, 3 bytes: 2", VERDICT_unserved_reject, {U(53), .payload_bytes = 2}},
	{"udp of 1, 2, 3 bytes: 3", VERDICT_unserved_reject, {U(53), .payload_bytes = 3}},
	{"udp, long", VERDICT_unserved_reject, {U(53), .payload_bytes = 1400}},
	{"udp, padded, tagged", VERDICT_unserved_reject, {U(53), .pad_to = 90, .tags = 1}},
	{"udp, no checksum", VERDICT_unserved_reject, {U(53), .no_sum = true, .payload_bytes = 5}},
	{"the service itself", VERDICT_forward, {T(80), .flags = SYN}},
};

static const struct both vacant[] = {
	{"syn", VERDICT_no_backend_reject, {T(80), .flags = SYN}},
	{"data", VERDICT_no_backend_reject, {T(80), .payload_bytes = 700}},
	{"rst", VERDICT_no_backend, {T(80), .flags = RST}},
	{"udp", VERDICT_no_backend_reject, {U(53), .payload_bytes = 20}},
	{"udp, longer than its quote", VERDICT_no_backend_reject, {U(53), .payload_bytes = 900}},
	{"another port", VERDICT_unserved, {T(81), .flags = SYN}},
};

static const struct both clamped[] = {
	{"no option", VERDICT_forward, {T(80), .flags = SYN}},
	{"1460", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "020405b4"}},
	{"as linux sends it", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 20,
	  .tcp_options = "020405b40402080a 0102030400000000 01030307"}},
	{"1360", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "02040550"}},
	{"1361", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "02040551"}},
	{"536", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "02040218"}},
	{"65535", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "0204ffff"}},
	{"at an odd place", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 8, .tcp_options = "01020405b4010101"}},
	{"last of 40 bytes", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 40,
	  .tcp_options = "0822000000000000 0000000000000000 0000000000000000 0000000000000000 "
			 "0000020423ab0000"}},
	{"behind nothing but no operations", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 40,
	  .tcp_options = "0101010101010101 0101010101010101 0101010101010101 0101010101010101 "
			 "01010101020405b4"}},
	{"behind the end", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 8, .tcp_options = "00000000020405b4"}},
	{"twice", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 8, .tcp_options = "020405b4020405b4"}},
	{"of 3 bytes", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 8, .tcp_options = "020305020405b401"}},
	{"behind a length of 0", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 8, .tcp_options = "0400020405b40101"}},
	{"behind a length of 1", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 8, .tcp_options = "0401020405b40101"}},
	{"before a cut option", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 8, .tcp_options = "020405b4010108"}},
	{"cut", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "01020405"}},
	{"cut behind its kind", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "01010102"}},
	{"1460, data behind", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "020405b4", .payload_bytes = 77}},
	{"1460, tagged, padded", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "020405b4", .tags = 1, .pad_to = 90}},
	{"1460, wrong checksum", VERDICT_forward,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "020405b4",
	  .poke = {{POKE_L4_CHECKSUM, 0x2222}}}},
	{"1460, ece and cwr", VERDICT_forward,
	 {T(80), .flags = 0xc2, .tcp_options_bytes = 4, .tcp_options = "020405b4"}},
	{"1460 of a syn-ack", VERDICT_forward,
	 {T(80), .flags = SYN_ACK, .tcp_options_bytes = 4, .tcp_options = "020405b4"}},
	{"1460 of an ack", VERDICT_forward,
	 {T(80), .flags = ACK, .tcp_options_bytes = 4, .tcp_options = "020405b4"}},
	{"1460, too big", VERDICT_too_big,
	 {T(80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "020405b4",
	  .payload_bytes = 1450, .fragment = V4_DF}},
};

static const struct row rows[] = {
	{"v4 refused: options", VERDICT_unserved_reject,
	 {TCP(REFUSE4, 81), .flags = SYN, .options_bytes = 40}},
	{"v4 refused: options, udp", VERDICT_unserved_reject,
	 {UDP32(REFUSE4, 53), .options_bytes = 40}},
	{"v4 refused: first fragment, tcp", VERDICT_unserved_drop,
	 {TCP(REFUSE4, 81), .fragment = V4_MF}},
	{"v4 refused: first fragment, udp", VERDICT_unserved_reject,
	 {UDP32(REFUSE4, 53), .fragment = V4_MF}},
	{"v4 refused: last fragment", VERDICT_fragment, {UDP32(REFUSE4, 53), .fragment = 100}},
	{"v4 refused: gre", VERDICT_no_service, {.dst = REFUSE4, .proto = 47, .payload_bytes = 40}},
	{"v4 refused: echo", VERDICT_echo_reply, {ECHO4(REFUSE4)}},
	{"v4 refused: echo reply", VERDICT_no_service, {ICMP4(REFUSE4, 0)}},
	{"v4 refused: error", VERDICT_unserved_drop,
	 {ERROR4(REFUSE4, 3, 3), QUOTE(SENT4(REFUSE4, IP_UDP, 53))}},
	{"v6 refused: chain", VERDICT_unserved_reject,
	 {TCP(REFUSE6, 81), .flags = SYN, .chain = "hdr"}},
	{"v6 refused: chain, udp", VERDICT_unserved_reject, {UDP32(REFUSE6, 53), .chain = "hdr"}},
	{"v6 refused: behind 1032 bytes", VERDICT_unserved_drop,
	 {TCP(REFUSE6, 81), .flags = SYN, .chain = "O"}},
	{"v6 refused: atomic fragment", VERDICT_unserved_reject,
	 {TCP(REFUSE6, 81), .flags = SYN, .chain = "a"}},
	{"v6 refused: first fragment, tcp", VERDICT_unserved_drop, {TCP(REFUSE6, 81), .chain = "f"}},
	{"v6 refused: first fragment, udp", VERDICT_unserved_reject,
	 {UDP32(REFUSE6, 53), .chain = "f"}},
	{"v6 refused: last fragment", VERDICT_fragment, {UDP32(REFUSE6, 53), .chain = "l"}},
	{"v6 refused: error", VERDICT_unserved_drop,
	 {ERROR6(REFUSE6, 1, 4), QUOTE(SENT6(REFUSE6, IP_UDP, 53))}},
	{"v6 refused: neighbour solicitation", VERDICT_no_service,
	 {ICMP6(REFUSE6, 135), .ttl = 255, .payload_bytes = 16}},
	{"v4 deaf: syn", VERDICT_unserved_drop, {TCP(DEAF4, 81), .flags = SYN}},
	{"v4 deaf: udp", VERDICT_unserved_drop, {UDP32(DEAF4, 53)}},
	{"v4 deaf: the service itself", VERDICT_forward, {TCP(DEAF4, 80)}},
	{"v4 deaf: gre", VERDICT_no_service, {.dst = DEAF4, .proto = 47, .payload_bytes = 40}},
	{"v6 deaf: syn", VERDICT_unserved_drop, {TCP(DEAF6, 81), .flags = SYN}},
	{"v6 deaf: udp", VERDICT_unserved_drop, {UDP32(DEAF6, 53)}},
	{"v4 error to a service without backends", VERDICT_no_backend,
	 {ERROR4(VACANT4, 3, 4), QUOTE(SENT4(VACANT4, IP_TCP, 80))}},
	{"v4 first fragment to a service without backends", VERDICT_no_backend,
	 {TCP(VACANT4, 80), .fragment = V4_MF}},
	{"v4 lowered: options, syn", VERDICT_forward,
	 {TCP(CLAMP4, 80), .flags = SYN, .options_bytes = 8, .tcp_options_bytes = 4,
	  .tcp_options = "020405b4"}},
	{"v4 lowered: first fragment", VERDICT_forward,
	 {TCP(CLAMP4, 80), .flags = SYN, .fragment = V4_MF, .tcp_options_bytes = 4,
	  .tcp_options = "020405b4"}},
	{"v6 lowered: chain", VERDICT_forward,
	 {TCP(CLAMP6, 80), .flags = SYN, .chain = "hd", .tcp_options_bytes = 4,
	  .tcp_options = "020405b4"}},
	{"v6 lowered: behind 1032 bytes", VERDICT_forward,
	 {TCP(CLAMP6, 80), .flags = SYN, .chain = "O", .tcp_options_bytes = 4,
	  .tcp_options = "020405b4"}},
	{"v6 not lowered: another service", VERDICT_forward,
	 {TCP(WEB6, 80), .flags = SYN, .tcp_options_bytes = 4, .tcp_options = "020405b4"}},
};
/* clang-format on */

static void append_both(struct row_list *list, const char *what, const struct both *table, size_t n,
			const char *vip4, const char *vip6)
{
	for (size_t i = 0; i < n; i++) {
		struct frame_spec spec = table[i].spec;

		spec.dst = vip4;
		row_append(list, table[i].verdict, &spec, "v4 %s: %s", what, table[i].name);
		spec.dst = vip6;
		row_append(list, table[i].verdict, &spec, "v6 %s: %s", what, table[i].name);
	}
}

void rows_append_refused(struct row_list *list)
{
	append_both(list, "refused", refused, sizeof(refused) / sizeof(refused[0]), REFUSE4,
		    REFUSE6);
	append_both(list, "vacant", vacant, sizeof(vacant) / sizeof(vacant[0]), VACANT4, VACANT6);
	append_both(list, "lowered", clamped, sizeof(clamped) / sizeof(clamped[0]), CLAMP4, CLAMP6);
	ROWS_APPEND(list, rows);
}
