# SPDX-License-Identifier: Apache-2.0
"""Runs the test programs of a build, some at a time. Called by run.sh.

    meson introspect --tests BUILD | programs.py BUILD JOBS [NAME]

Each program's output goes to BUILD/meson-logs/NAME.tap. Prints "NAME<tab>STATUS<tab>SECONDS" as each
one ends. With NAME, runs that one only.
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import time

TIMEOUT_S = 600


def run(build, test):
    start = time.monotonic()
    with open(f"{build}/meson-logs/{test['name']}.tap", "wb") as log:
        try:
            status = subprocess.run(test["cmd"], cwd=build, env={**os.environ, **test["env"]},
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    timeout=TIMEOUT_S).returncode
        except subprocess.TimeoutExpired:
            status = 124
    return test["name"], status, time.monotonic() - start


def main():
    build, jobs, *only = sys.argv[1:]
    tests = [t for t in json.load(sys.stdin) if not only or t["name"] in only]
    if not tests:
        sys.exit(f"programs.py: no test program {' '.join(only)} in {build}")
    # meson's own limit for a program says which are long.
    tests.sort(key=lambda test: -test["timeout"])
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, build, t) for t in tests]):
            name, status, took_s = future.result()
            print(name, status, f"{took_s:.1f}", sep="\t", flush=True)


main()
