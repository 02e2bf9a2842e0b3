#!/usr/bin/env bash
# aiohttp (Python): a WebSocket client that only sends does not answer pings, and is closed for being dead.
#
# `autoping` is on by default and reads as if the library answered pings while the event loop runs, as browsers and most
# libraries do. It answers them inside `receive`, so not at all while nobody calls it. A client that publishes readings and
# expects no messages, or that is busy with one, is taken for gone by every server that looks after its peers, in the
# midst of its sending. It learns that from the next `send` as "Cannot write to closing transport"; the reason is in the
# close frame that it has not read either. A task that calls `receive` in a loop helps.
#
# The script has a server that pings each second and gives two for the pong, and a client that sends ten messages a second
# for up to eight: once without calling `receive`, and once beside a task that does. It exits with 0 while the library
# behaves as described, and with 1 when that has changed.
#
# Needs Python 3.10 or later.
set -euo pipefail

VERSION=3.14.5
WEBSOCKETS=17.4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "aiohttp==$VERSION" "websockets==$WEBSOCKETS"

cat > finding.py <<'PY'
import asyncio
import logging
import sys
import time

import aiohttp
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

SECONDS = 8
ends = []


async def take(connection):
    """Takes all that comes; notes how many messages and what has ended it."""
    count = 0
    try:
        async for _ in connection:
            count += 1
        ends.append((count, "the client has closed"))
    except ConnectionClosed as error:
        ends.append((count, error))


async def send_on(connection):
    """Ten messages a second; how long that went well, and what has ended it, if anything."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < SECONDS:
            await connection.send_str("a reading")
            await asyncio.sleep(0.1)
    except ConnectionError as error:
        return time.monotonic() - began, error
    return time.monotonic() - began, None


async def main():
    async with serve(take, "127.0.0.1", 0, ping_interval=1, ping_timeout=2) as server, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with session.ws_connect(url) as connection:
            silent = await send_on(connection)
        async with session.ws_connect(url) as connection:
            receiving = asyncio.create_task(connection.receive())
            listening = await send_on(connection)
            receiving.cancel()
    for which, (after, error) in (("without receive", silent), ("beside a task in receive", listening)):
        print(f"{which}: sent for {after:.1f} s, then: {error!r}" if error else f"{which}: sent for {after:.1f} s without an error")
    print(f"the server, of the first: {ends[0][0]} messages, then: {ends[0][1]}")
    if silent[1] is None or listening[1] is not None:
        print("CHANGED: pings are answered in another way")
        sys.exit(1)


logging.disable()
asyncio.run(main())
PY

echo "aiohttp $VERSION, Python $(venv/bin/python -c 'import platform; print(platform.python_version())')"
echo "A client that sends without calling receive answers no pings, and its server closes the connection."
echo "---- seen"
venv/bin/python finding.py
