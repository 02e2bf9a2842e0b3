//! MQTT 5.

use super::{BrokerTls, Credentials};
use crate::Template;
use frontier_config::HostPort;
use std::time::Duration;

/// Bytes of a text of MQTT, at most.
const MAX_TEXT: usize = u16::MAX as usize;

/// MQTT.
#[derive(Clone, Debug)]
pub struct MqttConfig {
    /// Its servers, tried in turn.
    pub addrs: Vec<HostPort>,
    /// User and password.
    pub credentials: Credentials,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
    /// What this client is called; `None` for another name at each start. A server has one connection of each name.
    pub client_id: Option<String>,
    /// Between signs of life; the server may say otherwise. Whole seconds.
    pub keep_alive: Duration,
    /// The topic that a message goes to.
    pub topic: Template,
    /// Whether the server keeps the last message of each topic for who subscribes later.
    pub is_retained: bool,
    /// Whether it is an error that nobody has subscribed.
    pub needs_subscriber: bool,
    /// After so long the server drops a message that nobody has got; `None` for never. Whole seconds.
    pub expiry: Option<Duration>,
    /// The MIME type of payloads; empty for none.
    pub content_type: String,
}

/// Topics of MQTT, as a source reads them.
#[derive(Clone, Debug)]
pub struct MqttSourceConfig {
    /// Its servers, tried in turn.
    pub addrs: Vec<HostPort>,
    /// User and password.
    pub credentials: Credentials,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
    /// Between signs of life; the server may say otherwise. Whole seconds.
    pub keep_alive: Duration,
    /// What this client is called; `None` for another name at each start.
    pub client_id: Option<String>,
    /// For how long the server keeps the session of a connection that is lost, and what comes meanwhile; `None` where each
    /// connection begins anew. Whole seconds.
    pub session: Option<Duration>,
    /// What is subscribed to, with wildcards or without.
    pub topics: Vec<String>,
    /// The group that shares a subscription, of which one member gets each message; `None` for none.
    pub group: Option<String>,
    /// Whether the last message of each topic comes, where the server keeps it.
    pub takes_retained: bool,
}

impl MqttSourceConfig {
    #[cfg(feature = "mqtt")]
    pub(crate) fn filters(&self) -> impl Iterator<Item = String> {
        self.topics.iter().map(|topic| match &self.group {
            Some(group) => format!("$share/{group}/{topic}"),
            None => topic.clone(),
        })
    }
}

/// Whether this can be subscribed to: as a topic, but for levels that are `+`, and a last one that is `#`.
#[must_use]
pub fn is_valid_mqtt_filter(filter: &str) -> bool {
    let count = filter.split('/').count();
    !filter.is_empty()
        && is_mqtt_text(filter)
        && filter.split('/').enumerate().all(|(index, level)| match level {
            "+" => true,
            "#" => index + 1 == count,
            level => !level.contains(['+', '#']),
        })
}

/// Whether a message can be published to this topic of MQTT: no wildcards and no control characters. A server ends the
/// connection that sends others, and with it everything in flight.
#[must_use]
pub fn is_valid_mqtt_topic(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#']) && is_mqtt_text(topic)
}

/// Whether it may be a text in MQTT.
#[must_use]
pub fn is_mqtt_text(text: &str) -> bool {
    let is_none = |c: char| matches!(u32::from(c), 0xfdd0..=0xfdef) || u32::from(c) & 0xfffe == 0xfffe;
    text.len() <= MAX_TEXT && !text.chars().any(|c| c.is_control() || is_none(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_without_wildcards_and_control_characters_are_valid() {
        for topic in ["a", "a/b", "/", "a//b", "$x/y", "ä€🙂"] {
            assert!(is_valid_mqtt_topic(topic), "{topic}");
        }
        let long = "x".repeat(65_536);
        for filter in ["a/+", "#", "+/a/#", "/+"] {
            assert!(is_valid_mqtt_filter(filter) && !is_valid_mqtt_topic(filter), "{filter}");
        }
        for filter in ["", "a+", "#/a", "a#", "a/b+/c", "\n"] {
            assert!(!is_valid_mqtt_filter(filter), "{filter:?}");
        }
        for topic in ["", "a/+", "#", "a#", "a\0", "\n", "\u{7f}", "\u{85}", "\u{fdd0}", "\u{1fffe}", &long] {
            assert!(!is_valid_mqtt_topic(topic), "{topic:?}");
        }
    }
}
