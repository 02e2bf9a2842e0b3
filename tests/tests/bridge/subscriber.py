"""A subscriber of the bridge for the tests, built on Python's `websockets`.

subscriber.py URL    prints each text that comes, and at the end `closed STATUS REASON` or `refused STATUS`
"""

import argparse
import asyncio
import socket
import ssl
import sys
from urllib.parse import urlsplit

try:
    import websockets
except ImportError:
    sys.exit("python3-websockets is missing: please install it, or start tests/run, which does")


def connect(options):
    more = {"max_size": None, "max_queue": 1, "read_limit": 1024}
    if options.protocol:
        more["subprotocols"] = options.protocol
    if options.origin:
        more["origin"] = options.origin
    if not options.compression:
        more["compression"] = None
    if options.buffer:
        # As small as the system has them, so that it is soon full.
        url = urlsplit(options.url)
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options.buffer)
        plain.connect((url.hostname, url.port))
        more["sock"] = plain
    if options.url.startswith("wss:"):
        more.update(ssl=ssl.create_default_context(cafile=options.ca), server_hostname="localhost")
    return websockets.connect(options.url, **more)


async def main(options):
    try:
        async with connect(options) as subscriber:
            extensions = [extension.name for extension in subscriber.extensions]
            print("open", subscriber.subprotocol, *extensions, flush=True)
            if options.say:
                await subscriber.send(options.say)
            async for text in subscriber:
                print(text, flush=True)
            print("closed", subscriber.close_code, subscriber.close_reason, flush=True)
    except websockets.ConnectionClosed as closed:
        print("closed", closed.code, closed.reason, flush=True)
    except websockets.InvalidStatusCode as refused:
        print("refused", refused.status_code, flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("--protocol", action="append")
parser.add_argument("--origin")
parser.add_argument("--compression", action="store_true")
parser.add_argument("--buffer", type=int)
parser.add_argument("--say")
parser.add_argument("--ca")
asyncio.run(main(parser.parse_args()))
