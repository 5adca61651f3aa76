#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The clients of a soak: started by soak.py in the client's namespace, ended by it with SIGTERM.

    client.py EVENTS SHA256 SERVICE,KIND,ADDRESS,COUNT...

KIND: `long`: COUNT TCP connections to port 9000 that are kept busy, each for 10 to 300 s, a third of them to
the end, by another one each when they have ended; `udp`: COUNT flows of datagrams to port 9000; `short`: COUNT
TCP connections a second that ask for one echo; `load`: COUNT downloads at a time from the nginx at port 80,
each at 2 MiB/s, whose SHA-256 is checked.

Each line of EVENTS is an object in JSON that tells of one connection that broke, or of one flow of datagrams
that came to another backend: `service`, `kind`, `backend` ("-" if it is not known), `opened`, `last_ok` and `at`
(CLOCK_REALTIME, seconds), and `why`. A line of `kind` "count" each second tells, for each service and kind,
how many went well and how many are under way. SIGTERM ends all, and tells a last time.

A connection is broken if it is reset or ended by the server, if what comes is not what it should be, or if
nothing comes for 120 s, which is longer than any outage that the soak makes and what TCP waits behind it.
"""
import asyncio
import collections
import hashlib
import json
import random
import signal
import socket
import struct
import sys
import time

WAIT_S = 120
HEAD = struct.Struct("!IIH")  # connection, block, bytes that follow
BLOB_BYTES = 20 << 20
RATE_BYTES = 2 << 20

numbers = iter(range(1 << 32))
done = collections.Counter()  # (service, kind): ended or answered well
live = collections.Counter()
events = open(sys.argv[1], "a", buffering=1)
ending = asyncio.Event()


def tell(**fields):
    events.write(json.dumps(fields) + "\n")


async def connect(address, port):
    """With small buffers, so that no one reads for seconds what came before a connection broke."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
        return await asyncio.open_connection(sock=sock)
    except BaseException:
        sock.close()
        raise


class Talk:
    """One connection or flow, of whatever kind."""

    def __init__(self, service, kind):
        self.service, self.kind, self.backend = service, kind, "-"
        self.opened = self.last_ok = time.time()

    def ok(self):
        self.last_ok = time.time()

    def broke(self, why):
        tell(service=self.service, kind=self.kind, backend=self.backend, opened=self.opened,
             last_ok=self.last_ok, at=time.time(), why=why)

    async def tcp(self, address, port, talk):
        """Opens a connection and lets talk(reader, writer) use it; True if all went well."""
        writer = None
        live[self.service, self.kind] += 1
        try:
            reader, writer = await asyncio.wait_for(connect(address, port), WAIT_S)
            await talk(reader, writer)
            done[self.service, self.kind] += 1
            return True
        except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
            self.broke(repr(error))
            return False
        finally:
            live[self.service, self.kind] -= 1
            if writer:
                writer.close()


class Echo(Talk):
    async def name(self, reader):
        line = await asyncio.wait_for(reader.readline(), WAIT_S)
        self.backend = line.decode().strip() or "-"
        if self.backend == "-":
            raise EOFError("no name came")
        self.ok()

    async def block(self, reader, writer, number, index):
        body = random.randbytes(random.randrange(1, 200))
        block = HEAD.pack(number, index, len(body)) + body
        writer.write(block)
        echo = await asyncio.wait_for(reader.readexactly(len(block)), WAIT_S)
        if echo != block:
            raise ValueError("the echo differs")
        self.ok()


async def pause(seconds):
    try:
        await asyncio.wait_for(ending.wait(), seconds)
    except asyncio.TimeoutError:
        pass


async def long(service, address, ever):
    while not ending.is_set():
        connection = Echo(service, "long")
        end = time.time() + (1e9 if ever else random.uniform(10, 300))

        async def talk(reader, writer):
            await connection.name(reader)
            number, index = next(numbers), 0
            while time.time() < end and not ending.is_set():
                await connection.block(reader, writer, number, index)
                index += 1
                await pause(random.uniform(0.5, 2))

        if not await connection.tcp(address, 9000, talk):
            await pause(1)


async def short(service, address, a_second):
    async def one():
        connection = Echo(service, "short")

        async def talk(reader, writer):
            await connection.name(reader)
            await connection.block(reader, writer, 0, 0)

        await connection.tcp(address, 9000, talk)

    tasks = set()
    while not ending.is_set():
        task = asyncio.create_task(one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await pause(random.expovariate(a_second))
    await asyncio.gather(*tasks)


async def load(service, address, sha256):
    while not ending.is_set():
        connection = Talk(service, "load")

        async def talk(reader, writer):
            writer.write(b"GET /blob HTTP/1.0\r\n\r\n")
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S)).decode()
            connection.backend = head.split("X-Backend: ")[1].split("\r\n")[0] if "X-Backend: " in head else "-"
            if " 200 " not in head:
                raise ValueError(head.split("\r\n")[0])
            digest, came = hashlib.sha256(), 0
            while data := await asyncio.wait_for(reader.read(1 << 16), WAIT_S):
                digest.update(data)
                came += len(data)
                connection.ok()
                await asyncio.sleep(len(data) / RATE_BYTES)
            if came != BLOB_BYTES or digest.hexdigest() != sha256:
                raise ValueError(f"{came} bytes with another checksum")

        if not await connection.tcp(address, 80, talk):
            await pause(1)


class Flow(asyncio.DatagramProtocol, Talk):
    """A flow of datagrams. One that is lost is counted ("lost"), one from another backend is told."""

    def __init__(self, service):
        Talk.__init__(self, service, "udp")
        self.sent = self.answered = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, _):
        backend, number = data.decode().split()
        if self.backend not in ("-", backend):
            self.broke(f"came to {backend}")
            self.last_ok = time.time()
        self.backend = backend
        if int(number) == self.sent:
            self.answered = self.sent
            self.ok()
            done[self.service, "udp"] += 1

    def error_received(self, error):
        pass  # counts as lost

    async def run(self, address):
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, remote_addr=(address, 9000))
        live[self.service, "udp"] += 1
        while not ending.is_set():
            done[self.service, "lost"] += self.answered != self.sent
            self.sent += 1
            self.transport.sendto(str(self.sent).encode())
            await pause(random.uniform(0.3, 1))
        self.transport.close()


async def count():
    while True:
        tell(kind="count", at=time.time(), done={" ".join(k): n for k, n in done.items()},
             live={" ".join(k): n for k, n in live.items()})
        if ending.is_set():
            return
        await pause(1)


async def main(sha256, *services):
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    tasks = [count()]
    for word in services:
        service, kind, address, number = word.split(",")
        number = int(number)
        if kind == "long":
            tasks += [long(service, address, i % 3 == 0) for i in range(number)]
        elif kind == "udp":
            tasks += [Flow(service).run(address) for _ in range(number)]
        elif kind == "short":
            tasks.append(short(service, address, number))
        else:
            tasks += [load(service, address, sha256) for _ in range(number)]
    await asyncio.gather(*tasks)
    tell(kind="count", at=time.time(), done={" ".join(k): n for k, n in done.items()}, live={})


asyncio.run(main(*sys.argv[2:]))
