/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that change services and backends. Called through the table in commands.c.
 */
#include "commands.h"
#include "config_form.h"
#include "drain_wait.h"

#define SERVICE                                                        \
	{                                                              \
		"SERVICE", VALUE_SERVICE, .help = "the service's name" \
	}
#define BACKEND                                                              \
	{                                                                    \
		"BACKEND", VALUE_BACKEND, .help = "the backend's name in it" \
	}
#define DRY_RUN                                                                                \
	{                                                                                      \
		"--dry-run", VALUE_NONE, .optional = true,                                     \
					 .help = "says what would happen, and changes nothing" \
	}

/* What `service set` can change, and `service add` takes, too. */
#define SETTABLE                                                                                   \
	{"encap", VALUE_WORD, .optional = true, .words = encap_words,                              \
	 .help = "how packets are wrapped towards the backends; ipip if never given"},             \
		{"scheduler", VALUE_WORD, .optional = true, .words = scheduler_words,              \
		 .help = "how new flows are spread; maglev if never given"},                       \
		{"hash", VALUE_WORD, .optional = true, .words = hash_of_words,                     \
		 .help = "maglev: source keeps all flows of a client together; flow if never "     \
			 "given"},                                                                 \
		{"transition", VALUE_TIME, .optional = true,                                       \
		 .help = "how long older flows are waited for after a change; 5m if never given"}, \
		{"slow-start", VALUE_TIME, .optional = true,                                       \
		 .help = "how long a new backend takes to its full weight; 0 if never given"},     \
		{"health", VALUE_KEYS, .optional = true, .keys = config_health_keys,               \
		 .help = "how its backends are checked; keys that are not given stay, KEY= is "    \
			 "the "                                                                    \
			 "default again, type=none ends it"},                                      \
		{"all-down", VALUE_WORD, .optional = true, .words = all_down_words,                \
		 .help = "when all backends are down: flows go to all of them, or are dropped; "   \
			 "all if "                                                                 \
			 "never given"},                                                           \
		{"on-down", VALUE_WORD, .optional = true, .words = on_down_words,                  \
		 .help = "when a backend goes down: its flows go to others, or stay; cut if "      \
			 "never given"},                                                           \
		{"start", VALUE_WORD, .optional = true, .words = start_state_words,                \
		 .help = "what a backend counts as before its first check; up if never given"},    \
		{"unresolved", VALUE_TIME, .optional = true,                                       \
		 .help = "how long a backend may have no next hop before it counts as down; 5s "   \
			 "if never "                                                               \
			 "given, 0: for ever"},                                                    \
		{"no-backend", VALUE_WORD, .optional = true, .words = no_backend_words,            \
		 .help = "packets that find no backend: dropped, or refused by TCP reset or "      \
			 "ICMP; drop "                                                             \
			 "if never given"},                                                        \
	{                                                                                          \
		"mss", VALUE_TEXT,                                                                 \
			.optional = true,                                                          \
			.help = "of tcp: lowers the segment size that SYNs name, to 88 to 65535 "  \
				"bytes, or to "                                                    \
				"what fits the narrowest way (auto); off if never given"           \
	}
#define OWN                                                                                      \
	{"on-down", VALUE_WORD, .optional = true, .words = own_on_down_words,                    \
	 .help = "when it goes down: its flows go to others, or stay; as the service if never "  \
		 "given"},                                                                       \
	{                                                                                        \
		"start", VALUE_WORD, .optional = true, .words = own_start_words,                 \
				     .help = "what it counts as before its first check; as the " \
					     "service if never given"                            \
	}
#define OWN_HEALTH                                                                              \
	{                                                                                       \
		"health", VALUE_KEYS, .optional = true, .keys = config_health_override_keys,    \
				      .help = "what differs from the service's health checks; " \
					      "keys that are not given stay, "                  \
					      "KEY= is the service's again"                     \
	}

static const struct command_arg service_add[] = {
	{"NAME", VALUE_TEXT, .help = "of the new service: letters, digits, . _ - :"},
	{"VIP:PORT/PROTO", VALUE_ENDPOINT,
	 .help = "198.51.100.10:80/tcp, [2001:db8::1]:53/udp; the port may be \"all\""},
	{"slots", VALUE_INTEGER, .optional = true,
	 .help = "of the lookup table, a prime; chosen if not given"},
	SETTABLE,
	{.word = NULL},
};

static const struct command_arg service_set[] = {SERVICE, SETTABLE, DRY_RUN, {.word = NULL}};

static const struct command_arg service_remove[] = {SERVICE, DRY_RUN, {.word = NULL}};

static const struct command_arg backend_add[] = {
	SERVICE,
	{"NAME", VALUE_TEXT, .help = "of the new backend: letters, digits, . _ - :"},
	{"ADDRESS", VALUE_ADDRESS, .help = "IPv4 or IPv6, whatever the vip's family"},
	{"weight", VALUE_INTEGER, .optional = true, .help = "0 to 65535; 100 if not given"},
	OWN_HEALTH,
	OWN,
	DRY_RUN,
	{.word = NULL},
};

static const struct command_arg backend_set[] = {
	SERVICE,
	BACKEND,
	{"weight", VALUE_INTEGER, .optional = true, .help = "0 to 65535; 0 takes no new flows"},
	OWN_HEALTH,
	OWN,
	DRY_RUN,
	{.word = NULL},
};

static const struct command_arg backend_only[] = {SERVICE, BACKEND, DRY_RUN, {.word = NULL}};

static const struct command_arg backend_drain[] = {
	SERVICE,
	BACKEND,
	{"--timeout", VALUE_TIME, .optional = true,
	 .help = "then it is disabled, which breaks the flows that are left; else it drains on"},
	{"--wait", VALUE_NONE, .optional = true, .own = true,
	 .help = "shows how many remembered flows are left, until none is (exit status 0) or the "
		 "timeout cuts them (1)"},
	DRY_RUN,
	{.word = NULL},
};

#define HOST                                                                                    \
	{                                                                                       \
		"ADDRESS", VALUE_HOST, .help = "of the backends, whatever services they are of" \
	}

static const struct command_arg host_only[] = {HOST, DRY_RUN, {.word = NULL}};

static const struct command_arg host_drain[] = {
	HOST,
	{"--timeout", VALUE_TIME, .optional = true,
	 .help = "then they are disabled, which breaks the flows that are left; else they drain "
		 "on"},
	{"--wait", VALUE_NONE, .optional = true, .own = true,
	 .help = "shows how many remembered flows are left on all of them, until none is (exit "
		 "status 0) or the timeout cuts some (1)"},
	DRY_RUN,
	{.word = NULL},
};

const struct command commands_change[] = {
	{"service add", service_add, "service.add", show_change,
	 .help = "adds a service, without backends yet",
	 .examples = "service add web 198.51.100.10:80/tcp encap gue\n"
		     "service add dns [2001:db8::1]:53/udp transition 0\n"
		     "service add api 198.51.100.11:80/tcp health type=http path=/alive fall=2"},
	{"service set", service_set, "service.set", show_change, .sets = true,
	 .help = "sets how a service's flows are spread and its backends are checked",
	 .text = "What is not given stays. Backends whose check changes keep their state until "
		 "the new check says otherwise.",
	 .examples = "service set web health type=tcp interval_ms=500 timeout_ms=300\n"
		     "service set web health type=none"},
	{"service remove", service_remove, "service.remove", show_change,
	 .help = "removes a service with its backends", .examples = "service remove web --dry-run"},
	{"backend add", backend_add, "backend.add", show_change,
	 .help = "adds a backend to a service",
	 .examples = "backend add web b4 10.0.0.14 weight 50\n"
		     "backend add web b5 10.0.0.15 health port=8081"},
	{"backend remove", backend_only, "backend.remove", show_change,
	 .help = "removes a backend; its flows break: drain it before"},
	{"backend set", backend_set, "backend.set", show_change, .sets = true,
	 .help = "sets a backend's weight, or what differs in its health",
	 .examples = "backend set web b1 weight 0\n"
		     "backend set web b1 health check=off"},
	{"backend enable", backend_only, "backend.enable", show_change,
	 .help = "lets a backend take flows"},
	{"backend disable", backend_only, "backend.disable", show_change,
	 .help = "sends a backend nothing more; its flows break"},
	{"backend drain", backend_drain, "backend.drain", show_change, .run = drain_run,
	 .help = "gives a backend no new flows, and keeps those that it has",
	 .text = "Interrupting --wait leaves the drain as it is; the daemon keeps the time of "
		 "--timeout, so it holds without --wait too.",
	 .examples = "backend drain web b1 --timeout 30m --wait"},
	{"backend undrain", backend_only, "backend.undrain", show_change,
	 .help = "lets a draining backend take new flows again"},
	{"host drain", host_drain, "host.drain", show_change, .run = drain_run,
	 .help = "drains every backend with an address, in all services",
	 .text = "All of them with one generation. Those that are disabled stay so. Interrupting "
		 "--wait leaves the drains as they are.",
	 .examples = "host drain 10.0.0.11 --timeout 30m --wait"},
	{"host undrain", host_only, "host.undrain", show_change,
	 .help = "lets those that drain take new flows again",
	 .text = "Those that are disabled stay so, also those that a drain's timeout has disabled: "
		 "host enable takes them all in."},
	{"host disable", host_only, "host.disable", show_change,
	 .help = "sends every backend with an address nothing more; their flows break",
	 .examples = "host disable 10.0.0.11 --dry-run"},
	{"host enable", host_only, "host.enable", show_change,
	 .help = "lets every backend with an address take flows"},
	{.words = NULL},
};
