//! The consumer at the server, which is made where it is not there.

use super::super::stream::ask;
use crate::JetStreamConsumer;
use crate::text::one_line;
use async_nats::Client;
use serde_json::{Value, json};
use std::time::Duration;
use tracing::{info, warn};

/// No consumer has this name.
const NOT_FOUND: u64 = 10014;

/// Messages that all members of a consumer may hold together, of one that is made.
const MAX_ACK_PENDING: u64 = 100_000;

/// What a server waits for an ack where it does not say.
const DEFAULT_ACK_WAIT: Duration = Duration::from_secs(30);

/// Makes the consumer if it is not there, from `next` on if that is known. How long the server waits for acks.
pub(super) async fn ensure(
    client: &Client,
    source: &str,
    consumer: &JetStreamConsumer,
    next: Option<u64>,
) -> Result<Duration, String> {
    let JetStreamConsumer { stream, durable, .. } = consumer;
    let found =
        ask::<Value>(client, &format!("$JS.API.CONSUMER.INFO.{stream}.{durable}"), String::new()).await?;
    if found["error"]["err_code"].as_u64() != Some(NOT_FOUND) {
        if let Some(text) = found["error"]["description"].as_str() {
            return Err(one_line(&format!("can't look at the consumer {durable} of {stream}: {text}")));
        }
        return look_at(source, consumer, &found["config"]);
    }
    let subject = format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{durable}");
    let request = json!({ "stream_name": stream, "config": config(consumer, next) });
    let made = ask::<Value>(client, &subject, request.to_string()).await?;
    if let Some(text) = made["error"]["description"].as_str() {
        return Err(one_line(&format!("can't make the consumer {durable} of {stream}: {text}")));
    }
    info!(source, stream, durable, from = next, "made the consumer");
    Ok(consumer.ack_wait)
}

fn config(consumer: &JetStreamConsumer, next: Option<u64>) -> Value {
    let nanos = u64::try_from(consumer.ack_wait.as_nanos()).unwrap_or(u64::MAX);
    let mut config = json!({
        "durable_name": consumer.durable,
        "ack_policy": "explicit",
        "ack_wait": nanos,
        "max_deliver": -1,
        "max_ack_pending": MAX_ACK_PENDING,
        "replay_policy": "instant",
        "deliver_policy": if consumer.from_beginning { "all" } else { "new" },
    });
    if let Some(next) = next {
        config["deliver_policy"] = json!("by_start_sequence");
        config["opt_start_seq"] = json!(next);
    }
    if let Some(filter) = &consumer.filter {
        config["filter_subject"] = json!(filter);
    }
    config
}

/// One that is there stays as it is; some can't be used.
fn look_at(source: &str, consumer: &JetStreamConsumer, config: &Value) -> Result<Duration, String> {
    let name = &consumer.durable;
    if config["deliver_subject"].as_str().is_some_and(|subject| !subject.is_empty()) {
        return Err(format!("the consumer {name} is one that pushes, and not one to pull from"));
    }
    if config["ack_policy"].as_str() != Some("explicit") {
        return Err(format!("the consumer {name} has not the ack policy `explicit`"));
    }
    if let Some(most) = config["max_deliver"].as_i64().filter(|most| *most > 0) {
        warn!(
            source,
            consumer = name,
            most,
            "the server gives a message out so often and not again: its max_deliver"
        );
    }
    let ack_wait = config["ack_wait"].as_u64().map_or(DEFAULT_ACK_WAIT, Duration::from_nanos);
    Ok(ack_wait.max(Duration::from_millis(300)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer() -> JetStreamConsumer {
        JetStreamConsumer {
            stream: "s".to_owned(),
            durable: "c".to_owned(),
            filter: Some("a.>".to_owned()),
            from_beginning: false,
            ack_wait: Duration::from_secs(30),
        }
    }

    #[test]
    fn one_that_is_made_anew_begins_where_the_last_one_was() {
        let fresh = config(&consumer(), None);
        assert_eq!((&fresh["deliver_policy"], &fresh["filter_subject"]), (&json!("new"), &json!("a.>")));
        let anew = config(&consumer(), Some(9));
        assert_eq!(
            (&anew["deliver_policy"], &anew["opt_start_seq"]),
            (&json!("by_start_sequence"), &json!(9))
        );
        assert_eq!(anew["ack_wait"], json!(30_000_000_000_u64));
    }

    #[test]
    fn one_that_can_t_be_pulled_from_is_told() {
        let push = json!({"deliver_subject": "x", "ack_policy": "explicit"});
        assert!(look_at("s", &consumer(), &push).unwrap_err().contains("pushes"));
        assert!(look_at("s", &consumer(), &json!({"ack_policy": "none"})).unwrap_err().contains("explicit"));
        let good = json!({"ack_policy": "explicit", "ack_wait": 5_000_000_000_u64, "max_deliver": 3});
        assert_eq!(look_at("s", &consumer(), &good), Ok(Duration::from_secs(5)));
    }
}
