#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Large UDP datagrams, which go in fragments. Used by fragments.sh.

  datagrams.py server NAME ADDRESS...     on port 9000 of these: answers each datagram with the line
                                          NAME and an echo of it; says "ready" once it does
  datagrams.py client ADDRESS COUNT BYTES sends, from COUNT ports, a datagram of BYTES random bytes,
                                          a short one and a second long one; checks each echo
  datagrams.py orphan VIP SOURCE          sends the last fragment of a datagram that never began, by
                                          IPv4 or IPv6
  datagrams.py overtake VIP SOURCE COUNT PERCENT  sends COUNT datagrams in three fragments each, four in
                                          2 ms, from raw sockets; in PERCENT of them, by a
                                          seed, the second fragment leaves before the first. Prints
                                          "sent N overtaken N lost N others N": lost are those of which no
                                          echo came, others are those among them whose fragments
                                          were in order

The client prints a line for each server: NAME and how many flows it answered; at the end "again N",
how many datagrams it sent a second time since no answer had come within a second. Exit status 1: an
echo differs, none came, or one flow was answered by two servers; it says so.
"""
import collections
import os
import random
import selectors
import socket
import struct
import sys
import threading
import time

PORT = 9000
IPV6_FREEBIND = 78  # linux/in6.h; Python has no name for it
TRIES = 4


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(name, addresses):
    selector = selectors.DefaultSelector()
    for address in addresses:
        # One socket each, so that answers leave from the address that was asked.
        sock = socket.socket(family(address), socket.SOCK_DGRAM)
        if ":" in address:  # which is none of an interface, but routed to this host
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        sock.bind((address, PORT))
        selector.register(sock, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            data, client = key.fileobj.recvfrom(65536)
            key.fileobj.sendto(name.encode() + b"\n" + data, client)


class Flow:
    def __init__(self, address):
        self.sock = socket.socket(family(address), socket.SOCK_DGRAM)
        self.sock.settimeout(1)
        self.sock.connect((address, PORT))
        self.again = 0

    def ask(self, size):
        """The name of who echoed `size` random bytes."""
        data = os.urandom(size)
        for number in range(TRIES):
            self.again += number > 0
            self.sock.send(data)
            try:
                name, _, echo = self.sock.recv(65536).partition(b"\n")
            except TimeoutError:
                continue
            if echo == data:
                return name.decode()
            sys.exit(f"{size} bytes: the echo of {len(echo)} bytes differs")
        sys.exit(f"{size} bytes: no answer to {TRIES} datagrams")


def client(address, count, size):
    servers = collections.Counter()
    again = 0
    for _ in range(count):
        flow = Flow(address)
        names = {flow.ask(size), flow.ask(20), flow.ask(size)}
        if len(names) != 1:
            sys.exit(f"one flow was answered by {' and '.join(sorted(names))}")
        servers[names.pop()] += 1
        again += flow.again
        flow.sock.close()
    for name, flows in sorted(servers.items()):
        print(name, flows)
    print("again", again)


def orphan(vip, source):
    v6 = ":" in vip
    sock = socket.socket(family(vip), socket.SOCK_RAW, socket.IPPROTO_RAW)
    payload = bytes(100)
    src, dst = (socket.inet_pton(family(vip), a) for a in (source, vip))
    if v6:
        fragment = bytes([17, 0]) + (64 << 3).to_bytes(2, "big") + os.urandom(4)
        packet = (bytes([0x60, 0, 0, 0]) + (8 + len(payload)).to_bytes(2, "big") + bytes([44, 64])
                  + src + dst + fragment)
    else:
        packet = (bytes([0x45, 0]) + (20 + len(payload)).to_bytes(2, "big") + bytes([0xab, 0xcd])
                  + (64).to_bytes(2, "big") + bytes([64, 17, 0, 0]) + src + dst)
    sock.sendto(packet + payload, (vip, 0))


def udp_sum(src, dst, datagram):
    """RFC 768, RFC 8200 8.1: over the pseudo header and the datagram, whose checksum is 0."""
    data = src + dst + struct.pack("!II", len(datagram), socket.IPPROTO_UDP) + datagram
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff or 0xffff


def fragments(src, dst, number, datagram, piece=1200):
    """The IP packets of a datagram, whose identification is `number`."""
    for at in range(0, len(datagram), piece):
        data = datagram[at:at + piece]
        more = at + piece < len(datagram)
        if len(src) == 16:
            yield (struct.pack("!IHBB", 6 << 28, 8 + len(data), 44, 64) + src + dst
                   + struct.pack("!BBHI", socket.IPPROTO_UDP, 0, at | more, number) + data)
        else:
            yield (struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), number, at >> 3 | more << 13, 64,
                               socket.IPPROTO_UDP, 0) + src + dst + data)


def overtake(vip, source, count, percent):
    src, dst = (socket.inet_pton(family(vip), a) for a in (source, vip))
    raw = socket.socket(family(vip), socket.SOCK_RAW, socket.IPPROTO_RAW)
    listener = socket.socket(family(vip), socket.SOCK_DGRAM)
    listener.bind((source, 0))
    listener.settimeout(2)
    port = listener.getsockname()[1]
    came, overtaken = set(), set()

    def listen():
        try:
            while len(came) < count:
                came.add(int.from_bytes(listener.recv(65536).partition(b"\n")[2][:4], "big"))
        except TimeoutError:
            pass

    chance = random.Random(1)
    thread = threading.Thread(target=listen)
    thread.start()
    for number in range(1, count + 1):
        data = struct.pack("!I", number) + bytes(3588)
        header = struct.pack("!HHHH", port, PORT, 8 + len(data), 0)
        datagram = header[:6] + struct.pack("!H", udp_sum(src, dst, header + data)) + data
        packets = list(fragments(src, dst, number, datagram))
        if chance.random() * 100 < percent:
            overtaken.add(number)
            packets[:2] = reversed(packets[:2])
        for packet in packets:
            raw.sendto(packet, (vip, 0))
        if number % 4 == 0:
            time.sleep(0.002)
    thread.join()
    lost = set(range(1, count + 1)) - came
    print(f"sent {count} overtaken {len(overtaken)} lost {len(lost)} others {len(lost - overtaken)}")


if len(sys.argv) >= 4 and sys.argv[1] == "server":
    serve(sys.argv[2], sys.argv[3:])
elif len(sys.argv) == 5 and sys.argv[1] == "client":
    client(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
elif len(sys.argv) == 4 and sys.argv[1] == "orphan":
    orphan(sys.argv[2], sys.argv[3])
elif len(sys.argv) == 6 and sys.argv[1] == "overtake":
    overtake(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
else:
    sys.exit(__doc__)
