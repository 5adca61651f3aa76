#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long packets stop. Used by restart_gap.sh.

  gap.py server                   UDP port 9001 of all addresses: sends back what comes
  gap.py client ADDRESS SECONDS   sends a datagram every 2 ms, and at last prints
                                  <sent> <lost> <longest time in ms from one that was answered to
                                  the next that was>
"""
import select
import socket
import struct
import sys
import time

PORT = 9001
EVERY_S = 0.002
LATE_S = 1


def serve():
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    # From the address that it was sent to: a vip, one of several on this host.
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    sock.bind(("::", PORT))
    while True:
        data, ancillary, _, peer = sock.recvmsg(64, 256)
        sock.sendmsg([data], [a for a in ancillary if a[1] == socket.IPV6_PKTINFO], 0, peer)


def probe(address, seconds):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.connect((address, PORT))
    sock.setblocking(False)
    start = time.monotonic()
    answered = []
    sent = 0
    while (now := time.monotonic() - start) < seconds + LATE_S:
        if now < seconds and now >= sent * EVERY_S:
            try:
                sock.send(struct.pack("!I", sent))
            except OSError:
                pass
            sent += 1
            continue
        wait = sent * EVERY_S - now if now < seconds else seconds + LATE_S - now
        if select.select([sock], [], [], max(wait, 0))[0]:
            try:
                answered.append(struct.unpack("!I", sock.recv(64))[0])
            except OSError:
                pass
    answered = sorted(set(answered))
    gaps = [b - a for a, b in zip(answered, answered[1:])]
    print(sent, sent - len(answered), round(max(gaps, default=0) * EVERY_S * 1000))


if sys.argv[1:] == ["server"]:
    serve()
elif len(sys.argv) == 4 and sys.argv[1] == "client":
    probe(sys.argv[2], float(sys.argv[3]))
else:
    sys.exit(__doc__)
