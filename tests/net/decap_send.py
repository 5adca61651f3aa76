#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends one encapsulated TCP SYN of each kind, as a balancer would, built byte by byte so that
nothing of Sluice has a part in it. Run by decap.sh in the lab's lb.

  decap_send.py list                   the kinds, one a line: NAME SOURCE-PORT VIP
  decap_send.py send IFNAME BACKEND    BACKEND: name of the node, b1 ...
  decap_send.py send IFNAME BACKEND PORT    from source ports from this one on
"""
import socket
import struct
import sys

CLIENT = {4: "10.10.1.2", 6: "2001:db8:1::2"}
LB = {4: "10.10.2.2", 6: "2001:db8:2::2"}
VIP = {4: "198.51.100.10", 6: "2001:db8:100::10"}
FABRIC_MAC, LB_MAC = bytes.fromhex("020000000201"), bytes.fromhex("020000000202")
IPIP, TCP, UDP, IPV6 = 4, 6, 17, 41
INNER_PROTO = {4: IPIP, 6: IPV6}
PORT_FIRST = 40001
GUE_PORT = 6080


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ip(src, dst, proto, payload):
    addresses = packed(src) + packed(dst)
    if ":" in src:
        return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + addresses + payload
    fields = [0x45, 0, 20 + len(payload), 0, 0x4000, 64, proto]
    sum_ = checksum(struct.pack("!BBHHHBBH", *fields, 0) + addresses)
    return struct.pack("!BBHHHBBH", *fields, sum_) + addresses + payload


def transport_sum(src, dst, proto, data):
    return checksum(packed(src) + packed(dst) + struct.pack("!II", len(data), proto) + data)


def syn(family, port):
    src, dst = CLIENT[family], VIP[family]
    fields = [port, 80, 1, 0, 5 << 12 | 0x02, 65535]
    sum_ = transport_sum(src, dst, TCP, struct.pack("!HHIIHHHH", *fields, 0, 0))
    return ip(src, dst, TCP, struct.pack("!HHIIHHHH", *fields, sum_, 0))


def encapsulate(kind, outer, inner, backend, packet):
    src, dst = LB[outer], backend[outer]
    if kind == "ipip":
        return ip(src, dst, INNER_PROTO[inner], packet)
    if kind == "gue0":
        packet = struct.pack("!BBH", 0, INNER_PROTO[inner], 0) + packet
    udp = struct.pack("!HHH", 50000, GUE_PORT, 8 + len(packet))
    sum_ = transport_sum(src, dst, UDP, udp + b"\0\0" + packet) or 0xFFFF
    return ip(src, dst, UDP, udp + struct.pack("!H", sum_) + packet)


def kinds(port=PORT_FIRST):
    for kind in "ipip", "gue1", "gue0":
        for outer in 4, 6:
            for inner in 4, 6:
                yield f"{kind}-{inner}in{outer}", kind, outer, inner, port
                port += 1


def main():
    if sys.argv[1:] == ["list"]:
        for name, _, _, inner, port in kinds():
            print(name, port, VIP[inner])
        return
    ifname, node = sys.argv[2:4]
    first = int(sys.argv[4]) if len(sys.argv) > 4 else PORT_FIRST
    number = 10 + int(node[1:])
    backend = {4: f"10.10.{number}.2", 6: f"2001:db8:{number}::2"}
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((ifname, 0))
        for _, kind, outer, inner, port in kinds(first):
            ether_type = struct.pack("!H", 0x0800 if outer == 4 else 0x86DD)
            packet = encapsulate(kind, outer, inner, backend, syn(inner, port))
            wire.send(FABRIC_MAC + LB_MAC + ether_type + packet)


if __name__ == "__main__":
    main()
