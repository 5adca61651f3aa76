/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: whole frames cut at every length, with IP lengths that lie then ("cut"), and that were
 * made to fit ("shortened").
 */
#include "fixture.h"
#include "rows.h"

#include <string.h>

/* What a shortened packet must get, by how many bytes of its transport part are left. */
struct stage {
	uint32_t below_bytes; /* 0: the last */
	enum verdict verdict;
};

static const struct {
	const char *name;
	enum verdict whole;
	struct frame_spec spec;
	struct stage stages[4];
} frames[] = {
	{"v4 tcp",
	 VERDICT_forward,
	 {TCP(WEB4, 80), .payload_bytes = 6},
	 {{20, VERDICT_bad_tcp}, {0, VERDICT_forward}}},
	{"v4 tcp with options, tagged",
	 VERDICT_forward,
	 {TCP(WEB4, 80), .tags = 1, .tcp_options_bytes = 12, .payload_bytes = 2},
	 {{32, VERDICT_bad_tcp}, {0, VERDICT_forward}}},
	{"v6 tcp",
	 VERDICT_forward,
	 {TCP(WEB6, 80), .payload_bytes = 6},
	 {{20, VERDICT_bad_tcp}, {0, VERDICT_forward}}},
	{"v6 tcp behind options, two tags",
	 VERDICT_forward,
	 {TCP(WEB6, 80), .tags = 2, .chain = "hD", .payload_bytes = 2},
	 {{32, VERDICT_bad_extension}, {52, VERDICT_bad_tcp}, {0, VERDICT_forward}}},
	{"v4 udp",
	 VERDICT_forward,
	 {UDP(WEB4, 53), .payload_bytes = 4},
	 {{12, VERDICT_bad_udp}, {0, VERDICT_forward}}},
	{"icmp4 echo",
	 VERDICT_echo_reply,
	 {ECHO4(WEB4), .payload_bytes = 4},
	 {{8, VERDICT_bad_icmp}, {0, VERDICT_echo_reply}}},
	{"icmp4 error",
	 VERDICT_icmp_forward,
	 {ERROR4(WEB4, 3, 4), QUOTE(SENT4(WEB4, IP_TCP, 80), .options_bytes = 4)},
	 {{8, VERDICT_bad_icmp}, {8 + 24 + 4, VERDICT_bad_quote}, {0, VERDICT_icmp_forward}}},
	{"icmp6 error",
	 VERDICT_icmp_forward,
	 {ERROR6(WEB6, 2, 0), QUOTE(SENT6(WEB6, IP_TCP, 80), .chain = "d")},
	 {{8, VERDICT_bad_icmp}, {8 + 48 + 4, VERDICT_bad_quote}, {0, VERDICT_icmp_forward}}},
};

static enum verdict stage_verdict(const struct stage *stage, uint32_t bytes)
{
	while (stage->below_bytes != 0 && bytes >= stage->below_bytes)
		stage++;
	return stage->verdict;
}

void rows_append_cut(struct row_list *list)
{
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct frame_spec spec = frames[i].spec;
		bool v6 = strchr(spec.dst, ':') != NULL;
		uint16_t l3 = (uint16_t)(14 + 4 * spec.tags);
		uint16_t ip_bytes = v6 ? 40 : 20;
		struct frame whole;

		frame_build(&spec, &whole);
		for (uint16_t n = 1; n < whole.n; n++) {
			spec.cut = n;
			spec.poke[0] = (struct poke){POKE_NONE, 0};
			row_append(list,
				   n < l3              ? VERDICT_short_frame
				   : n < l3 + ip_bytes ? VERDICT_short_ip
						       : VERDICT_bad_ip_length,
				   &spec, "%s, cut to %u bytes", frames[i].name, n);
			if (n < l3 + ip_bytes)
				continue;
			spec.poke[0] = (struct poke){POKE_IP_BYTES,
						     (uint16_t)(n - l3 - (v6 ? ip_bytes : 0))};
			row_append(list,
				   stage_verdict(frames[i].stages, (uint32_t)(n - l3 - ip_bytes)),
				   &spec, "%s, shortened to %u bytes", frames[i].name, n);
		}
		row_append(list, frames[i].whole, &frames[i].spec, "%s, whole", frames[i].name);
	}
}
