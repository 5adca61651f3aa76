# SPDX-License-Identifier: Apache-2.0
"""Which connections may break. Used by soak.py.

The rule. A connection belongs to the backend that answered it first. It may break only if, at some moment between
the last answer that it had and its end, this backend

  - was disabled or removed in its service (also by a drain's timeout, or with its whole service), or
  - counted as down by its health checks in a service whose on_down is "cut", after the soak had made it sick, or
    cut its link or a port's, until every check passes again.

Nothing else is an excuse: no change of weights, schedulers, hashes, tables or encapsulation, no drain, no
reload, save, restart or kill, no failing call or full disk, and no cut of a link that is over before TCP gives up
where no health check speaks against the backend. A connection that never learnt its backend's name may break only
where any backend of its service had such a moment.
"""
import json
import time

SLACK_S = 0.5  # between what the soak does and what a packet sees


class Account:
    def __init__(self, events):
        self.events = open(events, "rb")
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

    def read(self):
        """Reads what the clients told since the last time, and judges it."""
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
