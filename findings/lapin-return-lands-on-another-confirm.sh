#!/usr/bin/env bash
# lapin (Rust, AMQP): the confirm of a message that no queue takes may come without it, and that of a stored one with it.
#
# A mandatory message that no queue takes comes back (`basic.return`) just before its confirm. lapin hands what has come
# back to whichever confirm it completes next. A broker confirms many messages at once ("all up to this tag"), and lapin
# completes these in the order of a hash map: with several publishes in flight `Confirmation::Ack(None)` is no sign that
# a message was stored, nor `Ack(Some(_))` that it was not. Whoever needs to know has to compare the message's own id.
#
# The script publishes persistent messages to a durable queue and, between them, some that no queue takes, waits for all
# confirms, and counts those that say the opposite of what became of their message. It needs rabbitmq-server, and exits
# with 0 while the library behaves as described, and with 1 when that has changed.
set -euo pipefail

VERSION=4.12.3
SERVER=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -x "$SERVER" ] || { echo "please install rabbitmq-server" >&2; exit 2; }

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

cargo init -q --vcs none --name finding .
cargo add -q "lapin@=$VERSION" --no-default-features --features tokio
cargo add -q tokio@1 --features rt,macros
cat > src/main.rs <<'RS'
use lapin::options::*;
use lapin::types::FieldTable;
use lapin::{BasicProperties, Confirmation, Connection, ConnectionProperties};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1).expect("a URI");
    let connection = Connection::connect(&uri, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare("kept".into(), durable, FieldTable::default()).await?;
    let (mut lost_as_stored, mut stored_as_lost) = (0, 0);
    for _ in 0..20 {
        let mut confirms = Vec::new();
        for number in 0..100_u32 {
            let key = if number % 10 == 3 { "nowhere" } else { "kept" };
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let persistent = BasicProperties::default().with_delivery_mode(2);
            confirms.push((key, channel.basic_publish("".into(), key.into(), options, b"x", persistent).await?));
        }
        for (key, confirm) in confirms {
            match (key, confirm.await?) {
                ("nowhere", Confirmation::Ack(None)) => lost_as_stored += 1,
                ("kept", Confirmation::Ack(Some(_))) => stored_as_lost += 1,
                _ => {}
            }
        }
    }
    println!("of 200 messages that no queue takes, confirmed without a word: {lost_as_stored}");
    println!("of 1800 that were stored, confirmed with a message that came back: {stored_as_lost}");
    if lost_as_stored == 0 && stored_as_lost == 0 {
        println!("CHANGED: each confirm has what belongs to it");
        std::process::exit(1);
    }
    Ok(())
}
RS
echo "lapin $VERSION, $(dpkg-query -W -f '${Package} ${Version}' rabbitmq-server 2> /dev/null || echo RabbitMQ)"
echo "What comes back is handed to whichever confirm is completed next."
echo "---- seen"
cargo run -q -- "amqp://127.0.0.1:$port/%2f" 2> cargo.out || { status=$?; grep -v WARN cargo.out | tail -20 >&2; exit "$status"; }
