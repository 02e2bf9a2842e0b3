"""A client of Kafka that is not ours: says what is in a topic, and makes, changes and deletes topics.

kafka_client.py ADDR drain TOPIC             each record as a line of JSON, partition by partition
kafka_client.py ADDR produce TOPIC IDS FROM TO   numbers of this range for each of these edges, with keys and headers as ours
kafka_client.py ADDR lag GROUP TOPIC         how many records are behind what the group has committed
kafka_client.py ADDR grow TOPIC PARTITIONS   gives a topic more partitions
kafka_client.py ADDR trim TOPIC              deletes the records of all its partitions
kafka_client.py ADDR topic NAME PARTITIONS REPLICAS JSON   makes a topic with this configuration
kafka_client.py ADDR configure NAME JSON     changes its configuration
kafka_client.py ADDR no-topic NAME           deletes it
kafka_client.py ADDR deny USER NAME          forbids a user to write to it
kafka_client.py ADDR password USER PASSWORD  changes what a user shows by SCRAM-SHA-512
"""

import base64
import json
import sys

import kafka
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
    NewPartitions,
    NewTopic,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.partitioner.default import murmur2


def text(value):
    """Bytes as Base64, since JSON has none."""
    return None if value is None else base64.b64encode(value).decode()


def drain(addr, name):
    consumer = kafka.KafkaConsumer(bootstrap_servers=addr, enable_auto_commit=False, group_id=None)
    numbers = sorted(consumer.partitions_for_topic(name) or [])
    for number in numbers:
        partition = kafka.TopicPartition(name, number)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition])[partition]
        while consumer.position(partition) < end:
            for record in consumer.poll(timeout_ms=1000).get(partition, []):
                print(
                    json.dumps(
                        {
                            "partition": record.partition,
                            # Where clients in Java would send it.
                            "javas": record.key and (murmur2(record.key) & 0x7FFFFFFF) % len(numbers),
                            "offset": record.offset,
                            "timestamp": record.timestamp,
                            "key": text(record.key),
                            "headers": {name: text(value) for name, value in record.headers},
                            "payload": text(record.value),
                        }
                    )
                )
    consumer.close()


def produce(addr, name, ids, first, last):
    producer = kafka.KafkaProducer(bootstrap_servers=addr, acks="all", linger_ms=5)
    ids = [int(number) for number in ids.split(",")]
    for number in range(int(first), int(last)):
        for edge in ids:
            headers = [("Frontier-Edge-Id", str(edge).encode()), ("Frontier-Custom", b"\x00c")]
            producer.send(name, str(number).encode(), edge.to_bytes(8, "big"), headers)
    producer.flush()
    producer.close()


def ends(consumer, name):
    partitions = [kafka.TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or []]
    return consumer.end_offsets(partitions)


def lag(addr, group, name):
    consumer = kafka.KafkaConsumer(bootstrap_servers=addr, enable_auto_commit=False, group_id=group)
    print(json.dumps({"lag": sum(end - (consumer.committed(it) or 0) for it, end in ends(consumer, name).items())}))
    consumer.close()


def trim(addr, admin, name):
    consumer = kafka.KafkaConsumer(bootstrap_servers=addr)
    admin.delete_records(ends(consumer, name))
    consumer.close()


def main(addr, command, *arguments):
    if command == "drain":
        drain(addr, *arguments)
        return
    if command in ("produce", "lag"):
        {"produce": produce, "lag": lag}[command](addr, *arguments)
        return
    admin = KafkaAdminClient(bootstrap_servers=addr)
    if command == "topic":
        name, partitions, replicas, configs = arguments
        admin.create_topics([NewTopic(name, int(partitions), int(replicas), topic_configs=json.loads(configs))])
    elif command == "configure":
        name, configs = arguments
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=json.loads(configs))])
    elif command == "no-topic":
        admin.delete_topics(list(arguments))
    elif command == "grow":
        admin.create_partitions({arguments[0]: NewPartitions(int(arguments[1]))})
    elif command == "trim":
        trim(addr, admin, *arguments)
    elif command == "deny":
        user, name = arguments
        pattern = ResourcePattern(ResourceType.TOPIC, name)
        admin.create_acls([ACL(f"User:{user}", "*", ACLOperation.WRITE, ACLPermissionType.DENY, pattern)])
    elif command == "password":
        user, password = arguments
        change = UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, password.encode())
        admin.alter_user_scram_credentials([change])
    else:
        sys.exit(__doc__)
    admin.close()


main(*sys.argv[1:])
