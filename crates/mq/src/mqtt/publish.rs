//! Publishing over one connection: each message with QoS 1, as many at once as the server takes, each acked with its reason.

use super::Settings;
use super::connect::{MAX_ANSWER, Opened};
use super::decode::{Packet, decode};
use super::encode;
use super::reason::{describe, outcome};
use super::window::{Sent, Window};
use crate::link::{Link, Progress, at};
use crate::pending::{Answer, Pending};
use crate::{Message, SendError};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::time::Instant;

/// Messages that are taken together.
const BATCH: usize = 256;

/// The same in bytes.
const BATCH_SIZE: usize = 1 << 20;

/// With so much to go nothing more is taken.
const OUTPUT: usize = 1 << 20;

/// What is published over one connection.
pub(super) struct Publisher {
    link: Link,
    settings: Arc<Settings>,
    window: Window,
    /// How many may be in flight, as the server says.
    receive_max: usize,
    aliases: Aliases,
}

/// Topics that the server knows by numbers.
#[derive(Debug)]
struct Aliases {
    most: u16,
    known: HashMap<String, u16>,
}

impl Aliases {
    /// What goes in place of the topic: the topic with the number by which it is known from then on, or the number alone.
    fn of<'t>(&mut self, topic: &'t str) -> (&'t str, Option<u16>) {
        if let Some(alias) = self.known.get(topic) {
            return ("", Some(*alias));
        }
        let next = u16::try_from(self.known.len() + 1).ok().filter(|next| *next <= self.most);
        if let Some(next) = next {
            self.known.insert(topic.to_owned(), next);
        }
        (topic, next)
    }
}

impl Publisher {
    pub(super) fn new(opened: Opened, settings: Arc<Settings>) -> Self {
        let Opened { link, server } = opened;
        Self {
            link,
            settings,
            window: Window::default(),
            receive_max: server.receive_max.unwrap_or(u16::MAX).into(),
            aliases: Aliases { most: server.topic_alias_max.unwrap_or(0), known: HashMap::new() },
        }
    }

    /// Publishes what is pending, until the connection is of no use any more: why, in one line.
    pub(super) async fn run(&mut self, pending: &Pending) -> String {
        loop {
            if let Err(cause) = self.step(pending).await {
                return cause;
            }
        }
    }

    async fn step(&mut self, pending: &Pending) -> Result<(), String> {
        self.read(pending)?;
        let room = match self.link.unsent() {
            0..OUTPUT => BATCH.min(self.receive_max.saturating_sub(self.window.len())),
            _ => 0,
        };
        // Acks come in the order of the messages, so the ack of the first one is missing and will be.
        let overdue = self.window.oldest().map(|oldest| oldest + 2 * pending.bounds().timeout);
        tokio::select! {
            biased;
            progress = self.link.progress(false) => {
                if progress? == Progress::Due {
                    encode::ping(self.link.output());
                }
            }
            batch = pending.take(room, BATCH_SIZE), if room > 0 => {
                let refused = batch.into_iter().filter_map(|(number, message)| {
                    self.publish(number, &message).err().map(|error| (number, Err(error)))
                });
                let refused: Vec<Answer> = refused.collect();
                pending.answer(refused);
            }
            () = at(overdue) => return Err("the broker acks others, and this message never".to_owned()),
        }
        Ok(())
    }

    /// Looks at everything that has come.
    fn read(&mut self, pending: &Pending) -> Result<(), String> {
        let mut answers = Vec::new();
        let result = loop {
            match decode(self.link.input(), MAX_ANSWER) {
                Ok(None) => break Ok(()),
                Ok(Some(Packet::PubAck { id, reason })) => {
                    let needs_subscriber = self.settings.config.needs_subscriber;
                    if let Some(Sent { number, topic, size, .. }) = self.window.take(id) {
                        let result = outcome(self.settings.name, needs_subscriber, &reason);
                        if let Err(error) = &result {
                            self.settings.refused.lock().note(&topic, size, error, Instant::now());
                        }
                        answers.push((number, result));
                    }
                }
                Ok(Some(Packet::PingResp)) => {}
                Ok(Some(Packet::Disconnect(reason))) => {
                    break Err(format!("the broker ends the connection: {}", describe(&reason)));
                }
                Ok(Some(_)) => break Err("the broker says what was not asked for".to_owned()),
                Err(cause) => break Err(cause),
            }
        };
        pending.answer(answers);
        result
    }

    /// Appends a message to what is to go.
    fn publish(&mut self, number: u64, message: &Message) -> Result<(), SendError> {
        let settings = self.settings.clone();
        let topic = settings.topic(message);
        settings.check_size(message, &topic, number)?;
        let (size, now) = (message.payload.len(), Instant::now());
        settings.refused.lock().check(&topic, size, now)?;
        let Some(id) = self.window.free_id() else { return Err(settings.no_id()) };
        let properties = settings.properties(message, number);
        let (name, alias) = self.aliases.of(&topic);
        let packet = encode::Publish { id, alias, ..settings.packet(message, name, &properties) };
        encode::publish(self.link.output(), &packet);
        self.window.push(id, Sent { number, topic, size, at: now });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_topics_have_numbers_as_the_server_takes() {
        let mut aliases = Aliases { most: 1, known: HashMap::new() };
        assert_eq!(aliases.of("a"), ("a", Some(1)));
        assert_eq!(aliases.of("a"), ("", Some(1)));
        assert_eq!(aliases.of("b"), ("b", None));
        assert_eq!(aliases.of("b"), ("b", None));
        let mut none = Aliases { most: 0, known: HashMap::new() };
        assert_eq!(none.of("a"), ("a", None));
    }
}
