//! What a caller asks for.

use crate::caller::Who;
use crate::counters::Via;
use crate::{Answer, Fault};
use bytes::Bytes;
use frontier_api::messagebroker::{KafkaMessage, RabbitMqMessage};
use http::HeaderMap;
use std::time::{Duration, Instant};

/// The longest name of a job, and the longest key, in bytes.
pub(crate) const MAX_NAME: usize = 256;

/// What a job calls itself, in headers and metadata.
const JOB: &str = "frontier-job";

/// By which a message that comes twice is recognized.
const KEY: &str = "idempotency-key";

/// How long ago, in milliseconds, the same key was first tried at this gateway, without an answer.
const REPEAT_AGE: &str = "frontier-repeat-age";

/// A message, and whom it is from.
#[derive(Clone, Debug)]
pub struct Order {
    /// By which way it came.
    pub via: Via,
    /// Who sends it.
    pub who: Who,
    /// What the job calls itself; empty if it does not say.
    pub job: Box<str>,
    /// By which it is recognized if it comes again; empty for none.
    pub key: Box<str>,
    /// How long ago it was first tried here without an answer, if it was.
    pub repeat_age: Option<Duration>,
    /// Where it is to go.
    pub target: Target,
    /// The message.
    pub data: Bytes,
    /// Until when the caller waits.
    pub deadline: Instant,
}

/// Where a message is to go, as callers say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// RabbitMQ.
    Amqp {
        /// The broker, by one of its names or as a URL; empty for the one that there is.
        server: String,
        /// The exchange; empty for the one that takes the names of queues.
        exchange: String,
        /// The routing key.
        routing_key: String,
    },
    /// Kafka.
    Kafka {
        /// Brokers, by their names; none for those that there are.
        brokers: Vec<String>,
        /// The topic.
        topic: String,
    },
}

/// A message of protobuf that says where it is to go.
pub trait Ordered {
    /// Where it is to go, and what.
    ///
    /// # Errors
    /// [`Fault::Invalid`] if it does not say.
    fn order(self) -> Result<(Target, Bytes), Answer>;
}

impl Ordered for RabbitMqMessage {
    fn order(self) -> Result<(Target, Bytes), Answer> {
        let target = self.target.ok_or_else(no_target)?;
        let (server, exchange, routing_key) = (target.server, target.exchange, target.route_key);
        Ok((Target::Amqp { server, exchange, routing_key }, self.message.unwrap_or_default().data.into()))
    }
}

impl Ordered for KafkaMessage {
    fn order(self) -> Result<(Target, Bytes), Answer> {
        let target = self.target.ok_or_else(no_target)?;
        let (brokers, topic) = (target.brokers, target.topic);
        Ok((Target::Kafka { brokers, topic }, self.message.unwrap_or_default().data.into()))
    }
}

fn no_target() -> Answer {
    invalid("the request has no target".to_owned())
}

/// What headers or metadata say of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) job: Box<str>,
    pub(crate) key: Box<str>,
    pub(crate) repeat_age: Option<Duration>,
}

impl Said {
    /// # Errors
    /// [`Fault::Invalid`].
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Answer> {
        let repeat_age = one(headers, REPEAT_AGE)?;
        let repeat_age = match &*repeat_age {
            "" => None,
            text => Some(Duration::from_millis(
                text.parse().map_err(|_| invalid(format!("{REPEAT_AGE} is no number of milliseconds")))?,
            )),
        };
        Ok(Self { job: one(headers, JOB)?, key: one(headers, KEY)?, repeat_age })
    }
}

pub(crate) fn invalid(text: String) -> Answer {
    Answer::new(Fault::Invalid, text)
}

/// The value of a header that may be there once; empty without.
fn one(headers: &HeaderMap, name: &str) -> Result<Box<str>, Answer> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok("".into()),
        (Some(value), None) => match value.to_str() {
            Ok(text) if text.len() <= MAX_NAME => Ok(text.trim().into()),
            _ => Err(invalid(format!("{name} has to be up to {MAX_NAME} visible characters of ASCII"))),
        },
        (Some(_), Some(_)) => Err(invalid(format!("{name} is there more than once"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&'static str, &str)]) -> Result<Said, Answer> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        Said::read(&headers)
    }

    #[test]
    fn headers_say_who_and_which() {
        let said_all = said(&[(JOB, "slurm/7"), (KEY, " k "), (REPEAT_AGE, "1500")]).unwrap();
        let repeat_age = Some(Duration::from_millis(1500));
        assert_eq!(said_all, Said { job: "slurm/7".into(), key: "k".into(), repeat_age });
        assert_eq!(said(&[]), Ok(Said::default()));
        let long = "x".repeat(MAX_NAME + 1);
        for wrong in [&[(JOB, "a"), (JOB, "b")][..], &[(KEY, &long)], &[(REPEAT_AGE, "-1")], &[(KEY, "ä")]] {
            assert_eq!(said(wrong).unwrap_err().fault, Some(Fault::Invalid), "{wrong:?}");
        }
    }
}
