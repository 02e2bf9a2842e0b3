"""A client of RabbitMQ that is not ours: says what is in a queue, and makes and deletes exchanges and queues.

amqp_client.py URL drain QUEUE          each message as a line of JSON, until there is none
amqp_client.py URL fill QUEUE IDS FROM TO SIZE   numbers of this range for each of these edges, with blanks behind them up
                                        to so many bytes, confirmed
amqp_client.py URL ready QUEUE          how many messages wait in it, those that a consumer has left out
amqp_client.py URL no-queue NAME        deletes it
amqp_client.py URL exchange NAME KIND   declares a durable exchange
amqp_client.py URL no-exchange NAME     deletes it
amqp_client.py URL queue NAME JSON      declares a durable queue with these arguments
amqp_client.py URL bind QUEUE EXCHANGE KEY
"""

import base64
import json
import sys

import pika


def text(value):
    """Bytes as Base64, since JSON has none."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def drain(channel, queue):
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return
        named = ["content_type", "delivery_mode", "priority", "expiration", "message_id", "timestamp", "type", "app_id"]
        message = {name: getattr(properties, name) for name in named}
        message["headers"] = {name: text(value) for name, value in (properties.headers or {}).items()}
        message["payload"] = text(body)
        message["exchange"], message["routing_key"] = method.exchange, method.routing_key
        print(json.dumps(message, default=str))


def fill(channel, queue, ids, first, last, size):
    channel.confirm_delivery()
    for number in range(int(first), int(last)):
        for edge in ids.split(","):
            headers = {"Frontier-Edge-Id": edge, "Frontier-Custom": b"\x00c", "count": number, "nested": {"a": [1]}}
            properties = pika.BasicProperties(headers=headers, delivery_mode=2)
            channel.basic_publish("", queue, str(number).ljust(int(size)).encode(), properties)


def main(url, command, *arguments):
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    if command == "drain":
        drain(channel, *arguments)
    elif command == "fill":
        fill(channel, *arguments)
    elif command == "ready":
        print(json.dumps({"ready": channel.queue_declare(arguments[0], passive=True).method.message_count}))
    elif command == "no-queue":
        channel.queue_delete(*arguments)
    elif command == "exchange":
        channel.exchange_declare(arguments[0], arguments[1], durable=True)
    elif command == "no-exchange":
        channel.exchange_delete(*arguments)
    elif command == "queue":
        channel.queue_declare(arguments[0], durable=True, arguments=json.loads(arguments[1]))
    elif command == "bind":
        queue, exchange, key = arguments
        channel.queue_bind(queue, exchange, key)
    else:
        sys.exit(__doc__)
    connection.close()


main(*sys.argv[1:])
