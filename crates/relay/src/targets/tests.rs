//! Which targets are allowed, without a broker.

use super::*;
use crate::settings::Brokers;
use frontier_access::AccessConfig;
use frontier_mq::{AmqpConfig, AmqpTopology, Bounds, Template};
use std::time::Duration;

fn amqp() -> AmqpConfig {
    AmqpConfig {
        addrs: vec!["127.0.0.1:1".parse().unwrap()],
        credentials: Default::default(),
        tls: None,
        vhost: "/".into(),
        frame_size: 4096,
        heartbeat: Duration::from_secs(10),
        exchange: "of-topics".into(),
        routing_key: Template::topic(),
        mandatory: true,
        is_persistent: true,
        properties: Default::default(),
        topology: AmqpTopology::default(),
    }
}

fn config() -> RelayConfig {
    let second = Duration::from_secs(1);
    let bounds = Bounds {
        messages: 10,
        bytes: 1 << 20,
        timeout: 10 * second,
        connect_timeout: second,
        max_backoff: second,
    };
    let brokers = Brokers { amqp: Some(amqp()), kafka: None, bounds: Some(bounds) };
    let yaml = "relay: {enable: true, amqp: {servers: [rabbit], exchanges: [{name: plant, routing_keys: ['a.*', b]}]}}";
    let read =
        |root: &frontier_config::Section<'_>| RelayConfig::read(root, &brokers, &mut AccessConfig::default());
    frontier_config::load(yaml, &|_| None, &[], read).unwrap().unwrap()
}

fn fault(targets: &Targets, server: &str, exchange: &str, routing_key: &str) -> Option<Fault> {
    let (server, exchange, routing_key) = (server.into(), exchange.into(), routing_key.into());
    targets.find(&Target::Amqp { server, exchange, routing_key }).err().and_then(|answer| answer.fault)
}

#[tokio::test]
async fn nothing_but_what_is_named_is_allowed() {
    let targets = Targets::start(&config()).unwrap();
    for (server, exchange, key, expected) in [
        ("", "plant", "a.x", None),
        ("amqp://u:p@rabbit", "plant", "b", None),
        ("127.0.0.1:1", "plant", "b", None),
        ("127.0.0.1:2", "plant", "b", Some(Fault::NotAllowed)),
        ("", "of-topics", "b", Some(Fault::NotAllowed)),
        ("", "", "b", Some(Fault::NotAllowed)),
        ("", "plant", "c", Some(Fault::NotAllowed)),
        ("", "plant", "", Some(Fault::NotAllowed)),
        ("", "plant", &format!("a.{}", "x".repeat(300)), Some(Fault::Invalid)),
    ] {
        assert_eq!(fault(&targets, server, exchange, key), expected, "{server} {exchange} {key}");
    }
    let kafka = Target::Kafka { brokers: Vec::new(), topic: "t".into() };
    assert_eq!(targets.find(&kafka).unwrap_err().fault, Some(Fault::NotAllowed));
    let described = targets.describe();
    assert!(described.len() == 1 && !described[0].is_connected && !described[0].complaint.is_empty());
    assert_eq!(
        (&*described[0].names, described[0].exchange.as_deref()),
        (&["a.*".to_owned(), "b".to_owned()][..], Some("plant"))
    );
}

#[tokio::test]
async fn each_exchange_has_a_connection_of_its_own() {
    let config = config();
    let mut amqp = config.amqp.clone().unwrap();
    amqp.exchanges.insert("other".into(), vec![Pattern::new("*").unwrap()]);
    let config = RelayConfig { amqp: Some(amqp), ..config };
    let targets = Targets::start(&config).unwrap();
    let names: Vec<&str> = targets.lines().map(|line| line.sink().name()).collect();
    assert_eq!(names, ["relay:other", "relay:plant"]);
}
