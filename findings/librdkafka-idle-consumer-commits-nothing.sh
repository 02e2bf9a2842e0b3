#!/usr/bin/env bash
# librdkafka: a consumer that had nothing to read has no place to come back to, and misses what is sent while it restarts.
#
# With `auto.offset.reset=latest` a group starts at the end of the topic when it is first seen, and from then on goes on where
# it was, since offsets are committed automatically and on close. That is so with Kafka's own client for Java, which commits the
# positions of all partitions that it has. librdkafka (and so its bindings for Python, Go, .NET, Rust and Node) commits only
# behind messages that it has handed out. A partition that was quiet while the consumer ran has no offset, the reset applies
# at the next start as well, and what came in between is skipped in silence. It bites quiet topics at each deployment, and
# consumers that are scaled to zero when idle: the messages that would wake them are those that are skipped. `earliest`,
# or an offset committed at the assignment, helps.
#
# The script lets a consumer of each kind run on an empty topic until it has its partition, closes it, sends three messages, and
# lets a second one of the same group run. It exits with 0 while both behave as described, and with 1 when that has changed.
#
# Needs Java 17, Maven and Python 3.
set -euo pipefail

KAFKA=4.1.1
CONFLUENT_KAFKA=2.16.1
dir=$(mktemp -d)
trap 'kill "${broker:-}" 2> /dev/null && wait "$broker" 2> /dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "confluent-kafka==$CONFLUENT_KAFKA"
cat > pom.xml <<XML
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>$KAFKA</version>
    </dependency>
  </dependencies>
</project>
XML
mvn --quiet --batch-mode dependency:copy-dependencies -Dstyle.color=never -DoutputDirectory=lib > maven.log || { cat maven.log; exit 2; }

read -r port controller < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))')
cat > server.properties <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
log.dirs=$dir/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
CONF
run() { java -Xmx256m -cp "$dir/lib/*" "$@"; }
run kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c server.properties > format.log 2>&1 || { cat format.log; exit 2; }
java -Xmx256m -cp "$dir/lib/*" kafka.Kafka server.properties > broker.log 2>&1 &
broker=$!

cat > Java.java <<'JAVA'
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Reads for some seconds from when it has its partition, closes, and prints how many messages came. */
class Java {
    public static void main(String[] args) {
        Map<String, Object> config = Map.of(
                "bootstrap.servers", args[0], "group.id", "java", "auto.offset.reset", "latest",
                "key.deserializer", StringDeserializer.class, "value.deserializer", StringDeserializer.class);
        int count = 0;
        try (var consumer = new KafkaConsumer<String, String>(config)) {
            consumer.subscribe(List.of("jobs"));
            long end = Long.MAX_VALUE;
            while (System.nanoTime() < end) {
                count += consumer.poll(Duration.ofMillis(200)).count();
                if (end == Long.MAX_VALUE && !consumer.assignment().isEmpty()) {
                    end = System.nanoTime() + 3_000_000_000L;
                }
            }
        }
        System.out.println(count);
    }
}
JAVA

cat > finding.py <<'PY'
import subprocess
import sys
import time

import confluent_kafka as kafka
from confluent_kafka.admin import AdminClient, NewTopic

BROKER = sys.argv[1]
COMMON = {"bootstrap.servers": BROKER, "log_level": 0}
MESSAGES = 3


def create_topic():
    """As soon as the broker is there."""
    admin = AdminClient(COMMON)
    deadline = time.monotonic() + 60
    while True:
        try:
            return admin.create_topics([NewTopic("jobs", 1, 1)], operation_timeout=5)["jobs"].result()
        except kafka.KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def send():
    producer = kafka.Producer(COMMON)
    for number in range(MESSAGES):
        producer.produce("jobs", str(number))
    assert producer.flush(20) == 0


def read_with_librdkafka():
    """Reads for some seconds from when it has its partition, closes, and returns how many messages came."""
    consumer = kafka.Consumer({**COMMON, "group.id": "librdkafka", "auto.offset.reset": "latest"})
    consumer.subscribe(["jobs"])
    count, end, deadline = 0, None, time.monotonic() + 60
    while end is None or time.monotonic() < end:
        assert time.monotonic() < deadline, "no partition was assigned"
        message = consumer.poll(0.2)
        if message is not None and not message.error():
            count += 1
        if end is None and consumer.assignment():
            end = time.monotonic() + 3
    consumer.close()
    return count


def read_with_java():
    command = ["java", "-cp", "lib/*", "Java.java", BROKER]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


create_topic()
read = {"librdkafka": read_with_librdkafka, "Kafka's Java client": read_with_java}
got = {}
for name, consume in read.items():
    before = consume()
    send()
    got[name] = consume()
    print(f"{name}: had nothing to read ({before} messages) and closed; {MESSAGES} were sent; the next one read {got[name]}")
if got != {"librdkafka": 0, "Kafka's Java client": MESSAGES}:
    print("CHANGED: quiet partitions are committed in another way")
    sys.exit(1)
PY

echo "confluent-kafka $CONFLUENT_KAFKA, Kafka $KAFKA"
echo "A librdkafka consumer with auto.offset.reset=latest that had nothing to read misses what is sent while it restarts."
echo "---- seen"
venv/bin/python finding.py "127.0.0.1:$port"
