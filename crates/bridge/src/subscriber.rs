//! One subscriber, whatever carries it: what it gets next, and when that is over.

use crate::channel::{Channel, Signal};
use crate::counters::Transport;
use crate::notice::{Goodbye, Notice};
use crate::places::Place;
use crate::position::Position;
use crate::reader::{Page, Reader, Start};
use crate::settings::SessionSettings;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::debug;

/// Who was told to come again does so within this time, not all at once.
const RETRY: std::ops::Range<u64> = 500..3000;

/// What a subscriber gets next.
#[derive(Debug)]
pub(crate) enum Next {
    Page(Page),
    Heartbeat(Notice),
    End(Goodbye),
}

/// One subscriber.
pub(crate) struct Subscriber {
    pub(crate) channel: Arc<Channel>,
    pub(crate) transport: Transport,
    pub(crate) settings: Arc<SessionSettings>,
    reader: Reader,
    signal: watch::Receiver<Signal>,
    generation: u32,
    /// Fires once in each interval, and is not touched by what is sent in between.
    beat: Pin<Box<Sleep>>,
    /// When its credentials expire.
    expires: Option<SystemTime>,
    /// How many messages it was given, and has lost.
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    _place: Place,
}

/// Where a subscriber wants to begin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) after: Option<Position>,
    pub(crate) last_values: bool,
}

impl Subscriber {
    /// A new one, and what it is told first.
    pub(crate) fn new(
        channel: Arc<Channel>,
        transport: Transport,
        settings: Arc<SessionSettings>,
        wish: &Wish,
        expires: Option<SystemTime>,
        place: Place,
    ) -> (Self, Notice) {
        let signal = channel.follow();
        let start = Start::new(&channel, wish.after.as_ref(), wish.last_values);
        let (reader, newest) = Reader::new(&channel, start);
        let welcome = Notice::welcome(&channel, start, newest);
        channel.counters.came(transport);
        let generation = signal.borrow().generation;
        let beat = Box::pin(sleep_until(Instant::now() + settings.heartbeat));
        let subscriber = Self {
            channel,
            transport,
            settings,
            reader,
            signal,
            generation,
            beat,
            expires,
            sent: 0,
            lost: 0,
            _place: place,
        };
        (subscriber, welcome)
    }

    /// Waits for what comes next.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is taken before it is returned.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            let signal = *self.signal.borrow_and_update();
            if signal.is_over {
                return Next::End(Goodbye::Draining);
            }
            if signal.generation != self.generation {
                return Next::End(Goodbye::AccessChanged);
            }
            if !self.reader.is_at_end(signal.next) {
                let page = self.reader.read(&self.channel);
                self.sent += page.frames.len() as u64;
                self.lost += page.lost;
                self.channel.counters.sent(page.frames.len());
                return Next::Page(page);
            }
            tokio::select! {
                // It does not fail: the channel is held here.
                _ = self.signal.changed() => {}
                () = self.beat.as_mut() => {
                    let interval = self.settings.heartbeat;
                    self.beat.as_mut().reset(Instant::now() + interval);
                    if self.has_expired() {
                        return Next::End(Goodbye::AccessChanged);
                    }
                    return Next::Heartbeat(Notice::heartbeat(signal.next - 1));
                }
            }
        }
    }

    /// How many messages wait for it.
    pub(crate) fn behind(&self) -> u64 {
        self.reader.behind(self.signal.borrow().next)
    }

    /// What it is told last.
    pub(crate) fn goodbye(&self, why: Goodbye) -> Notice {
        Notice::goodbye(why, Duration::from_millis(rand::random_range(RETRY)))
    }

    /// Looked at with each heartbeat, where that is enforced.
    fn has_expired(&self) -> bool {
        self.expires.is_some_and(|end| end <= SystemTime::now()) && (self.settings.enforce)()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.channel.counters.went(self.transport);
        let (channel, transport) = (&self.channel.name, self.transport.as_str());
        debug!(channel, transport, sent = self.sent, lost = self.lost, "a subscriber has left");
    }
}
