#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Long TCP connections that notice when they come to another server. Used by consistency.sh.

  echo.py server NAME             on port 9000 of all addresses: says NAME in a line, then echoes
  echo.py client SOCKET           opens connections and keeps them busy, until told to end

Each connection of the client sends a block every 0.2 to 1.5 s: its number, its sender's and random
bytes. It checks the echo, and keeps a checksum of all that was sent and one of all that came back.
A connection is broken if it is reset or ended by the server, if an echo is not what was sent, or
does not come within 8 s ($ECHO_S). The client takes one line at a time at the UNIX socket SOCKET:

  open N ADDRESS...               N more connections, in turn to these addresses
  close NAME...                   ends those whose server has one of these names, with a FIN
  report                          changes nothing
  end                             ends all

and answers with a line for each server and address family, once its connections have their names:
  NAME 4|6 <under way> <broken> <closed as told> <blocks echoed>
and a last line "." . A connection that did not come about counts as broken, its server is "-".
"""
import asyncio
import collections
import os
import random
import socket
import struct
import sys
import zlib

PORT = 9000
ECHO_S = float(os.environ.get("ECHO_S", 8))
HEAD = struct.Struct("!IIH")  # connection, block, bytes that follow


async def serve(name):
    async def connection(reader, writer):
        try:
            writer.write(name.encode() + b"\n")
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server4 = await asyncio.start_server(connection, "0.0.0.0", PORT, backlog=512)
    server6 = await asyncio.start_server(connection, "::", PORT, backlog=512)
    await asyncio.gather(server4.serve_forever(), server6.serve_forever())


class Connection:
    """One long connection, from the first packet to the last."""

    def __init__(self, number, address):
        self.number = number
        self.family = 6 if ":" in address else 4
        self.address = address
        self.name = "-"
        self.state = "opening"  # then under_way; closed or broken
        self.why = ""
        self.blocks = 0
        self.named = asyncio.Event()
        self.told_to_close = asyncio.Event()

    async def run(self):
        writer = None
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(self.address, PORT), ECHO_S)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = await asyncio.wait_for(reader.readline(), ECHO_S)
            self.name = line.decode().strip()
            self.state = "under_way"
            self.named.set()
            await self.talk(reader, writer)
            self.state = "closed"
        except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
            self.state = "broken"
            self.why = repr(error)
        finally:
            self.named.set()
            if writer:
                writer.close()

    async def talk(self, reader, writer):
        sent = came = 0
        while not self.told_to_close.is_set():
            body = random.randbytes(random.randrange(1, 200))
            block = HEAD.pack(self.number, self.blocks, len(body)) + body
            writer.write(block)
            sent = zlib.crc32(block, sent)
            echo = await asyncio.wait_for(reader.readexactly(len(block)), ECHO_S)
            came = zlib.crc32(echo, came)
            if echo != block or sent != came:
                raise ValueError("the echo differs")
            self.blocks += 1
            try:
                await asyncio.wait_for(self.told_to_close.wait(), random.uniform(0.2, 1.5))
            except asyncio.TimeoutError:
                pass


class Client:
    def __init__(self):
        self.connections = []
        self.tasks = []
        self.ended = asyncio.Event()

    async def open(self, count, addresses):
        new = []
        for i in range(count):
            connection = Connection(len(self.connections), addresses[i % len(addresses)])
            self.connections.append(connection)
            self.tasks.append(asyncio.create_task(connection.run()))
            new.append(connection)
            if i % 20 == 19:
                await asyncio.sleep(0.02)  # not all SYNs at once
        for connection in new:
            await connection.named.wait()

    async def close(self, names):
        tasks = []
        for connection, task in zip(self.connections, self.tasks):
            if connection.state == "under_way" and (not names or connection.name in names):
                connection.told_to_close.set()
                tasks.append(task)
        await asyncio.gather(*tasks)

    def report(self):
        rows = collections.defaultdict(collections.Counter)
        for c in self.connections:
            row = rows[c.name, c.family]
            row[c.state] += 1
            row["blocks"] += c.blocks
        for (name, family), row in sorted(rows.items()):
            yield (f"{name} {family} {row['under_way']} {row['broken']} {row['closed']} "
                   f"{row['blocks']}")
        yield "."

    async def command(self, reader, writer):
        words = (await reader.readline()).decode().split()
        if words[:1] == ["open"]:
            await self.open(int(words[1]), words[2:])
        elif words[:1] == ["close"] and len(words) > 1:
            await self.close(words[1:])
        elif words == ["end"]:
            await self.close([])
        elif words != ["report"]:
            writer.write(b"? open N ADDRESS..., close NAME..., report or end\n")
        writer.write("".join(line + "\n" for line in self.report()).encode())
        await writer.drain()
        writer.close()
        if words == ["end"]:
            self.ended.set()

    async def run(self, path):
        server = await asyncio.start_unix_server(self.command, path)
        await self.ended.wait()
        server.close()
        os.unlink(path)
        for c in self.connections:
            if c.state == "broken":
                print(f"connection {c.number} to {c.address}, {c.name}: {c.why}")


async def main():
    if len(sys.argv) == 3 and sys.argv[1] == "server":
        await serve(sys.argv[2])
    elif len(sys.argv) == 3 and sys.argv[1] == "client":
        await Client().run(sys.argv[2])
    else:
        sys.exit(__doc__)


asyncio.run(main())
