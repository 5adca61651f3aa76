# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven over its DevTools pipe. For the tests of the status page."""
import base64
import json
import os
import select
import subprocess


class Browser:
    def __init__(self, profile):
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()

        def pipes():
            # Chromium reads at 3 and writes at 4; first out of each other's way.
            reads, writes = os.dup(to_read), os.dup(to_write)
            high = [os.dup2(reads, 20), os.dup2(writes, 21)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-default-apps", "--disable-extensions",
             "--window-size=1280,1000", "--user-data-dir=" + profile, "about:blank"],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.bytes, self.number, self.session, self.events = b"", 0, None, []

    def receive(self, wait_s):
        while b"\0" not in self.bytes:
            if not select.select([self.back], [], [], wait_s)[0]:
                return None
            got = os.read(self.back, 65536)
            if not got:
                raise SystemExit("not ok chromium ended")
            self.bytes += got
        message, self.bytes = self.bytes.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.receive(60)
            if answer is None:
                raise SystemExit("not ok chromium answers " + method)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit("not ok %s: %s" % (method, answer["error"]))
                return answer["result"]
            self.events.append(answer)

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.call("Page.navigate", url=url)

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def key(self, key):
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(data))

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(60)
