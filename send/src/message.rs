//! A message on its way, and where it goes.

use serde::{Deserialize, Serialize};

/// Where a message goes at the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    Amqp { server: String, exchange: String, routing_key: String },
    Kafka { topic: String },
}

/// What travels with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) target: Target,
    pub(crate) job: String,
    pub(crate) key: String,
    /// A gateway that was sent it and has not answered: nobody else may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tried: Option<Tried>,
}

/// A gateway that has not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tried {
    /// As a URL.
    pub(crate) gateway: String,
    /// When it was sent the message first, in milliseconds since 1970.
    pub(crate) at_ms: u64,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) head: Head,
    pub(crate) data: Vec<u8>,
}

impl Target {
    /// The path of a relay, with what follows it.
    pub(crate) fn path(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match self {
            Self::Amqp { server, exchange, routing_key } => {
                if !server.is_empty() {
                    query.append_pair("server", server);
                }
                query.append_pair("exchange", exchange).append_pair("routing_key", routing_key);
                format!("/relay/v1/amqp?{}", query.finish())
            }
            Self::Kafka { topic } => {
                query.append_pair("topic", topic);
                format!("/relay/v1/kafka?{}", query.finish())
            }
        }
    }
}

/// What a server is called, without the user and the password that commands of the original have in it: a relay uses
/// neither, and they are nobody's business on the way.
pub(crate) fn without_user(server: &str) -> String {
    match (server.split_once("://"), server.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => server.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_path_of_the_relay() {
        let amqp = Target::Amqp {
            server: "amqp://rabbit:5672".into(),
            exchange: "nwpc.operation".into(),
            routing_key: "a b&c".into(),
        };
        let path =
            "/relay/v1/amqp?server=amqp%3A%2F%2Frabbit%3A5672&exchange=nwpc.operation&routing_key=a+b%26c";
        assert_eq!(amqp.path(), path);
        assert_eq!(Target::Kafka { topic: "t".into() }.path(), "/relay/v1/kafka?topic=t");
    }

    #[test]
    fn users_and_passwords_stay_here() {
        for (server, told) in [
            ("amqp://guest:p@ss@rabbit:5672/v", "amqp://rabbit:5672/v"),
            ("guest:guest@rabbit", "rabbit"),
            ("amqp://rabbit:5672", "amqp://rabbit:5672"),
            ("", ""),
        ] {
            assert_eq!(without_user(server), told, "{server}");
        }
    }
}
