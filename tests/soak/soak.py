#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A soak of one path, in a lab that soak.sh has made: hurts the node for so many minutes while clients use it,
mends all, and judges. Called by soak.sh; TAP lines on standard output, comments each minute.

    soak.py MINUTES SEED

In the first third of the time and in the last sixth the node is restarted and killed as well. Between them one
process lives, whose memory and open files are compared: at its end with those of 60 s after its start.
"""
import json
import os
import random
import subprocess
import sys
import time

from account import Account
from actions import Actions
from clean_start import compare
from links import Links
from model import Model
from node import Disk, Failures, Lab, Node, Refused, until

# What may be more at the end of the quiet part than at its beginning. Own memory: lists of events, log and
# repeats fill up to their bounds; what does not stop growing is far beyond this after half an hour.
ANON_KIB, FILES = 4096, 4
FEW = 10  # samples
ARENA_SHARE = 1.25  # of a clean start's


class Soak:
    def __init__(self, minutes, seed):
        self.seconds, self.seed = minutes * 60, seed
        self.lab = Lab()
        self.events = f"{self.lab.dir}/soak.events"
        open(self.events, "w").close()
        self.node = Node(self.lab, "lb", f"{self.lab.dir}/sluiced-soak")
        with open(f"{self.lab.dir}/sluiced-lb.pid") as pid:
            self.node.adopt(int(pid.read()))
        self.model = Model(os.environ["BACKENDS"].split())
        self.account = Account(self.events, f"{self.lab.dir}/sluiced-lb.log")
        self.failures = Failures(self.lab.dir)
        self.actions = Actions(self.node, self.model, self.account, Links(self.lab), Disk(f"{self.lab.dir}/small"),
                               self.failures, random.Random(seed))
        with open(f"{self.lab.dir}/head.conf") as head:
            self.actions.head = head.read()
        self.samples = []  # (minute, what), of each
        self.quiet = []  # of the process that lives the longest, after each action
        self.tap = self.bad = 0

    def report(self, ok, text):
        self.tap += 1
        self.bad += not ok
        print(f"{'ok' if ok else 'not ok'} {self.tap} - {text}", flush=True)

    @staticmethod
    def note(text):
        print(f"# {text}", flush=True)

    # ---- the run

    def sample(self, minute, restarts):
        try:
            sizes = self.node.sizes()
        except (OSError, Refused) as error:
            self.note(f"minute {minute}: no figures: {error}")
            return
        self.account.read(self.cut())
        self.samples.append((minute, sizes))
        if minute % 10 == 0 or len(self.samples) == 1:
            self.note("min | rss KiB | own KiB | arena KiB | files | under way | well | actions | broken, excused | broken")
        self.note(f"{minute:3d} | {sizes['rss']:7d} | {sizes['anon']:7d} | {sizes['arena']:9d} | {sizes['files']:5d} | "
                  f"{self.account.sum('live', 'long'):9d} | "
                  f"{sum(self.account.sum('done', k) for k in ('long', 'short', 'load')):5d} | "
                  f"{sum(self.actions.counts.values()):6d} | {sum(self.account.excused.values()):8d} | "
                  f"{len(self.account.broken)}{'  restarts' if restarts else ''}")

    def act(self, restarts):
        """One action; what the node refuses or does not answer is a fault."""
        try:
            self.actions.next(restarts)
        except Refused as error:
            self.actions.fault(f"refused: {error}")
            self.model_again()
        except OSError as error:
            self.actions.fault(f"no answer: {error!r}")
            if not self.node.lives():
                self.note(f"sluiced has ended: see {self.lab.dir}/sluiced-lb.log")
                self.actions.starts.append(("ended by itself", 0, self.node.start()))
            self.model_again()

    def model_again(self):
        """After a fault: the model is what is in force, so that one fault is told once."""
        rows = until(15, self.node.backends_or_none) or {}
        for service in self.model.services.values():
            for name, backend in service.backends.items():
                if (service.name, name) in rows:
                    backend.weight = rows[service.name, name]["weight"]
                    backend.state = rows[service.name, name]["state"]

    def run(self):
        begun = time.time()
        minute = 0
        chance = random.Random(self.seed + 1)
        while (now := time.time() - begun) < self.seconds:
            restarts = not self.seconds / 3 <= now < self.seconds * 5 / 6
            if not restarts and now > self.seconds / 3 + min(60, self.seconds / 10):
                self.quiet.append(self.node.sizes())
            if now >= minute * 60:
                self.sample(minute, restarts)
                minute += 1
            self.act(restarts)
            self.actions.heal()
            self.account.read(self.cut())
            if not self.node.lives():
                self.actions.fault("sluiced has ended by itself")
                self.actions.starts.append(("ended by itself", 0, self.node.start()))
            time.sleep(chance.uniform(0.1, 1))
        self.sample(minute, False)

    # ---- its end

    def mend(self):
        """Nothing hurts, every backend is enabled and every transition over."""
        self.failures.end()
        self.actions.disk.free()
        until(90, lambda: self.actions.heal(now=True))
        for service in self.model.services.values():
            for name, backend in service.backends.items():
                if backend.state != "enabled":
                    self.node.rpc("backend.enable", service=service.name, backend=name)
                    backend.state = "enabled"
                    self.account.end(service.name, name, "disabled")
        well = lambda: all(b["next_hop"]["state"] == "resolved" and not b["down"] and b["weight_now"] == b["weight"]
                           for b in self.node.backends().values())
        self.report(until(30, well), "all backends are up, and every way is known")
        calm = lambda: all(t["state"] != "active" for t in self.node.rpc("transitions.list")["transitions"])
        self.report(until(150, calm), "every transition ends")
        for fault in self.actions.differences():
            self.actions.fault(f"at the end {fault}")

    def judge(self, clients):
        clients.terminate()
        clients.wait(150)
        self.account.read(self.cut())
        well = {kind: self.account.sum("done", kind) for kind in ("long", "short", "load", "udp", "lost")}
        self.report(all(well[kind] for kind in ("long", "short", "load", "udp")),
                    f"connections that ended well: {well['long']} long, {well['short']} short, {well['load']} downloads; "
                    f"{well['udp']} datagrams answered, {well['lost']} not")
        for why, count in sorted(self.account.excused.items()):
            self.note(f"broke, its backend was {why.split(': ')[1]}: {count} {why.split(': ')[0]}")
        self.report(not self.account.broken, f"connections broken that a live backend could have kept: {len(self.account.broken)}")
        for event in self.account.broken[:20]:
            self.note(json.dumps(event))
            for line in self.actions.before(event["at"]):
                self.note(f"    {line}")
        self.note(f"checks that timed out without the soak's doing, and found a backend down: {self.account.late}")
        faults = self.actions.faults + self.account.faults
        self.report(not faults, f"the node refused, lost or forgot {len(faults)} things")
        for fault in faults[:20]:
            self.note(fault)

    def flat_sizes(self):
        if len(self.quiet) < 2 * FEW:
            return
        # The least of a few: a health check or a client that is under way has a file for a moment.
        warm, end = ({key: min(sizes[key] for sizes in part) for key in part[0]}
                     for part in (self.quiet[:FEW], self.quiet[-FEW:]))
        self.report(end["anon"] <= warm["anon"] + ANON_KIB, f"own memory of the process that lived the longest: {warm['anon']} KiB "
                    f"when warm, {end['anon']} KiB at its end (at most {ANON_KIB} more)")
        self.report(end["files"] <= warm["files"] + FILES, f"open files: {warm['files']}, then {end['files']} (at most {FILES} more)")

    def clean_start(self):
        self.node.rpc("config.save")
        self.report(not self.node.rpc("config.show")["changes"], "once saved, nothing was changed at run time")
        new = Node(self.lab, "lb2", f"{self.lab.build}/ctl/daemon/sluiced")
        with open(self.node.conf) as old, open(new.conf, "w") as file:
            text = old.read()
            for this, that in ((self.node.socket, new.socket), (f"{self.lab.dir}/small/state.json", f"{self.lab.dir}/lb2.state"),
                               (f"/{self.lab.id}-lb\"", f"/{self.lab.id}-lb2\"")):
                text = text.replace(this, that)
            file.write(text)
        new.start()
        if self.lab.path == "dpdk":
            subprocess.run(["bash", "-c", ". tests/lab/lab.sh && lab_settle && lab_lb_address sl0 lb2"], check=True)
        until(30, lambda: all(b["next_hop"]["state"] == "resolved" and not b["down"] and
                              (not b["health"] or b["health"]["state"] == "up") for b in new.backends().values()))
        words = compare(self.node, new)
        self.report(not words, "what runs is what a clean start with the same configuration makes")
        for line in words:
            self.note(line)
        old_kib, new_kib = self.node.sizes(), new.sizes()
        self.report(old_kib["arena"] <= new_kib["arena"] * ARENA_SHARE, f"tables: {old_kib['arena']} KiB of the arena, "
                    f"{new_kib['arena']} KiB after a clean start")
        self.report(old_kib["files"] <= new_kib["files"] + FILES, f"open files: {old_kib['files']}, "
                    f"{new_kib['files']} after a clean start")
        new.end()

    def figures(self):
        self.note("actions: " + ", ".join(f"{name} {n}" for name, n in sorted(self.actions.counts.items())))
        self.note(f"calls that were made to fail: {self.failures.count()}")
        for how in sorted({start[0] for start in self.actions.starts}):
            rows = [start for start in self.actions.starts if start[0] == how]
            self.note(f"{how}: {len(rows)} times; ended in {max(r[1] for r in rows):.2f} s, answered after "
                      f"{max(r[2] for r in rows):.2f} s, at most")
        if self.node.restarts:
            self.note(f"starts that failed, and were tried again after a second: {self.node.restarts}")

    def main(self):
        self.note(f"seed {self.seed}, {self.seconds / 60:g} minutes, path {self.lab.path}")
        with open(f"{self.lab.dir}/blob.sha256") as line:
            sha256 = line.read().split()[0]
        here = os.path.dirname(os.path.abspath(__file__))
        clients = self.lab.spawn("client", "soak-clients", "/usr/bin/python3", f"{here}/client.py", self.events, sha256,
                                 *self.model.traffic())
        self.report(until(30, self.traffic_flows), "traffic of every kind flows")
        try:
            self.run()
            self.mend()
            self.clean_start()
            self.flat_sizes()
        finally:
            self.judge(clients)
            self.figures()
        print(f"1..{self.tap}")
        return self.bad == 0

    def cut(self):
        return {service.name for service in self.model.services.values() if service.cut_by_health()}

    def traffic_flows(self):
        self.account.read(self.cut())
        return all(self.account.sum("live", kind) for kind in ("long", "load", "udp")) and self.account.sum("done", "short")


sys.exit(0 if Soak(float(sys.argv[1]), int(sys.argv[2])).main() else 1)
