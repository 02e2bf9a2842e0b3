//! JetStream: each message is answered once a stream has stored it, and is known to the stream by its `Nats-Msg-Id`, so
//! that it can be sent once more.

use super::connect::Connected;
use super::core::{publish, refuse};
use super::events::Event;
use super::{BATCH, BATCH_SIZE, Settings};
use crate::pending::{Answer, Pending};
use crate::text::one_line;
use crate::{Cause, SendError};
use async_nats::{Message, StatusCode};
use futures_util::{FutureExt, StreamExt};
use serde::Deserialize;

/// What a stream answers.
#[derive(Debug, Deserialize)]
struct PubAck {
    error: Option<ApiError>,
    /// Empty where it is no answer of a stream.
    #[serde(default)]
    stream: String,
    #[serde(default)]
    duplicate: bool,
}

/// An error of the API of JetStream.
#[derive(Debug, Deserialize)]
pub(super) struct ApiError {
    #[serde(default)]
    pub(super) code: u16,
    #[serde(default)]
    pub(super) err_code: u32,
    #[serde(default)]
    pub(super) description: String,
}

/// Publishes what is pending and takes the answers, until the connection is of no use any more.
pub(super) async fn run(connected: &mut Connected, settings: &Settings, pending: &Pending) -> String {
    loop {
        tokio::select! {
            biased;
            event = connected.events.next() => match event {
                Event::Lost(cause) => return cause,
                Event::MayNotPublish(subject) => refuse(settings, &subject, pending),
            },
            answer = connected.answers.next() => {
                let Some(answer) = answer else { return "the connection was closed".to_owned() };
                let mut answers = Vec::from_iter(read(settings, &answer, pending));
                // What has come with it.
                while answers.len() < BATCH && let Some(Some(answer)) = connected.answers.next().now_or_never() {
                    answers.extend(read(settings, &answer, pending));
                }
                pending.answer(answers);
            }
            batch = pending.take(BATCH, BATCH_SIZE) => {
                for (number, message) in batch {
                    let reply = Some(format!("{}.{number}", connected.inbox));
                    match publish(connected, settings, number, &message, reply).await {
                        Ok(()) => {}
                        // It goes out again.
                        Err(error) if error.cause == Cause::Lost => return "the connection was closed".to_owned(),
                        Err(error) => pending.answer([(number, Err(error))]),
                    }
                }
            }
        }
    }
}

/// What an answer says, of the message whose number is in its subject.
fn read(settings: &Settings, answer: &Message, pending: &Pending) -> Option<Answer> {
    let number = answer.subject.rsplit_once('.').and_then(|(_, number)| number.parse().ok())?;
    let name = settings.name;
    if answer.status == Some(StatusCode::NO_RESPONDERS) {
        let text = format!("{name}: no stream of the broker takes the subject of this topic");
        return Some((number, Err(SendError::new(Cause::NoTarget, text))));
    }
    let ack: PubAck = match serde_json::from_slice(&answer.payload) {
        Ok(ack) => ack,
        Err(_) => PubAck { error: None, stream: String::new(), duplicate: false },
    };
    let result = match ack {
        PubAck { error: Some(error), .. } => Err(refused(name, &error)),
        PubAck { stream, .. } if stream.is_empty() => {
            let text =
                format!("{name}: something that is no stream has answered for the subject of this topic");
            Err(SendError::new(Cause::Refused, text))
        }
        PubAck { duplicate, .. } => {
            if duplicate {
                pending.metrics().duplicate();
            }
            Ok(())
        }
    };
    Some((number, result))
}

/// By the numbers of `server/errors.json` of nats-server.
fn refused(name: &str, error: &ApiError) -> SendError {
    let ApiError { code, err_code, description } = error;
    let cause = match err_code {
        // Over the stream's `max_msg_size`.
        10054 => Cause::TooLarge,
        // Not enabled, at all or for the account; no such stream.
        10076 | 10039 | 10059 => Cause::NoTarget,
        // Resources, storage and memory are used up; the stream could not store it, being full or offline.
        10023 | 10028 | 10047 | 10077 | 10118 => Cause::Busy,
        // No leader, or not now.
        10008 | 10009 => Cause::Busy,
        _ if *code >= 500 => Cause::Busy,
        _ => Cause::Refused,
    };
    SendError::new(cause, format!("{name}: the stream refuses it: {} ({err_code})", one_line(description)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_streams_say_whether_to_try_again() {
        for (json, cause) in [
            (r#"{"code":503,"err_code":10077,"description":"maximum messages exceeded"}"#, Cause::Busy),
            (
                r#"{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"}"#,
                Cause::TooLarge,
            ),
            (r#"{"code":503,"err_code":10076,"description":"jetstream not enabled"}"#, Cause::NoTarget),
            (
                r#"{"code":400,"err_code":10109,"description":"invalid operation on sealed stream"}"#,
                Cause::Refused,
            ),
            (r#"{"code":500,"err_code":1,"description":"new"}"#, Cause::Busy),
            ("{}", Cause::Refused),
        ] {
            let error = refused("jetstream", &serde_json::from_str(json).unwrap());
            assert_eq!(error.cause, cause, "{json}");
        }
    }
}
