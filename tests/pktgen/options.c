/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: a table of options, and its parser. Main thread.
 */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum kind {
	KIND_NUMBER, /* uint64_t; k, M and G may follow */
	KIND_TEXT,
	KIND_FLAG,
	KIND_PARSED, /* by `parse` */
};

struct row {
	const char *name, *argument, *help;
	enum kind kind;
	size_t offset;
	uint64_t min, max;
	/* False: `text` is no such value. */
	bool (*parse)(struct options *o, const char *text);
};

__attribute__((format(printf, 2, 3))) static int error_set(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, OPTIONS_ERROR_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

static bool parse_hugepages(struct options *o, const char *text)
{
	static const char *const words[] = {"auto", "on", "off"};

	for (int i = 0; i < 3; i++) {
		if (strcmp(text, words[i]) == 0) {
			o->hugepages = i;
			return true;
		}
	}
	return false;
}

static bool parse_mac(struct options *o, const char *text)
{
	o->has_mac = true;
	return mac_parse(text, o->mac) && !(o->mac[0] & 1);
}

static bool parse_peer(struct options *o, const char *text)
{
	struct address peer;

	if (mac_parse(text, o->peer_mac)) {
		o->has_peer_mac = true;
		return true;
	}
	if (!address_parse(text, &peer))
		return false;
	o->peers[peer.v6] = peer;
	o->has_peers[peer.v6] = true;
	return true;
}

static bool parse_own(struct options *o, const char *text)
{
	return o->own_n < NEIGHBOUR_PREFIXES_MAX && prefix_parse(text, &o->own[o->own_n++]);
}

static bool parse_to(struct options *o, const char *text)
{
	return targets_add(&o->targets, text) == 0;
}

static bool parse_clients(struct options *o, const char *text)
{
	struct prefix prefix;

	if (!prefix_parse(text, &prefix))
		return false;
	*(prefix.address.v6 ? &o->clients6 : &o->clients4) = prefix;
	return true;
}

static bool parse_size(struct options *o, const char *text)
{
	return sizes_parse(&o->sizes, text);
}

static bool parse_rate(struct options *o, const char *text);

#define AT(member) offsetof(struct options, member)

static const struct row rows[] = {
	{"device", "DEV", "the port: PCI address, or vdev with its arguments; required", KIND_TEXT,
	 AT(device), 0, 0, NULL},
	{"core", "N", "CPU core of the generator [0]", KIND_NUMBER, AT(core), 0, 1023, NULL},
	{"queues", "N", "send and receive queues; a flow stays in one [1]", KIND_NUMBER, AT(queues),
	 1, 16, NULL},
	{"hugepages", "WORD", "auto, on or off [auto]", KIND_PARSED, 0, 0, 0, parse_hugepages},
	{"memory-mb", "N", "without hugepages: memory for DPDK [256]", KIND_NUMBER, AT(memory_mb),
	 64, 65536, NULL},
	{"mtu", "N", "the longest IP packet that is sent [1600]", KIND_NUMBER, AT(mtu_bytes), 1280,
	 9000, NULL},
	{"eal", "WORDS", "further arguments of DPDK's EAL", KIND_TEXT, AT(eal_args), 0, 0, NULL},
	{"mac", "MAC", "our MAC [the port's]", KIND_PARSED, 0, 0, 0, parse_mac},
	{"peer", "MAC|IP",
	 "the balancer; an IP of each family is asked for by ARP and ND [learnt from\n"
	 "                            what it asks]",
	 KIND_PARSED, 0, 0, 0, parse_peer},
	{"own", "IP[/N]", "answer ARP and ND for it: gateways, backends; may be repeated",
	 KIND_PARSED, 0, 0, 0, parse_own},
	{"to", "VIP:PORT/PROTO",
	 "service to send to; *N behind it: N services, at addresses in a row;\n"
	 "                            @S: its share of the flows; may be repeated",
	 KIND_PARSED, 0, 0, 0, parse_to},
	{"clients", "IP/N", "whom flows come from, once a family [198.18.0.0/15, 2001:2::/48]",
	 KIND_PARSED, 0, 0, 0, parse_clients},
	{"flows", "N", "flows at a time [10k]", KIND_NUMBER, AT(flows), 1, 100000000, NULL},
	{"flow-packets", "N", "packets a flow; TCP at least 4; 0: until renewed [0]", KIND_NUMBER,
	 AT(flow_packets), 0, UINT32_MAX, NULL},
	{"new-flows", "N", "flows that end a second, each for a new one [0]", KIND_NUMBER,
	 AT(new_flows), 0, 100000000, NULL},
	{"size", "N[:S],...|imix", "frame bytes, FCS included, and shares [64]", KIND_PARSED, 0, 0,
	 0, parse_size},
	{"shuffle", NULL, "flows in random order, not each in its turn", KIND_FLAG, AT(shuffle), 0,
	 0, NULL},
	{"seed", "N", "the same traffic for the same seed [1]", KIND_NUMBER, AT(seed), 0,
	 UINT64_MAX, NULL},
	{"pcap", "FILE", "send a capture's packets instead, in a loop", KIND_TEXT, AT(pcap), 0, 0,
	 NULL},
	{"once", NULL, "... once", KIND_FLAG, AT(once), 0, 0, NULL},
	{"rewrite-macs", NULL, "... with our MAC and the peer's; else nothing is changed",
	 KIND_FLAG, AT(rewrite_macs), 0, 0, NULL},
	{"rate", "N|flat", "packets a second, or as many as go [flat]", KIND_PARSED, 0, 0, 0,
	 parse_rate},
	{"seconds", "N", "how long; 0: until --count [10, or 0 with --count]", KIND_NUMBER,
	 AT(seconds), 0, 1000000, NULL},
	{"count", "N", "how many packets; 0: until --seconds [0]", KIND_NUMBER, AT(count), 0,
	 1ULL << 47, NULL},
	{"closed", "N", "closed loop: at most N packets under way, and none may be lost",
	 KIND_NUMBER, AT(closed), 1, 1 << 17, NULL},
	{"wait", "SECONDS", "for probes of every service to come back, before the run [10]",
	 KIND_NUMBER, AT(wait_s), 0, 3600, NULL},
	{"timeout", "MS", "a packet that isn't back by then is lost [1000]", KIND_NUMBER,
	 AT(timeout_ms), 1, 600000, NULL},
	{"plain", NULL, "packets come back as they went: testpmd, a switch, a loop", KIND_FLAG,
	 AT(plain), 0, 0, NULL},
	{"gue-port", "N", "UDP port of GUE [6080]", KIND_NUMBER, AT(gue_port), 1, 65535, NULL},
	{"json", NULL, "the report as JSON", KIND_FLAG, AT(json), 0, 0, NULL},
	{"quiet", NULL, "no line each second", KIND_FLAG, AT(quiet), 0, 0, NULL},
	{"help", NULL, "print this", KIND_FLAG, AT(help), 0, 0, NULL},
};

enum {
	ROWS = sizeof(rows) / sizeof(rows[0]),
};

static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t factor = 1;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 0);
	if (*end == 'k')
		factor = 1000;
	else if (*end == 'M')
		factor = 1000000;
	else if (*end == 'G')
		factor = 1000000000;
	if (errno != 0 || end[factor > 1] != '\0')
		return false;
	return !__builtin_mul_overflow(*value, factor, value) && *value >= min && *value <= max;
}

static bool parse_rate(struct options *o, const char *text)
{
	o->rate_pps = 0;
	return strcmp(text, "flat") == 0 || parse_number(text, 1, 1000000000, &o->rate_pps);
}

static bool row_parse(const struct row *row, struct options *o, const char *text)
{
	void *at = (char *)o + row->offset;

	switch (row->kind) {
	case KIND_NUMBER:
		return parse_number(text, row->min, row->max, at);
	case KIND_TEXT:
		*(const char **)at = text;
		return text[0] != '\0';
	case KIND_FLAG:
		*(bool *)at = true;
		return true;
	case KIND_PARSED:
		return row->parse(o, text);
	}
	return false;
}

static const struct row *row_find(const char *word, size_t bytes)
{
	for (int i = 0; i < ROWS; i++)
		if (strlen(rows[i].name) == bytes && memcmp(rows[i].name, word, bytes) == 0)
			return &rows[i];
	return NULL;
}

/* Takes argv[*i], and the next word if that is its value. */
static int word_take(struct options *o, int argc, char **argv, int *i, char *error)
{
	const char *word = argv[*i], *value = strchr(word, '=');
	size_t bytes = value ? (size_t)(value - word) : strlen(word);
	const struct row *row = NULL;

	if (bytes > 2 && memcmp(word, "--", 2) == 0)
		row = row_find(word + 2, bytes - 2);
	if (!row)
		return error_set(error, "%s: no such option; --help lists them", word);
	if (row->kind == KIND_FLAG && value)
		return error_set(error, "--%s takes no value", row->name);
	if (value)
		value++;
	else if (row->kind != KIND_FLAG && *i + 1 < argc)
		value = argv[++*i];
	if (row->kind != KIND_FLAG && !value)
		return error_set(error, "--%s needs a value: %s", row->name, row->argument);
	if (row_parse(row, o, value))
		return 0;
	if (row->kind == KIND_NUMBER)
		return error_set(error, "--%s: %s is not in %llu-%llu", row->name, value,
				 (unsigned long long)row->min, (unsigned long long)row->max);
	return error_set(error, "--%s: %s is no %s (%s)", row->name, value, row->argument,
			 row->help);
}

/* What must be, and what doesn't go together. */
static int options_check(struct options *o, char *error)
{
	if (!o->device)
		return error_set(error, "--device is missing: which port? For a first look "
					"--device net_ring0 --plain --peer 02:00:00:00:00:01");
	if (o->targets.n == 0 && !o->pcap)
		return error_set(error, "--to is missing: which service? Or --pcap FILE");
	if (o->once && !o->pcap)
		return error_set(error, "--once is for --pcap");
	if (o->rewrite_macs && !o->pcap)
		return error_set(error, "--rewrite-macs is for --pcap");
	if (o->pcap && (o->new_flows > 0 || o->flow_packets > 0))
		return error_set(error, "--pcap: its flows are its own, without --new-flows and "
					"--flow-packets");
	if (o->closed > 0 && o->count == 0 && !o->once)
		return error_set(error, "--closed needs --count: how many packets?");
	if (sizes_largest(&o->sizes) > o->mtu_bytes + 18)
		return error_set(error,
				 "--size: a frame of %u bytes is longer than --mtu %llu "
				 "allows (14 bytes Ethernet, 4 FCS)",
				 sizes_largest(&o->sizes), (unsigned long long)o->mtu_bytes);
	if (o->flow_packets > 0 && o->flow_packets < 4)
		for (uint32_t i = 0; i < o->targets.n; i++)
			if (o->targets.list[i].proto == 6)
				return error_set(error,
						 "--flow-packets %llu: a TCP flow has at "
						 "least 4 (SYN, ACK, FIN, ACK)",
						 (unsigned long long)o->flow_packets);
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, char error[OPTIONS_ERROR_MAX])
{
	static const uint64_t unset = UINT64_MAX;
	int ret;

	*o = (struct options){.queues = 1, .memory_mb = 256, .mtu_bytes = 1600, .flows = 10000};
	o->seed = 1;
	o->seconds = unset;
	o->wait_s = 10;
	o->timeout_ms = 1000;
	o->gue_port = 6080;
	o->eal_args = "";
	sizes_parse(&o->sizes, "64");
	prefix_parse("198.18.0.0/15", &o->clients4); /* RFC 2544 and RFC 5180: for benchmarks */
	prefix_parse("2001:2::/48", &o->clients6);
	for (int i = 1; i < argc; i++) {
		ret = word_take(o, argc, argv, &i, error);
		if (ret < 0)
			return ret;
	}
	if (o->help)
		return 0;
	if (o->seconds == unset)
		o->seconds = o->count > 0 || o->once ? 0 : 10;
	ret = options_check(o, error);
	if (ret < 0 || o->targets.n == 0)
		return ret;
	ret = targets_wheel(&o->targets);
	return ret == -E2BIG ? error_set(error, "--to: the shares sum up to more than %d",
					 TARGETS_WHEEL_MAX)
			     : ret;
}

void options_free(struct options *o)
{
	targets_free(&o->targets);
}

void options_help(FILE *out)
{
	fprintf(out, "usage: sluice-pktgen --device DEV --to VIP:PORT/PROTO [OPTION ...]\n"
		     "Plays clients and the backends' router on a DPDK port: sends flows to a "
		     "balancer, takes\nthe encapsulated packets back, and checks them.\n\n");
	for (int i = 0; i < ROWS; i++) {
		int n = fprintf(out, "  --%s %s", rows[i].name,
				rows[i].argument ? rows[i].argument : "");

		fprintf(out, "%*s%s\n", n < 26 ? 26 - n : 1, "", rows[i].help);
	}
	fprintf(out, "\nNumbers may end in k, M or G.\n"
		     "Exit status: 0 all is well; 1 a check failed (a flow on more than one "
		     "backend, a wrong\nheader, a packet twice; with --closed or --once: a packet "
		     "lost); 2 bad usage; 3 it can't run.\n");
}
