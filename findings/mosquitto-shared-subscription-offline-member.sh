#!/usr/bin/env bash
# Mosquitto: a member of a shared subscription that is offline still gets its share of the messages.
#
# `$share/workers/jobs` reads like a queue with competing consumers: whoever is connected takes the next message. Mosquitto
# goes round the sessions that have subscribed, connected or not. A worker that keeps its session (so that it loses nothing)
# and goes away takes every second message of two workers with it: they wait in its session, not in the group's, although
# the other worker is connected and idle. They are given to nobody else: when that session expires they are gone. Scaling
# workers down so holds back work, and loses it in the end. The publisher gets a PUBACK of success for each.
#
# The script subscribes two workers with sessions of an hour, disconnects one of them in the regular way, publishes 20
# messages of QoS 1, and has that one come back. Then it does the same with a session that expires after 2 s. It exits with 0
# while the broker behaves as described, and with 1 when that has changed.
#
# Needs mosquitto, which Debian has, and Python 3.
set -euo pipefail

PAHO=2.2.0
PATH=$PATH:/usr/sbin
command -v mosquitto > /dev/null || { echo "mosquitto is missing: apt-get install mosquitto"; exit 2; }
dir=$(mktemp -d)
trap 'kill "${broker:-}" 2> /dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "paho-mqtt==$PAHO"

port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" > mosquitto.conf
mosquitto -c mosquitto.conf > mosquitto.log 2>&1 &
broker=$!

cat > finding.py <<'PY'
import queue
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PORT = int(sys.argv[1])
MESSAGES = 20


def connected(client, **options):
    """Connects, as soon as the broker listens."""
    deadline = time.monotonic() + 10
    while True:
        try:
            client.connect("127.0.0.1", PORT, **options)
            break
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    client.loop_start()
    return client


def worker(name):
    """A worker whose session outlives its connection, and where its messages arrive."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
    subscribed, messages = queue.Queue(), queue.Queue()
    client.on_message = lambda client, data, message: messages.put(message.payload.decode())
    client.on_subscribe = lambda *told: subscribed.put(told)
    session = Properties(PacketTypes.CONNECT)
    session.SessionExpiryInterval = 3600
    connected(client, clean_start=False, properties=session)
    client.subscribe("$share/workers/jobs", qos=1)
    subscribed.get(timeout=10)
    return client, messages


def taken(messages, quiet=2):
    """All that comes until nothing has come for so many seconds."""
    got = []
    try:
        while True:
            got.append(messages.get(timeout=quiet))
    except queue.Empty:
        return got


def leave(client, seconds=3600):
    """Disconnects in the regular way, and has the session kept for so long."""
    session = Properties(PacketTypes.DISCONNECT)
    session.SessionExpiryInterval = seconds
    client.disconnect(properties=session)
    client.loop_stop()


def publish(messages):
    for message in messages:
        publisher.publish("jobs", message, qos=1).wait_for_publish(10)


first, messages_of_first = worker("first")
second, _ = worker("second")
publisher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
connected(publisher)
leave(second)
print("both workers have subscribed to $share/workers/jobs; the second one has disconnected")
publish(str(number) for number in range(MESSAGES))
print(f"{MESSAGES} messages were published, and confirmed")
online = taken(messages_of_first)
print(f"the worker that is connected got {len(online)}: {' '.join(online)}")
second, messages_of_second = worker("second")
offline = taken(messages_of_second)
print(f"the other one got {len(offline)} once it was back: {' '.join(offline)}")

leave(second, seconds=2)
print("now it has left with a session of 2 s")
publish(str(number) for number in range(MESSAGES))
until_expired = taken(messages_of_first, quiet=8)
publish(["then"] * 4)
after = taken(messages_of_first)
print(f"of {MESSAGES} more the connected worker got {len(until_expired)}, and {len(after)} of 4 that came after the end of the session")
for client in (first, publisher):
    client.disconnect()
    client.loop_stop()

if len(online) == MESSAGES or not offline or len(until_expired) == MESSAGES or len(after) != 4:
    print("CHANGED: who is offline takes nothing from who is connected")
    sys.exit(1)
PY

echo "$(mosquitto -h | head -1), paho-mqtt $PAHO"
echo "Messages of a shared subscription go to a member that is offline as well, and wait for it alone, until they are dropped."
echo "---- seen"
venv/bin/python finding.py "$port"
