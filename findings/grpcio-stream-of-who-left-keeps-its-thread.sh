#!/usr/bin/env bash
# grpcio (Python): a streaming handler whose client has left keeps its worker, until there is something to send.
#
# A handler of a server stream is a generator: it waits for an event and yields it. When the client cancels or is gone,
# one expects the generator to be closed, as Python does with one that nobody iterates any more, or the wait to be broken
# off. Neither happens. It is noticed at the next `yield`, and until then the thread of the pool is taken. Where events
# are rare, each client that came and went (a restarted KEDA operator that watches an external scaler, say) takes one
# thread for good. With the last one gone the server takes calls and answers none, health checks included; each
# ends with the caller's deadline. `context.add_callback` is what hears of the end in time.
#
# The script has a server with four workers, and clients that open a stream, get its first message and cancel, one after
# the other; between them it asks for something simple. It does the same with a handler that listens to the end by
# `add_callback`. It exits with 0 while the library behaves as described, and with 1 when that has changed.
#
# Needs Python 3.
set -euo pipefail

VERSION=1.85.3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "grpcio==$VERSION"

cat > finding.py <<'PY'
import os
import queue
import sys
from concurrent import futures

import grpc

WORKERS, CLIENTS = 4, 6
waits, left = queue.Queue(), queue.Queue()


class Scaler(grpc.GenericRpcHandler):
    """Watch, whose events are rare, and Get."""

    def __init__(self, listens):
        self.listens = listens

    def service(self, call):
        if call.method.endswith("Get"):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"42")
        return grpc.unary_stream_rpc_method_handler(self.watch)

    def watch(self, request, context):
        events = queue.Queue()
        # The library itself hears of it at once; the handler only where it asks.
        context.add_callback(lambda: left.put(None))
        if self.listens:
            context.add_callback(lambda: events.put(None))
        yield b"active"
        waits.put(None)
        while (event := events.get()) is not None:
            yield event


def answered(listens):
    """How many of the clients had Get answered within two seconds, after those before them had left."""
    pool = futures.ThreadPoolExecutor(WORKERS)
    server = grpc.server(pool, handlers=[Scaler(listens)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    count = 0
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        get, watch = channel.unary_unary("/scaler.Scaler/Get"), channel.unary_stream("/scaler.Scaler/Watch")
        for client in range(CLIENTS):
            try:
                get(b"", timeout=2)
                count += 1
                stream = watch(b"", timeout=20)
                next(stream)
                waits.get(timeout=10)
                stream.cancel()
                left.get(timeout=10)
            except grpc.RpcError as error:
                print(f"  client {client + 1}: Get ends with {error.code().name}, with no stream open")
    print(f"  {count} of {CLIENTS} clients had an answer from {WORKERS} workers")
    return count


print("a handler that waits for events:")
waiting = answered(False)
print("a handler that hears of the end by add_callback:")
listening = answered(True)
is_as_described = waiting < CLIENTS and listening == CLIENTS
if not is_as_described:
    print("CHANGED: a handler ends in another way when its client leaves")
sys.stdout.flush()
# Threads that wait for ever are not waited for.
os._exit(0 if is_as_described else 1)
PY

echo "grpcio $VERSION, Python $(venv/bin/python -c 'import platform; print(platform.python_version())')"
echo "The generator of a server stream is not ended when its client leaves, and keeps its thread until it yields."
echo "---- seen"
venv/bin/python finding.py
