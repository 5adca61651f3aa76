/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parity table: named frames, and the verdict that each must get with the generation of
 * fixture.h. Which backend a forwarded one goes to follows from the service that it is for. To
 * add a row: one line in the table of its theme.
 */
#ifndef SLUICE_TESTS_PARITY_ROWS_H
#define SLUICE_TESTS_PARITY_ROWS_H

#include "frames.h"
#include "sluice/verdict.h"

struct row {
	const char *name;
	enum verdict verdict;
	struct frame_spec spec;
};

struct row_list {
	struct row *rows;
	size_t n, max;
};

/* All rows, the generated ones too. Aborts when out of memory. */
void rows_make(struct row_list *list);
void rows_free(struct row_list *list);

/* For the themes: appends a row; the name is made like printf's and copied. */
void row_append(struct row_list *list, enum verdict verdict, const struct frame_spec *spec,
		const char *name, ...) __attribute__((format(printf, 4, 5)));

void rows_append_link(struct row_list *list);
void rows_append_v4(struct row_list *list);
void rows_append_v6(struct row_list *list);
void rows_append_icmp4(struct row_list *list);
void rows_append_icmp6(struct row_list *list);
void rows_append_malformed(struct row_list *list);
void rows_append_address(struct row_list *list);
void rows_append_cut(struct row_list *list);
void rows_append_refused(struct row_list *list);
void rows_append_encap(struct row_list *list);
void rows_append_size(struct row_list *list);

#define ROWS_APPEND(list, table)                                                           \
	do {                                                                               \
		for (size_t row_ = 0; row_ < sizeof(table) / sizeof((table)[0]); row_++)   \
			row_append(list, (table)[row_].verdict, &(table)[row_].spec, "%s", \
				   (table)[row_].name);                                    \
	} while (0)

/* To a service. */
#define TCP(vip, port)    .dst = (vip), .proto = IP_TCP, .dport = (port)
#define UDP(vip, port)    .dst = (vip), .proto = IP_UDP, .dport = (port)
#define UDP32(vip, port)  UDP(vip, port), .payload_bytes = 32
#define ICMP4(vip, type_) .dst = (vip), .proto = IP_ICMP, .type = (type_)
#define ICMP6(vip, type_) .dst = (vip), .proto = IP_ICMP6, .type = (type_)
#define ECHO4(vip)        ICMP4(vip, 8), .rest = 0x12340001
#define ECHO6(vip)        ICMP6(vip, 128), .rest = 0x12340001
/* An ICMP error to a vip: what follows describes the packet that it quotes. */
#define QUOTE(...)                          \
	.quote = &(const struct frame_spec) \
	{                                   \
		__VA_ARGS__                 \
	}
#define ERROR4(vip, type_, code_) \
	.src = "198.51.100.1", .dst = (vip), .proto = IP_ICMP, .type = (type_), .code = (code_)
#define ERROR6(vip, type_, code_) \
	.src = "2001:db8:e::1", .dst = (vip), .proto = IP_ICMP6, .type = (type_), .code = (code_)
/* What a vip's backend sent to a client, from its port. */
#define SENT4(vip, proto_, port) \
	.src = (vip), .dst = CLIENT4, .proto = (proto_), .sport = (port), .dport = CLIENT_PORT
#define SENT6(vip, proto_, port) \
	.src = (vip), .dst = CLIENT6, .proto = (proto_), .sport = (port), .dport = CLIENT_PORT

#endif
