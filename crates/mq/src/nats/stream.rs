//! The stream of JetStream that is made where it is not there.

use super::Settings;
use super::jetstream::ApiError;
use crate::text::one_line;
use async_nats::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeSet;
use tracing::{info, warn};

/// The topic of all that nobody else takes.
const CATCH_ALL: &str = "*";

/// No stream has this name.
const NOT_FOUND: u32 = 10059;

/// For how long a stream recognizes a message by its id, in nanoseconds: longer than any message is sent again.
const DUPLICATE_WINDOW: u64 = 600_000_000_000;

/// What the API answers, as far as it is looked at.
#[derive(Debug, Deserialize)]
struct Answer {
    error: Option<ApiError>,
    config: Option<StreamConfig>,
}

#[derive(Debug, Deserialize)]
struct StreamConfig {
    #[serde(default)]
    subjects: Vec<String>,
}

/// Makes the stream if there is none of that name. One that is there stays as it is.
pub(super) async fn ensure(client: &Client, settings: &Settings, stream: &str) -> Result<(), String> {
    let subjects = subjects(settings);
    let found: Answer = ask(client, &format!("$JS.API.STREAM.INFO.{stream}"), String::new()).await?;
    match found {
        Answer { error: None, config } => {
            let have = config.map(|config| config.subjects).unwrap_or_default();
            let missing: Vec<&String> =
                subjects.iter().filter(|subject| !have.iter().any(|have| covers(have, subject))).collect();
            if !missing.is_empty() {
                let name = settings.name;
                warn!(
                    sink = name,
                    stream,
                    ?missing,
                    "the stream is there and does not take all subjects: add them to it"
                );
            }
            Ok(())
        }
        Answer { error: Some(error), .. } if error.err_code == NOT_FOUND => {
            let config = json!({
                "name": stream,
                "subjects": subjects,
                "storage": "file",
                "retention": "limits",
                "discard": "old",
                "num_replicas": 1,
                "max_consumers": -1,
                "max_msgs": -1,
                "max_bytes": -1,
                "duplicate_window": DUPLICATE_WINDOW,
            });
            let made: Answer =
                ask(client, &format!("$JS.API.STREAM.CREATE.{stream}"), config.to_string()).await?;
            if let Some(error) = made.error {
                return Err(one_line(&format!("can't make the stream {stream}: {}", error.description)));
            }
            info!(sink = settings.name, stream, ?subjects, "made the stream");
            Ok(())
        }
        Answer { error: Some(error), .. } => {
            Err(one_line(&format!("can't look at the stream {stream}: {}", error.description)))
        }
    }
}

/// Asks the API of JetStream.
pub(super) async fn ask<T: DeserializeOwned>(
    client: &Client,
    subject: &str,
    request: String,
) -> Result<T, String> {
    let answer = client.request(subject.to_owned(), request.into()).await;
    let answer = answer.map_err(|error| one_line(&format!("JetStream does not answer: {error}")))?;
    serde_json::from_slice(&answer.payload)
        .map_err(|error| format!("JetStream answers what is no JSON: {error}"))
}

/// What the topics of this sink are published to, with a wildcard for the EdgeID, and for all topics.
fn subjects(settings: &Settings) -> Vec<String> {
    let names = settings.topics.iter().map(|topic| {
        let topic = if topic == CATCH_ALL { ">" } else { topic };
        widened(&settings.config.subject.name(topic, "*"))
    });
    names.collect::<BTreeSet<String>>().into_iter().collect()
}

/// A token that has more than the wildcard in it can't be one: then the whole token is. The one for any number of tokens
/// stands at the end alone.
fn widened(subject: &str) -> String {
    let count = subject.split('.').count();
    let tokens = subject.split('.').enumerate().map(|(index, token)| match token {
        ">" if index + 1 == count => ">",
        _ if token.contains(['*', '>']) => "*",
        _ => token,
    });
    tokens.collect::<Vec<_>>().join(".")
}

/// Whether a stream of this subject takes all of that one.
fn covers(have: &str, wanted: &str) -> bool {
    let (mut have, mut wanted) = (have.split('.'), wanted.split('.'));
    loop {
        match (have.next(), wanted.next()) {
            (None, None) => return true,
            (Some(">"), Some(_)) => return true,
            (Some("*"), Some(_)) => {}
            (Some(have), Some(wanted)) if have == wanted => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_covers_what_its_wildcards_do() {
        for (have, wanted) in [("a.b", "a.b"), ("a.*", "a.b"), ("a.>", "a.b.c"), (">", "a"), ("a.*", "a.*")] {
            assert!(covers(have, wanted), "{have} {wanted}");
        }
        for (have, wanted) in [("a", "a.b"), ("a.*", "a"), ("a.b", "a.*"), ("a.>", "a"), ("a.*", "a.b.c")] {
            assert!(!covers(have, wanted), "{have} {wanted}");
        }
        for (name, subject) in
            [("edge-*.temp", "*.temp"), ("plant.>", "plant.>"), (">.*", "*.*"), ("x>", "*"), ("a.b", "a.b")]
        {
            assert_eq!(widened(name), subject);
        }
    }
}
