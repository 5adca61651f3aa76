#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The servers of one backend of a soak, beside its nginx: started by soak.sh in the backend's namespace.

    server.py NAME SICK

TCP and UDP on port 9000: TCP says NAME in a line, then echoes; UDP answers each datagram with NAME, a blank
and the datagram. HTTP on port 9001, for health checks: 200, or 503 while a file SICK is there.
"""
import asyncio
import os
import sys


async def echo(name, reader, writer):
    try:
        writer.write(name.encode() + b"\n")
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def health(sick, reader, writer):
    try:
        while (line := await reader.readline()) not in (b"\r\n", b"\n", b""):
            del line
        status = b"503 Sick" if os.path.exists(sick) else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, name):
        self.name = name.encode() + b" "

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        self.transport.sendto(self.name + data, sender)


class Wildcard:
    """UDP on every address, answered from the address that was asked: one socket for each vip."""

    def __init__(self, name, addresses):
        self.name, self.addresses = name, addresses

    async def open(self):
        loop = asyncio.get_running_loop()
        for address in self.addresses:
            await loop.create_datagram_endpoint(lambda: Datagrams(self.name), local_addr=(address, 9000))


async def main(name, sick, *udp):
    await Wildcard(name, udp).open()
    servers = []
    for address in ("0.0.0.0", "::"):
        servers.append(await asyncio.start_server(lambda r, w: echo(name, r, w), address, 9000, backlog=512))
        servers.append(await asyncio.start_server(lambda r, w: health(sick, r, w), address, 9001, backlog=512))
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main(*sys.argv[1:]))
