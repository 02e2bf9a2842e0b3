"""A client of `messagebroker.proto` that grpcio-tools generates: sends messages by a relay, and says what it is told.

relay_client.py PROTO-DIRECTORY HOST:PORT TOKEN   with a JSON document for each message on standard input:
    {"to": "amqp" or "kafka", "server", "exchange", "key", "brokers", "topic", "data", "count", "metadata", "timeout"}

Prints an array of [error_no, error_message, seconds] for each.
"""

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc_tools.protoc

protos, target, token = sys.argv[1:]

out = tempfile.mkdtemp()
arguments = ["protoc", f"-I{protos}", f"--python_out={out}", f"--grpc_python_out={out}", "messagebroker.proto"]
assert grpc_tools.protoc.main(arguments) == 0
sys.path.insert(0, out)
import messagebroker_pb2 as messages  # noqa: E402
import messagebroker_pb2_grpc as services  # noqa: E402

client = services.MessageBrokerStub(grpc.insecure_channel(target))
shown = [("authorization", f"Bearer {token}")] if token else []


def send(order, number):
    data = messages.Message(data=order["data"].replace("#", str(number)).encode())
    if order["to"] == "kafka":
        to = messages.KafkaTarget(brokers=order.get("brokers", []), topic=order["topic"])
        call, request = client.SendKafkaMessage, messages.KafkaMessage(target=to, message=data)
    else:
        to = messages.RabbitMQTarget(server=order.get("server", ""), exchange=order["exchange"], route_key=order["key"])
        call, request = client.SendRabbitMQMessage, messages.RabbitMQMessage(target=to, message=data)
    metadata = shown + list(order.get("metadata", {}).items())
    start = time.monotonic()
    try:
        answer = call(request, timeout=order.get("timeout", 60), metadata=metadata)
        told = [answer.error_no, answer.error_message]
    except grpc.RpcError as error:
        told = [error.code().name, error.details()]
    return told + [time.monotonic() - start]


with ThreadPoolExecutor(32) as pool:
    for line in sys.stdin:
        order = json.loads(line)
        numbers = range(order.get("count", 1))
        print(json.dumps(list(pool.map(lambda number: send(order, number), numbers))), flush=True)
