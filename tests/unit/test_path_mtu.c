/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path MTU messages about outer packets: how they are read (the packets were written by scapy, with
 * its checksums), and what is learned of them.
 */
#include "path_mtu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { GUE_PORT = 6080, PACKET_MAX = 2048 };

struct message_row {
	const char *name;
	const char *hex;
	const char *source; /* NULL: no such message */
	const char *destination;
	uint32_t packet_bytes, mtu_bytes;
};

static const struct message_row message_rows[] = {
	{"ipip, 8 bytes behind the quoted header",
	 "4500003800010000400107730a0a0201644003070304b25a00000578450005f0"
	 "000140003f04b9b6644003070a0a0b024500002800010000",
	 "100.64.3.7", "10.10.11.2", 1520, 1400},
	{"gue, 8 bytes behind the quoted header",
	 "4500003800010000400107730a0a0201644003070304168f00000578450005f8"
	 "00014000401113dd0a0a02020a0a0b02c35017c005e40000",
	 "10.10.2.2", "10.10.11.2", 1528, 1400},
	{"an old router that names no MTU",
	 "4500003800010000400107730a0a0201644003070304b7d200000000450005f0"
	 "000140003f04b9b6644003070a0a0b024500002800010000",
	 "100.64.3.7", "10.10.11.2", 1520, 1492},
	{"with IP options of its own",
	 "4600003c000100004001046d0a0a020164400307010101010304b25a00000578"
	 "450005f0000140003f04b9b6644003070a0a0b024500002800010000",
	 "100.64.3.7", "10.10.11.2", 1520, 1400},
	{"an IPv6 packet in IPv4",
	 "4500003800010000400107730a0a0201644003070304b2d200000500450005f0"
	 "000140003f29b991644003070a0a0b024500002800010000",
	 "100.64.3.7", "10.10.11.2", 1520, 1280},
	{"about a packet without DF",
	 "4500003800010000400107730a0a0201644003070304b25a00000578450005f0"
	 "000100003f04f9b6644003070a0a0b024500002800010000",
	 NULL, NULL, 0, 0},
	{"about TCP",
	 "4500004400010000400107670a0a02016440030703041e6a00000578450005dc"
	 "00014000400614040a0a02020a0a0b0217c017c0000000000000000050022000"
	 "39970000",
	 NULL, NULL, 0, 0},
	{"about UDP to another port",
	 "4500003800010000400107730a0a02016440030703042e1a00000578450005f8"
	 "00014000401113dd0a0a02020a0a0b02c350003505e40000",
	 NULL, NULL, 0, 0},
	{"host unreachable",
	 "4500003800010000400107730a0a0201644003070301b7d500000000450005f0"
	 "000140003f04b9b6644003070a0a0b024500002800010000",
	 NULL, NULL, 0, 0},
	{"a wrong checksum",
	 "4500003800010000400107730a0a0201644003070304123400000578450005f0"
	 "000140003f04b9b6644003070a0a0b024500002800010000",
	 NULL, NULL, 0, 0},
	{"a fragment",
	 "45000038000120004001e7720a0a0201644003070304b25a00000578450005f0"
	 "000140003f04b9b6644003070a0a0b024500002800010000",
	 NULL, NULL, 0, 0},
	{"ICMPv6, ipip",
	 "6000000000583a4020010db800020000000000000000000120010db800020000"
	 "00000000000000020200e82f000005786000000005dc293f20010db800ff0000"
	 "000000001234567820010db80011000000000000000000026000000000000000"
	 "0000000000000000000000000000000000000000000000000000000000000000",
	 "2001:db8:ff::1234:5678", "2001:db8:11::2", 1540, 1400},
	{"ICMPv6, gue",
	 "6000000000383a4020010db800020000000000000000000120010db800020000"
	 "000000000000000202002a6e000005146000000005e4114020010db800020000"
	 "000000000000000220010db8001100000000000000000002c35017c005e4beef",
	 "2001:db8:2::2", "2001:db8:11::2", 1548, 1300},
	{"ICMPv6, an IPv4 packet in IPv6",
	 "6000000000583a4020010db800020000000000000000000120010db800020000"
	 "000000000000000202000d30000005786000000005dc043f20010db800ff0000"
	 "000000001234567820010db80011000000000000000000026000000000000000"
	 "0000000000000000000000000000000000000000000000000000000000000000",
	 "2001:db8:ff::1234:5678", "2001:db8:11::2", 1540, 1400},
	{"ICMPv6 that names no MTU",
	 "6000000000583a4020010db800020000000000000000000120010db800020000"
	 "00000000000000020200eda7000000006000000005dc293f20010db800ff0000"
	 "000000001234567820010db80011000000000000000000026000000000000000"
	 "0000000000000000000000000000000000000000000000000000000000000000",
	 NULL, NULL, 0, 0},
	{"ICMPv6, about TCP",
	 "6000000000583a4020010db800020000000000000000000120010db800020000"
	 "000000000000000202000b30000005786000000005dc063f20010db800ff0000"
	 "000000001234567820010db80011000000000000000000026000000000000000"
	 "0000000000000000000000000000000000000000000000000000000000000000",
	 NULL, NULL, 0, 0},
	{"ICMPv6 unreachable",
	 "6000000000583a4020010db800020000000000000000000120010db800020000"
	 "00000000000000020100eea7000000006000000005dc293f20010db800ff0000"
	 "000000001234567820010db80011000000000000000000026000000000000000"
	 "0000000000000000000000000000000000000000000000000000000000000000",
	 NULL, NULL, 0, 0},
	{"ICMPv6, a wrong checksum",
	 "6000000000583a4020010db800020000000000000000000120010db800020000"
	 "000000000000000202001234000005786000000005dc293f20010db800ff0000"
	 "000000001234567820010db80011000000000000000000026000000000000000"
	 "0000000000000000000000000000000000000000000000000000000000000000",
	 NULL, NULL, 0, 0},
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr parsed;

	assert_int_equal(ip_parse(text, &parsed), 0);
	return parsed;
}

static size_t packet_of(const char *hex, uint8_t packet[PACKET_MAX])
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		packet[i] = (uint8_t)byte;
	}
	return n;
}

static void test_messages(void **state)
{
	for (size_t i = 0; i < LENGTH(message_rows); i++) {
		const struct message_row *row = &message_rows[i];
		struct path_mtu_message message;
		uint8_t packet[PACKET_MAX];
		size_t n = packet_of(row->hex, packet);
		struct ip_addr source, destination;

		print_message("# %s\n", row->name);
		assert_int_equal(path_mtu_message_read(packet, n, GUE_PORT, &message),
				 row->source != NULL);
		if (!row->source)
			continue;
		source = addr(row->source);
		destination = addr(row->destination);
		assert_true(ip_equal(&message.source, &source));
		assert_true(ip_equal(&message.destination, &destination));
		assert_int_equal(message.packet_bytes, row->packet_bytes);
		assert_int_equal(message.mtu_bytes, row->mtu_bytes);
		/* Ethernet pads short frames. */
		memset(packet + n, 0, 18);
		assert_true(path_mtu_message_read(packet, n + 18, GUE_PORT, &message));
	}
}

/* A cut message is read only where the checksum can't tell, since not all of it is there, and never
 * behind its end (AddressSanitizer sees it). */
static void test_cut(void **state)
{
	for (size_t i = 0; i < LENGTH(message_rows); i++) {
		uint8_t packet[PACKET_MAX];
		size_t n = packet_of(message_rows[i].hex, packet);

		for (size_t cut = 0; cut < n; cut++) {
			struct path_mtu_message message;
			uint8_t *exact = malloc(cut > 0 ? cut : 1);
			bool read;

			assert_non_null(exact);
			memcpy(exact, packet, cut);
			read = path_mtu_message_read(exact, cut, GUE_PORT, &message);
			/* IPv4 with 20 bytes of header, ICMP, and 20 of a quoted IPIP packet. */
			assert_false(read && cut < 48);
			free(exact);
		}
	}
}

/* One after the other, on the path to one backend whose first link takes 1600. */
struct step_row {
	const char *name;
	uint32_t packet_bytes, mtu_bytes;
	int64_t now_s;
	enum path_mtu_result result;
	uint32_t known_bytes; /* afterwards; 0: nothing */
};

enum { WAY_BYTES = 1600, KEEP_S = 600 };

static const struct step_row steps_v4[] = {
	{"a packet that fits the MTU named", 1400, 1400, 0, PATH_MTU_IMPLAUSIBLE, 0},
	{"a packet that was never sent", 1601, 1400, 0, PATH_MTU_IMPLAUSIBLE, 0},
	{"the first", 1520, 1500, 0, PATH_MTU_LEARNED, 1500},
	{"wider: no message widens a path", 1560, 1550, 1, PATH_MTU_KNOWN, 1500},
	{"narrower", 1500, 1400, 2, PATH_MTU_LEARNED, 1400},
	{"again, which counts from now on", 1500, 1400, 300, PATH_MTU_KNOWN, 1400},
	{"still there", 1500, 1500, 899, PATH_MTU_IMPLAUSIBLE, 1400},
	{"its time is over", 1500, 1500, 900, PATH_MTU_IMPLAUSIBLE, 0},
	{"forged: not below 576", 1500, 68, 1000, PATH_MTU_LEARNED, 576},
	{"forged once more", 576, 100, 1000, PATH_MTU_KNOWN, 576},
};

static const struct step_row steps_v6[] = {
	{"forged: not below 1280", 1500, 100, 0, PATH_MTU_LEARNED, 1280},
	{"its time is over", 1280, 1280, 600, PATH_MTU_IMPLAUSIBLE, 0},
	{"the first", 1560, 1400, 601, PATH_MTU_LEARNED, 1400},
};

static void steps_run(const char *backend, const struct step_row *rows, size_t n)
{
	struct path_mtus paths = {0};
	struct path_mtu_message message = {.destination = addr(backend)};

	for (size_t i = 0; i < n; i++) {
		const struct step_row *row = &rows[i];
		int64_t now_us = row->now_s * 1000000;

		print_message("# %s: %s\n", backend, row->name);
		message.packet_bytes = row->packet_bytes;
		message.mtu_bytes = row->mtu_bytes;
		path_mtus_expire(&paths, now_us);
		assert_int_equal(
			path_mtus_take(&paths, &message, WAY_BYTES, now_us, KEEP_S * 1000000LL),
			row->result);
		assert_int_equal(path_mtus_get(&paths, &message.destination), row->known_bytes);
		assert_int_equal(path_mtus_next_us(&paths) != 0, row->known_bytes != 0);
	}
	path_mtus_free(&paths);
}

static void test_steps(void **state)
{
	steps_run("10.10.11.2", steps_v4, LENGTH(steps_v4));
	steps_run("2001:db8:11::2", steps_v6, LENGTH(steps_v6));
}

/* Many paths, in an order that is none, against an array that is looked through. */
static void test_many(void **state)
{
	enum { N = 1000 };
	static uint32_t model[N];
	struct path_mtus paths = {0};
	uint32_t seed = 20261130;

	memset(model, 0, sizeof(model));
	for (uint32_t i = 0; i < 20 * N; i++) {
		struct path_mtu_message message = {.packet_bytes = WAY_BYTES};
		uint8_t bytes[4] = {10, 0};
		uint32_t index, least;

		seed = seed * 1664525 + 1013904223;
		index = seed / 65536 % N;
		bytes[2] = (uint8_t)(index >> 8);
		bytes[3] = (uint8_t)index;
		message.destination = ip_from_bytes(IP_V4, bytes);
		message.mtu_bytes = 600 + (seed >> 8) % 900;
		path_mtus_take(&paths, &message, WAY_BYTES, 1 + i / N, 5);
		least = model[index];
		model[index] = least && least < message.mtu_bytes ? least : message.mtu_bytes;
		assert_int_equal(path_mtus_get(&paths, &message.destination), model[index]);
	}
	assert_int_equal(paths.n, N);
	assert_true(path_mtus_expire(&paths, 100));
	assert_int_equal(paths.n, 0);
	path_mtus_free(&paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
