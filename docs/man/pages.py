#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a manual page on standard output. Called by meson.

pages.py PAGE.in SOURCE. Lines of the page are replaced by what SOURCE says:
  sluicectl: @COMMANDS@, @OPTIONS@ and @STATUSES@ by its own table (help --json);
  CONFIG.md: @KEYS@ by the keys of docs/config.md, which a unit test compares with the daemon's table;
  another program: @OPTIONS@ by the options that its --help prints, in two columns.
"""
import json
import os
import re
import subprocess
import sys


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("—", "\\(em").replace("µ", "\\(mc")
    return "\\&" + text if text[:1] in (".", "'") else text


def inline(text):
    """Markdown within a line."""
    text = re.sub(r"\[([^]]*)\]\(([^)]*)\)", r"\1", text)
    out = []
    for i, part in enumerate(text.split("`")):
        out.append(f"\\fB{escape(part)}\\fR" if i % 2 else escape(part))
    text = "".join(out)
    return text[2:] if text.startswith("\\&\\f") else text


def entry(tag, text):
    return [".TP", f"\\fB{escape(tag)}\\fR", escape(text)]


def usage(command):
    words = " ".join(argument["form"] if argument["required"] else f"[{argument['form']}]"
                     for argument in command["arguments"])
    return f"\\fB{escape(command['words'])}\\fR {escape(words)}".rstrip()


def arguments(rows):
    out = []
    for row in rows:
        letter = f"-{row['letter']}, " if row["letter"] else ""
        out += entry(letter + row["form"], row["help"])
        for key in row["keys"] or []:
            default = key["default"]
            about = "must be given at first" if default is None else \
                f"{default} if never given" if default else ""
            out += [".RS", ".TP", f"\\fB{escape(key['form'])}\\fR", escape(about), ".RE"]
    return out


def commands(table):
    out, group = [], None
    for command in table["commands"]:
        if command["group"] != group:
            group = command["group"]
            out += [f".SS {group}"]
        out += [".TP", usage(command), escape(command["help"][0].upper() + command["help"][1:] + ".")]
        if command["text"]:
            out += [escape(command["text"])]
        if command["arguments"]:
            out += [".RS"] + arguments(command["arguments"]) + [".RE"]
        for line in (command["examples"] or "").splitlines():
            out += [".IP", "\\fIExample:\\fR " + escape("sluicectl " + line)]
    return out


def statuses(table):
    return [line for row in table["exit_statuses"]
            for line in entry(str(row["status"]), row["when"] + ".")]


def keys(path):
    """From "## Syntax in short" on: headings, tables, bullets, code, paragraphs."""
    out, code = [], False
    text = open(path, encoding="utf-8").read()
    for line in text[text.index("\n## Syntax"):].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if line.startswith("```"):
            code = not code
            out += [".PP", ".nf"] if code else [".fi"]
        elif code:
            out += [escape(line)]
        elif line.startswith("#"):
            out += [f".SS {escape(line.lstrip('# '))}"]
        elif cells and (cells[0] == "key" or cells[0].startswith("---")):
            continue
        elif len(cells) == 5:
            kind, default, span = (inline(cell) for cell in cells[1:4])
            about = ", ".join(part for part in (
                kind, "required" if default == "required" else f"default {default}", span) if part)
            out += [".TP", inline(cells[0]), f"({about}) {inline(cells[4])}"]
        elif line.startswith("- "):
            out += [".IP \\(bu 2", inline(line[2:])]
        elif line and out and out[-1] == "":
            out[-1:] = [".PP", inline(line)]
        elif line:
            out += [inline(line)]
        elif out and out[-1] and not out[-1].startswith(".SS"):
            out += [""]
    return [line for line in out if line]


def options(source):
    """Rows of "  --option VALUE   what it does", which further lines continue."""
    rows = []
    said = subprocess.run([source, "--help"], check=True, capture_output=True, text=True).stdout
    for line in said.splitlines():
        row = re.match(r"  (--\S+(?: \S+)*)(?:  +(.*))?$", line)
        if row:
            rows.append([row[1], [row[2] or ""]])
        elif rows and line.startswith("      "):
            rows[-1][1].append(line.strip())
        elif rows:
            break
    return [line for form, text in rows for line in entry(form, " ".join(text).strip() + ".")]


def main(page, source):
    made = {}
    if source.endswith(".md"):
        made["@KEYS@"] = keys(source)
    elif os.path.basename(source) != "sluicectl":
        made["@OPTIONS@"] = options(source)
    else:
        table = json.loads(subprocess.run([source, "help", "--json"], check=True,
                                          capture_output=True).stdout)
        made = {"@COMMANDS@": commands(table), "@OPTIONS@": arguments(table["options"]),
                "@STATUSES@": statuses(table)}
    for line in open(page, encoding="utf-8").read().splitlines():
        print("\n".join(made.get(line, [line])))


if __name__ == "__main__":
    main(*sys.argv[1:3])
