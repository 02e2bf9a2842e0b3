#!/usr/bin/env bash
# websockets (Python): who is slow to read loses a healthy connection to the library's own keepalive.
#
# The library sends pings and closes the connection when the pong does not come in time (20 s by default), which reads like a
# test of the peer and the network. Messages wait for `recv` in a queue, 16 at most by default. While it is full the library
# reads nothing from the socket, pongs included, which the peer has sent at once. A consumer that works on each message a
# little longer than they come in so fails with 1011 "keepalive ping timeout", although the event loop is free, the peer is
# well, and messages are read all the time. What waits in the socket is lost. Backpressure looks like
# what the library offers, but there is none beyond `ping_timeout`; `ping_timeout=None` on the reader's side helps.
#
# The script has a server that sends 50 small messages a second and answers pings, and a client that takes 0.3 s for each, with
# pings each second that are to be answered within another. It does the same without a time for pongs. It exits with 0 while
# the library behaves as described, and with 1 when that has changed.
#
# Needs Python 3.10 or later.
set -euo pipefail

VERSION=17.4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "websockets==$VERSION"

cat > finding.py <<'PY'
import asyncio
import logging
import sys
import time

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

SECONDS = 12


async def send_on(connection):
    """Fifty messages a second, and no pings of its own; pongs go out by themselves."""
    try:
        while True:
            await connection.send("a message")
            await asyncio.sleep(0.02)
    except ConnectionClosed:
        pass


async def read_slowly(port, ping_timeout):
    """How many messages were read, and what has ended it, if anything within the time."""
    read, began = 0, time.monotonic()
    url = f"ws://127.0.0.1:{port}"
    async with connect(url, ping_interval=1, ping_timeout=ping_timeout, close_timeout=1) as connection:
        try:
            while time.monotonic() - began < SECONDS:
                await connection.recv()
                read += 1
                await asyncio.sleep(0.3)
        except ConnectionClosed as error:
            return read, time.monotonic() - began, error
    return read, time.monotonic() - began, None


async def main():
    async with serve(send_on, "127.0.0.1", 0, ping_interval=None) as server:
        port = server.sockets[0].getsockname()[1]
        timed = await read_slowly(port, 1)
        untimed = await read_slowly(port, None)
    for which, (read, after, error) in (("ping_timeout=1", timed), ("ping_timeout=None", untimed)):
        print(f"{which}: {read} messages were read in {after:.1f} s, then: {error or 'we left'}")
    if timed[2] is None or timed[2].rcvd is not None or untimed[2] is not None:
        print("CHANGED: reading slowly does not end the connection")
        sys.exit(1)


logging.disable()
asyncio.run(main())
PY

echo "websockets $VERSION, Python $(venv/bin/python -c 'import platform; print(platform.python_version())')"
echo "A client that reads more slowly than messages come closes the connection for a pong that it has not read."
echo "---- seen"
venv/bin/python finding.py
