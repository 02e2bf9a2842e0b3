"""Two DNS servers, of which one never answers, and addresses that never answer either.

gateway.test has 127.0.0.2. holed.test has 127.0.0.1 before it, where connections to the ports of gateways and of frontlas stay
without an answer. mute.test has 127.0.0.5 before it, where they are taken, and nothing is ever said.
"""

import select
import socket
import struct

NAMES = {b"\x07gateway\x04test\0": ["127.0.0.2"], b"\x05holed\x04test\0": ["127.0.0.1", "127.0.0.2"],
         b"\x04mute\x04test\0": ["127.0.0.5", "127.0.0.2"]}
A = 1
PORTS = [30012, 30013, 40011, 40012]


def answer(query):
    end = query.index(b"\0", 12) + 1
    name, (kind,) = query[12:end].lower(), struct.unpack(">H", query[end : end + 2])
    addresses = NAMES.get(name, []) if kind == A else []
    code = 0 if name in NAMES else 3
    header = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(addresses), 0, 0)
    records = [struct.pack(">HHHIH", 0xC00C, A, 1, 0, 4) + socket.inet_aton(a) for a in addresses]
    return header + query[12 : end + 4] + b"".join(records)


def hole(port):
    """A listener whose backlog is full: the kernel drops what else comes."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen(0)
    held = [listener]
    while True:
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        held.append(client)
        if not select.select([], [client], [], 0.3)[1]:
            return held


def mute(port):
    """The kernel takes the connections, and nobody else does."""
    listener = socket.socket()
    listener.bind(("127.0.0.5", port))
    listener.listen(128)
    return listener


dead = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
dead.bind(("127.0.0.3", 53))
# Before anyone can look them up.
holes = [make(port) for make in (hole, mute) for port in PORTS]
alive = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
alive.bind(("127.0.0.4", 53))
while True:
    query, client = alive.recvfrom(512)
    alive.sendto(answer(query), client)
