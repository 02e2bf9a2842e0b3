//! How far a subscriber has read, and what it gets next.
//!
//! ```text
//!   Latest ──(all that there was when it began)──▶ Following ──(too far behind)──▶ Latest
//! ```
//!
//! *Following* it gets every message, out of the history that all share. *Latest* it gets the newest of each key alone, up to
//! the message that was the last when that began: a new subscriber's last values, and what is left for one that was too
//! slow, or away for too long. Either way numbers only grow, so that whoever has read one has nothing to come before it.
//!
//! It holds no message between two pages. So a subscriber that does not read costs what it was last given, and the others
//! nothing.

use crate::channel::{Channel, Kept};
use crate::frame::Frame;
use crate::position::Position;
use std::sync::Arc;

/// How many messages one page has at most.
const MAX_PAGE: usize = 1024;

/// What a subscriber gets at once.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// How many messages it has lost that would have come before these, or between them.
    pub(crate) lost: u64,
    pub(crate) frames: Vec<Arc<Frame>>,
}

/// How far a subscriber has read.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The number that it has to read next.
    next: u64,
    /// Up to which number it gets the newest of each key alone.
    latest_until: u64,
    /// Whether it has lost what it does not get of these.
    is_loss: bool,
}

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what is still to come.
    Live,
    /// With the newest of each key.
    LastValues,
    /// Behind this number.
    After(u64),
}

impl Start {
    /// Behind the position where that is of this life of the channel, else as one who is new.
    pub(crate) fn new(channel: &Channel, after: Option<&Position>, last_values: bool) -> Self {
        let newest = channel.look(|kept| kept.next - 1);
        let known =
            after.and_then(|position| position.within(&channel.epoch)).filter(|number| *number <= newest);
        match known {
            Some(number) => Self::After(number),
            None if last_values => Self::LastValues,
            None => Self::Live,
        }
    }
}

impl Reader {
    /// One who begins there, and the number of the newest message: later ones are live.
    pub(crate) fn new(channel: &Channel, start: Start) -> (Self, u64) {
        let newest = channel.look(|kept| kept.next - 1);
        let next = match start {
            Start::Live => newest + 1,
            Start::LastValues => 1,
            Start::After(number) => number + 1,
        };
        let latest_until = if start == Start::LastValues { newest } else { 0 };
        (Self { next, latest_until, is_loss: false }, newest)
    }

    /// Whether there is nothing to be read.
    pub(crate) fn is_at_end(&self, next: u64) -> bool {
        self.next >= next
    }

    /// How many messages there are that it has not read.
    pub(crate) fn behind(&self, next: u64) -> u64 {
        next.saturating_sub(self.next)
    }

    /// The next messages; an empty page where there are none.
    pub(crate) fn read(&mut self, channel: &Channel) -> Page {
        let page = channel.look(|kept| self.page(kept, channel));
        channel.counters.lost(page.lost);
        page
    }

    fn page(&mut self, kept: &Kept, channel: &Channel) -> Page {
        if self.next >= kept.next {
            return Page::default();
        }
        if self.next > self.latest_until {
            let is_kept = kept.history.first().is_some_and(|first| first <= self.next);
            if is_kept && kept.next - self.next <= channel.limits.lag {
                return self.follow(kept, channel.limits.page_size);
            }
            (self.latest_until, self.is_loss) = (kept.next - 1, true);
        }
        self.latest(kept, channel.limits.page_size)
    }

    fn follow(&mut self, kept: &Kept, max_size: usize) -> Page {
        let (frames, _) = take(kept.history.from(self.next), max_size);
        self.next += frames.len() as u64;
        Page { lost: 0, frames }
    }

    fn latest(&mut self, kept: &Kept, max_size: usize) -> Page {
        let (frames, is_all) = take(kept.last_values.between(self.next, self.latest_until), max_size);
        let next = match frames.last() {
            Some(last) if !is_all => last.number + 1,
            _ => self.latest_until + 1,
        };
        let passed_over = next - self.next - frames.len() as u64;
        self.next = next;
        Page { lost: if self.is_loss { passed_over } else { 0 }, frames }
    }
}

/// As many as one page has, and whether these are all. One there is in any case.
fn take<'f>(frames: impl Iterator<Item = &'f Arc<Frame>>, max_size: usize) -> (Vec<Arc<Frame>>, bool) {
    let (mut taken, mut size) = (Vec::new(), 0);
    for frame in frames {
        size += frame.size();
        if !taken.is_empty() && (size > max_size || taken.len() == MAX_PAGE) {
            return (taken, false);
        }
        taken.push(frame.clone());
    }
    (taken, true)
}

#[cfg(test)]
mod tests;
