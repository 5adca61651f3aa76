/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluiced: reads its arguments, and leaves the rest to daemon.c.
 */
#include <getopt.h>
#include <stdio.h>

#include "daemon.h"
#include "log.h"
#include "utf8.h"

enum {
	USAGE_ERROR = 2,
};

static const struct {
	struct option option;
	const char *argument, *help;
} arguments[] = {
	{{"config", required_argument, NULL, 'c'},
	 "FILE",
	 "configuration [/etc/sluice/sluice.conf]"},
	{{"check", no_argument, NULL, 'k'}, "", "only check the configuration: exit status 0 or 2"},
	{{"module-dir", required_argument, NULL, 'm'},
	 "DIR[:DIR]",
	 "where the fast paths are [" SLUICE_MODULE_DIR "]"},
	{{"replace", no_argument, NULL, 'r'}, "", "xdp: take the place of another program"},
	{{"detach", no_argument, NULL, 'd'},
	 "",
	 "xdp: remove the running program and what it pinned"},
	{{"debug", no_argument, NULL, 'D'}, "", "log more"},
	{{"version", no_argument, NULL, 'V'}, "", "print the version"},
	{{"help", no_argument, NULL, 'h'}, "", "print this"},
};

enum {
	ARGUMENTS = sizeof(arguments) / sizeof(arguments[0]),
};

static void print_help(FILE *out)
{
	fprintf(out, "usage: sluiced [OPTION ...]\n"
		     "Balances load at layer 4, as its configuration says, until SIGTERM.\n\n");
	for (int i = 0; i < ARGUMENTS; i++)
		fprintf(out, "  --%-10s %-10s %s\n", arguments[i].option.name,
			arguments[i].argument, arguments[i].help);
	fprintf(out,
		"\nExit status: 0 ended when told to, 1 failed, 2 bad usage or configuration.\n");
}

int main(int argc, char **argv)
{
	struct option options[ARGUMENTS + 1] = {0};
	struct daemon_options daemon = {
		.config_path = "/etc/sluice/sluice.conf",
		.module_dirs = SLUICE_MODULE_DIR,
	};
	int letter;

	for (int i = 0; i < ARGUMENTS; i++)
		options[i] = arguments[i].option;
	while ((letter = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (letter) {
		case 'c':
			daemon.config_path = optarg;
			break;
		case 'k':
			daemon.check = true;
			break;
		case 'm':
			daemon.module_dirs = optarg;
			break;
		case 'r':
			daemon.replace = true;
			break;
		case 'd':
			daemon.detach = true;
			break;
		case 'D':
			daemon.debug = true;
			log_set_level(FAST_PATH_LOG_DEBUG);
			break;
		case 'V':
			printf("sluiced %s\n", SLUICE_VERSION);
			return 0;
		case 'h':
			print_help(stdout);
			return 0;
		default:
			fprintf(stderr, "sluiced --help lists the options\n");
			return USAGE_ERROR;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"sluiced: unexpected argument %s; sluiced --help lists the options\n",
			argv[optind]);
		return USAGE_ERROR;
	}
	if (!utf8_valid(daemon.config_path)) {
		fprintf(stderr,
			"sluiced: --config: the path is no UTF-8, and the state file couldn't "
			"name it: rename the file\n");
		return USAGE_ERROR;
	}
	return (int)daemon_run(&daemon);
}
