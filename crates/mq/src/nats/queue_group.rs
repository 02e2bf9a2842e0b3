//! A queue group of core NATS as a source. The server keeps nothing: what is held here when the gateway ends is lost, and so
//! is what comes while all places are taken.

use super::connect::{self, Access, Connected};
use super::events::Event;
use super::record::record;
use crate::source::{Intake, Reader};
use crate::text::one_line;
use crate::{NatsQueue, NatsSourceConfig};
use async_nats::Subscriber;
use futures_util::stream::{SelectAll, select_all};
use futures_util::{FutureExt, StreamExt};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often it is looked whether the library had no room for messages.
const LOSS_INTERVAL: Duration = Duration::from_secs(1);

/// One member of a group.
#[derive(Debug)]
pub(crate) struct QueueGroup {
    config: NatsSourceConfig,
    queue: NatsQueue,
    /// Which of the addresses is tried first.
    first: usize,
}

/// Its connection.
pub(crate) struct QueueSession {
    connected: Connected,
    messages: SelectAll<Subscriber>,
}

impl QueueGroup {
    pub(crate) fn new(config: &NatsSourceConfig, queue: &NatsQueue) -> Self {
        Self { config: config.clone(), queue: queue.clone(), first: 0 }
    }
}

impl Reader for QueueGroup {
    type Session = QueueSession;

    async fn connect(&mut self, intake: &Intake) -> Result<QueueSession, String> {
        let first = self.first % self.config.addrs.len().max(1);
        self.first = first + 1;
        let connected = connect::connect(access(&self.config, intake), first).await?;
        let mut subscribers = Vec::new();
        for subject in &self.queue.subjects {
            let subscribed = connected.client.queue_subscribe(subject.clone(), self.queue.group.clone());
            subscribers.push(subscribed.await.map_err(|error| one_line(&error.to_string()))?);
        }
        // From here on nothing is missed.
        connected.client.flush().await.map_err(|error| one_line(&error.to_string()))?;
        Ok(QueueSession { connected, messages: select_all(subscribers) })
    }

    async fn run(&mut self, session: &mut QueueSession, intake: &Intake) -> String {
        let QueueSession { connected, messages } = session;
        let mut looking = tokio::time::interval(LOSS_INTERVAL);
        let mut room = 0;
        loop {
            let has_room = room > 0;
            tokio::select! {
                biased;
                event = connected.events.next() => match event {
                    Event::Lost(cause) => return cause,
                    // Nothing is published.
                    Event::MayNotPublish(_) => {}
                },
                _ = looking.tick() => {
                    let dropped = connected.events.dropped.swap(0, Ordering::Relaxed);
                    intake.gone(dropped, "messages came faster than they could be taken, and are lost");
                }
                // The server is told nothing.
                ended = intake.ended() => intake.told(ended.len()),
                more = intake.room(), if !has_room => room = more,
                message = messages.next(), if has_room => {
                    let Some(message) = message else { return "the connection was closed".to_owned() };
                    let mut records = vec![record(message, "", false)];
                    while records.len() < room && let Some(Some(message)) = messages.next().now_or_never() {
                        records.push(record(message, "", false));
                    }
                    intake.take(records);
                    room = 0;
                }
            }
        }
    }

    fn lost(&mut self, _: &Intake) {}

    async fn leave(&mut self, _: QueueSession, _: &Intake) {}
}

/// By what a source connects.
pub(super) fn access<'a>(config: &'a NatsSourceConfig, intake: &'a Intake) -> Access<'a> {
    Access {
        name: intake.name(),
        addrs: &config.addrs,
        credentials: &config.credentials,
        tls: config.tls.as_ref(),
        timeout: intake.bounds().connect_timeout,
        messages: intake.bounds().messages,
        reads: true,
    }
}
