//! NSQ, as a sink and as a source.

use super::{mistakes, sinks};
use crate::Config;
use frontier_mq::{BackendConfig, Format, SourceBackendConfig};
use std::time::Duration;

#[test]
fn nsq_of_the_original_loads() {
    let sinks = sinks(
        "mqm: {nsq: {enable: true, addrs: ['10.0.0.1:4150', nsq.example], producer: {topics: [temp]}}}",
    );
    let [sink] = &sinks[..] else { panic!("{sinks:?}") };
    let BackendConfig::Nsq(nsq) = &sink.backend else { panic!("{sink:?}") };
    let addrs: Vec<String> = nsq.addrs.iter().map(ToString::to_string).collect();
    assert_eq!(
        (sink.name, &addrs[..]),
        ("nsq", &["10.0.0.1:4150".to_owned(), "nsq.example:4150".to_owned()][..])
    );
    assert_eq!((nsq.format, nsq.max_message_size), (Format::Payload, 1 << 20));
    assert!(nsq.credentials.token.is_none() && nsq.tls.is_none());
}

#[test]
fn a_consumer_needs_no_nsqd_by_name_where_somebody_says_which_there_are() {
    let yaml = "mq: {nsq: {enable: true, lookup_addrs: ['http://lookup', 'b:1'], auth_secret: s3cret, consumers: [{name: orders, \
                topic: orders, msg_timeout: 5s, format: json, to: {topic: raw}, dead_letter: {drop: true}}]}}";
    let sources = Config::parse(yaml, &|_| None).unwrap().mq.sources;
    assert!(!format!("{sources:?}").contains("s3cret"));
    let SourceBackendConfig::Nsq(nsq) = &sources[0].backend else { panic!("{sources:?}") };
    let lookups: Vec<String> = nsq.lookup_addrs.iter().map(ToString::to_string).collect();
    assert_eq!((&lookups[..], nsq.addrs.len()), (&["lookup:4161".to_owned(), "b:1".to_owned()][..], 0));
    assert_eq!((&*nsq.topic, &*nsq.channel, nsq.format), ("orders", "frontier", Format::Json));
    assert_eq!(nsq.message_timeout, Duration::from_secs(5));
    assert!(nsq.credentials.token.is_some() && sources[0].backend.gives_out_again());
}

#[test]
fn each_mistake_names_its_key() {
    let consumer = |keys: &str| {
        format!("consumers: [{{name: c, {keys}, to: {{topic: t}}, dead_letter: {{drop: true}}}}]")
    };
    for (keys, expected) in [
        (String::new(), "mq.nsq.producer.topics: has no topic"),
        ("producer: {topics: [a b]}".to_owned(), "mq.nsq.producer.topics: has \"a b\", which becomes"),
        ("producer: {topics: [a], format: xml}".to_owned(), "mq.nsq.producer.format: "),
        ("producer: {topics: [a], max_message_size: 1}".to_owned(), "mq.nsq.producer.max_message_size: "),
        ("addrs: [], producer: {topics: [a]}".to_owned(), "mq.nsq.addrs: must have an address"),
        ("lookup_addrs: [a], producer: {topics: [a]}".to_owned(), "mq.nsq.addrs: must have an address"),
        ("heartbeat: 1h, producer: {topics: [a]}".to_owned(), "mq.nsq.heartbeat: must lie"),
        (consumer("channel: c"), "mq.nsq.consumers[0].topic: is required"),
        (consumer("topic: a, channel: a b"), "mq.nsq.consumers[0].channel: can't be one"),
        (consumer("topic: a, msg_timeout: 1h"), "mq.nsq.consumers[0].msg_timeout: must lie"),
    ] {
        let found = mistakes(&format!("mq: {{nsq: {{enable: true, {keys}}}}}"));
        assert!(found.len() == 1 && found[0].contains(expected), "{keys}: {found:?}");
    }
}
