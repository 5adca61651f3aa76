# SPDX-License-Identifier: Apache-2.0
"""Whether what runs is what a clean start with the same configuration would make. Used by soak.py at its end.

The configuration is saved, and a second balancer (lb2 of the lab, with nothing that it could go on from) starts
with it. These must be the same on both: what is in force, as a configuration; the services' settings and lengths of
tables; the backends' addresses, weights in force, states and shares of slots; the fingerprints that tell whether two
nodes decide alike; and where new flows go, for 200 flows to each service that hashes. What hangs on what was before
(transitions that settle, remembered flows, counters, generations, drains that are over) is not compared:
docs/consistency.md.
"""
import re

FLOWS = 200
SERVICE_KEYS = ("name", "vip", "port", "protocol", "encap", "scheduler", "hash", "transition_s", "slow_start_s",
                "slots", "backends", "backends_enabled", "backends_draining")
BACKEND_KEYS = ("address", "weight", "weight_now", "state", "slots", "slots_total", "down")


def configuration(node):
    """What is in force, but for what must differ between two nodes of one host."""
    text = node.rpc("config.show", effective=True)["text"]
    return [line for line in text.splitlines() if not re.search(r"\b(socket|state|pin_dir|memory_dir) = \"/", line)]


def services(node):
    return [{key: s.get(key) for key in SERVICE_KEYS} for s in node.rpc("services.list")["services"]]


def backends(node):
    return {name: [b.get(key) for key in BACKEND_KEYS] for name, b in node.backends().items()}


def fingerprints(node):
    told = node.rpc("node.show")
    return told["seed_fingerprint"], told["services"]


def flows(node):
    """Where each of so many new flows goes."""
    chosen = {}
    for service in node.rpc("services.list")["services"]:
        if service["scheduler"] != "maglev":
            continue
        client = "2001:db8:1::%x" if ":" in service["vip"] else "10.10.1.%d"
        for n in range(FLOWS):
            source = client % (2 + n % 250) if service["hash"] == "source" else client % 2
            told = node.rpc("flow.explain", protocol=service["protocol"], source=source, source_port=20000 + n * 97,
                            destination=service["vip"], destination_port=service["port"], opens=True)
            # What the lookup table says; a port that the clients used may be remembered elsewhere.
            chosen[service["name"], n] = told["slot"]["current"]
    return chosen


def compare(old, new):
    """The differences, in words; none: they are the same."""
    words = []
    for what in (configuration, services, backends, fingerprints, flows):
        a, b = what(old), what(new)
        if a == b:
            continue
        if isinstance(a, dict):
            pairs = [(k, a.get(k), b.get(k)) for k in sorted(set(a) | set(b), key=str) if a.get(k) != b.get(k)]
        elif isinstance(a, list) and len(a) == len(b):
            pairs = [(i, x, y) for i, (x, y) in enumerate(zip(a, b)) if x != y]
        else:
            pairs = [("", a, b)]
        words += [f"{what.__name__}: {k}: {x} runs, {y} is what a clean start makes" for k, x, y in pairs[:5]]
    return words
