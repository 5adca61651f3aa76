# SPDX-License-Identifier: Apache-2.0
"""Which connections may break. Used by soak.py.

The rule. A connection belongs to the backend that answered it first. It may break only if, at some moment between
the last answer that it had and its end, this backend

  - was disabled or removed in its service (also by a drain's timeout, or with its whole service), or
  - counted as down by its health checks in a service whose on_down is "cut": after the soak had made it sick, or
    cut its link or a port's, until every check passes again; or, by the node's own word, since its checks timed out
    where the soak had done nothing to it, as they do on a machine that is too busy. Those are counted. Where checks
    failed otherwise without the soak's doing, that is a fault.

Nothing else is an excuse: no change of weights, schedulers, hashes, tables or encapsulation, no drain, no
reload, save, restart or kill, no failing call or full disk, and no cut of a link that is over before TCP gives up
where no health check speaks against the backend. A connection that never learnt its backend's name may break only
where any backend of its service had such a moment.
"""
import json
import re
import time

SLACK_S = 0.5  # between what the soak does and what a packet sees


class Verdicts:
    """What the node's log says of health, as it is written."""

    LINE = re.compile(rb"(\d\d):(\d\d):(\d\d\.\d+) \w+: service (\S+): backend (\S+): \S+ \w+ -> (up|down) \((.*)\) \(health\)")

    def __init__(self, log):
        self.log = open(log, "rb")
        self.rest = b""

    def read(self):
        """(when, service, backend, is down, why) of each that came since the last time."""
        *lines, self.rest = (self.rest + self.log.read()).split(b"\n")
        for found in filter(None, map(self.LINE.match, lines)):
            hours, minutes, seconds, service, backend, state, why = found.groups()
            of_day = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            now = time.time()
            when = now - (now - of_day) % 86400
            yield when, service.decode(), backend.decode(), state == b"down", why.decode()


class Account:
    def __init__(self, events, log):
        self.events = open(events, "rb")
        self.verdicts = Verdicts(log)
        self.late = 0  # checks that timed out without the soak's doing
        self.faults = []
        self.spans = []  # [service, backend, begin, end or None, why]
        self.broken = []  # those without an excuse
        self.excused = {}  # why: how many
        self.waiting = []
        self.count = {"done": {}, "live": {}}

    def begin(self, service, backend, why, at=None):
        """An excuse of this backend there, until end()."""
        begin = (at or time.time()) - SLACK_S
        for span in self.spans:
            if span[:2] == [service, backend] and span[3] is None and span[4] == why:
                span[2] = min(span[2], begin)  # a drain's timeout is still to come, and now it is disabled
                return
        self.spans.append([service, backend, begin, None, why])

    def end(self, service, backend, why):
        for span in self.spans:
            if span[0] == service and span[3] is None and span[4] == why and backend in (None, span[1]):
                span[3] = time.time() + SLACK_S

    def excuse(self, event):
        for service, backend, begin, end, why in self.spans:
            if service == event["service"] and event["backend"] in ("-", backend):
                if begin <= event["at"] and (end is None or end >= event["last_ok"]):
                    return why
        return None

    def hear_health(self, cut):
        """`cut`: the services whose flows a failed check cuts."""
        for when, service, backend, down, why in self.verdicts.read():
            if not down:
                self.end(service, backend, "down, as checks timed out")
            elif service in cut and not any(s[:2] == [service, backend] and s[3] is None and s[4] == "down" for s in self.spans):
                self.begin(service, backend, "down, as checks timed out", when)
                self.late += 1
                if "timed out" not in why:
                    self.faults.append(f"{service} {backend} counts as down, though nothing was done to it: {why}")

    def read(self, cut):
        """Reads what the node's log and the clients told since the last time, and judges it."""
        self.hear_health(cut)
        while line := self.events.readline():
            if not line.endswith(b"\n"):  # the rest comes with the next one
                self.events.seek(-len(line), 1)
                break
            event = json.loads(line)
            if event["kind"] == "count":
                self.count = event
                continue
            why = self.excuse(event)
            if why:
                key = f"{event['kind']}: {why}"
                self.excused[key] = self.excused.get(key, 0) + 1
            else:
                self.broken.append(event)

    def sum(self, which, kind):
        return sum(n for words, n in self.count[which].items() if words.split()[1] == kind)
