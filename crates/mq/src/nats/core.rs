//! Core NATS. A publish has no answer, so behind each batch goes a message to ourselves: once it comes back, the server
//! has taken everything before it, and has passed it on to whoever had subscribed.
//!
//! That something was not allowed the server says on its own, and the library passes that on by another way than messages:
//! it may be heard after the confirm. From then on the subject is refused before anything is sent.

use super::connect::Connected;
use super::events::Event;
use super::{BATCH, BATCH_SIZE, Settings, headers};
use crate::pending::Pending;
use crate::{Cause, Message, SendError, sink};
use async_nats::client::PublishErrorKind;
use bytes::Bytes;
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// For how long a subject is refused that was not allowed: it may be, later.
const DENIED_FOR: Duration = Duration::from_secs(10);

/// Subjects of which that is remembered.
const MAX_DENIED: usize = 1024;

/// Publishes what is pending, until the connection is of no use any more.
pub(super) async fn run(connected: &mut Connected, settings: &Settings, pending: &Pending) -> String {
    let mut denied = BTreeMap::<String, Instant>::new();
    loop {
        tokio::select! {
            biased;
            event = connected.events.next() => match event {
                Event::Lost(cause) => return cause,
                Event::MayNotPublish(subject) => {
                    refuse(settings, &subject, pending);
                    denied.retain(|_, since| since.elapsed() < DENIED_FOR);
                    if denied.len() < MAX_DENIED {
                        denied.insert(subject, Instant::now());
                    }
                }
            },
            barrier = connected.answers.next() => {
                let Some(barrier) = barrier else { return "the connection was closed".to_owned() };
                let number = barrier.subject.rsplit_once('.').and_then(|(_, number)| number.parse().ok());
                if let Some(number) = number {
                    pending.confirm_through(number);
                }
            }
            batch = pending.take(BATCH, BATCH_SIZE) => {
                let Some((last, _)) = batch.last() else { continue };
                let barrier = format!("{}.{last}", connected.inbox);
                for (number, message) in batch {
                    if !denied.is_empty() {
                        let subject = settings.subject(&message);
                        if denied.get(&subject).is_some_and(|since| since.elapsed() < DENIED_FOR) {
                            pending.answer([(number, Err(not_allowed(settings, &subject)))]);
                            continue;
                        }
                    }
                    if let Err(error) = publish(connected, settings, number, &message, None).await {
                        pending.answer([(number, Err(error))]);
                    }
                }
                if connected.client.publish(barrier, Bytes::new()).await.is_err() {
                    return "the connection was closed".to_owned();
                }
            }
        }
    }
}

/// Publishes one message; answers go to `reply`.
pub(super) async fn publish(
    connected: &Connected,
    settings: &Settings,
    number: u64,
    message: &Arc<Message>,
    reply: Option<String>,
) -> Result<(), SendError> {
    let (client, subject) = (&connected.client, settings.subject(message));
    let mut headers = headers::headers(settings, number, message);
    let payload = message.payload.clone();
    let published = match reply {
        None => client.publish_with_headers(subject, headers, payload).await,
        Some(reply) => {
            headers.insert("Nats-Msg-Id", settings.message_id(number, message));
            client.publish_with_reply_and_headers(subject, reply, headers, payload).await
        }
    };
    published.map_err(|error| match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => {
            sink::too_large(settings.name, message.size(), client.max_payload())
        }
        PublishErrorKind::InvalidSubject => {
            SendError::new(Cause::Refused, format!("{}: the subject is not valid", settings.name))
        }
        _ => SendError::new(Cause::Lost, format!("{}: the connection was closed", settings.name)),
    })
}

/// What goes to that subject is not allowed.
pub(super) fn refuse(settings: &Settings, subject: &str, pending: &Pending) {
    let error = not_allowed(settings, subject);
    pending.refuse(|message| settings.subject(message) == subject, &error);
}

fn not_allowed(settings: &Settings, subject: &str) -> SendError {
    let text = format!("{}: the broker does not allow publishing to {subject:?}", settings.name);
    SendError::new(Cause::Denied, text)
}
