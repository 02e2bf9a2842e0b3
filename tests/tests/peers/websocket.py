"""A WebSocket client for the tests, built on Python's `websockets`.

websocket.py bridge URL      carries plain TCP over WebSockets: prints `listening HOST:PORT`
websocket.py ask WHAT URL    opens one, does something with it, and prints what came of it
"""

import argparse
import asyncio
import ssl
import sys

try:
    import websockets
except ImportError:
    sys.exit("python3-websockets is missing: please install it, or start tests/run, which does")

# How much is read at a time, and the pieces that a fragmented message comes in.
CHUNK = 256 * 1024
FRAGMENTS = 5


def connect(options):
    """Of any size, since messages and their boundaries mean nothing here."""
    more = {"max_size": None}
    if options.url.startswith("wss:"):
        context = ssl.create_default_context(cafile=options.ca)
        if options.cert:
            context.load_cert_chain(options.cert, options.key)
        more.update(ssl=context, server_hostname="localhost")
    return websockets.connect(options.url, **more)


def pieces(data):
    """The same bytes in some fragments, one of them empty."""
    size = len(data) // FRAGMENTS + 1
    yield from (data[at : at + size] for at in range(0, len(data), size))
    yield b""


async def upwards(reader, socket, options):
    while data := await reader.read(CHUNK):
        await socket.send(pieces(data) if options.fragments else data)
        if options.pings:
            # A pong must come for each, in the middle of whatever else is on its way.
            await asyncio.wait_for(await socket.ping(b"are you there"), 30)
    await socket.close()


async def downwards(socket, writer):
    async for message in socket:
        assert isinstance(message, bytes), "a text message"
        writer.write(message)
        await writer.drain()


def causes(error):
    while error:
        yield repr(error)
        error = error.__cause__ or error.__context__


async def bridge(options):
    async def carry(reader, writer):
        try:
            async with connect(options) as socket:
                await asyncio.gather(upwards(reader, socket, options), downwards(socket, writer))
        except Exception as error:
            print("failed:", *causes(error), flush=True)
        finally:
            writer.close()

    # As much at a time as is to be one message.
    server = await asyncio.start_server(carry, "127.0.0.1", 0, limit=CHUNK)
    host, port = server.sockets[0].getsockname()
    print(f"listening {host}:{port}", flush=True)
    await server.serve_forever()


async def ask(options):
    async with connect(options) as socket:
        print("subprotocol:", socket.subprotocol, flush=True)
        if options.what == "ping":
            for payload in (b"", b"x" * 125):
                await asyncio.wait_for(await socket.ping(payload), 30)
            print("pongs: 2", flush=True)
            return
        if options.what == "close":
            await socket.close(1000, "that is all")
        elif options.what == "leave":
            await socket.close(1001, "going away")
        elif options.what == "text":
            await socket.send("hello")
        elif options.what == "large":
            await socket.send(bytes(1024 * 1024 + 1))
        await asyncio.wait_for(socket.wait_closed(), 30)
        print("closed:", socket.close_code, socket.close_reason, flush=True)


parser = argparse.ArgumentParser()
commands = parser.add_subparsers(dest="command", required=True)
for name in ("bridge", "ask"):
    command = commands.add_parser(name)
    if name == "ask":
        command.add_argument("what", choices=["ping", "close", "leave", "text", "large"])
    command.add_argument("url")
    command.add_argument("--ca")
    command.add_argument("--cert")
    command.add_argument("--key")
    command.add_argument("--fragments", action="store_true")
    command.add_argument("--pings", action="store_true")
options = parser.parse_args()
asyncio.run(bridge(options) if options.command == "bridge" else ask(options))
