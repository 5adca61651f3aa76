#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes page_files.c of the files of the status page: embed.py OUTPUT FILE ... Called by meson."""
import os
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write('#include "page_files.h"\n\n#include <stddef.h>\n\nconst struct page_file page_files[] = {\n')
    for path in sys.argv[2:]:
        out.write('\t{"%s", "%s",\n' % (os.path.basename(path), TYPES[os.path.splitext(path)[1]]))
        with open(path, "rb") as source:
            for line in source:
                # Octal, since a hexadecimal escape would take the digits that follow.
                text = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else "\\%03o" % b for b in line)
                out.write('\t "%s"\n' % text)
        out.write("\t},\n")
    out.write("\t{NULL, NULL, NULL},\n};\n")
