#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of CONTRIBUTING.md that no other analyzer knows. Called by run.sh, in the tree's root.

    rules.py heads | guards | rooms | tidy BUILD JOBS

heads: each C file starts with its licence's line, then a comment. guards: SLUICE_..., ending in the
file's name, in one file only. rooms: no room (folder) includes another that includes it in turn.
tidy: clang-tidy over what compile_commands.json names, except what passed unchanged before.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys

HEAD = re.compile(r"/\* SPDX-License-Identifier: [^\n]+ \*/\n/\*\n( \*[^\n]*\n){1,40}? \*/\n")
ROOMS = ("ctl/", "dataplane/", "ebpf/", "include/")


def sources(*ends):
    out = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], text=True)
    return sorted(f for f in out.split("\0") if f.endswith(ends) and os.path.exists(f))


def text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def heads():
    return [f"{f}: starts with no line of its licence and a comment after it" for f in sources(".c", ".h")
            if not HEAD.match(text(f))]


def guards():
    found, seen = [], {}
    for f in sources(".h"):
        name = re.sub(r"\W", "_", os.path.basename(f)).upper()
        m = re.search(r"^#ifndef (\w+)\n#define \1$", text(f), re.M)
        guard = m[1] if m else "none"
        if not (guard.startswith("SLUICE_") and guard.endswith("_" + name)):
            found.append(f"{f}: include guard {guard}, not SLUICE_..._{name}")
        elif guard in seen:
            found.append(f"{f}: include guard {guard} is that of {seen[guard]}, too")
        seen[guard] = f
    return found


def room_edges():
    """{(room, other room): "file includes header"}"""
    files = [f for f in sources(".c", ".h") if f.startswith(ROOMS)]
    names = {}
    for f in files:
        names.setdefault(os.path.basename(f), []).append(f)
    edges = {}
    for f in files:
        room = os.path.dirname(f)
        for header in re.findall(r'^#include ["<]([^">]+)[">]', text(f), re.M):
            near = [os.path.normpath(os.path.join(d, header)) for d in (room, "ctl", "include", ".")]
            hits = [p for p in near if p in files] or names.get(header, [])
            if len(hits) == 1 or (hits and hits[0] in near):
                edges.setdefault((room, os.path.dirname(hits[0])), f"{f} includes {header}")
    return {pair: why for pair, why in edges.items() if pair[0] != pair[1]}


def way(edges, start, goal):
    """The shortest list of rooms from start to goal."""
    ways, seen = [[start]], {start}
    for path in ways:
        if path[-1] == goal:
            return path
        for a, b in edges:
            if a == path[-1] and b not in seen:
                seen.add(b)
                ways.append(path + [b])
    return None


def rooms():
    edges = room_edges()
    if len(edges) < 10:
        return [f"only {len(edges)} includes between rooms: this check has lost its way"]
    found = {}
    for a, b in edges:
        back = way(edges, b, a)
        if back:
            ring = [a] + back
            steps = "".join(f"\n    {edges[pair]}" for pair in zip(ring, ring[1:]))
            found.setdefault(frozenset(ring), f"rooms include each other: {' -> '.join(ring)}{steps}")
    return list(found.values())


def tidy(build, jobs):
    with open(f"{build}/compile_commands.json", encoding="utf-8") as f:
        database = json.load(f)
    commands = {}
    for e in database:
        path = os.path.relpath(os.path.realpath(os.path.join(e["directory"], e["file"])))
        if path.endswith(".c") and path.startswith(ROOMS):
            commands.setdefault(path, e["command"])
    if not commands:
        return [f"{build}/compile_commands.json names no file of the product"]
    headers = hashlib.sha256(b"".join(text(f).encode() for f in [".clang-tidy"] + sources(".h"))).hexdigest()
    cache = f"{build}/lint-passed"
    passed = set(text(cache).split()) if os.path.exists(cache) else set()
    keys = {f: hashlib.sha256((headers + c + text(f)).encode()).hexdigest() for f, c in commands.items()}
    left = sorted(f for f in commands if keys[f] not in passed)

    def run(batch):
        done = subprocess.run(["clang-tidy", "-p", build, "--quiet", "--extra-arg=-Wno-error"] + [os.path.abspath(f) for f in batch],
                              capture_output=True, text=True, check=False)
        return batch, done.returncode, done.stdout + (done.stderr if done.returncode < 0 else "")

    found = []
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        for batch, status, words in pool.map(run, [left[i:i + 8] for i in range(0, len(left), 8)]):
            if status == 0:
                passed.update(keys[f] for f in batch)
            else:
                found.append(words)
    with open(cache, "w", encoding="utf-8") as f:
        f.write("\n".join(sorted(passed & set(keys.values()))))
    return found


found = {"heads": heads, "guards": guards, "rooms": rooms, "tidy": tidy}[sys.argv[1]](*sys.argv[2:])
print("\n".join(found))
sys.exit(bool(found))
