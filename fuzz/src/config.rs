//! The configuration: YAML to a tree, and values to their types. Panics when something that must hold does
//! not.

use frontier_config::{self as config, ByteSize, ConfigErrors, Place, Section};
use std::net::SocketAddr;
use std::time::Duration;

/// The input is the text of a configuration file.
pub fn config(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let loaded = load(text);
    assert_eq!(loaded, load(text), "the same text means the same");
    let Err(errors) = loaded else { return };
    assert!(!errors.mistakes().is_empty(), "a refusal says why");
    // A carriage return ends a line as well, and the end of the text may be on a line of its own.
    let lines = text.bytes().filter(|byte| b"\r\n".contains(byte)).count() + 2;
    for mistake in errors.mistakes() {
        assert!(!mistake.to_string().is_empty());
        if let Place::Line { line, .. } = mistake.place() {
            assert!((1..=lines).contains(line), "line {line} of at most {lines}: {mistake}");
        }
    }
}

/// What is read, as text: numbers that are equal to nothing may be among it.
fn load(text: &str) -> Result<String, ConfigErrors> {
    config::load(text, &|_| None, &[], |root| {
        let limits = root.section("limits");
        let bounded = (
            limits.within("frame_size", ByteSize::kib(64), ByteSize::kib(1)..=ByteSize::mib(1)),
            limits.within("timeout", Duration::from_secs(1), Duration::ZERO..=Duration::from_secs(60)),
            limits.within("workers", 4_u16, 1..=64),
        );
        let brokers = Vec::from_iter(root.sections("brokers").iter().map(values));
        format!("{bounded:?} {brokers:?} {} {}", values(root), values(&root.section("edgebound")))
    })
}

/// A value of each type.
fn values(section: &Section<'_>) -> String {
    let values = (
        section.optional::<String>("name"),
        section.optional::<SocketAddr>("addr"),
        section.optional::<bool>("enable"),
        section.optional::<u64>("count"),
        section.optional::<f64>("ratio"),
        section.optional::<Duration>("timeout"),
        section.optional::<ByteSize>("size"),
        section.list::<String>("topics", Vec::new()),
        section.map::<u32>("rates"),
    );
    format!("{values:?}")
}
