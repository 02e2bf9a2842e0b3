//! Configuration: YAML text to types that cannot be wrong, with all mistakes reported together.
//!
//! The text becomes a tree ([`Document`]). Each component is handed its [`Section`] and asks for its keys by
//! name, type and default; asking never fails, so a component's `read` is one plain struct expression.
//! Mistakes are collected on the side and [`Document::finish`] (or [`load`], which does all the steps)
//! reports every one of them: syntax, duplicate keys, wrong types, values out of range, missing keys, and
//! keys that nobody asked for.
//!
//! What is written where:
//!
//! - an absent key, `key:` with nothing behind it and `key: null` all mean the default; so does an empty section;
//! - durations carry a unit (`500ms`, `10s`, `1m30s`), sizes may (`64KiB`, `1GB`; a bare number is bytes);
//! - any value may be `{env: NAME}`, or `{env: NAME, port: PORT}` for an address of a variable with a port behind it; a
//!   list from a variable is separated by commas;
//! - a [`Secret`] may be `{file: PATH}` as well;
//! - relative paths start at the folder of the file, if the daemon says where that is;
//! - environment variables replace values where the daemon declares an [`Override`].
//!
//! A component says beside each key, or for a section, whether a change takes a reload
//! ([`Section::reloadable`]) or a restart ([`Section::fixed`]); [`FixedSettings`] tells a daemon that reloads what
//! has changed in vain.
//!
//! The process environment is never read here: the daemon's `main` hands a lookup in, and a test
//! hands in a map.
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Duration;
//!
//! use frontier_config::{Override, Section};
//!
//! struct ListenConfig {
//!     addr: SocketAddr,
//!     handshake_timeout: Duration,
//! }
//!
//! impl ListenConfig {
//!     fn read(listen: &Section<'_>) -> Self {
//!         Self {
//!             addr: listen.get("addr", SocketAddr::from(([0, 0, 0, 0], 30012))),
//!             handshake_timeout: listen.get("handshake_timeout", Duration::from_secs(10)),
//!         }
//!     }
//! }
//!
//! let text = "edgebound:\n  listen:\n    addr: 127.0.0.1:4000\n";
//! let overrides = [Override::new("LISTEN_HANDSHAKE_TIMEOUT", "edgebound.listen.handshake_timeout")];
//! // A daemon passes `&|name| std::env::var(name).ok()`.
//! let environment = |name: &str| (name == "LISTEN_HANDSHAKE_TIMEOUT").then(|| "5s".to_owned());
//!
//! let listen = frontier_config::load(text, &environment, &overrides, |root| {
//!     ListenConfig::read(&root.section("edgebound").section("listen"))
//! })
//! .expect("the text above has no mistakes");
//!
//! assert_eq!(listen.addr.port(), 4000);
//! assert_eq!(listen.handshake_timeout, Duration::from_secs(5));
//! ```

mod byte_size;
mod document;
mod duration;
mod fixed;
mod host_port;
mod mistake;
mod overrides;
mod scalars;
mod secret;
mod section;
mod tree;
mod unreadable;
mod value;
mod yaml;

pub use byte_size::ByteSize;
pub use document::{Document, Environment};
pub use duration::{Seconds, format_duration, parse_duration};
pub use fixed::FixedSettings;
pub use host_port::HostPort;
pub use mistake::{ConfigErrors, Mistake, Place};
pub use overrides::{Override, overrides_help};
pub use secret::Secret;
pub use section::{Section, Shape};
pub use unreadable::unreadable;
pub use value::{Choice, FromValue, Invalid, Value};

use std::path::Path;

/// Parses `text`, applies the overrides, lets `read` take what it needs, and checks that nothing is left
/// over.
///
/// `environment` looks up the variables named by `overrides` and by secrets; a daemon passes
/// `&|name| std::env::var(name).ok()`, a test passes a map.
///
/// # Errors
/// Every mistake found. What `read` built is dropped then, because it holds defaults where mistakes were.
pub fn load<C>(
    text: &str,
    environment: Environment<'_>,
    overrides: &[Override],
    read: impl FnOnce(&Section<'_>) -> C,
) -> Result<C, ConfigErrors> {
    let surroundings = Surroundings { environment, variables: &[], folder: Path::new("") };
    load_in(text, &surroundings, overrides, read).map(|(config, _)| config)
}

/// What a daemon reads its configuration with.
#[derive(Clone, Copy)]
pub struct Surroundings<'e> {
    /// Looks up an environment variable.
    pub environment: Environment<'e>,
    /// The names of all variables that are set: those that are nearly an override are refused.
    pub variables: &'e [String],
    /// Where relative paths start: the folder of the file.
    pub folder: &'e Path,
}

/// As [`load`], for a daemon that reads a file; tells besides which settings take a restart.
///
/// # Errors
/// As [`load`], and each variable that is nearly called as one of the overrides.
pub fn load_in<C>(
    text: &str,
    surroundings: &Surroundings<'_>,
    overrides: &[Override],
    read: impl FnOnce(&Section<'_>) -> C,
) -> Result<(C, FixedSettings), ConfigErrors> {
    let Surroundings { environment, variables, folder } = *surroundings;
    let mut document = Document::parse(text, environment)?.relative_to(folder);
    document.apply(overrides);
    let config = read(&document.root());
    document.refuse_misspelt(overrides, variables);
    let fixed = document.fixed();
    document.finish()?;
    Ok((config, fixed))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum HashBy {
        EdgeId,
        Random,
    }

    impl Choice for HashBy {
        const CHOICES: &'static [(&'static str, Self)] =
            &[("edgeid", Self::EdgeId), ("random", Self::Random)];
    }

    #[derive(Debug, PartialEq)]
    struct Config {
        addr: SocketAddr,
        alloc: bool,
        frame_size: ByteSize,
        timeout: Duration,
        workers: u16,
        hash_by: HashBy,
        name: String,
        topics: Vec<String>,
        brokers: Vec<SocketAddr>,
    }

    impl Config {
        fn read(root: &Section<'_>) -> Self {
            let anywhere = SocketAddr::from(([0, 0, 0, 0], 30012));
            let limits = root.section("limits");
            Self {
                addr: root.section("edgebound").section("listen").get("addr", anywhere),
                alloc: root.section("edgebound").get("alloc", true),
                frame_size: limits.within(
                    "frame_size",
                    ByteSize::kib(64),
                    ByteSize::kib(1)..=ByteSize::mib(1),
                ),
                timeout: limits.within(
                    "timeout",
                    Duration::from_secs(10),
                    Duration::from_secs(1)..=Duration::from_secs(60),
                ),
                workers: limits.within("workers", 4, 1..=64),
                hash_by: root.section("exchange").get("hashby", HashBy::EdgeId),
                name: root.required("name", String::new()),
                topics: root.list("topics", vec!["all".to_owned()]),
                brokers: root
                    .sections("brokers")
                    .iter()
                    .map(|broker| broker.required("addr", anywhere))
                    .collect(),
            }
        }
    }

    fn read(text: &str) -> Result<Config, ConfigErrors> {
        load(text, &|_| None, &[], Config::read)
    }

    #[test]
    fn what_is_not_written_has_its_default() {
        let short = read("name: a").unwrap();
        let empty = read(
            "name: a\nedgebound:\n  listen:\nlimits: {}\nexchange:\n  hashby: ~\ntopics:\nbrokers: []\n",
        );
        assert_eq!(empty, Ok(short));
    }

    #[test]
    fn every_value_is_read_as_its_type() {
        let text = "
name: 1.10
edgebound: {alloc: false, listen: {addr: '[::1]:7'}}
limits: {frame_size: 512KiB, timeout: 1m, workers: '8'}
exchange: {hashby: random}
topics: []
brokers:
  - addr: 127.0.0.1:1
  - addr: 127.0.0.1:2
";
        let config = read(text).unwrap();
        let expected = Config {
            addr: "[::1]:7".parse().unwrap(),
            alloc: false,
            frame_size: ByteSize::kib(512),
            timeout: Duration::from_secs(60),
            workers: 8,
            hash_by: HashBy::Random,
            name: "1.10".to_owned(),
            topics: Vec::new(),
            brokers: vec!["127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap()],
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
        let text = "
edgebound:
  listen:
    adr: 127.0.0.1:1
  alloc: yes
  alloc: true
limits:
  frame_size: 2MiB
  timeout: 10
  workers: 100000
exchange: edgeid
topics: [a, [b]]
brokers:
  - addr: broker:9092
  -
  - adr: 127.0.0.1:1
metrics: {port: 1}
";
        let expected = "\
14 mistakes in the configuration:
  name: is required
  line 4, column 5: edgebound.listen.adr: unknown key, did you mean `addr`?
  line 5, column 10: edgebound.alloc: expected true or false, found `yes`
  line 6, column 3: key `alloc` is already given at line 5, column 3
  line 8, column 15: limits.frame_size: must lie between 1KiB and 1MiB, is 2MiB
  line 9, column 12: limits.timeout: 10 needs a unit, such as 10s or 10ms
  line 10, column 12: limits.workers: expected a whole number from 0 to 65535, found `100000`
  line 11, column 11: exchange: expected a section (`key: value` lines), found a single value
  line 12, column 13: topics[1]: expected text, found a list
  line 14, column 11: brokers[0].addr: expected an IP address and port such as 0.0.0.0:8080 or [::]:8080, found `broker:9092`
  line 15, column 4: brokers[1]: expected a section (`key: value` lines), found nothing
  line 16, column 5: brokers[2].addr: is required
  line 16, column 5: brokers[2].adr: unknown key, did you mean `addr`?
  line 17, column 1: metrics: unknown key; known here: brokers, edgebound, exchange, limits, name, topics";
        let report = read(text).unwrap_err().to_string();
        assert_eq!(report, expected);
    }

    #[test]
    fn a_syntax_error_stands_alone() {
        let report = read("edgebound:\n  listen: [a\nlimits: 1\n").unwrap_err();
        assert_eq!(report.mistakes().len(), 1);
        assert!(matches!(report.mistakes()[0].place(), Place::Line { line: 2..=4, .. }), "{report}");
    }

    #[test]
    fn a_file_that_is_no_section_is_one_mistake() {
        let errors = load("- a\n- b\n", &|_| None, &[], |root| root.get("a", 1_u8)).unwrap_err();
        assert_eq!(
            errors.mistakes()[0].to_string(),
            "line 1, column 1: expected a section (`key: value` lines), found a list"
        );
    }
}
