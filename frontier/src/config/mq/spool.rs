//! What sinks keep on disk while their brokers can't take it: the section `mq.spool`.

use frontier_config::{ByteSize, Choice, Section};
use frontier_mq::{SinkConfig, SpoolConfig, WhenFull};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What happens when it is full, as it stands in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct WhenFullKey(WhenFull);

impl Choice for WhenFullKey {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("refuse", Self(WhenFull::Refuse)), ("drop_oldest", Self(WhenFull::DropOldest))];
}

/// The spools, none without a path, by the names of their sinks. Each has a folder of its own, in that of the section.
pub(super) fn read(section: &Section<'_>, sinks: &[SinkConfig]) -> BTreeMap<&'static str, SpoolConfig> {
    let (ms, mib) = (Duration::from_millis, ByteSize::mib);
    let path: String = section.get("path", String::new());
    let names: Vec<String> = section.list("sinks", Vec::new());
    let max_size = section.within("max_size", mib(1024), mib(1)..=mib(16 << 20));
    let config = SpoolConfig {
        path: PathBuf::from(&path),
        max_size: max_size.as_u64(),
        max_messages: section.within("max_messages", 1_000_000, 1..=1_000_000_000),
        when_full: section.get("when_full", WhenFullKey::default()).0,
        after: section.within("after", ms(1000), ms(10)..=ms(600_000)),
        attempts: section.within("attempts", 10, 1..=1_000_000),
        dead_letter_size: section
            .within("dead_letter_size", mib(64), ByteSize::kib(64)..=mib(1 << 20))
            .as_u64(),
    };
    if path.is_empty() {
        if !names.is_empty() {
            section.reject("path", "is required with `sinks`");
        }
        return BTreeMap::new();
    }
    if config.path.exists() && !config.path.is_dir() {
        section.reject("path", format!("{} is no folder", config.path.display()));
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            section.reject("sinks", format!("has {name:?} twice"));
        } else if !sinks.iter().any(|sink| sink.name == *name) {
            let there: Vec<&str> = sinks.iter().map(|sink| sink.name).collect();
            let text =
                format!("has {name:?}, which has no topics, or is no sink; there are {}", there.join(", "));
            section.reject("sinks", text);
        }
    }
    if sinks.is_empty() {
        section.reject("path", "is of no use: no topic goes to a broker");
    }
    let has_one = |sink: &&SinkConfig| names.is_empty() || names.iter().any(|name| *name == sink.name);
    let spool =
        |sink: &SinkConfig| (sink.name, SpoolConfig { path: config.path.join(sink.name), ..config.clone() });
    sinks.iter().filter(has_one).map(spool).collect()
}
