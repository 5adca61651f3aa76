#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# scale.py SOCKET PID: changes of a large configuration, one a line on standard input:
#   LABEL METHOD PARAMS
# While each is made, a second client asks for the generation every millisecond. Prints a line each:
#   LABEL ok|ERROR wall MS cpu MS asked N longest MS
# "cpu" is what sluiced's own thread took, from the question to 0.5 s behind the answer.
import json
import multiprocessing
import socket
import sys
import time

SETTLE_S = 0.5


class Client:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(sys.argv[1])
        self.answers = self.socket.makefile("rb")

    def ask(self, method, params):
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.socket.sendall(json.dumps(question).encode() + b"\n")
        return json.loads(self.answers.readline())


def cpu_ms():
    with open(f"/proc/{sys.argv[2]}/task/{sys.argv[2]}/schedstat") as f:
        return int(f.read().split()[0]) / 1e6


def second(stop, told):
    client, longest, asked = Client(), 0, 0
    while not stop.is_set():
        began = time.monotonic()
        client.ask("generation.show", {})
        longest, asked = max(longest, time.monotonic() - began), asked + 1
        time.sleep(0.001)
    told.put((asked, longest * 1000))


def main():
    client = Client()
    for line in sys.stdin:
        label, method, params = line.split(None, 2)
        stop, told = multiprocessing.Event(), multiprocessing.Queue()
        other = multiprocessing.Process(target=second, args=(stop, told))
        other.start()
        time.sleep(0.05)
        cpu, began = cpu_ms(), time.monotonic()
        answer = client.ask(method, json.loads(params))
        wall = (time.monotonic() - began) * 1000
        time.sleep(SETTLE_S)
        cpu = cpu_ms() - cpu
        stop.set()
        asked, longest = told.get()
        other.join()
        outcome = answer["error"]["message"].replace(" ", "_") if "error" in answer else "ok"
        print(label, outcome, f"wall {wall:.0f} cpu {cpu:.0f} asked {asked} longest {longest:.0f}",
              flush=True)


main()
