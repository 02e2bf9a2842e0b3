"""Reads requests one after the other, and answers them: pooled.py lines|frames"""

import base64
import json
import struct
import sys

read, write = sys.stdin.buffer, sys.stdout.buffer


def compute(action, body):
    if action == "die":
        print("out of paper", file=sys.stderr, flush=True)
        sys.exit(4)
    return None if action == "fail" else body.upper()


def frame():
    head = read.read(4)
    return read.read(struct.unpack(">I", head)[0]) if head else None


def lines():
    for line in read:
        asked = json.loads(line)
        answer = compute(asked["action"], base64.b64decode(asked["payload"]))
        answered = {"messageId": asked["messageId"]}
        if answer is None:
            answered.update(fault="no such number", code=3)
        else:
            answered["payload"] = base64.b64encode(answer).decode()
        write.write(json.dumps(answered).encode() + b"\n")
        write.flush()


def frames():
    while (head := frame()) is not None:
        answer = compute(json.loads(head)["action"], frame())
        said = b"\1no such number" if answer is None else b"\0" + answer
        write.write(struct.pack(">I", len(said)) + said)
        write.flush()


{"lines": lines, "frames": frames}[sys.argv[1]]()
