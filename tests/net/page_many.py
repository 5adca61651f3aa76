#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the status page with many services. Called by page_many.sh.

page_many.py BASE_URL SERVICES PID: TAP lines without their numbers, "ok TEXT" or "not ok TEXT".
The bounds are several times what it takes on an idle machine with two cores.
"""
import os
import sys
import tempfile
import time

from browser import Browser

SHOWN, SECONDS = 50, 10


def report(good, text):
    print("ok" if good else "not ok", text, flush=True)


def spent_s(pid):
    """Processor time of the daemon so far."""
    with open("/proc/%s/stat" % pid, encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def metrics(browser):
    return {m["name"]: m["value"] for m in browser.call("Performance.getMetrics")["metrics"]}


def updates(browser):
    return browser.value("performance.getEntriesByType('resource').filter((e) => e.name.includes('/api/status')).length")


def measure(browser, services, pid):
    rows = "document.querySelectorAll('#services tbody tr').length"
    end = time.monotonic() + 15
    while time.monotonic() < end and browser.value(rows) != SHOWN:
        time.sleep(0.01)
    # Since navigation began, as the page has it: without the start of the browser.
    ready_ms = browser.value("performance.now()")
    report(browser.value(rows) == SHOWN and ready_ms < 3000, "%d rows are there after %.0f ms" % (SHOWN, ready_ms))
    paint_ms = browser.value("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 1e9")
    report(paint_ms < 2000, "the first paint came after %.0f ms" % paint_ms)
    report(browser.value("document.querySelector('#services-count').textContent").startswith("%d services" % services),
           "and all are counted")
    browser.call("Performance.enable")
    browser.value("performance.clearResourceTimings()")
    before, cpu = metrics(browser), spent_s(pid)
    time.sleep(SECONDS)
    after, cpu = metrics(browser), spent_s(pid) - cpu
    n = updates(browser)
    task_ms = (after["TaskDuration"] - before["TaskDuration"]) * 1000 / max(1, n)
    report(n >= 2 and task_ms < 200, "an update takes %.0f ms of the browser (%d in %d s)" % (task_ms, n, SECONDS))
    report(cpu / SECONDS < 0.06, "an open page takes %.1f %% of a core of sluiced, %.0f ms an update" %
           (100 * cpu / SECONDS, 1000 * cpu / max(1, n)))


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.open(sys.argv[1] + "/")
            measure(browser, int(sys.argv[2]), sys.argv[3])
            browser.close()
        finally:
            if browser.process.poll() is None:
                browser.process.kill()


main()
