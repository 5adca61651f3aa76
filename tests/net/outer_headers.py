#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks one service's outer headers in a capture of what left the balancer.

    outer_headers.py CAPTURE SERVICE VIP

SERVICE is named as in lab/sluice.sh: v4-ipip, v6-gue0-mixed and so on. Reads bytes with struct
and its own checksum; shares nothing with the code under test.
"""
import ipaddress
import struct
import sys

LINK_HEADER = 14
GUE_PORT = 6080


def frames(path):
    with open(path, "rb") as capture:
        order = "<" if capture.read(24)[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        while header := capture.read(16):
            yield capture.read(struct.unpack(order + "IIII", header)[2])


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


class Packet:
    """One IP header and what lies behind it."""

    def __init__(self, data):
        self.version = data[0] >> 4
        if self.version == 4:
            self.header = data[: (data[0] & 15) * 4]
            self.tos, self.ttl, self.proto = data[1], data[8], data[9]
            self.total = struct.unpack("!H", data[2:4])[0]
            self.src, self.dst = data[12:16], data[16:20]
        else:
            self.header = data[:40]
            self.tos = struct.unpack("!I", data[:4])[0] >> 20 & 0xFF
            self.ttl, self.proto = data[7], data[6]
            self.total = struct.unpack("!H", data[4:6])[0] + 40
            self.src, self.dst = data[8:24], data[24:40]
        self.payload = data[len(self.header) : self.total]

    def pseudo(self):
        return self.src + self.dst + struct.pack("!IHBB", len(self.payload), 0, 0, self.proto)


def unwrap(outer, encap):
    """The inner packet, the problems of what lies between, and whether it is this encapsulation."""
    problems = []
    inner_proto = {4: 4, 41: 6}
    if encap == "ipip":
        if outer.proto not in inner_proto:
            return None, problems
        inner = Packet(outer.payload)
        if inner.version != inner_proto[outer.proto]:
            problems.append("the protocol doesn't name the inner family")
        return inner, problems
    if outer.proto != 17:
        return None, problems
    sport, dport, length, summed = struct.unpack("!HHHH", outer.payload[:8])
    body = outer.payload[8:]
    variant0 = body[0] >> 6 == 0
    if variant0 != (encap == "gue0"):
        return None, problems
    if dport != GUE_PORT or sport < 49152 or length != len(outer.payload):
        problems.append("UDP: ports %d to %d, length %d" % (sport, dport, length))
    if outer.version == 4 and summed != 0:
        problems.append("UDP over IPv4 with a checksum")
    if outer.version == 6 and (summed == 0 or checksum(outer.pseudo() + outer.payload) != 0):
        problems.append("UDP over IPv6 without a valid checksum")
    if variant0:
        if body[0] != 0 or body[2:4] != b"\0\0" or body[1] not in inner_proto:
            problems.append("GUE header " + body[:4].hex())
        body = body[4:]
    return Packet(body), problems


def check(outer, inner):
    problems = []
    if outer.version == 4 and checksum(outer.header) != 0:
        problems.append("outer IPv4 checksum")
    if outer.ttl != 64:
        problems.append("outer TTL %d" % outer.ttl)
    if inner.ttl != 63:
        problems.append("inner TTL %d: one router (fabric) is on the way, the balancer is none" % inner.ttl)
    if outer.tos != inner.tos:
        problems.append("TOS %d around %d" % (outer.tos, inner.tos))
    if inner.version == 4 and checksum(inner.header) != 0:
        problems.append("inner IPv4 checksum")
    if checksum(inner.pseudo() + inner.payload) != 0:
        problems.append("inner TCP checksum")
    return problems


def main(path, service, vip):
    vip = ipaddress.ip_address(vip)
    encap = service.split("-")[1]
    outer_version = vip.version if not service.endswith("-mixed") else 10 - vip.version
    found, problems = 0, []
    for frame in frames(path):
        outer = Packet(frame[LINK_HEADER:])
        inner, wrong = unwrap(outer, encap)
        if inner is None or inner.dst != vip.packed:
            continue
        found += 1
        problems += wrong + check(outer, inner)
        if outer.version != outer_version:
            problems.append("outer IPv%d" % outer.version)
        if frame[:6].hex() != "020000000201" or frame[6:12].hex() != "020000000202":
            problems.append("MACs " + frame[:12].hex())
    for problem in sorted(set(problems)):
        print("# %s: %s" % (service, problem))
    if found == 0:
        print("# %s: no such packet in the capture" % service)
    return 1 if problems or found < 3 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
