/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-decap: loads decap.bpf.c onto an interface of a backend, exits and leaves it there;
 * takes it off again; shows its counters. Run by an operator, a unit file, the lab.
 */
#include "attachment.h"
#include "decap.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "decap.skel.h"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

enum command { COMMAND_ATTACH, COMMAND_DETACH, COMMAND_STATS, COMMAND_HELP };

struct settings {
	enum command command;
	const char *interface;
	int ifindex;
	uint16_t gue_port;
	enum xdp_mode mode; /* NONE: see program_put() */
	bool replace;
	bool verbose;
};

/* Options: parsing and --help are made from this table. The parser says what is wrong. */
struct option_row {
	const char *name;
	const char *value; /* what the option takes, as --help calls it; NULL: nothing */
	const char *help;
	const char *(*parse)(struct settings *s, const char *value);
};

static const char *parse_interface(struct settings *s, const char *value)
{
	s->interface = value;
	s->ifindex = (int)if_nametoindex(value);
	return s->ifindex ? NULL : "no such interface; ip link lists them";
}

static const char *parse_port(struct settings *s, const char *value)
{
	char *end;
	long port = strtol(value, &end, 10);

	if (end == value || *end || port < 1 || port > 65535)
		return "not a port in 1-65535";
	s->gue_port = (uint16_t)port;
	return NULL;
}

static const char *parse_mode(struct settings *s, const char *value)
{
	for (s->mode = XDP_MODE_NATIVE; s->mode <= XDP_MODE_GENERIC; s->mode++)
		if (strcmp(value, xdp_mode_name(s->mode)) == 0)
			return NULL;
	return "neither native nor generic";
}

static const char *command_set(struct settings *s, enum command command)
{
	if (s->command != COMMAND_ATTACH && s->command != command)
		return "one of --detach, --stats and --help at a time";
	s->command = command;
	return NULL;
}

static const char *parse_detach(struct settings *s, const char *value)
{
	return command_set(s, COMMAND_DETACH);
}

static const char *parse_stats(struct settings *s, const char *value)
{
	return command_set(s, COMMAND_STATS);
}

static const char *parse_help(struct settings *s, const char *value)
{
	return command_set(s, COMMAND_HELP);
}

static const char *parse_replace(struct settings *s, const char *value)
{
	s->replace = true;
	return NULL;
}

static const char *parse_verbose(struct settings *s, const char *value)
{
	s->verbose = true;
	return NULL;
}

static const struct option_row option_rows[] = {
	{"interface", "NAME", "where the balancer's packets arrive (required)", parse_interface},
	{"port", "PORT", "UDP port that carries GUE [6080]", parse_port},
	{"mode", "MODE", "native or generic [as the program there, else native if it can be]",
	 parse_mode},
	{"replace", NULL, "take the place of another XDP program", parse_replace},
	{"detach", NULL, "take the program off again (never another's)", parse_detach},
	{"stats", NULL, "show what it did with the packets so far", parse_stats},
	{"verbose", NULL, "show what libbpf and the kernel's verifier say", parse_verbose},
	{"help", NULL, "this text", parse_help},
};

enum { OPTION_COUNT = sizeof(option_rows) / sizeof(option_rows[0]) };

static int __attribute__((format(printf, 2, 3))) fail(int status, const char *format, ...)
{
	va_list args;

	fputs("sluice-decap: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

static void help_print(void)
{
	printf("sluice-decap --interface NAME [OPTION...]\n"
	       "Takes the outer headers (IPIP, GUE) off what a balancer sends to this backend.\n"
	       "The program stays on the interface when this command ends.\n\n");
	for (int i = 0; i < OPTION_COUNT; i++) {
		char left[32];

		snprintf(left, sizeof(left), "--%s%s%s", option_rows[i].name,
			 option_rows[i].value ? " " : "",
			 option_rows[i].value ? option_rows[i].value : "");
		printf("  %-18s %s\n", left, option_rows[i].help);
	}
	printf("\nExit status: 0 done, 1 refused, 2 wrong usage.\n");
}

/* Fills `s`; EXIT_DONE or EXIT_USAGE, which has been explained. */
static int settings_parse(struct settings *s, int argc, char **argv)
{
	struct option longs[OPTION_COUNT + 1] = {0};
	int i, seen;

	for (i = 0; i < OPTION_COUNT; i++) {
		longs[i].name = option_rows[i].name;
		longs[i].has_arg = option_rows[i].value ? required_argument : no_argument;
	}
	/* A leading + stops at the first word that is no option; getopt_long itself complains. */
	while ((seen = getopt_long(argc, argv, "+", longs, &i)) == 0) {
		const char *wrong = option_rows[i].parse(s, optarg);

		if (wrong)
			return fail(EXIT_USAGE, "--%s%s%s: %s", option_rows[i].name,
				    optarg ? " " : "", optarg ? optarg : "", wrong);
	}
	if (seen != -1)
		return fail(EXIT_USAGE, "see --help");
	if (optind < argc)
		return fail(EXIT_USAGE, "%s: not an option; see --help", argv[optind]);
	if (!s->interface && s->command != COMMAND_HELP)
		return fail(EXIT_USAGE, "--interface is missing; see --help");
	return EXIT_DONE;
}

static const char *errno_mend(int err)
{
	if (err == -EPERM)
		return "; run it as root (CAP_BPF and CAP_NET_ADMIN)";
	if (err == -EBUSY || err == -EEXIST)
		return "; another program holds the interface or has just come: end who holds it";
	return "";
}

/* Frames of several buffers came with Linux 5.18: there, take them; before, do without. */
static struct decap_bpf *program_load(const struct settings *s, int *err)
{
	struct decap_bpf *skeleton = decap_bpf__open();

	if (!skeleton) {
		*err = -errno;
		return NULL;
	}
	skeleton->rodata->decap_config.gue_port = be16_from(s->gue_port);
	skeleton->rodata->decap_config.frags =
		libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_get_buff_len, NULL) == 1;
	if (skeleton->rodata->decap_config.frags)
		bpf_program__set_flags(skeleton->progs.sluice_decap, BPF_F_XDP_HAS_FRAGS);
	*err = decap_bpf__load(skeleton);
	if (*err) {
		decap_bpf__destroy(skeleton);
		return NULL;
	}
	return skeleton;
}

/*
 * Without a mode from the settings a program that is there keeps its own, since only then is the
 * exchange atomic; else it is native where the driver has it. What it became stands in *mode, and
 * what the driver has against native mode in `words`.
 */
static int program_put(const struct settings *s, int fd, const struct attachment *old,
		       enum xdp_mode *mode, char words[ATTACHMENT_WORDS_MAX])
{
	bool free_choice = s->mode == XDP_MODE_NONE && old->mode == XDP_MODE_NONE;
	int err;

	words[0] = 0;
	*mode = s->mode != XDP_MODE_NONE ? s->mode : old->mode;
	if (free_choice)
		*mode = XDP_MODE_NATIVE;
	err = attachment_put(s->ifindex, fd, *mode, old);
	if (!err || err == -EPERM || err == -EBUSY || err == -EEXIST || *mode != XDP_MODE_NATIVE)
		return err;
	attachment_refusal(s->ifindex, fd, *mode, words);
	if (!free_choice)
		return err;
	fail(0, "%s: native mode refused (%s%s%s), taking generic", s->interface, strerror(-err),
	     words[0] ? ": " : "", words);
	*mode = XDP_MODE_GENERIC;
	return attachment_put(s->ifindex, fd, *mode, old);
}

static bool is_ours(const struct attachment *found)
{
	return strcmp(found->name, DECAP_PROGRAM_NAME) == 0;
}

static int attach(const struct settings *s, const struct attachment *old)
{
	struct decap_bpf *skeleton;
	char words[ATTACHMENT_WORDS_MAX];
	enum xdp_mode mode;
	int err;

	if (old->mode != XDP_MODE_NONE && !is_ours(old) && !s->replace)
		return fail(EXIT_REFUSED,
			    "%s: XDP program %s (id %" PRIu32 ", %s) is there; "
			    "--replace takes its place",
			    s->interface, old->name, old->id, xdp_mode_name(old->mode));
	skeleton = program_load(s, &err);
	if (!skeleton)
		return fail(EXIT_REFUSED, "the kernel did not take the program: %s%s",
			    strerror(-err),
			    err == -EPERM ? errno_mend(err) : "; --verbose tells why");
	err = program_put(s, bpf_program__fd(skeleton->progs.sluice_decap), old, &mode, words);
	decap_bpf__destroy(skeleton);
	if (err)
		return fail(EXIT_REFUSED, "%s: attaching in %s mode: %s%s%s%s", s->interface,
			    xdp_mode_name(mode), strerror(-err), words[0] ? ": " : "", words,
			    errno_mend(err));
	if (old->mode != XDP_MODE_NONE)
		printf("%s: replaced %s (id %" PRIu32 ", %s)\n", s->interface, old->name, old->id,
		       xdp_mode_name(old->mode));
	printf("%s: decapsulating IPIP and GUE (port %u), %s mode\n", s->interface, s->gue_port,
	       xdp_mode_name(mode));
	return EXIT_DONE;
}

static int detach(const struct settings *s, const struct attachment *old)
{
	int err = attachment_remove(s->ifindex, old);

	if (err)
		return fail(EXIT_REFUSED, "%s: detaching: %s%s", s->interface, strerror(-err),
			    errno_mend(err));
	printf("%s: detached\n", s->interface);
	return EXIT_DONE;
}

/* The counters of a loaded program: its map's descriptor, or -errno. */
static int counters_open(uint32_t program_id)
{
	struct bpf_prog_info program = {0};
	struct bpf_map_info map = {0};
	uint32_t ids[8], program_bytes = sizeof(program), map_bytes;
	int fd, err;

	fd = bpf_prog_get_fd_by_id(program_id);
	if (fd < 0)
		return -errno;
	program.nr_map_ids = sizeof(ids) / sizeof(ids[0]);
	program.map_ids = (uintptr_t)ids;
	err = bpf_obj_get_info_by_fd(fd, &program, &program_bytes) ? -errno : 0;
	close(fd);
	if (err)
		return err;
	for (uint32_t i = 0; i < program.nr_map_ids; i++) {
		fd = bpf_map_get_fd_by_id(ids[i]);
		if (fd < 0)
			return -errno;
		map_bytes = sizeof(map);
		if (bpf_obj_get_info_by_fd(fd, &map, &map_bytes) == 0 &&
		    strcmp(map.name, DECAP_COUNTERS_NAME) == 0 &&
		    map.max_entries == DECAP_VERDICT_COUNT)
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static void counter_print(const char *name, const char *text, const uint64_t *counts, int cpus)
{
	uint64_t total = 0;

	for (int cpu = 0; cpu < cpus; cpu++)
		total += counts[cpu];
	printf("%-18s %12" PRIu64 "  %s\n", name, total, text);
	for (int cpu = 0; cpu < cpus; cpu++)
		if (counts[cpu] != 0 && counts[cpu] != total)
			printf("%18s %12" PRIu64 "  on cpu %d\n", "", counts[cpu], cpu);
}

static int stats(const struct settings *s, const struct attachment *found)
{
	static const struct {
		const char *name, *text;
	} verdicts[] = {
#define X(name, action, text) {#name, text},
		DECAP_VERDICTS(X)
#undef X
	};
	int cpus = libbpf_num_possible_cpus(), fd = counters_open(found->id), status = EXIT_REFUSED;
	uint64_t *counts = cpus > 0 ? calloc((size_t)cpus, sizeof(*counts)) : NULL;

	if (fd == -ENOENT) {
		fail(0, "%s: the program is of another version; attach it anew", s->interface);
		goto out;
	}
	if (fd < 0 || !counts) {
		fail(0, "%s: reading the counters: %s%s", s->interface,
		     fd < 0 ? strerror(-fd) : "no memory", errno_mend(fd));
		goto out;
	}
	for (uint32_t key = 0; key < DECAP_VERDICT_COUNT; key++) {
		if (bpf_map_lookup_elem(fd, &key, counts) != 0) {
			fail(0, "%s: reading the counters: %s", s->interface, strerror(errno));
			goto out;
		}
		counter_print(verdicts[key].name, verdicts[key].text, counts, cpus);
	}
	status = EXIT_DONE;
out:
	free(counts);
	if (fd >= 0)
		close(fd);
	return status;
}

int main(int argc, char **argv)
{
	struct settings s = {.gue_port = DECAP_GUE_PORT};
	struct attachment found;
	int err = settings_parse(&s, argc, argv);

	if (err)
		return err;
	if (s.command == COMMAND_HELP) {
		help_print();
		return EXIT_DONE;
	}
	if (!s.verbose) /* then what matters of it is in our own messages */
		libbpf_set_print(NULL);
	err = attachment_find(s.ifindex, &found);
	if (err)
		return fail(EXIT_REFUSED, "%s: asking for its XDP program: %s", s.interface,
			    strerror(-err));
	if (s.command == COMMAND_ATTACH)
		return attach(&s, &found);
	if (found.mode == XDP_MODE_NONE)
		return fail(EXIT_REFUSED, "%s: has no XDP program", s.interface);
	if (!is_ours(&found))
		return fail(EXIT_REFUSED, "%s: has another XDP program, %s (id %" PRIu32 ")",
			    s.interface, found.name, found.id);
	return s.command == COMMAND_DETACH ? detach(&s, &found) : stats(&s, &found);
}
