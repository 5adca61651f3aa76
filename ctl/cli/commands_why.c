/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that tell why. Called through the table in commands.c.
 */
#include "capture_run.h"
#include "commands.h"

static const struct command_arg of_explain[] = {
	{"FLOW", VALUE_FLOW,
	 .help = "'tcp 192.0.2.1:40000 -> 198.51.100.10:443', or udp; IPv6 in "
		 "brackets; 'icmp 192.0.2.1 -> 198.51.100.10': an echo request"},
	{"--opens", VALUE_NONE, .optional = true,
	 .help = "a packet that opens the flow: a TCP SYN, a QUIC Initial"},
	{"--bytes", VALUE_INTEGER, .optional = true,
	 .help = "length of the IP packet; if not given, as short as can be"},
	{"--may-fragment", VALUE_NONE, .optional = true, .help = "with DF clear (IPv4)"},
	{"--port", VALUE_INTEGER, .optional = true,
	 .help = "index of the fast path's port that it comes by; 0 if not given"},
	{.word = NULL},
};

static const struct command_arg of_capture[] = {
	{"SERVICE", VALUE_SERVICE, .help = "whose packets"},
	{"--backend", VALUE_BACKEND, .optional = true, .help = "only packets to this one"},
	{"--verdict", VALUE_TEXT, .optional = true,
	 .help = "only packets with this verdict (show counters --all lists them)"},
	{"--packets", VALUE_INTEGER, .optional = true, .letter = 'c',
	 .help = "ends after so many; 10000 if not given"},
	{"--snap-bytes", VALUE_INTEGER, .optional = true, .letter = 's',
	 .help = "copies so much of a frame; 2048, the most, if not given"},
	{"--seconds", VALUE_INTEGER, .optional = true,
	 .help = "ends after so long; 60 if not given, at most 3600"},
	{"--megabytes", VALUE_INTEGER, .optional = true,
	 .help = "ends after so much; 256 if not given"},
	{"--write", VALUE_FILE, .own = true, .letter = 'w',
	 .help = "pcapng, for Wireshark and tshark; - for standard output"},
	{.word = NULL},
};

const struct command commands_why[] = {
	{"explain", of_explain, "flow.explain", show_explain,
	 .help = "what would become of a packet, step by step, and why",
	 .text = "Asks the running fast path: a packet is made up, and taken through the fast "
		 "path's own code over the tables that packets see now. Nothing is sent, counted "
		 "or "
		 "remembered.",
	 .examples = "explain 'tcp 192.0.2.1:40000 -> 198.51.100.10:443'\n"
		     "explain udp [2001:db8::1]:5000 [2001:db8::10]:53\n"
		     "explain icmp 192.0.2.1 198.51.100.10\n"
		     "explain tcp 192.0.2.1:40000 198.51.100.10:443 --bytes 1500"},
	{"capture", of_capture, NULL, .run = capture_run,
	 .help = "packets of one service, as they came and as they left, as pcapng",
	 .text = "A frame on the interface \"in\" is as it came, one on \"out\" as it left; both "
		 "frames of a packet have the same packet id, and a comment with backend and "
		 "verdict. Forwarding doesn't wait for a capture: frames that it can't keep up "
		 "with "
		 "are missed, and counted. There is one capture at a time. Interrupting it "
		 "(Ctrl-C) "
		 "ends it and keeps what has come.",
	 .examples = "capture web -c 100 -w web.pcapng\n"
		     "capture web --backend b1 --verdict forward --seconds 10 -w -\n"
		     "capture web -w - | tshark -r -"},
	{.words = NULL},
};
