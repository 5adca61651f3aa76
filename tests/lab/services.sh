# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Many services, for who measures the control plane. To be sourced.

# services_conf SERVICES BACKENDS: the end of a configuration file, with so many services s0, s1, ... of
# so many backends b0, b1, ... each; vips 198.18.0.1 and on, port 80; no two backends share an address.
services_conf() {
	awk -v services="$1" -v backends="$2" 'BEGIN {
		print "services = ("
		for (s = 0; s < services; s++) {
			printf "%s{ name = \"s%d\"; vip = \"198.18.%d.%d\"; port = 80; protocol = \"udp\";\n backends = (",
				s ? ",\n" : "", s, s / 250, s % 250 + 1
			for (k = 0; k < backends; k++) {
				b = s * backends + k
				printf "%s{ name = \"b%d\"; address = \"10.%d.%d.%d\"; }",
					k ? ",\n  " : "", k, 1 + b / 62500, b / 250 % 250, b % 250 + 1
			}
			printf "); }"
		}
		print "\n);"
	}'
}
