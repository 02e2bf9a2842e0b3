#!/usr/bin/env bash
# paho-mqtt (Python): a publish that fails for want of a connection is sent all the same once there is one.
#
# While the client is not connected, `publish` with QoS 1 or 2 returns MQTT_ERR_NO_CONN, and `wait_for_publish` raises an
# error that says the message failed to be published. It is kept nonetheless, and goes out with the next connection. Who
# believes the error and sends the message again, or hands it over some other way, has it twice; who gives the user an
# error has done the thing after all. With QoS 0 the same error means what it says: that message is dropped.
#
# The script connects the client, disconnects it, publishes a message of each QoS, and connects it again. It exits with 0
# while the library behaves as described, and with 1 when that has changed.
#
# Needs mosquitto, which Debian has, and Python 3.
set -euo pipefail

VERSION=2.2.0
PATH=$PATH:/usr/sbin
command -v mosquitto > /dev/null || { echo "mosquitto is missing: apt-get install mosquitto"; exit 2; }
dir=$(mktemp -d)
trap 'kill "${broker:-}" 2> /dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "paho-mqtt==$VERSION"

port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" > mosquitto.conf
mosquitto -c mosquitto.conf > mosquitto.log 2>&1 &
broker=$!

cat > finding.py <<'PY'
import queue
import sys
import time

import paho.mqtt.client as mqtt

PORT = int(sys.argv[1])


def connect(client):
    deadline = time.monotonic() + 10
    while True:
        try:
            client.connect("127.0.0.1", PORT)
            break
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    client.loop_start()


arrived, subscribed = queue.Queue(), queue.Queue()
subscriber = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
subscriber.on_message = lambda client, data, message: arrived.put(message.payload.decode())
subscriber.on_subscribe = lambda *told: subscribed.put(told)
connect(subscriber)
subscriber.subscribe("orders", qos=2)
subscribed.get(timeout=10)

publisher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
connect(publisher)
publisher.publish("orders", "while it is connected", qos=1).wait_for_publish(10)
print(f"arrived: {arrived.get(timeout=10)!r}")
publisher.disconnect()
publisher.loop_stop()
print("the publisher has disconnected")
all_refused = True
for qos in (0, 1, 2):
    sending = publisher.publish("orders", f"with QoS {qos}", qos=qos)
    try:
        sending.wait_for_publish(1)
        raised = None
    except RuntimeError as error:
        raised = error
    all_refused = all_refused and sending.rc == mqtt.MQTT_ERR_NO_CONN and raised is not None
    print(f"publish with QoS {qos}: rc {sending.rc} ({mqtt.error_string(sending.rc)}), wait_for_publish: {raised!r}")

print("now it connects again, and publishes nothing more")
connect(publisher)
got = []
try:
    while True:
        got.append(arrived.get(timeout=2))
except queue.Empty:
    print(f"arrived: {got}")
publisher.loop_stop()
subscriber.loop_stop()

if not all_refused or got != ["with QoS 1", "with QoS 2"]:
    print("CHANGED: what was refused is sent in another way, or is not refused")
    sys.exit(1)
PY

echo "paho-mqtt $VERSION, $(mosquitto -h | head -1)"
echo "What publish refuses with MQTT_ERR_NO_CONN is sent when the client connects again, but for QoS 0."
echo "---- seen"
venv/bin/python finding.py "$port"
