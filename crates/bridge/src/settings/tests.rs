//! What is read of the section, and what is refused.

use super::*;

fn read(yaml: &str) -> Result<Option<BridgeConfig>, String> {
    let mut access = AccessConfig::default();
    let read = frontier_config::load(yaml, &|_| None, &[], |root| BridgeConfig::read(root, &mut access));
    read.map_err(|errors| errors.to_string())
}

#[test]
fn it_is_off_until_it_is_asked_for() {
    assert!(read("").unwrap().is_none());
    let on = read("bridge: {enable: true, topics: [{name: t}]}").unwrap().unwrap();
    assert_eq!((on.server.addr, on.topic_names()), (DEFAULT_ADDR, vec!["t"]));
}

/// Everybody is behind by what comes within one pace: a burst must not look like being slow.
#[test]
fn by_default_whoever_is_within_the_history_gets_all_of_it() {
    let on = read("bridge: {enable: true, topics: [{name: t}]}").unwrap().unwrap();
    assert_eq!(on.channel.lag, on.channel.history as u64);
}

#[test]
fn keys_are_a_word_or_fields() {
    let config = read(
        "bridge:
  enable: true
  topics: [{name: a}, {name: b, key: custom}, {name: c, fields: x}]
  flat: [{path: /ws/frontend, topics: [c, d], fields: [vehicle_id, fault_type]}]
",
    );
    let config = config.unwrap().unwrap();
    let keys: Vec<_> = config.topics.iter().map(|topic| topic.key.clone()).collect();
    assert_eq!(keys, [KeyRule::Edge, KeyRule::Custom, KeyRule::Fields(vec!["x".into()])]);
    let fields = ["vehicle_id", "fault_type"].map(str::to_owned);
    assert_eq!(config.flat[0].key, KeyRule::Fields(fields.into()));
    assert_eq!(config.topic_names(), ["a", "b", "c", "d"]);
}

#[test]
fn every_mistake_is_told_where_it_is() {
    for (yaml, told) in [
        ("enable: true", "bridge.topics: names no topic, so there is nothing to subscribe to"),
        (
            "topics: [{name: '*'}]",
            "bridge.topics[0].name: must be a name: what no service takes has no end of names",
        ),
        ("topics: [{}]", "bridge.topics[0].name: is required"),
        ("topics: [{name: a}, {name: a}]", "bridge.topics[1].name: `a` is there before"),
        ("topics: [{name: a, key: edge, fields: [x]}]", "bridge.topics[0].fields: is another key than `key`"),
        (
            "topics: [{name: a, key: fields}]",
            "bridge.topics[0].key: expected one of edge, custom, found `fields`",
        ),
        ("topics: [{name: a, fields: []}]", "bridge.topics[0].fields: must name fields of the payload"),
        ("flat: [{path: ws, topics: [a]}]", "bridge.flat[0].path: must be a plain path such as /ws/frontend"),
        ("flat: [{path: '/ws/{x}', topics: [a]}]", "bridge.flat[0].path: must be a plain path"),
        ("flat: [{path: /bridge/v1/topics, topics: [a]}]", "bridge.flat[0].path: is one of the bridge's own"),
        ("flat: [{path: /a, topics: [a]}, {path: /a, topics: [a]}]", "bridge.flat[1].path: is there before"),
        ("flat: [{path: /a}]", "bridge.flat[0].topics: is required: the topics whose messages go there"),
        ("lag: 0", "bridge.lag: must lie between 1 and 1000000, is 0"),
        ("pace: 11s", "bridge.pace: must lie between 0s and 10s, is 11s"),
        (
            "allowed_origins: [app.example]",
            "bridge.allowed_origins[0]: expected an origin such as https://app.example",
        ),
        ("listen: {network: udp}", "bridge.listen.network: only tcp is spoken here"),
        (
            "listen: {addr: '0.0.0.0:1'}",
            "bridge.auth: is required, with `methods`, where other machines reach 0.0.0.0:1",
        ),
        (
            "open_to_all: true\n  auth: {methods: [{token: {file: /t}}]}",
            "bridge.open_to_all: contradicts `auth.methods`",
        ),
        ("auth: {methods: [], meta_labels: [a]}", "bridge.auth.meta_labels: is for edges"),
        (
            "auth: {methods: [{mtls: {}}]}",
            "bridge.auth: nobody could connect: `listen.tls` asks clients for no certificate",
        ),
        ("subscribres: 1", "bridge.subscribres: unknown key, did you mean `subscribers`?"),
    ] {
        let text = read(&format!("bridge:\n  {yaml}\n")).expect_err(yaml);
        assert!(text.contains(told), "{yaml}: {text}");
    }
}
