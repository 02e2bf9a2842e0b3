//! Kafka.

use super::{BrokerTls, Credentials};
use crate::Template;
use frontier_config::HostPort;

/// Kafka.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// Some of its brokers, which tell of the others.
    pub addrs: Vec<HostPort>,
    /// User and password; without them no SASL.
    pub credentials: Credentials,
    /// How they are shown.
    pub mechanism: SaslMechanism,
    /// `None` for none.
    pub tls: Option<BrokerTls>,
    /// The topic of Kafka that a message goes to.
    pub topic: Template,
    /// Whether brokers may make topics that are not there.
    pub create_topics: bool,
    /// How batches are compressed.
    pub compression: KafkaCompression,
    /// Of gzip, 0 to 9; `None` for its default.
    pub compression_level: Option<u8>,
    /// Bytes of a message, with its key and headers.
    pub max_message_size: usize,
}

/// How user and password are shown to Kafka.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaslMechanism {
    /// The password itself.
    Plain,
    /// Its proof, by SHA-256.
    ScramSha256,
    /// Its proof, by SHA-512.
    #[default]
    ScramSha512,
}

/// How batches are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KafkaCompression {
    /// Not at all.
    #[default]
    None,
    /// By gzip.
    Gzip,
    /// By Snappy.
    Snappy,
    /// By LZ4.
    Lz4,
}

/// Whether Kafka could have a topic of this name.
#[must_use]
pub fn is_valid_kafka_topic(name: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.chars().all(is_legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_kafka_have_few_characters() {
        for name in ["a", "a.b", "plant-7_temp", "A9"] {
            assert!(is_valid_kafka_topic(name), "{name}");
        }
        for name in ["", ".", "..", "a b", "a/b", "ä", "a:b", &"a".repeat(250)] {
            assert!(!is_valid_kafka_topic(name), "{name}");
        }
    }
}
