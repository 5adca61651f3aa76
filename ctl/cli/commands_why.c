/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that tell why. Called through the table in commands.c.
 */
#include "commands.h"

static const struct command_arg of_explain[] = {
	{"FLOW", VALUE_FLOW, .help = "'tcp 192.0.2.1:40000 -> 198.51.100.10:443', or udp; IPv6 in "
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

const struct command commands_why[] = {
	{"explain", of_explain, "flow.explain", show_explain,
	 .help = "what would become of a packet, step by step, and why",
	 .text = "Asks the running fast path: a packet is made up, and taken through the fast "
		 "path's own code over the tables that packets see now. Nothing is sent, counted or "
		 "remembered.",
	 .examples = "explain 'tcp 192.0.2.1:40000 -> 198.51.100.10:443'\n"
		     "explain udp [2001:db8::1]:5000 [2001:db8::10]:53\n"
		     "explain icmp 192.0.2.1 198.51.100.10\n"
		     "explain tcp 192.0.2.1:40000 198.51.100.10:443 --bytes 1500"},
	{.words = NULL},
};
