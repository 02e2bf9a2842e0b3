"""Reads the responses of a session over WebSocket, with Python's `websockets`, within a window of credit.

responses.py URL TOKEN COUNT
"""

import asyncio
import base64
import json
import sys

try:
    import websockets
except ImportError:
    sys.exit("python3-websockets is missing: please install it, or start tests/run, which does")

url, token, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
WINDOW = 10


async def connect(query):
    # As a browser shows it, which can set no header.
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    protocols = ["frontier.sessions.v1", f"bearer.{encoded}"]
    reader = await websockets.connect(f"{url}?{query}", subprotocols=protocols)
    assert reader.subprotocol == "frontier.sessions.v1", reader.subprotocol
    return reader


async def main():
    seen = []
    # The first half, of which the last window is not acknowledged: it comes again.
    reader = await connect(f"acknowledge=client&credit={WINDOW}")
    while len(seen) < count // 2:
        for _ in range(WINDOW):
            seen.append(json.loads(await asyncio.wait_for(reader.recv(), 60)))
        if len(seen) < count // 2:
            await reader.send(json.dumps({"credit": WINDOW, "acknowledge": len(seen)}))
    await reader.close()
    reader = await connect("acknowledge=client&credit=1000000")
    again = [json.loads(await asyncio.wait_for(reader.recv(), 60)) for _ in range(WINDOW)]
    assert [one["position"] for one in again] == [one["position"] for one in seen[-WINDOW:]], again
    end = None
    async for text in reader:
        one = json.loads(text)
        if "endOfResponses" in one:
            end = one["endOfResponses"]
        else:
            assert end is None
            seen.append(one)
    assert reader.close_code == 1000, reader.close_code
    assert end == {"count": count, "reason": "Success"}, end
    assert [one["position"] for one in seen] == list(range(count))
    assert {int(one["userData"]) for one in seen} == set(range(count))
    assert all(base64.b64decode(one["payload"]) == b"hello" for one in seen)


asyncio.run(main())
