#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds sluicectl --json to docs/json/sluicectl.json.

json_schema.py SLUICECTL: each command has a definition, and each definition is a schema; what
sluicectl prints without a daemon is as defined. TAP. Called by meson.
json_schema.py --check: standard input is pairs of lines: a command with its arguments behind a tab,
and what it printed. Members that the definition doesn't name are wrong here, though a client has to
bear them. Prints "0 TEXT" or "1 TEXT: why" for each. Called by tests/net/cli.sh.
"""
import json
import pathlib
import subprocess
import sys

import jsonschema

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs/json/sluicectl.json"


def strict(schema):
    """The same, but without members that are not named."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items()}
    if out.get("type") == "object" and isinstance(out.get("properties"), dict):
        out.setdefault("additionalProperties", False)
    return out


def validate(command, value):
    whole = strict(json.loads(SCHEMA.read_text()))
    if command not in whole["$defs"]:
        raise jsonschema.ValidationError(f'no definition "{command}" in {SCHEMA.name}')
    schema = {"$defs": whole["$defs"], "$ref": "#/$defs/" + command.replace(" ", "%20")}
    jsonschema.Draft202012Validator(schema).validate(value)


def check():
    for line in sys.stdin:
        command, arguments = line.rstrip("\n").split("\t")
        text = f"--json {command} {arguments}".rstrip()
        try:
            validate(command, json.loads(next(sys.stdin)))
            print("0", text)
        except (jsonschema.ValidationError, json.JSONDecodeError) as error:
            print("1", text + ":", " ".join(str(error).split())[:400])


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def report(self, good, text):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {text}")


def main(sluicectl):
    tap = Tap()
    text = SCHEMA.read_text()
    definitions = json.loads(text)["$defs"]
    said = json.loads(subprocess.run([sluicectl, "help", "--json"], check=True,
                                     capture_output=True).stdout)
    commands = {command["words"] for command in said["commands"]}
    for command in sorted(commands):
        tap.report(command in definitions, f"{command}: docs/json/sluicectl.json has its form")
    for name in sorted(definitions):
        used = name in commands | {"help", "--version"} or f'"#/$defs/{name}"' in text
        tap.report(used, f"{name}: is a command's, or part of one")
        jsonschema.Draft202012Validator.check_schema(definitions[name])
    for name, value in (("help", said), ("--version", json.loads(subprocess.run(
            [sluicectl, "--version", "--json"], check=True, capture_output=True).stdout))):
        try:
            validate(name, value)
            tap.report(True, f"{name}: as defined")
        except jsonschema.ValidationError as error:
            print(f"# {error.message}")
            tap.report(False, f"{name}: as defined")
    try:
        validate("show memory", {"lookups": "many"})
        tap.report(False, "what is not as defined is found")
    except jsonschema.ValidationError:
        tap.report(True, "what is not as defined is found")
    print(f"1..{tap.count}")
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1] == "--check" else main(sys.argv[1]))
