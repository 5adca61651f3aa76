#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The status page in a headless Chromium. Called by page.sh.

page_browser.py BASE_URL SERVICE SCREENSHOT [STOP_COMMAND]: TAP lines without their numbers, "ok TEXT"
or "not ok TEXT". STOP_COMMAND, at the end, ends sluiced.
"""
import json
import subprocess
import sys
import tempfile
import time

from browser import Browser

DEADLINE_S = 60


def expect(browser, expression, text):
    """The expression comes to be true."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if browser.value("Boolean(%s)" % expression):
            print("ok", text, flush=True)
            return
        time.sleep(0.1)
    print("not ok", text, flush=True)
    print("#", json.dumps(browser.value("document.body.innerText"))[:3000], flush=True)
    browser.screenshot(sys.argv[3])
    print("#", [e["params"] for e in browser.events if e.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")])
    raise SystemExit(1)  # what follows builds on it


def cell(table, name, title):
    """Of the row of that name, the text in the column of that title."""
    return """(() => {
        const heads = [...document.querySelectorAll('#%s th')].map((h) => h.textContent.replace(/ [▲▼]/, ''));
        const row = [...document.querySelectorAll('#%s tbody tr')].find((r) => r.cells[0].textContent === '%s');
        return row && row.cells[heads.indexOf('%s')].textContent;
    })()""" % (table, table, name, title)


def rows(table):
    return "document.querySelectorAll('#%s tbody tr').length" % table


def page(browser, service, screenshot, stop):
    expect(browser, rows("services") + " === 12", "the page shows 12 services")
    expect(browser, "document.querySelector('#services-count').textContent === '12 services'",
           "and how many there are")
    expect(browser, "parseFloat(%s) > 0" % cell("services", service, "packets/s"), "a rate of " + service)
    expect(browser, "%s === '–' || %s === '0'" % ((cell("services", "v6-gue0", "packets/s"),) * 2),
           "none of a service without traffic")
    expect(browser, "document.querySelector('[data-key=forwarded] .curve').getAttribute('d').length > 20",
           "a chart of all that is forwarded")
    expect(browser, "parseFloat(document.querySelector('[data-key=forwarded] .value').textContent) > 0",
           "and its rate")
    # By keyboard: search, then the service's button.
    browser.key("/")
    for letter in "V4-IPIP":
        browser.key(letter)
    expect(browser, rows("services") + " === 2", "a search for V4-IPIP finds two")
    browser.value("document.querySelector('#services tbody button').focus()")
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", text="\r",
                 windowsVirtualKeyCode=13)
    browser.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
    expect(browser, cell("backends", "b1", "state") + " === 'enabled'", "Enter shows its backends: b1 enabled")
    expect(browser, cell("backends", "b2", "state").replace("textContent;", "textContent.startsWith('draining');"),
           "b2 draining")
    expect(browser, cell("backends", "b1", "health") + " === 'up: http status 200'", "b1 up, by its check")
    expect(browser, "/^down: ./.test(%s)" % cell("backends", "b3", "health"), "b3 down, and why")
    expect(browser, cell("backends", "b1", "next hop") + " === 'found'", "the next hop of b1 found")
    expect(browser, "parseFloat(%s) > 0" % cell("backends", "b1", "packets/s"), "a rate of b1")
    expect(browser, "document.activeElement.id === 'service-title'", "the focus is there")
    browser.screenshot(screenshot)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.screenshot(screenshot.replace(".png", "-dark.png"))
    phone(browser, screenshot)
    browser.key("Escape")
    expect(browser, "document.querySelector('#service').hidden", "Esc closes them")
    strangers(browser)
    subprocess.run(stop, shell=True, check=True)
    expect(browser, "/^sluiced does not answer/.test(document.querySelector('#alarm').textContent)",
           "without sluiced it says so")


def phone(browser, screenshot):
    """A narrow screen: what is wide, the tables, moves within itself; the page doesn't."""
    for scheme in ("dark", "light"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
        expect(browser, "innerWidth === 390 && document.documentElement.scrollWidth <= 390",
               "on a phone nothing moves sideways but tables, " + scheme)
        browser.screenshot(screenshot.replace(".png", "-phone-%s.png" % scheme))
    browser.call("Emulation.clearDeviceMetricsOverride")


def strangers(browser):
    """Who else was asked, and what the browser complained of, until now."""
    browser.value("1")
    urls = [e["params"]["request"]["url"] for e in browser.events
            if e.get("method") == "Network.requestWillBeSent"]
    others = sorted({url for url in urls if not url.startswith(sys.argv[1])})
    print("not ok" if others or len(urls) < 5 else "ok", "all", len(urls), "requests went to sluiced", *others)
    bad = [e["params"] for e in browser.events
           if e.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")
           or (e.get("method") == "Runtime.consoleAPICalled" and e["params"]["type"] in ("error", "warning", "assert"))]
    print("not ok" if bad else "ok", "nothing stands in the browser's console", json.dumps(bad) if bad else "",
          flush=True)


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.open(sys.argv[1] + "/")
            page(browser, sys.argv[2], sys.argv[3], sys.argv[4])
            browser.close()
        finally:
            if browser.process.poll() is None:
                browser.process.kill()


main()
