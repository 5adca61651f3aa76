# SPDX-License-Identifier: Apache-2.0
"""Cuts links of the lab and mends them, at fabric's end, so that the node sees its carrier go and come. Used by
actions.py."""


class Links:
    def __init__(self, lab):
        self.lab = lab
        # A route through an interface goes with it; so would its IPv6 addresses.
        for which in ("all", "default"):
            lab.run("fabric", "sysctl", "-qw", f"net.ipv6.conf.{which}.keep_addr_on_down=1")
        for name in [line.split(":")[1].split("@")[0].strip() for line in lab.run("fabric", "ip", "-o", "link").splitlines()]:
            lab.run("fabric", "sysctl", "-qw", f"net.ipv6.conf.{name}.keep_addr_on_down=1")
        # A router whose link is cut says so to everybody; this one is silent, as where the cut is further on.
        for family, prefix in (("-4", "198.51.100.0/24"), ("-4", "10.10.0.0/16"), ("-4", "100.64.0.0/16"), ("-6", "2001:db8::/32")):
            lab.run("fabric", "ip", family, "route", "replace", "blackhole", prefix, "metric", "9999")
        self.routes = [(family, line.split()) for family in ("-4", "-6")
                       for line in lab.run("fabric", "ip", family, "route").splitlines() if " via " in line]

        self.know_lb()

    def know_lb(self):
        """A balancer on the dpdk path answers no ARP or ND while it starts; the router is not to say so of it."""
        for address in ("10.10.2.2", "2001:db8:2::2"):
            self.lab.run("fabric", "ip", "neigh", "replace", address, "lladdr", "02:00:00:00:02:02", "dev", "lb", "nud", "permanent")

    def cut(self, node):
        self.lab.run("fabric", "ip", "link", "set", node, "down")

    def mend(self, node):
        self.lab.run("fabric", "ip", "link", "set", node, "up")
        for family, route in self.routes:
            if route[route.index("dev") + 1] == node:
                words = [word for word in route if word not in ("linkdown", "dead")]
                if "pref" in words:
                    words = words[:words.index("pref")]
                self.lab.run("fabric", "ip", family, "route", "replace", *words)
        if node == "lb":
            self.know_lb()
