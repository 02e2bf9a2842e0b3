//! Producing what is pending.
//!
//! ```text
//!   pending ─▶ Topic: waiting ─▶ the library ─▶ acked, or failed
//!                 ▲     │             │
//!                 │     └─ asked about ◀─ not known to it
//!                 └──────── alone ◀── refused with its batch
//! ```
//!
//! A topic that brokers know nothing of waits by itself: it holds up no other.

use super::Settings;
use super::connect::describe;
use super::refusal::{Verdict, verdict};
use super::topic::{Next, Numbered, Topic};
use crate::Message;
use crate::pending::{Answer, Pending};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use krafka::KrafkaError;
use krafka::producer::{DeliveryHandle, Producer, RecordMetadata};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::time::Instant;

/// Messages that are taken together, and outcomes that are told together.
const BATCH: usize = 512;

/// The same in bytes.
const BATCH_SIZE: usize = 1 << 20;

/// What is produced by one producer.
pub(super) struct Publisher {
    producer: Arc<Producer>,
    settings: Arc<Settings>,
    topics: HashMap<String, Topic>,
    deliveries: FuturesUnordered<BoxFuture<'static, Delivered>>,
    asked: FuturesUnordered<BoxFuture<'static, Asked>>,
    /// What the library and the topics here hold, with messages whose own time is over.
    held: (usize, usize),
    last_ack: Instant,
}

/// The end of a record.
struct Delivered {
    topic: String,
    message: Numbered,
    is_alone: bool,
    result: Result<RecordMetadata, KrafkaError>,
}

/// What brokers say of a topic.
struct Asked {
    topic: String,
    result: Result<(), KrafkaError>,
}

impl Publisher {
    pub(super) fn new(producer: Arc<Producer>, settings: Arc<Settings>) -> Self {
        Self {
            producer,
            settings,
            topics: HashMap::new(),
            deliveries: FuturesUnordered::new(),
            asked: FuturesUnordered::new(),
            held: (0, 0),
            last_ack: Instant::now(),
        }
    }

    /// Produces what is pending, until the producer is of no use any more: why, in one line.
    pub(super) async fn run(&mut self, pending: &Pending) -> String {
        loop {
            let room = self.room();
            let ended = tokio::select! {
                biased;
                Some(delivered) = self.deliveries.next() => self.delivered(delivered, pending),
                Some(asked) = self.asked.next() => self.answered(asked, pending),
                batch = pending.take(room, BATCH_SIZE), if room > 0 => {
                    for message in batch {
                        self.held.0 += 1;
                        self.held.1 += message.1.size();
                        let topic = self.settings.topic(&message.1);
                        self.topics.entry(topic.clone()).or_default().push(message);
                        self.advance(&topic, pending);
                    }
                    None
                }
            };
            if let Some(cause) = ended {
                // What has not left goes out over the next one.
                let waiting = self.topics.values_mut().flat_map(Topic::take_all);
                pending.put_back(waiting.map(|(number, _)| number));
                return cause;
            }
        }
    }

    /// How many messages may be taken now: what has ended by its deadline counts here until the library has ended it.
    fn room(&self) -> usize {
        let (messages, bytes) = self.held;
        let bounds = &self.settings.bounds;
        if bytes >= bounds.bytes { 0 } else { bounds.messages.saturating_sub(messages).min(BATCH) }
    }

    /// Hands to the library whatever of a topic may go.
    fn advance(&mut self, name: &str, pending: &Pending) {
        loop {
            let Some(topic) = self.topics.get_mut(name) else { return };
            let (message, is_alone) = match topic.next() {
                Next::Together(message) => (message, false),
                Next::Alone(message) => (message, true),
                Next::Nothing => {
                    if topic.is_idle() {
                        self.topics.remove(name);
                    }
                    return;
                }
            };
            let record = self.settings.record(message.0, &message.1);
            match self.producer.enqueue(record).now_or_never() {
                Some(Ok(handle)) => {
                    topic.in_flight += 1;
                    self.deliveries.push(deliver(name.to_owned(), message, is_alone, handle).boxed());
                }
                Some(Err(error)) => {
                    let error = match verdict(self.settings.name, &error, false) {
                        Verdict::Batch(error) | Verdict::Ended(error) | Verdict::Over(error) => error,
                    };
                    self.end(&message.1);
                    pending.answer([(message.0, Err(error))]);
                }
                // Brokers have to be asked about the topic.
                None => {
                    topic.put_back(message);
                    topic.is_asked = true;
                    self.asked.push(ask(self.producer.clone(), name.to_owned()).boxed());
                }
            }
        }
    }

    /// A record has ended, and perhaps more. Why the producer is over, if it is.
    fn delivered(&mut self, first: Delivered, pending: &Pending) -> Option<String> {
        let (mut answers, mut over) = (Vec::<Answer>::new(), None);
        let mut next = Some(first);
        let mut touched = Vec::new();
        while let Some(delivered) = next {
            if touched.last() != Some(&delivered.topic) {
                touched.push(delivered.topic.clone());
            }
            over = over.or(self.note(delivered, &mut answers, pending));
            next = match answers.len() {
                BATCH.. => None,
                _ => self.deliveries.next().now_or_never().flatten(),
            };
        }
        pending.answer(answers);
        for topic in touched {
            self.advance(&topic, pending);
        }
        over
    }

    fn note(&mut self, delivered: Delivered, answers: &mut Vec<Answer>, pending: &Pending) -> Option<String> {
        let Delivered { topic, message, is_alone, result } = delivered;
        let is_quiet = self.last_ack.elapsed() >= self.settings.delivery_timeout();
        let topic = self.topics.entry(topic).or_default();
        topic.in_flight = topic.in_flight.saturating_sub(1);
        let (result, over) = match result {
            Ok(metadata) => {
                self.last_ack = Instant::now();
                if metadata.is_deduplicated() {
                    pending.metrics().duplicate();
                }
                (Ok(()), None)
            }
            Err(error) => match verdict(self.settings.name, &error, is_quiet) {
                Verdict::Batch(_) if !is_alone => {
                    topic.doubt(message);
                    return None;
                }
                Verdict::Batch(refused) | Verdict::Ended(refused) => (Err(refused), None),
                Verdict::Over(refused) => (Err(refused), Some(describe(&error))),
            },
        };
        self.end(&message.1);
        answers.push((message.0, result));
        over
    }

    /// Brokers have told of a topic, or do not know it.
    fn answered(&mut self, asked: Asked, pending: &Pending) -> Option<String> {
        let Asked { topic: name, result } = asked;
        let topic = self.topics.get_mut(&name)?;
        topic.is_asked = false;
        let Err(error) = result else {
            self.advance(&name, pending);
            return None;
        };
        let is_quiet = self.last_ack.elapsed() >= self.settings.delivery_timeout();
        let (refused, over) = match verdict(self.settings.name, &error, is_quiet) {
            Verdict::Over(refused) => (refused, Some(describe(&error))),
            Verdict::Batch(refused) | Verdict::Ended(refused) => (refused, None),
        };
        let waiting: Vec<Numbered> = topic.take_all().collect();
        for (_, message) in &waiting {
            self.end(message);
        }
        pending.answer(waiting.into_iter().map(|(number, _)| (number, Err(refused.clone()))));
        self.advance(&name, pending);
        over
    }

    fn end(&mut self, message: &Message) {
        self.held.0 = self.held.0.saturating_sub(1);
        self.held.1 = self.held.1.saturating_sub(message.size());
    }
}

async fn deliver(topic: String, message: Numbered, is_alone: bool, handle: DeliveryHandle) -> Delivered {
    let result = handle.await;
    Delivered { topic, message, is_alone, result }
}

async fn ask(producer: Arc<Producer>, topic: String) -> Asked {
    let result = producer.partitions_for(&topic).await.map(drop);
    Asked { topic, result }
}
