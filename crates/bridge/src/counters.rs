//! What is counted of a channel and of those who come.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// By what a subscriber is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// WebSocket.
    WebSocket,
    /// Server-sent events.
    Events,
}

impl Transport {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::WebSocket, Self::Events];

    /// As a label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Events => "sse",
        }
    }
}

/// What is counted of a channel.
#[derive(Debug, Default)]
pub(crate) struct ChannelCounters {
    messages: AtomicU64,
    sent: AtomicU64,
    lost: AtomicU64,
    forgotten: AtomicU64,
    unreadable: AtomicU64,
    subscribers: [AtomicUsize; 2],
}

/// The same at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelCounts {
    /// Messages that got a number.
    pub messages: u64,
    /// Messages that were given to subscribers, each counted for each.
    pub sent: u64,
    /// Messages that subscribers were too slow for or away, each counted for each.
    pub lost: u64,
    /// Keys whose last value was forgotten for want of room.
    pub forgotten: u64,
    /// Messages that are no text, which a flat path can't show.
    pub unreadable: u64,
    /// Who is subscribed, by transport.
    pub subscribers: [usize; 2],
}

impl ChannelCounters {
    pub(crate) fn published(&self, forgotten: u64) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.forgotten.fetch_add(forgotten, Ordering::Relaxed);
    }

    pub(crate) fn unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, count: usize) {
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self, count: u64) {
        if count > 0 {
            self.lost.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn came(&self, transport: Transport) {
        self.subscribers[transport as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn went(&self, transport: Transport) {
        self.subscribers[transport as usize].fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> ChannelCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ChannelCounts {
            messages: count(&self.messages),
            sent: count(&self.sent),
            lost: count(&self.lost),
            forgotten: count(&self.forgotten),
            unreadable: count(&self.unreadable),
            subscribers: [0, 1].map(|at| self.subscribers[at].load(Ordering::Relaxed)),
        }
    }
}

/// Why somebody is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The page is of an origin that is not allowed.
    Origin,
    /// The name by which the bridge was reached is not its own.
    Host,
    /// The credentials are missing or wrong, or have failed too often.
    Credentials,
    /// The rules do not let it see the topic.
    Rules,
    /// The topic is not bridged.
    Topic,
    /// There are as many subscribers as there may be.
    Crowded,
    /// The request is no good.
    Request,
}

impl Refusal {
    /// All, in the order of their numbers.
    pub(crate) const ALL: [Self; 7] =
        [Self::Origin, Self::Host, Self::Credentials, Self::Rules, Self::Topic, Self::Crowded, Self::Request];

    /// As a label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Host => "host",
            Self::Credentials => "credentials",
            Self::Rules => "rules",
            Self::Topic => "topic",
            Self::Crowded => "crowded",
            Self::Request => "request",
        }
    }
}

/// How many were not served, by why.
#[derive(Debug, Default)]
pub(crate) struct Refusals([AtomicU64; Refusal::ALL.len()]);

impl Refusals {
    pub(crate) fn note(&self, why: Refusal) {
        self.0[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, why: Refusal) -> u64 {
        self.0[why as usize].load(Ordering::Relaxed)
    }
}
