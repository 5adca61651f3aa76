# SPDX-License-Identifier: Apache-2.0
"""A balancer of the lab, as a soak sees it: its process, its control socket and its metrics; and the nodes
around it. Used by soak.py and its parts. The files are the lab's (tests/lab/sluice.sh)."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time


STARTS = 5


class Refused(Exception):
    """The daemon answered with an error."""


class Lab:
    """The namespaces, by the environment that tests/lab/lab.sh leaves."""

    def __init__(self):
        self.id, self.dir, self.path = os.environ["LAB"], os.environ["LAB_DIR"], os.environ["LAB_PATH"]
        self.build = os.environ["BUILD"]

    def within(self, node, *command):
        return ["nsenter", f"--net=/run/netns/{self.id}-{node}", "--", *command]

    def run(self, node, *command, check=True, **more):
        return subprocess.run(self.within(node, *command), check=check, stdout=subprocess.PIPE, text=True, **more).stdout

    def spawn(self, node, name, *command):
        with open(f"{self.dir}/{name}.log", "ab") as log:
            return subprocess.Popen(self.within(node, *command), stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def until(seconds, what):
    """Asks what() again and again, so long at most; what it said last."""
    end = time.time() + seconds
    while True:
        said = what()
        if said or time.time() > end:
            return said
        time.sleep(0.05)


class Node:
    def __init__(self, lab, name, sluiced):
        self.lab, self.name, self.sluiced = lab, name, sluiced
        self.conf, self.socket = f"{lab.dir}/{name}.conf", f"{lab.dir}/{name}.sock"
        self.pid = self.process = None
        self.restarts = 0  # starts that failed, and were tried again

    # ---- its process

    def lives(self):
        if self.process:
            return self.process.poll() is None
        try:
            with open(f"/proc/{self.pid}/stat") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    def adopt(self, pid):
        self.pid = pid

    def start(self):
        """Starts it and waits until it answers; the seconds that took. As its unit does (Restart=on-failure,
        RestartSec=1), again where it could not start: the kernel may still hold what a killed one had."""
        begun = time.time()
        for _ in range(STARTS):
            self.process = self.lab.spawn(self.name, f"sluiced-{self.name}", self.sluiced, "--config", self.conf,
                                          "--module-dir", f"{self.lab.build}/dataplane:{self.lab.build}/ebpf")
            self.pid = self.process.pid
            if until(60, lambda: not self.lives() or self.answers()) and self.lives():
                return time.time() - begun
            self.restarts += 1
            time.sleep(1)
        raise RuntimeError(f"sluiced did not start on {self.name}: see {self.lab.dir}/sluiced-{self.name}.log")

    def end(self, how=signal.SIGTERM):
        """Ends it; the seconds that took."""
        begun = time.time()
        os.kill(self.pid, how)
        if not until(30, lambda: not self.lives()):
            raise RuntimeError(f"sluiced, process {self.pid}, did not end in 30 s after signal {how}")
        return time.time() - begun

    # ---- its control socket

    def rpc(self, method, wait_s=30, **params):
        """The result. Refused: it said no. OSError: it did not answer."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(wait_s)
            sock.connect(self.socket)
            sock.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                data = sock.recv(1 << 16)
                if not data:
                    raise ConnectionError("the connection was closed before the answer's end")
                answer += data
        answer = json.loads(answer)
        if "error" in answer:
            raise Refused(f"{method}({params}): {answer['error']['message']}")
        return answer["result"]

    def answers(self):
        try:
            return self.rpc("generation.show", wait_s=2)
        except (OSError, Refused):
            return None

    def backends(self):
        return {(b["service"], b["name"]): b for b in self.rpc("backends.list")["backends"]}

    def backends_or_none(self):
        try:
            return self.backends()
        except (OSError, Refused):
            return None

    # ---- what it tells of itself

    def page(self, path):
        return self.lab.run(self.name, "curl", "-s", "-m", "5", f"http://127.0.0.1:9107/{path}", check=False)

    def metric(self, name):
        found = re.search(rf"^sluice_{name} (\S+)$", self.page("metrics"), re.M)
        return float(found.group(1)) if found else None

    def is_written(self):
        """Whether all that was answered "done" is on the disk."""
        return self.metric("state_pending") == 0

    def sizes(self):
        """In KiB: rss, anon (its own memory, without tables and files), and arena; and open files."""
        with open(f"/proc/{self.pid}/status") as status:
            rows = dict(line.split(":", 1) for line in status)
        kib = {word: int(rows[row].split()[0]) for word, row in (("rss", "VmRSS"), ("anon", "RssAnon"))}
        kib["arena"] = self.rpc("generation.show")["arena_used_bytes"] // 1024
        kib["files"] = len(os.listdir(f"/proc/{self.pid}/fd"))
        return kib


class Disk:
    """The small file system in which the state file lies (soak.sh mounts it)."""

    def __init__(self, folder):
        self.full = f"{folder}/full"

    def fill(self):
        try:
            with open(self.full, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            pass

    def free(self):
        if os.path.exists(self.full):
            os.unlink(self.full)


class Failures:
    """tests/shim/fail.c in the daemon."""

    def __init__(self, folder):
        self.file, self.counter = f"{folder}/fail", f"{folder}/fail.count"

    def begin(self, what):
        with open(f"{self.file}.new", "w") as file:
            file.write(what)
        shutil.move(f"{self.file}.new", self.file)

    def end(self):
        self.begin("")

    def count(self):
        with open(self.counter, "rb") as file:
            return int.from_bytes(file.read(8), "little")
