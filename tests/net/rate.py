#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends single changes to sluiced's control socket at a rate, over many connections, and tells what
became of them. Used by changes.sh.

    rate.py SOCKET SERVICE BACKENDS CHANGES_A_SECOND SECONDS CONNECTIONS

Each change sets a backend's weight; the answers are read as they come, and are to be in order.
Prints one JSON object: sent, answered, errors, out_of_order, generations (distinct ones among the
answers), latency_ms (median, p99, max), rate (changes answered a second), last (the weights that the
last changes of each backend asked for).
"""
import json
import selectors
import socket
import sys
import time


def main():
    path, service = sys.argv[1], sys.argv[2]
    backends, rate, seconds, connections = (int(a) for a in sys.argv[3:7])
    total = rate * seconds
    selector = selectors.DefaultSelector()
    clients = []
    for n in range(connections):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        client = {"socket": s, "waiting": [], "read": b""}
        clients.append(client)
        selector.register(s, selectors.EVENT_READ, client)

    latencies, generations, last = [], set(), {}
    sent = answered = errors = out_of_order = 0
    start = time.monotonic()
    end = start + seconds + 20
    while answered < total and time.monotonic() < end:
        now = time.monotonic()
        while sent < total and start + sent / rate <= now:
            client = clients[sent % connections]
            # A backend's changes go over one connection: the last one sent is the last one made.
            backend = f"b{sent % connections % backends + 1}"
            weight = 1 + sent % 200
            line = {"jsonrpc": "2.0", "id": sent, "method": "backend.set",
                    "params": {"service": service, "backend": backend, "weight": weight}}
            client["socket"].sendall(json.dumps(line).encode() + b"\n")
            client["waiting"].append((sent, now))
            last[backend] = weight
            sent += 1
        pause = start + sent / rate - time.monotonic() if sent < total else 0.1
        for key, _ in selector.select(max(pause, 0)):
            client = key.data
            client["read"] += client["socket"].recv(1 << 16)
            *lines, client["read"] = client["read"].split(b"\n")
            for line in lines:
                answer = json.loads(line)
                number, at = client["waiting"].pop(0)
                out_of_order += answer["id"] != number
                answered += 1
                latencies.append(time.monotonic() - at)
                if "result" in answer:
                    generations.add(answer["result"]["generation"])
                else:
                    errors += 1
    took = time.monotonic() - start
    latencies.sort()
    ms = [round(1000 * latencies[int(q * (len(latencies) - 1))], 2) for q in (0.5, 0.99, 1)]
    print(json.dumps({"sent": sent, "answered": answered, "errors": errors,
                      "out_of_order": out_of_order, "generations": len(generations),
                      "latency_ms": ms, "rate": round(answered / took), "last": last}))


if __name__ == "__main__":
    main()
