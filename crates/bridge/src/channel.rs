//! What subscribers get in one order: the messages of a topic, or those of several at a flat path.
//!
//! ```text
//!   pump ─▶ publish: number, key, text ─▶ History: the last ones ─┐
//!                                      └▶ LastValues: by key     ─┴─▶ Reader of each subscriber
//!        ─▶ announce ─▶ Signal ─▶ everybody wakes
//! ```

use crate::counters::ChannelCounters;
use crate::deflate::Deflater;
use crate::envelope::{self, Form};
use crate::frame::Frame;
use crate::history::History;
use crate::key::KeyRule;
use crate::last_values::LastValues;
use crate::position::Epoch;
use crate::{ChannelLimits, FlatConfig, Message, TopicConfig};
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use tokio::sync::watch;

/// What wakes subscribers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signal {
    /// The number of the message that comes next, as far as it was announced.
    pub(crate) next: u64,
    /// Changes when those who are here have to come again, to be judged anew.
    pub(crate) generation: u32,
    /// Nobody is served any more.
    pub(crate) is_over: bool,
}

/// The messages of a topic, or of several.
#[derive(Debug)]
pub(crate) struct Channel {
    /// The topic, or the flat path.
    pub(crate) name: String,
    /// The topics whose messages these are.
    pub(crate) topics: Vec<String>,
    pub(crate) form: Form,
    pub(crate) limits: ChannelLimits,
    pub(crate) epoch: Epoch,
    pub(crate) counters: ChannelCounters,
    pub(crate) deflater: Arc<Deflater>,
    key: KeyRule,
    /// Held while a message gets its number and its text, so that they are in order.
    publishing: Mutex<()>,
    kept: RwLock<Kept>,
    signal: watch::Sender<Signal>,
}

/// What is kept of the messages.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) history: History,
    pub(crate) last_values: LastValues,
    /// The number of the message that comes next. The first is 1.
    pub(crate) next: u64,
}

impl Channel {
    /// One for a topic.
    pub(crate) fn of_topic(topic: &TopicConfig, limits: ChannelLimits, deflater: Arc<Deflater>) -> Self {
        let topics = vec![topic.name.clone()];
        Self::new(topic.name.clone(), topics, Form::Envelope, topic.key.clone(), limits, deflater)
    }

    /// One for a flat path.
    pub(crate) fn of_flat(flat: &FlatConfig, limits: ChannelLimits, deflater: Arc<Deflater>) -> Self {
        Self::new(flat.path.clone(), flat.topics.clone(), Form::Flat, flat.key.clone(), limits, deflater)
    }

    fn new(
        name: String,
        topics: Vec<String>,
        form: Form,
        key: KeyRule,
        limits: ChannelLimits,
        deflater: Arc<Deflater>,
    ) -> Self {
        let kept = Kept {
            history: History::new(limits.history, limits.history_size),
            last_values: LastValues::new(limits.last_values, limits.last_values_size),
            next: 1,
        };
        Self {
            name,
            topics,
            form,
            key,
            epoch: Epoch::random(),
            counters: ChannelCounters::default(),
            deflater,
            publishing: Mutex::default(),
            kept: RwLock::new(kept),
            signal: watch::Sender::new(Signal { next: 1, ..Signal::default() }),
            limits,
        }
    }

    /// Gives the message a number. Nobody is woken by it.
    pub(crate) fn publish(&self, message: &Message) {
        let key = self.key.key(message);
        let _publishing = self.publishing.lock();
        let number = self.kept.read().next;
        let mut text = Frame::room();
        if !envelope::write(self.form, number, &key, message, &mut text) {
            return self.counters.unreadable();
        }
        let frame = Arc::new(Frame::new(number, key, text));
        let mut kept = self.kept.write();
        kept.history.push(frame.clone());
        let forgotten = kept.last_values.put(frame);
        kept.next += 1;
        drop(kept);
        self.counters.published(forgotten);
    }

    /// Wakes those who wait for what was published.
    pub(crate) fn announce(&self) {
        let next = self.kept.read().next;
        self.signal.send_if_modified(|signal| {
            let is_new = signal.next != next;
            signal.next = next;
            is_new
        });
    }

    /// Has everybody who is here come again.
    pub(crate) fn end_all(&self) {
        self.signal.send_modify(|signal| signal.generation = signal.generation.wrapping_add(1));
    }

    /// Serves nobody any more.
    pub(crate) fn close(&self) {
        self.signal.send_modify(|signal| signal.is_over = true);
    }

    pub(crate) fn follow(&self) -> watch::Receiver<Signal> {
        self.signal.subscribe()
    }

    /// Calls `look` with what is kept. It must be quick: nothing is published meanwhile.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Kept) -> T) -> T {
        look(&self.kept.read())
    }
}
