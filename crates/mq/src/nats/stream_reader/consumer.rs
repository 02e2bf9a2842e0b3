//! The consumer at the server, which is made where it is not there.

use super::super::stream::ask;
use crate::text::one_line;
use crate::{JetStreamConsumer, SourceBounds};
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

/// What of a consumer that is there holds for who reads from it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Terms {
    /// How long the server waits for an ack.
    ack_wait: Duration,
    /// What may surprise, in lines.
    warnings: Vec<String>,
}

/// Makes the consumer if it is not there, from `next` on if that is known. How long the server waits for acks.
pub(super) async fn ensure(
    client: &Client,
    source: &str,
    consumer: &JetStreamConsumer,
    next: Option<u64>,
    bounds: SourceBounds,
) -> Result<Duration, String> {
    let JetStreamConsumer { stream, durable, .. } = consumer;
    if let Some(terms) = find(client, consumer, bounds).await? {
        for line in &terms.warnings {
            warn!(source, consumer = durable, "{line}");
        }
        return Ok(terms.ack_wait);
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

/// What is wrong with the consumer if it is there, and what may surprise, with whether it is that.
pub(in super::super) async fn look(
    client: &Client,
    consumer: &JetStreamConsumer,
    bounds: SourceBounds,
) -> Vec<(String, bool)> {
    match find(client, consumer, bounds).await {
        Ok(None) => Vec::new(),
        Ok(Some(terms)) => terms.warnings.into_iter().map(|line| (line, true)).collect(),
        Err(fault) => vec![(fault, false)],
    }
}

/// The terms of the consumer; `None` if it is not there. An error where it can't be used, or looked at.
async fn find(
    client: &Client,
    consumer: &JetStreamConsumer,
    bounds: SourceBounds,
) -> Result<Option<Terms>, String> {
    let JetStreamConsumer { stream, durable, .. } = consumer;
    let subject = format!("$JS.API.CONSUMER.INFO.{stream}.{durable}");
    let found = ask::<Value>(client, &subject, String::new()).await?;
    if found["error"]["err_code"].as_u64() == Some(NOT_FOUND) {
        return Ok(None);
    }
    if let Some(text) = found["error"]["description"].as_str() {
        return Err(one_line(&format!("can't look at the consumer {durable} of {stream}: {text}")));
    }
    terms(consumer, &found["config"], bounds).map(Some)
}

/// One that is there stays as it is; some can't be used.
fn terms(consumer: &JetStreamConsumer, config: &Value, bounds: SourceBounds) -> Result<Terms, String> {
    let name = &consumer.durable;
    if config["deliver_subject"].as_str().is_some_and(|subject| !subject.is_empty()) {
        return Err(format!("the consumer {name} is one that pushes, and not one to pull from"));
    }
    if config["ack_policy"].as_str() != Some("explicit") {
        return Err(format!("the consumer {name} has not the ack policy `explicit`"));
    }
    let mut warnings = Vec::new();
    if let Some(most) = config["max_deliver"].as_i64().filter(|most| *most > 0) {
        warnings.push(format!(
            "the consumer {name} is there with max_deliver {most}: the server gives a message out so often and not again"
        ));
    }
    let pending = config["max_ack_pending"].as_i64().and_then(|most| usize::try_from(most).ok());
    if let Some(most) = pending.filter(|most| (1..bounds.messages).contains(most)) {
        warnings.push(format!(
            "the consumer {name} is there with max_ack_pending {most}: all its readers together hold no more, and max_inflight, \
             which is {}, is not reached",
            bounds.messages
        ));
    }
    let filter = config["filter_subject"].as_str().unwrap_or_default();
    if let Some(asked) = consumer.filter.as_deref().filter(|asked| *asked != filter) {
        warnings.push(format!(
            "the consumer {name} is there with the filter {filter:?}, and stays so: `filter`, which is {asked:?}, is not used"
        ));
    }
    let ack_wait = config["ack_wait"].as_u64().map_or(DEFAULT_ACK_WAIT, Duration::from_nanos);
    Ok(Terms { ack_wait: ack_wait.max(Duration::from_millis(300)), warnings })
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
        assert!(terms(&consumer(), &push, bounds()).unwrap_err().contains("pushes"));
        assert!(
            terms(&consumer(), &json!({"ack_policy": "none"}), bounds()).unwrap_err().contains("explicit")
        );
        let good = json!({"ack_policy": "explicit", "ack_wait": 5_000_000_000_u64, "filter_subject": "a.>"});
        let whole = Terms { ack_wait: Duration::from_secs(5), warnings: Vec::new() };
        assert_eq!(terms(&consumer(), &good, bounds()), Ok(whole));
    }

    #[test]
    fn what_bounds_a_source_otherwise_than_its_configuration_is_told() {
        let warnings = |mut more: Value| {
            more["ack_policy"] = json!("explicit");
            if more["filter_subject"].is_null() {
                more["filter_subject"] = json!("a.>");
            }
            terms(&consumer(), &more, bounds()).unwrap().warnings
        };
        let [line] = &warnings(json!({"max_ack_pending": 99}))[..] else { panic!("one") };
        assert!(
            line.contains("max_ack_pending 99") && line.contains("max_inflight, which is 100,"),
            "{line}"
        );
        for enough in [100, 100_000, -1, 0] {
            assert_eq!(warnings(json!({"max_ack_pending": enough})), [""; 0], "{enough}");
        }
        assert!(warnings(json!({"max_deliver": 3}))[0].contains("max_deliver 3"));
        assert_eq!(warnings(json!({"max_deliver": -1})), [""; 0]);
        let [line] = &warnings(json!({"filter_subject": "b"}))[..] else { panic!("one") };
        assert!(line.contains("filter \"b\"") && line.contains("`filter`, which is \"a.>\""), "{line}");
    }

    fn bounds() -> SourceBounds {
        let second = Duration::from_secs(1);
        SourceBounds {
            messages: 100,
            bytes: 1 << 20,
            waiting: 100,
            waiting_bytes: 1 << 20,
            timeout: second,
            silence: second,
            connect_timeout: second,
            max_backoff: second,
        }
    }
}
