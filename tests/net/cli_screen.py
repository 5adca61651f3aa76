#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sluicectl on a terminal: a pty whose other end understands escapes (pyte). Called by cli.sh.

cli_screen.py CASE SLUICECTL SOCKET PATH: top. cli_screen.py tab COMPLETION: a bash with a TAB.
Exit status 0: as it should be; else the screen is printed.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

import pyte

DEADLINE_S = 60


class Terminal:
    def __init__(self, columns, lines, argv):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # What pyte understands, all of it.
            os.environ["TERM"] = "linux"
            os.execvp(argv[0], argv)
        self.size(columns, lines)

    def size(self, columns, lines):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def read(self, wait_s):
        """False: the program has ended."""
        while select.select([self.fd], [], [], wait_s)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            self.stream.feed(data)
            wait_s = 0.05
        return True

    def type(self, text):
        os.write(self.fd, text.encode())

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def fail(self, why):
        print(f"Error: {why}\n{'-' * self.screen.columns}\n{self.text()}")
        os.kill(self.pid, signal.SIGKILL)
        sys.exit(1)

    def until(self, what, holds):
        """Reads until it holds."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            alive = self.read(0.1)
            if holds(self.screen.display):
                return
            if not alive:
                break
        self.fail(f"not seen: {what}")

    def sees(self, *words):
        self.until(" ".join(words), lambda lines: all(any(w in line for line in lines) for w in words))

    def ends(self):
        end = time.monotonic() + DEADLINE_S
        while self.read(0.1) and time.monotonic() < end:
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if status != 0:
            self.fail(f"exit status {status}")


def top(columns, lines, *args):
    return Terminal(columns, lines,
                    [sys.argv[2], "--socket", sys.argv[3], "top", "--interval", "1", *args])


def busy(lines):
    """The service with the load is in the first row, with a rate in thousands or more than 9."""
    rows = [i for i, line in enumerate(lines) if line.startswith("SERVICE")]
    if not rows:
        return False
    cells = lines[rows[0] + 1].split()
    return len(cells) > 2 and cells[0] == "v4-ipip" and \
        (cells[1][-1] in "kM" or float(cells[1]) > 9)


def wide():
    terminal = top(80, 24)
    terminal.sees("SERVICE", "PACKETS/s", "BITS/s", "DROPS/s", "flow table", "cores", "drops",
                  "q quit", sys.argv[4])
    terminal.until("v4-ipip on top", busy)
    terminal.type("q")
    terminal.ends()


def narrow():
    terminal = top(40, 10)
    terminal.sees("SERVICE", "PACKETS/s", "v4-ipip", "q quit")
    terminal.until("v4-ipip on top", busy)
    if any("flow table" in line for line in terminal.screen.display):
        terminal.fail("no room is left for rows")
    terminal.type("q")
    terminal.ends()


def resized():
    terminal = top(80, 24)
    terminal.sees("flow table", "DROPS/s", "v6-ipip-mixed")
    terminal.size(40, 10)
    terminal.until("40x10", lambda lines: "PACKETS/s" in lines[2] and "quit" in lines[9])
    terminal.size(120, 30)
    terminal.until("120x30", lambda lines: "DROPS/s" in lines[5] and "quit" in lines[29])
    terminal.size(20, 4)
    terminal.until("20x4", lambda lines: "SERVICE" in lines[2])
    terminal.size(80, 24)
    terminal.sees("flow table", "v6-ipip-mixed")
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.ends()


def keys():
    terminal = top(80, 24)
    terminal.until("v4-ipip on top", busy)
    terminal.type("\r")
    terminal.sees("backends of v4-ipip: 3", "BACKEND", "STATE", "enabled", "b1", "b2", "b3")
    terminal.type("\x1b")
    terminal.sees("services: 12", "DROPS/s")
    terminal.type("n")
    terminal.until("sorted by name", lambda lines: lines[6].startswith("v4-gue "))
    terminal.type("r")
    terminal.until("the other way round", lambda lines: lines[6].startswith("v6-ipip-mixed"))
    terminal.type("/gue0")
    terminal.sees("filter: gue0_", "services: 4")
    terminal.type("\r")
    terminal.sees("filter: gue0  (Esc: all)")
    terminal.type("\x1b")
    terminal.sees("services: 12")
    terminal.type("a")
    terminal.sees("all backends: 36", "v6-ipip-mixed b3")
    terminal.type("\x1b[B\x1b[B")
    terminal.type("h")
    terminal.sees("sort by packets, bits, drops, name", "quit")
    terminal.type("h")
    terminal.type("p")
    terminal.until("v4-ipip's backends on top", lambda lines: lines[6].startswith("v4-ipip b"))
    terminal.type("q")
    terminal.ends()


def gone():
    """The daemon can't be asked for a while: told, and over when it is back."""
    away = sys.argv[3] + ".away"
    terminal = top(80, 24)
    terminal.until("v4-ipip on top", busy)
    os.rename(sys.argv[3], away)
    try:
        terminal.sees("no socket", "is not running")
    finally:
        os.rename(away, sys.argv[3])
    terminal.sees("q quit")
    terminal.type("q")
    terminal.ends()


def tab():
    terminal = Terminal(100, 10, ["bash", "--norc", "--noprofile", "-i"])
    terminal.type(f"PS1='$ '; . {sys.argv[2]}\n")
    terminal.type("sluicectl show backends v6-gue0-\t")
    terminal.sees("$ sluicectl show backends v6-gue0-mixed")
    terminal.type("\nexit 0\n")
    terminal.ends()


if __name__ == "__main__":
    {"wide": wide, "narrow": narrow, "resized": resized, "keys": keys, "gone": gone,
     "tab": tab}[sys.argv[1]]()
