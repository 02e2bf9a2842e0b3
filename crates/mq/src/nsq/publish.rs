//! Publishing over one connection: a `PUB` for each message, as many as there are, each answered in its turn.

use super::Settings;
use super::command::{line, with_body};
use super::connect::Opened;
use super::frame::{Failure, Frame, decode};
use super::refusal::{max_size, refused};
use crate::link::{Link, at};
use crate::pending::{Answer, Pending};
use crate::{Cause, Message, SendError};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::Instant;

/// Messages that are taken together.
const BATCH: usize = 256;

/// The same in bytes.
const BATCH_SIZE: usize = 1 << 20;

/// With so much to go nothing more is taken.
const OUTPUT: usize = 1 << 20;

/// Bytes of an answer, at most.
const MAX_ANSWER: usize = 64 << 10;

/// What is published over one connection.
pub(super) struct Publisher {
    link: Link,
    settings: Arc<Settings>,
    /// In their order, in which they are answered.
    sent: VecDeque<Sent>,
}

#[derive(Debug)]
struct Sent {
    number: u64,
    topic: String,
    at: Instant,
}

impl Publisher {
    pub(super) fn new(opened: Opened, settings: Arc<Settings>) -> Self {
        Self { link: opened.link, settings, sent: VecDeque::new() }
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
        // What has ended by its deadline is in flight still, here.
        let most = pending.bounds().messages.saturating_mul(4);
        let may_take = self.link.unsent() < OUTPUT && self.sent.len() < most;
        let overdue = self.sent.front().map(|sent| sent.at + 2 * pending.bounds().timeout);
        tokio::select! {
            biased;
            // Signs of life are answered, not given.
            progress = self.link.progress(false) => progress.map(|_| ()),
            batch = pending.take(BATCH, BATCH_SIZE), if may_take => {
                let refused = batch.into_iter().filter_map(|(number, message)| {
                    self.publish(number, &message).err().map(|error| (number, Err(error)))
                });
                let refused: Vec<Answer> = refused.collect();
                pending.answer(refused);
                Ok(())
            }
            () = at(overdue) => Err("the broker does not answer its messages any more".to_owned()),
        }
    }

    /// Looks at everything that has come.
    fn read(&mut self, pending: &Pending) -> Result<(), String> {
        let mut answers = Vec::new();
        let result = loop {
            match decode(self.link.input(), MAX_ANSWER) {
                Ok(None) => break Ok(()),
                Ok(Some(Frame::Heartbeat)) => line(self.link.output(), "NOP"),
                Ok(Some(Frame::Response(_))) => match self.sent.pop_front() {
                    Some(sent) => answers.push((sent.number, Ok(()))),
                    None => break Err("the broker answers what was not asked".to_owned()),
                },
                Ok(Some(Frame::Error(failure))) => {
                    pending.answer(std::mem::take(&mut answers));
                    break Err(self.failed(&failure, pending));
                }
                Ok(Some(Frame::Message(_))) => break Err("the broker sends messages unasked".to_owned()),
                Err(cause) => break Err(cause),
            }
        };
        pending.answer(answers);
        result
    }

    /// The first one in flight was refused, and the connection ends: the others were not looked at.
    fn failed(&mut self, failure: &Failure, pending: &Pending) -> String {
        if let Some(Sent { number, topic, .. }) = self.sent.pop_front() {
            let error = refused(self.settings.name, failure);
            if let Some(max) = max_size(failure) {
                self.settings.denied.lock().note_size(max, Instant::now());
            }
            if matches!(error.cause, Cause::Denied | Cause::Refused) {
                self.settings.denied.lock().note(topic, &error, Instant::now());
            }
            pending.answer([(number, Err(error))]);
            pending.put_back(self.sent.drain(..).map(|sent| sent.number));
        }
        format!("it ends behind what it refuses: {}", failure.text)
    }

    /// Appends a message to what is to go.
    fn publish(&mut self, number: u64, message: &Message) -> Result<(), SendError> {
        let (settings, now) = (&self.settings, Instant::now());
        let topic = settings.topic(message);
        settings.denied.lock().check(&topic, now)?;
        let body = settings.body(message, number);
        settings.check_size(body.len())?;
        with_body(self.link.output(), &format!("PUB {topic}"), &body);
        self.sent.push_back(Sent { number, topic, at: now });
        Ok(())
    }
}
