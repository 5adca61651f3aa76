#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Floods, and what goes on beside them. Used by control_first.sh and path_mtu.sh.

  flood.py flood ADDRESS PORT BURST SECONDS   sends BURST packets, waits for the balancer's answer to an echo
                                              request behind them, and so on; prints
                                              <packets sent> <bursts> <requests without an answer>
  flood.py server                             TCP port 9002 of all addresses: sends back what comes
  flood.py session ADDRESS SECONDS            one connection, a block every 10 ms, each only once the
                                              one before came back; prints
                                              <blocks> <longest time of one in ms>
  flood.py too_big ADDRESS4 ADDRESS6 MAC      until it is ended: TCP packets of 1,500 bytes to port 80 of these, 500
                                              a second to each, from forged addresses that listen to no answer;
                                              by eth0 to the router's MAC, whatever the kernel knows of the path
"""
import errno
import os
import socket
import struct
import sys
import time

PORT = 9002
BATCH = 30  # packets of a call
PAYLOAD = 18
UDP_SEGMENT = 103
ANSWER_WITHIN_S = 10


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Echo:
    """Echo requests to an address that the balancer itself answers."""

    def __init__(self, address):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.sock.connect((address, 0))
        self.id = os.getpid() & 0xFFFF
        self.sequence = 0

    def is_answered(self):
        self.sequence = self.sequence + 1 & 0xFFFF
        packet = struct.pack("!BBHHH", 8, 0, 0, self.id, self.sequence)
        self.sock.send(packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:])
        end = time.monotonic() + ANSWER_WITHIN_S
        while (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                answer = self.sock.recv(2048)[20:28]
            except socket.timeout:
                break
            if answer[0] == 0 and answer[4:] == packet[4:]:
                return True
        return False


def flood(address, port, burst, seconds):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, PAYLOAD)
    batch = BATCH
    echo = Echo(address)
    end = time.monotonic() + seconds
    sent, bursts, unanswered = 0, 0, 0
    while time.monotonic() < end:
        for _ in range(burst // batch):
            try:
                # Without connect(), or errors that come back would end a call.
                sock.sendto(bytes(PAYLOAD * batch), (address, port))
            except OSError as e:
                if e.errno != errno.EIO or batch == 1:
                    raise
                batch = 1  # before Linux 6.11, no segments where no hardware makes checksums
                break
            sent += batch
        bursts += 1
        unanswered += not echo.is_answered()
    print(sent, bursts, unanswered)


def serve():
    listener = socket.create_server(("", PORT))
    while True:
        sock, _ = listener.accept()
        while data := sock.recv(4096):
            sock.sendall(data)
        sock.close()


def session(address, seconds):
    sock = socket.create_connection((address, PORT), timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end = time.monotonic() + seconds
    blocks, longest = 0, 0.0
    while (start := time.monotonic()) < end:
        sock.sendall(b"x" * 100)
        left = 100
        while left:
            left -= len(sock.recv(left))
        blocks += 1
        longest = max(longest, time.monotonic() - start)
        time.sleep(0.01)
    print(blocks, round(longest * 1000))


def too_big(address4, address6, mac):
    router = bytes.fromhex(mac.replace(":", ""))
    tcp = struct.pack("!HHIIBBHHH", 12345, 80, 0, 0, 0x50, 0x10, 0, 0, 0) + bytes(1460)
    packets = []
    for i in range(1, 5):
        header = struct.pack("!BBHHHBBH", 0x45, 0, 1500, 0, 0x4000, 64, 6, 0) + \
            socket.inet_aton(f"192.0.2.{i}") + socket.inet_aton(address4)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        packets.append((0x0800, header + tcp))
        header = struct.pack("!IHBB", 0x60000000, 1460, 6, 64) + \
            socket.inet_pton(socket.AF_INET6, f"2001:db8:bad:{i}::1") + \
            socket.inet_pton(socket.AF_INET6, address6)
        packets.append((0x86DD, header + tcp[:1460]))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    while True:
        for protocol, packet in packets:
            sock.sendto(packet, ("eth0", protocol, 0, 0, router))
        time.sleep(0.008)


if sys.argv[1] == "too_big":
    too_big(sys.argv[2], sys.argv[3], sys.argv[4])
elif sys.argv[1] == "flood":
    flood(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
elif sys.argv[1] == "server":
    serve()
else:
    session(sys.argv[2], float(sys.argv[3]))
