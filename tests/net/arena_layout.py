#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes an arena (sluice/arena.h) one of another layout, for restart.sh:

  arena_layout.py PATH LAYOUT     writes LAYOUT into the head of the arena at PATH: a memory file of
                                  the dpdk path, or the xdp path's map, pinned in a bpffs
"""
import ctypes
import mmap
import os
import struct
import sys

BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
BPF_OBJ_GET = 7
MAGIC = 0x616e6572612d6c73  # "sl-arena"


def pinned(path):
    name = ctypes.create_string_buffer(path.encode())
    attr = ctypes.create_string_buffer(struct.pack("QII", ctypes.addressof(name), 0, 0), 128)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(BPF_SYSCALL, BPF_OBJ_GET, ctypes.byref(attr), 16)
    if fd < 0:
        raise OSError(ctypes.get_errno(), path)
    return fd


path, layout = sys.argv[1], int(sys.argv[2])
fd = pinned(path) if path.startswith("/sys/fs/bpf/") else os.open(path, os.O_RDWR)
with mmap.mmap(fd, mmap.PAGESIZE) as head:
    magic, was = struct.unpack_from("QI", head)
    if magic != MAGIC or was == layout:
        sys.exit(f"{path}: no arena, or of layout {layout} already")
    struct.pack_into("I", head, 8, layout)
