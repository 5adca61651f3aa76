# SPDX-License-Identifier: Apache-2.0
"""What a soak does to its node: one method for each kind of action, chosen and filled in by a seeded source of
random numbers. Used by soak.py.

A method does one thing, tells the model (model.py) what the node answered "done" to, and the account
(account.py) which connections may break for it. It returns False where it does not fit what is. At most one
backend at a time is sick or cut off, and two of each service take flows at any time, so that a connection
always finds a backend that could keep it.
"""
import json
import os
import signal
import time

from model import Backend, Service
from node import Refused, until

CALLS = """socket:EMFILE socket:ENFILE socket:ENOBUFS socket:ENOMEM accept4:EMFILE bind:ENOMEM connect:ENOBUFS
    connect:EAGAIN send:ENOBUFS sendto:ENOBUFS sendmsg:ENOBUFS recv:ENOMEM recvfrom:ENOMEM recvmsg:ENOBUFS
    recvmsg:ENOMEM setsockopt:ENOMEM getsockopt:ENOBUFS epoll_ctl:ENOMEM epoll_ctl:ENOSPC poll:ENOMEM open:EMFILE
    open:ENFILE open:ENOMEM write:ENOSPC writev:ENOBUFS read:EIO readv:ENOMEM fsync:EIO rename:ENOSPC mkdir:ENOSPC
    unlink:EROFS fork:EAGAIN ioctl:ENOMEM ioctl:ENOBUFS bpf:ENOMEM bpf:EMFILE""".split()


class Actions:
    # How often each comes, beside the others; those of RESTARTS only while they may.
    SHARES = {"weight": 12, "add": 8, "remove": 4, "drain": 5, "undrain": 4, "disable": 3, "enable": 14, "host_drain": 1,
              "host_disable": 1, "host_undrain": 1, "host_enable": 5, "settings": 4, "service_add": 2,
              "service_remove": 2, "apply": 3, "many": 2, "save": 1, "reload": 2, "reload_edited": 3,
              "reload_refused": 1, "hangup": 1, "disk_full": 1, "failing_call": 4, "backend_cut": 4, "port_cut": 2,
              "sick": 5, "read_all": 3}
    RESTARTS = {"restart": 4, "kill": 4}

    def __init__(self, node, model, account, links, disk, failures, random):
        self.node, self.model, self.account, self.links = node, model, account, links
        self.disk, self.failures, self.random = disk, failures, random
        self.counts, self.starts, self.faults, self.added = {}, [], [], 0
        self.hurt = None  # (backend, when, what) that is sick or cut off, until mend()
        self.head = ""
        self.log, self.log_file = [], open(f"{node.lab.dir}/soak.actions", "a")

    def next(self, restarts):
        """One action; its name."""
        shares = {**self.SHARES, **(self.RESTARTS if restarts else {})}
        while True:
            name = self.random.choices(list(shares), shares.values())[0]
            if getattr(self, name)() is not False:
                self.counts[name] = self.counts.get(name, 0) + 1
                return name

    def fault(self, text):
        self.faults.append(text)

    # ---- what there is

    def service(self):
        return self.random.choice(list(self.model.services.values()))

    def taking(self, service):
        """Its backends that take new flows, but for the hurt one."""
        return [n for n, b in service.backends.items() if b.state == "enabled" and b.weight > 0 and
                not (self.hurt and self.hurt[0] == n)]

    def pick(self, service, states, spare=True):
        """A backend of it in one of these states; spare: one that can be done without."""
        names = [n for n, b in service.backends.items() if b.state in states and
                 (not spare or len([t for t in self.taking(service) if t != n]) >= 2)]
        return self.random.choice(names) if names else None

    def change(self, method, **params):
        self.tell(" ".join([method] + [f"{k}={v}" for k, v in params.items() if not isinstance(v, list)]))
        self.node.rpc(method, **params)

    def tell(self, text):
        """For whoever looks for a cause: what was done, and when it began."""
        self.log.append((time.time(), text))
        print(f"{time.time():.3f} {text}", file=self.log_file, flush=True)

    def before(self, at):
        """The last ones before that moment."""
        return [f"{text} ({at - when:.2f} s before)" for when, text in self.log if when < at][-6:]

    # ---- changes of one backend

    def weight(self):
        service = self.service()
        name = self.pick(service, ("enabled",), spare=False)
        if not name:
            return False
        others = [n for n in self.taking(service) if n != name]
        weight = self.random.choice([0, 1, 10, 50, 99, 100, 200] if len(others) >= 2 else [10, 50, 100])
        self.change("backend.set", service=service.name, backend=name, weight=weight)
        service.backends[name].weight = weight

    def add(self):
        service = self.service()
        gone = [n for n in self.model.names if n not in service.backends]
        if not gone:
            return False
        name, weight = self.random.choice(gone), self.random.choice([1, 50, 100])
        self.change("backend.add", service=service.name, name=name, address=self.model.address(service, name), weight=weight)
        service.backends[name] = Backend(self.model.address(service, name), weight)
        self.account.end(service.name, name, "removed")
        self.account.end(service.name, name, "disabled")

    def remove(self):
        service = self.service()
        name = self.pick(service, ("enabled", "draining", "disabled"))
        if not name:
            return False
        self.account.begin(service.name, name, "removed")
        self.change("backend.remove", service=service.name, backend=name)
        del service.backends[name]

    def drain(self):
        service = self.service()
        name = self.pick(service, ("enabled",))
        if not name:
            return False
        timeout_s = self.random.choice([0, 0, 3, 8])
        self.change("backend.drain", service=service.name, backend=name, timeout_s=timeout_s)
        self.drains(service, name, timeout_s)

    def drains(self, service, name, timeout_s):
        service.backends[name].state = "draining"
        if timeout_s:  # from then on it is disabled
            self.account.begin(service.name, name, "disabled", time.time() + timeout_s)
            service.backends[name].state = "timing"

    def undrain(self):
        service = self.service()
        name = self.pick(service, ("draining",), spare=False)
        if not name:
            return False
        self.change("backend.undrain", service=service.name, backend=name)
        service.backends[name].state = "enabled"

    def disable(self):
        service = self.service()
        name = self.pick(service, ("enabled", "draining"))
        if not name:
            return False
        self.account.begin(service.name, name, "disabled")
        self.change("backend.disable", service=service.name, backend=name)
        service.backends[name].state = "disabled"

    def enable(self):
        service = self.service()
        name = self.pick(service, ("draining", "timing", "disabled"), spare=False)
        if not name:
            return False
        self.change("backend.enable", service=service.name, backend=name)
        service.backends[name].state = "enabled"
        self.account.end(service.name, name, "disabled")

    # ---- changes of a host, of many

    def of_host(self, name):
        """Every service that has this backend in IPv4, and its backend there."""
        address = f"10.10.{10 + int(name[1:])}.2"
        return address, [(s, s.backends[name]) for s in self.model.services.values()
                         if name in s.backends and s.backends[name].address == address]

    def spare_host(self):
        names = [n for n in self.model.names if self.of_host(n)[1] and
                 all(len([t for t in self.taking(s) if t != n]) >= 2 for s, _ in self.of_host(n)[1])]
        return self.random.choice(names) if names else None

    def host_drain(self):
        name = self.spare_host()
        if not name:
            return False
        address, rows = self.of_host(name)
        if any(b.state == "timing" for _, b in rows):  # which may be disabled by now, and stays so
            return False
        timeout_s = self.random.choice([0, 5])
        self.change("host.drain", address=address, timeout_s=timeout_s)
        for service, backend in rows:
            if backend.state != "disabled":
                self.drains(service, name, timeout_s)

    def host_disable(self):
        name = self.spare_host()
        if not name:
            return False
        address, rows = self.of_host(name)
        for service, backend in rows:
            self.account.begin(service.name, name, "disabled")
        self.change("host.disable", address=address)
        for service, backend in rows:
            backend.state = "disabled"

    def host_undrain(self):
        name = self.random.choice(self.model.names)
        address, rows = self.of_host(name)
        # What a timeout is about to disable may be either by the time that this is carried out.
        if not rows or any(b.state == "timing" for _, b in rows) or not any(b.state == "draining" for _, b in rows):
            return False
        self.change("host.undrain", address=address)
        for service, backend in rows:
            if backend.state == "draining":
                backend.state = "enabled"

    def host_enable(self):
        name = self.random.choice(self.model.names)
        address, rows = self.of_host(name)
        if not rows:
            return False
        self.change("host.enable", address=address)
        for service, backend in rows:
            backend.state = "enabled"
            self.account.end(service.name, name, "disabled")

    def apply(self):
        changes, weights = [], []
        for service in self.random.sample(list(self.model.services.values()), 4):
            names = self.taking(service)
            if names:
                name, weight = self.random.choice(names), self.random.randint(1, 200)
                weights.append((service, name, weight))
                changes.append({"method": "backend.set", "params": {"service": service.name, "backend": name, "weight": weight}})
        self.change("config.apply", changes=changes)
        for service, name, weight in weights:
            service.backends[name].weight = weight

    def many(self):
        """A hundred changes of weight without a pause."""
        for _ in range(100):
            service = self.service()
            names = self.taking(service)
            if names:
                name, weight = self.random.choice(names), self.random.randint(1, 200)
                self.change("backend.set", service=service.name, backend=name, weight=weight)
                service.backends[name].weight = weight

    # ---- services

    def settings(self):
        service = self.service()
        key = self.random.choice(["encap", "transition_s", "scheduler", "hash"])
        if key == "hash" and service.scheduler != "maglev":
            return False
        if key == "scheduler" and service.hash != "flow":
            return False
        value = self.random.choice({"encap": ["ipip", "gue", "gue0"], "transition_s": [45, 60, 120],
                                    "scheduler": ["maglev", "maglev", "rr", "wrr", "random", "least-conn"],
                                    "hash": ["flow", "flow", "source"]}[key])
        self.change("service.set", service=service.name, **{key: value})
        setattr(service, key, value)

    def service_add(self):
        if len(self.model.services) > 12:
            return False
        self.added += 1
        name = f"extra{self.added}"
        service = Service(name, f"198.51.100.{100 + self.added % 100}", 9000, "tcp", self.random.choice(["gue", "ipip"]))
        service.backends = {n: Backend(self.model.address(service, n)) for n in self.model.names}
        self.change("service.add", name=name, vip=service.vip, port=9000, protocol="tcp", encap=service.encap, slots=1021,
                    transition_s=60, backends=[{"name": n, "address": b.address} for n, b in service.backends.items()])
        self.model.services[name] = service

    def service_remove(self):
        names = [n for n in self.model.services if n.startswith("extra")]
        if not names:
            return False
        name = self.random.choice(names)
        self.change("service.remove", service=name)
        del self.model.services[name]

    # ---- the file

    def save(self):
        self.change("config.save")

    def reload(self):
        self.change("config.reload")

    def write(self, extra=""):
        with open(f"{self.node.conf}.new", "w") as file:
            file.write(self.model.file(self.head) + extra)
        os.rename(f"{self.node.conf}.new", self.node.conf)

    def settle_drains(self):
        """A drain's time isn't in a file, and who writes one must know what is in force."""
        return not any(b.state in ("timing", "draining") for s in self.model.services.values() for b in s.backends.values())

    def reload_edited(self):
        """The file says what is in force, but for a weight, a backend or the length of a table."""
        if not self.settle_drains():
            return False
        # From then on there are no run-time changes that the file would have to win over.
        self.change("config.save")
        service = self.service()
        names = self.taking(service)
        what = self.random.choice(["weight", "slots", "backend"])
        if what == "weight" and names:
            service.backends[self.random.choice(names)].weight = self.random.randint(1, 200)
        elif what == "slots":
            service.slots = self.random.choice([509, 1021, 2039])
        else:
            name = self.pick(service, ("enabled", "disabled"))
            if not name:
                return False
            self.account.begin(service.name, name, "removed")
            del service.backends[name]
        self.write()
        self.change("config.reload")

    def reload_refused(self):
        """A file that is wrong changes nothing."""
        if not self.settle_drains():
            return False
        self.change("config.save")
        self.write("nonsense = 1;\n")
        try:
            self.change("config.reload")
            self.fault("a reload of a file that is wrong was not refused")
        except Refused:
            pass
        self.write()
        self.change("config.reload")

    def hangup(self):
        self.tell("SIGHUP")
        os.kill(self.node.pid, signal.SIGHUP)

    # ---- what goes wrong

    def disk_is_written(self, after):
        if not until(20, self.node.is_written):
            self.fault(f"20 s after {after} the state is not on the disk")

    def disk_full(self):
        self.tell("the disk is full")
        self.disk.fill()
        for _ in range(3):
            self.weight()
        time.sleep(self.random.uniform(0.2, 2))
        self.disk.free()
        self.disk_is_written("a full disk")


    def failing_call(self):
        """For a while; changes that are refused meanwhile have changed nothing, others are in force."""
        call, error = self.random.choice(CALLS).split(":")
        self.tell(f"{call}() fails with {error}")
        self.failures.begin(f"{call} {error} {self.random.choice([1, 1, 3])}")
        end = time.time() + self.random.uniform(0.5, 2.5)
        touched = set()
        while time.time() < end:
            service = self.service()
            names = self.taking(service)
            if names:
                touched.add((service.name, self.random.choice(names)))
                name = [n for s, n in touched if s == service.name][-1]
                try:
                    self.node.rpc("backend.set", wait_s=2, service=service.name, backend=name, weight=self.random.randint(1, 200))
                except (OSError, Refused, ValueError):
                    pass
            time.sleep(0.1)
        self.failures.end()
        self.tell(f"{call}() fails no more")
        # Whether those whose answer was lost were carried out, nobody was told. The library looks into its
        # file every 20 ms, so the first answer may still be a failed call's.
        is_now = until(15, self.node.backends_or_none)
        if not is_now:
            self.fault(f"15 s after {call}() failed with {error} the node does not answer")
            return
        for service, name in touched:
            self.model.services[service].backends[name].weight = is_now[service, name]["weight"]

    def hurt_begin(self, name, what):
        self.hurt = (name, time.time(), what)
        self.tell(f"{name} is {what}")
        for service in self.model.services.values():
            if service.cut_by_health():
                for each in service.backends if name == "port" else [name]:
                    self.account.begin(service.name, each, "down")

    def can_hurt(self, name):
        return not self.hurt and all(len([t for t in self.taking(s) if t != name]) >= 2
                                     for s in self.model.services.values())

    def backend_cut(self):
        name = self.random.choice(self.model.names)
        if not self.can_hurt(name):
            return False
        self.hurt_begin(name, "cut")
        self.links.cut(name)
        time.sleep(self.random.uniform(0.3, 3))
        self.links.mend(name)

    def port_cut(self):
        if self.hurt:
            return False
        self.hurt_begin("port", "cut")
        self.links.cut("lb")
        time.sleep(self.random.uniform(0.3, 3))
        self.links.mend("lb")

    def sick(self):
        """Its health checks fail, for a while in which other things go on: heal() ends it."""
        name = self.random.choice(self.model.names)
        if not self.can_hurt(name):
            return False
        self.hurt_begin(name, "sick")
        with open(f"{self.node.lab.dir}/sick.{name}", "w"):
            pass
        self.sick_until = time.time() + self.random.uniform(1, 8)

    def heal(self, now=False):
        """Called again and again: ends what hurts when its time is over, and the excuse when every check passes."""
        if not self.hurt:
            return True
        name, _, what = self.hurt
        if what == "sick":
            if time.time() < self.sick_until and not now:
                return False
            if os.path.exists(f"{self.node.lab.dir}/sick.{name}"):
                os.unlink(f"{self.node.lab.dir}/sick.{name}")
                self.healed = time.time()
                return False
        elif not hasattr(self, "healed") or self.healed < self.hurt[1]:
            self.healed = time.time()
            return False
        if time.time() < self.healed + 3:  # a check that began before may still be told
            return False
        rows = self.node.backends()
        if any(b["down"] or (b["health"] and b["health"]["state"] != "up") for b in rows.values()):
            if time.time() > self.healed + 60:
                bad = {k: (b["down"], b["health"]) for k, b in rows.items() if b["down"]}
                self.fault(f"60 s after {name} was {what} it is down: {json.dumps(str(bad))}")
                self.healed = time.time()
            return False
        for service in self.model.services.values():
            self.account.end(service.name, None, "down")
        self.tell(f"{name} is well")
        self.hurt = None
        return True

    # ---- restarts

    # Between two of them, so that what waited through one has gone on before the next, and is seen to.
    RESTART_EVERY_S = 20

    def too_soon(self):
        return bool(self.starts) and time.time() < self.started_at + self.RESTART_EVERY_S

    def restart(self):
        if self.too_soon():
            return False
        took = self.node.end()
        self.tell(f"it was told to end, and did after {took:.2f} s")
        self.started("told to end", took)

    def kill(self):
        if self.too_soon():
            return False
        self.disk_is_written("the last change")
        took = self.node.end(signal.SIGKILL)
        self.tell("it was killed")
        self.started("killed", took)

    def started(self, how, ended_s):
        self.starts.append((how, ended_s, self.node.start()))
        self.started_at = time.time()
        self.tell(f"it answers after {self.starts[-1][2]:.2f} s")
        for fault in self.differences():
            self.fault(f"after a start (it was {how}): {fault}")

    def differences(self):
        """What of the model the node does not have in force, in words."""
        rows, words = self.node.backends(), []
        for service in self.model.services.values():
            for name, backend in service.backends.items():
                row = rows.pop((service.name, name), None)
                if not row:
                    words.append(f"{service.name} {name} is not there")
                    continue
                if backend.state == "timing" and row["state"] in ("draining", "disabled"):
                    backend.state = row["state"] if row["state"] == "disabled" else "timing"
                elif row["state"] != backend.state:
                    words.append(f"{service.name} {name} is {row['state']}, not {backend.state}")
                if row["weight"] != backend.weight:
                    words.append(f"{service.name} {name} has weight {row['weight']}, not {backend.weight}")
        words += [f"{service} {name} is there" for service, name in rows]
        for row in self.node.rpc("services.list")["services"]:
            service = self.model.services.get(row["name"])
            for key in ("encap", "scheduler", "hash", "transition_s") if service else ():
                if row[key] != getattr(service, key):
                    words.append(f"{service.name}: {key} is {row[key]}, not {getattr(service, key)}")
        return words

    # ---- readers

    def read_all(self):
        for method in ("services.list", "backends.list", "hosts.list", "counters.list", "traffic.list", "memory.show",
                       "transitions.list", "events.list", "daemon.show", "node.show"):
            self.node.rpc(method)
        for path in ("metrics", "healthz", "readyz", "", "api/status"):
            self.node.page(path)
