#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One HTTP connection that is kept and surely sends packets: a request every 50 ms, each only once
the one before is answered. Used by explain.sh.

    talk.py ADDRESS LOCAL-PORT

Prints a line for each answer, the name of the backend that gave it, until it is ended. Exit status
1: the connection broke, or would have to be made anew.
"""
import http.client
import sys
import time


def main():
    connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=10,
                                            source_address=("", int(sys.argv[2])))
    connection.connect()
    connection.auto_open = 0
    while True:
        connection.request("GET", "/")
        print(connection.getresponse().read().decode().strip(), flush=True)
        time.sleep(0.05)


main()
