//! NSQ.

use super::{BrokerTls, Credentials, Format};
use crate::Template;
use frontier_config::HostPort;
use std::time::Duration;

/// Bytes of the name of a topic or a channel, at most.
const MAX_NAME: usize = 64;

/// What a name ends with of what is not kept.
const EPHEMERAL: &str = "#ephemeral";

/// An nsqd.
#[derive(Clone, Debug)]
pub struct NsqConfig {
    /// Servers, of which the first that answers is used.
    pub addrs: Vec<HostPort>,
    /// The token is the secret of `AUTH`.
    pub credentials: Credentials,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
    /// Between signs of life that the server asks for.
    pub heartbeat: Duration,
    /// The topic that a message goes to.
    pub topic: Template,
    /// What of a message is published.
    pub format: Format,
    /// Bytes of a message that the server takes (`--max-msg-size`).
    pub max_message_size: usize,
}

/// A channel of NSQ, as a source reads it.
#[derive(Clone, Debug)]
pub struct NsqSourceConfig {
    /// Servers, of which each is connected.
    pub addrs: Vec<HostPort>,
    /// Which others there are, as these say (nsqlookupd, HTTP).
    pub lookup_addrs: Vec<HostPort>,
    /// The token is the secret of `AUTH`.
    pub credentials: Credentials,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
    /// Between signs of life that the server asks for.
    pub heartbeat: Duration,
    /// The topic.
    pub topic: String,
    /// The channel, of which one member gets each message.
    pub channel: String,
    /// How long the server waits for an end or a sign of life of a message.
    pub message_timeout: Duration,
    /// What a message is: a payload, or JSON as a sink writes it.
    pub format: Format,
}

/// Whether a topic or a channel of NSQ can have this name.
#[must_use]
pub fn is_valid_nsq_name(name: &str) -> bool {
    let bare = name.strip_suffix(EPHEMERAL).unwrap_or(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.len() <= MAX_NAME && !bare.is_empty() && bare.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_short() {
        let long = "x".repeat(64);
        for name in ["a", "a.b_c-1", "a#ephemeral", &long] {
            assert!(is_valid_nsq_name(name), "{name}");
        }
        for name in ["", "a b", "a/b", "#ephemeral", "a#b", "ä", "a\n", &format!("{long}x")] {
            assert!(!is_valid_nsq_name(name), "{name:?}");
        }
    }
}
