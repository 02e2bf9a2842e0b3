#!/usr/bin/env bash
# RabbitMQ 3.10: a message whose properties are 65 bytes long costs the broker far more than one whose are 64.
#
# The properties of a message (headers, message id, user id, …) are kept as one binary, and Erlang keeps binaries of up
# to 64 bytes within a process and longer ones apart from it, each counted on its way through connection, channel, queue
# and index. One byte more in a message id, or one header more, and a publisher of persistent, confirmed messages is
# slower by a quarter or a third: who adds headers "since they are small" pays for that once, at 64 bytes together.
#
# The script publishes to durable queues of a broker, in turns, messages that differ only in one byte of their message
# id, and compares the medians of the rates. It needs a quiet machine, rabbitmq-server (3.10), java and maven, and exits
# with 0 while the broker behaves as described, and with 1 when that has changed.
set -euo pipefail

VERSION=2.22.1
ROUNDS=3
SERVER=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -x "$SERVER" ] || { echo "please install rabbitmq-server" >&2; exit 2; }
command -v java > /dev/null && command -v mvn > /dev/null ||
    { echo "please install default-jre-headless and maven" >&2; exit 2; }

dir=$(mktemp -d)
names=""
stop() {
    [ -f "$dir/pid" ] && kill -9 "$(cat "$dir/pid")" || true
    [ -z "$names" ] || kill "$names" || true
    rm -rf "$dir"
}
trap stop EXIT
cd "$dir"

read -r port distribution epmd <<< "$(python3 -c '
import socket
all = [socket.socket() for _ in range(3)]
[it.bind(("127.0.0.1", 0)) for it in all]
print(*(it.getsockname()[1] for it in all))')"
echo "listeners.tcp.1 = 127.0.0.1:$port" > rabbitmq.conf
echo '[].' > enabled_plugins
echo of-this-script > .erlang.cookie
chmod 400 .erlang.cookie
epmd -port "$epmd" -address 127.0.0.1 -relaxed_command_check & names=$!
HOME=$dir ERL_EPMD_PORT=$epmd RABBITMQ_NODENAME=f$port@localhost RABBITMQ_DIST_PORT=$distribution \
    RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf \
    RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins RABBITMQ_PID_FILE=$dir/pid RABBITMQ_CONF_ENV_FILE=$dir/none \
    RABBITMQ_ADVANCED_CONFIG_FILE=$dir/none.config "$SERVER" > server.out 2>&1 &
for _ in $(seq 600); do
    grep -qs "Server startup complete" log/*.log && break
    sleep 0.1
done

cat > pom.xml <<XML
<project><modelVersion>4.0.0</modelVersion><groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
<dependencies><dependency><groupId>com.rabbitmq</groupId><artifactId>perf-test</artifactId><version>$VERSION</version>
</dependency></dependencies></project>
XML
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=jars

# Two bytes of flags, one for "persistent", one for the length of the id, and the id.
rate() { # bytes of all properties, number of the round
    java -cp 'jars/*' com.rabbitmq.perf.PerfTest -h "amqp://127.0.0.1:$port" -x 1 -y 0 -z 6 -c 1024 -s 256 \
        -f persistent -u "q$1.$2" -ad false -mp "messageId=$(printf 'x%.0s' $(seq $(($1 - 4))))" |
        sed -n 's/.*sending rate avg: \([0-9]*\) msg.*/\1/p'
}
median() { sort -n | sed -n "$((ROUNDS / 2 + 1))p"; }

for round in $(seq $ROUNDS); do
    rate 64 "$round" >> short
    rate 65 "$round" >> long
done
short=$(median < short)
long=$(median < long)
echo "RabbitMQ $(dpkg-query -W -f '${Version}' rabbitmq-server), PerfTest $VERSION, persistent messages of 256 bytes, confirmed:"
echo "with 64 bytes of properties $short/s ($(xargs < short)), with 65 bytes $long/s ($(xargs < long))"
if [ $((long * 100)) -lt $((short * 88)) ]; then
    echo "as described: one byte costs $((100 - long * 100 / short)) %"
else
    echo "changed: one byte costs $((100 - long * 100 / short)) %"
    exit 1
fi
