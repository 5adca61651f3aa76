#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden vectors of the flow hash, from an implementation of their own: SipHash-c-d, byte by
byte as the paper describes it (Aumasson and Bernstein, 2012, section 2), which first has to give
the paper's own value (appendix A: SipHash-2-4, key 00..0f, input 00..0e).

  siphash_vectors.py > flow_vectors.h          writes the table
  siphash_vectors.py --check flow_vectors.h    a test in TAP: is the file what would come out?
"""
import ipaddress
import random
import sys

MASK = (1 << 64) - 1


def rotate(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & MASK


def sip_round(v):
    v[0] = (v[0] + v[1]) & MASK
    v[2] = (v[2] + v[3]) & MASK
    v[1] = rotate(v[1], 13) ^ v[0]
    v[3] = rotate(v[3], 16) ^ v[2]
    v[0] = rotate(v[0], 32)
    v[2] = (v[2] + v[1]) & MASK
    v[0] = (v[0] + v[3]) & MASK
    v[1] = rotate(v[1], 17) ^ v[2]
    v[3] = rotate(v[3], 21) ^ v[0]
    v[2] = rotate(v[2], 32)


def siphash(c_rounds, d_rounds, key, message):
    k0 = int.from_bytes(key[:8], "little")
    k1 = int.from_bytes(key[8:], "little")
    v = [k0 ^ int.from_bytes(b"somepseu", "big"), k1 ^ int.from_bytes(b"dorandom", "big"),
         k0 ^ int.from_bytes(b"lygenera", "big"), k1 ^ int.from_bytes(b"tedbytes", "big")]
    padded = bytearray(message)
    while len(padded) % 8 != 7:
        padded.append(0)
    padded.append(len(message) & 0xff)
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at:at + 8], "little")
        v[3] ^= word
        for _ in range(c_rounds):
            sip_round(v)
        v[0] ^= word
    v[2] ^= 0xff
    for _ in range(d_rounds):
        sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def check_paper():
    """Appendix A, and three more of the authors' reference vectors (2-4, same key)."""
    key = bytes(range(16))
    for n, expected in ((15, 0xa129ca6149be45e5), (0, 0x726fdb47dd0e0e31),
                        (1, 0x74f839c593dc67fd), (8, 0x93f5f5799a932462)):
        got = siphash(2, 4, key, bytes(range(n)))
        if got != expected:
            sys.exit(f"SipHash-2-4 of {n} bytes: {got:016x}, the authors have {expected:016x}")


def message(src, dst, src_port, dst_port, proto):
    return (ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed +
            src_port.to_bytes(2, "big") + dst_port.to_bytes(2, "big") + bytes([proto]))


KEY_PAPER = bytes(range(16))
KEY_ZERO = bytes(16)
KEY_ONES = bytes([0xff] * 16)

NAMED = [
    ("v4 zero key, zero flow", KEY_ZERO, "0.0.0.0", "0.0.0.0", 0, 0, 0),
    ("v4 all ones", KEY_ONES, "255.255.255.255", "255.255.255.255", 65535, 65535, 255),
    ("v4 tcp", KEY_PAPER, "192.0.2.1", "203.0.113.1", 40000, 80, 6),
    ("v4 tcp, next port", KEY_PAPER, "192.0.2.1", "203.0.113.1", 40001, 80, 6),
    ("v4 tcp, ports swapped", KEY_PAPER, "192.0.2.1", "203.0.113.1", 80, 40000, 6),
    ("v4 tcp, addresses swapped", KEY_PAPER, "203.0.113.1", "192.0.2.1", 40000, 80, 6),
    ("v4 udp", KEY_PAPER, "192.0.2.1", "203.0.113.1", 40000, 80, 17),
    ("v4 tcp, zero key", KEY_ZERO, "192.0.2.1", "203.0.113.1", 40000, 80, 6),
    ("v4 high bits of bytes", KEY_PAPER, "128.128.128.128", "128.128.128.128", 0x8080, 0x8080, 6),
    ("v6 zero key, zero flow", KEY_ZERO, "::", "::", 0, 0, 0),
    ("v6 all ones", KEY_ONES, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 65535, 255),
    ("v6 tcp", KEY_PAPER, "2001:db8:c::1", "2001:db8:f::1", 40000, 80, 6),
    ("v6 tcp, next address", KEY_PAPER, "2001:db8:c::2", "2001:db8:f::1", 40000, 80, 6),
    ("v6 tcp, addresses swapped", KEY_PAPER, "2001:db8:f::1", "2001:db8:c::1", 40000, 80, 6),
    ("v6 udp", KEY_PAPER, "2001:db8:c::1", "2001:db8:f::1", 40000, 80, 17),
    ("v6 v4-mapped", KEY_PAPER, "::ffff:192.0.2.1", "::ffff:203.0.113.1", 40000, 80, 6),
]


def rows():
    for name, key, *flow in NAMED:
        yield name, key, message(*flow)
    rng = random.Random(13)
    for family, size in (("v4", 13), ("v6", 37)):
        for i in range(16):
            yield f"{family} random {i}", rng.randbytes(16), rng.randbytes(size)


def c_bytes(data):
    lines = [", ".join(f"0x{b:02x}" for b in data[at:at + 13]) for at in range(0, len(data), 13)]
    return ",\n\t    ".join(lines)


def header():
    out = ["/* SPDX-License-Identifier: Apache-2.0 */",
           "/*",
           " * Golden vectors of the flow hash, SipHash-1-3. Written by siphash_vectors.py, which",
           " * shares nothing with flow.h; don't edit. Included by the tests of the hash.",
           " */",
           "#ifndef SLUICE_TESTS_UNIT_FLOW_VECTORS_H",
           "#define SLUICE_TESTS_UNIT_FLOW_VECTORS_H",
           "",
           "#include <stdint.h>",
           "",
           "struct flow_vector {",
           "\tconst char *name;",
           "\tuint64_t key[2];",
           "\tuint8_t message_bytes; /* 13: IPv4, 37: IPv6 */",
           "\tuint8_t message[37];   /* addresses, ports, protocol, as flow.h lists them */",
           "\tuint64_t hash;",
           "};",
           "",
           "/* clang-format off */",
           "static const struct flow_vector flow_vectors[] = {"]
    for name, key, data in rows():
        k0 = int.from_bytes(key[:8], "little")
        k1 = int.from_bytes(key[8:], "little")
        out += [f'\t{{ "{name}",',
                f"\t  {{ 0x{k0:016x}ULL, 0x{k1:016x}ULL }}, {len(data)},",
                f"\t  {{ {c_bytes(data)} }},",
                f"\t  0x{siphash(1, 3, key, data):016x}ULL }},"]
    out += ["};", "", "#endif", ""]
    return "\n".join(out)


def main():
    check_paper()
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="ascii") as file:
            same = file.read() == header()
        print("1..1")
        print("ok" if same else "not ok", f"1 - {len(list(rows()))} vectors, written anew")
        sys.exit(0 if same else 1)
    elif len(sys.argv) == 1:
        sys.stdout.write(header())
    else:
        sys.exit(__doc__)


main()
