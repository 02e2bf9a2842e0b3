//! A durable consumer of JetStream as a source, from which messages are pulled.
//!
//! ```text
//!   MSG.NEXT ─▶ messages, each with the subject of its ack ─▶ held ─▶ +ACK, +TERM ─▶ the server says that it has it
//!                                                               └─(a tick)─▶ +WPI: it is still worked on
//! ```
//!
//! An ack goes to a subject, over whatever connection. So what is held when a connection is lost is acked over the next one.

mod ack_subject;
pub(super) mod consumer;
mod held;

use super::connect::{self, Connected};
use super::events::Event;
use super::queue_group::access;
use super::record::record;
use crate::source::{Intake, Reader};
use crate::{JetStreamConsumer, NatsSourceConfig};
use ack_subject::AckSubject;
use async_nats::{Message, StatusCode};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use held::Held;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// How long the server waits for messages before it says that there are none.
const EXPIRES: Duration = Duration::from_secs(2);

/// Messages that are looked at before something else is.
const BATCH: usize = 256;

/// What is said of a message that is still worked on.
const IN_PROGRESS: &[u8] = b"+WPI";

/// What is said of a message that is given back.
const NOT_ACKED: &[u8] = b"-NAK";

/// What is told of messages that are not there any more.
const CLOSED: &str = "the connection was closed";

/// One consumer of a stream.
#[derive(Debug)]
pub(crate) struct JetStreamReader {
    config: NatsSourceConfig,
    consumer: JetStreamConsumer,
    first: usize,
    held: Held,
}

/// Its connection.
#[derive(Debug)]
pub(crate) struct PullSession {
    connected: Connected,
    /// How many messages the server may send yet, and until when.
    pull: Option<(usize, Instant)>,
    pulls: u64,
    ack_wait: Duration,
}

impl JetStreamReader {
    pub(crate) fn new(config: &NatsSourceConfig, consumer: &JetStreamConsumer) -> Self {
        Self { config: config.clone(), consumer: consumer.clone(), first: 0, held: Held::default() }
    }

    /// What the server sends: a message, what became of a pull, or the end of an ack. An error ends the session.
    fn take(
        &mut self,
        session: &mut PullSession,
        intake: &Intake,
        answers: impl IntoIterator<Item = Message>,
    ) -> Result<(), String> {
        let (mut records, mut numbered, mut told, mut pending) = (Vec::new(), Vec::new(), 0, None);
        let mut failed = None;
        for answer in answers {
            if let Some(token) = token(&answer.subject, &session.connected.inbox)
                && let Some(sequence) = self.held.ack_of(token)
            {
                // Silence would be taken for an ack that is on its way.
                if answer.status == Some(StatusCode::NO_RESPONDERS) {
                    failed = Some(format!("the consumer {:?} is not there any more", self.consumer.durable));
                    continue;
                }
                told += usize::from(self.held.acked(token, sequence));
                continue;
            }
            match (answer.status, AckSubject::parse(answer.reply.as_deref().unwrap_or_default())) {
                (None, Some(ack)) => {
                    if let Some((left, _)) = &mut session.pull {
                        *left = left.saturating_sub(1);
                    }
                    pending = Some(ack.pending);
                    if self.held.knows(&ack) {
                        continue;
                    }
                    let place = ack.stream_sequence.to_string();
                    let is_redelivered = ack.deliveries > 1;
                    records.push(record(answer, &place, is_redelivered));
                    numbered.push(ack);
                }
                (Some(status), _) => match status.as_u16() {
                    // A sign of life, or flow control.
                    100 => {}
                    // No messages, or not within the time.
                    404 | 408 => session.pull = None,
                    409 if is_passing(answer.description.as_deref()) => session.pull = None,
                    _ => {
                        let why = answer.description.as_deref().unwrap_or("nobody answers");
                        failed = Some(format!("the consumer {:?}: {why}", self.consumer.durable));
                    }
                },
                (None, None) => {}
            }
        }
        for (number, ack) in intake.take(records).into_iter().zip(numbered) {
            self.held.insert(number, ack);
        }
        if let Some(pending) = pending {
            intake.set_backlog(Some(pending + self.held.len() as u64));
        }
        intake.told(told);
        failed.map_or(Ok(()), Err)
    }

    async fn pull(&self, session: &mut PullSession, count: usize, silence: Duration) -> Result<(), String> {
        session.pulls += 1;
        let expires = u64::try_from(EXPIRES.as_nanos()).unwrap_or(u64::MAX);
        let request = json!({ "batch": count, "expires": expires }).to_string();
        let JetStreamConsumer { stream, durable, .. } = &self.consumer;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}");
        let reply = format!("{}.p{}", session.connected.inbox, session.pulls);
        let client = &session.connected.client;
        client.publish_with_reply(subject, reply, request.into()).await.map_err(|_| CLOSED.to_owned())?;
        session.pull = Some((count, Instant::now() + EXPIRES + silence));
        Ok(())
    }

    /// Tells the server what has ended, or is to be told once more.
    async fn ack(&mut self, session: &PullSession) -> Result<(), String> {
        for (token, subject, word) in self.held.take_unsent() {
            let reply = format!("{}.{token}", session.connected.inbox);
            let word = Bytes::from_static(word);
            let sent = session.connected.client.publish_with_reply(subject, reply, word).await;
            sent.map_err(|_| CLOSED.to_owned())?;
        }
        Ok(())
    }

    /// Says one word of everything that is held.
    async fn say(&self, session: &PullSession, word: &'static [u8]) -> Result<(), String> {
        for subject in self.held.subjects() {
            let said = session.connected.client.publish(subject, Bytes::from_static(word)).await;
            said.map_err(|_| CLOSED.to_owned())?;
        }
        Ok(())
    }
}

/// By what an answer is told apart, which comes to the inbox. A message comes by its own subject, which may end in a number
/// as well.
fn token(subject: &str, inbox: &str) -> Option<u64> {
    subject.strip_prefix(inbox)?.strip_prefix('.')?.parse().ok()
}

/// Of what a server says of a pull with 409: whether another one may do.
fn is_passing(description: Option<&str>) -> bool {
    let text = description.unwrap_or_default().to_ascii_lowercase();
    ["max", "exceeded", "leadership", "batch completed", "interest"].iter().any(|word| text.contains(word))
        && !text.contains("deleted")
}

impl Reader for JetStreamReader {
    type Session = PullSession;

    async fn connect(&mut self, intake: &Intake) -> Result<PullSession, String> {
        let first = self.first % self.config.addrs.len().max(1);
        self.first = first + 1;
        let connected = connect::connect(access(&self.config, intake), first).await?;
        let (client, next) = (&connected.client, self.held.next());
        let ack_wait =
            consumer::ensure(client, intake.name(), &self.consumer, next, *intake.bounds()).await?;
        // Of those that were told over another connection it is not known whether that came.
        self.held.send_again();
        Ok(PullSession { connected, pull: None, pulls: 0, ack_wait })
    }

    async fn run(&mut self, session: &mut PullSession, intake: &Intake) -> String {
        if let Err(cause) = self.ack(session).await {
            return cause;
        }
        let silence = intake.bounds().silence;
        let mut working = interval(session.ack_wait / 3);
        working.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let pull = session.pull;
            let (is_pulling, overdue) =
                (pull.is_some_and(|(left, _)| left > 0), pull.map(|(_, until)| until));
            let late = async {
                match overdue.filter(|_| is_pulling) {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            let done = tokio::select! {
                biased;
                event = session.connected.events.next() => match event {
                    Event::Lost(cause) => Err(cause),
                    Event::MayNotPublish(subject) => {
                        Err(format!("the broker does not allow publishing to {subject:?}"))
                    }
                },
                ended = intake.ended() => {
                    self.held.end(&ended);
                    self.ack(session).await
                }
                answer = session.connected.answers.next() => match answer {
                    None => Err(CLOSED.to_owned()),
                    Some(answer) => {
                        let mut answers = vec![answer];
                        while answers.len() < BATCH
                            && let Some(Some(answer)) = session.connected.answers.next().now_or_never()
                        {
                            answers.push(answer);
                        }
                        self.take(session, intake, answers)
                    }
                },
                room = intake.room(), if !is_pulling => self.pull(session, room, silence).await,
                _ = working.tick() => self.say(session, IN_PROGRESS).await,
                () = late => Err(format!("the broker has not answered for {silence:?}")),
            };
            if let Err(cause) = done {
                return cause;
            }
        }
    }

    fn lost(&mut self, _: &Intake) {}

    async fn leave(&mut self, mut session: PullSession, _: &Intake) {
        // Else the server would give to us again what we give back.
        let _ = session.connected.answers.unsubscribe().await;
        // What can't be said the server notices after `ack_wait`.
        let _ = self.say(&session, NOT_ACKED).await;
        let _ = session.connected.client.flush().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_to_the_inbox_is_an_answer() {
        assert_eq!(token("_INBOX.x.7", "_INBOX.x"), Some(7));
        for subject in ["orders.7", "_INBOX.x.p7", "_INBOX.xy.7", "_INBOX.x", "7"] {
            assert_eq!(token(subject, "_INBOX.x"), None, "{subject}");
        }
    }

    #[test]
    fn a_consumer_that_is_gone_is_told_from_a_pull_that_is_over() {
        for text in ["Exceeded MaxAckPending", "Exceeded MaxWaiting", "Leadership Change", "Batch Completed"]
        {
            assert!(is_passing(Some(text)), "{text}");
        }
        for text in ["Consumer Deleted", "Consumer is push based", "Server Shutdown"] {
            assert!(!is_passing(Some(text)), "{text}");
        }
        assert!(!is_passing(None));
    }
}
